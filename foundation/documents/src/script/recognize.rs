//! Which files are scripts. `config` alone is a word of many formats, so it takes more than that.

use crate::source::{Node, Shape};

/// Fields of other formats: CloudFormation, Serverless Framework, OpenAPI, Taurus, Kubernetes.
const FOREIGN: [&str; 7] = ["Resources", "AWSTemplateFormatVersion", "provider", "openapi", "swagger", "execution", "apiVersion"];

pub fn is_script(tree: &Node) -> bool {
    let foreign = FOREIGN.iter().any(|field| tree.entry(field).is_some());
    !foreign && (has_journeys(tree) || tree.get("config").is_some_and(is_config))
}

/// A journey has a `flow`, or an `engine` that takes something else.
fn has_journeys(tree: &Node) -> bool {
    let scenarios = tree.get("scenarios").map(Node::items).unwrap_or_default();
    scenarios.iter().any(|journey| {
        let flow = journey.get("flow").filter(|flow| flow.shape() == Shape::Array);
        let steps = flow.is_some_and(|flow| flow.items().is_empty() || flow.items().iter().any(|step| !step.entries().is_empty()));
        steps || journey.get("engine").and_then(Node::text).is_some()
    })
}

/// Phases of arrivals, or the address of a service beside something else that Artillery has.
fn is_config(config: &Node) -> bool {
    const ARRIVALS: [&str; 4] = ["arrivalRate", "arrivalCount", "rampTo", "pause"];
    const BESIDE: [&str; 6] = ["phases", "environments", "payload", "processor", "plugins", "ensure"];
    let phases = config.get("phases").map(Node::items).unwrap_or_default();
    let arrivals = phases.iter().any(|phase| ARRIVALS.iter().any(|field| phase.entry(field).is_some()));
    let target = config.get("target").and_then(Node::text);
    let address = target.is_some_and(|target| ["http", "ws", "grpc", "{{"].iter().any(|scheme| target.starts_with(scheme)));
    arrivals || (address && BESIDE.iter().any(|field| config.entry(field).is_some()))
}

/// Whether a text is worth parsing.
pub fn may_be_script(text: &str) -> bool {
    let journeys = text.contains("scenarios") && (text.contains("flow") || text.contains("engine"));
    let load = text.contains("arrivalRate") || text.contains("arrivalCount") || text.contains("target");
    journeys || (text.contains("config") && load && (text.contains("phases") || text.contains("environments")))
}

/// Whether lines of a malformed text say that it is a script.
pub fn looks_meant(text: &str) -> bool {
    let begins = |word: &str| text.lines().any(|line| line.trim_start_matches(['{', ' ', '"']).starts_with(word));
    begins("scenarios") && text.contains("flow") && (begins("config") || begins("- flow") || begins("flow"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::yaml;

    fn recognized(text: &str) -> bool {
        may_be_script(text) && yaml::parse(text, 0).roots.iter().any(is_script)
    }

    #[test]
    fn scripts_and_their_settings_are_found() {
        for text in [
            "scenarios: [{ flow: [{ get: { url: / } }] }]",
            "{\"scenarios\": [{\"flow\": []}]}",
            "scenarios: [{ engine: playwright, flowFunction: check }]",
            "config: { phases: [{ duration: 1, arrivalRate: 2 }] }",
            "config: { target: 'https://shop.example', environments: {} }",
            "config: { target: 'http://x', phases: [] }\nscenarois: []",
        ] {
            assert!(recognized(text), "{text}");
        }
    }

    #[test]
    fn what_merely_has_config_or_scenarios_is_none() {
        for text in [
            "config: { target: es5, phases: [build, test] }",
            "config: { phases: [{ name: build }] }\ntarget: x",
            "scenarios: { load: { requests: [a], flow: no } }\nexecution: [{ scenario: load }]",
            "scenarios: [buy, browse]\nflow: x",
            "scenarios: [{ name: buy, flow: 'see the wiki' }]",
            "Resources: { A: { Type: AWS::SSM::Document } }\nscenarios: [{ flow: [{ get: {} }] }]",
            "service: shop\nprovider: { name: aws }\nconfig: { target: 'http://x', plugins: [], phases: [] }",
            "apiVersion: v1\nkind: ConfigMap\nscenarios: [{ flow: [{ get: {} }] }]",
        ] {
            assert!(!recognized(text), "{text}");
        }
    }
}
