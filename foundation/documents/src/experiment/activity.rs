//! Actions and probes, what carries them out, and the controls around them.

use serde_json::{Map, Value};

use super::decode::{items, value};
use super::model::*;
use crate::findings::Findings;
use crate::source::Node;

pub fn step(node: &Node, findings: &Findings) -> Option<Step> {
    match node.get("ref") {
        Some(name) => Some(Step::Ref(name.text()?.to_owned())),
        None => Some(Step::Activity(Box::new(activity(node, findings)?))),
    }
}

pub fn activity(node: &Node, findings: &Findings) -> Option<Activity> {
    named(node, node.owned("name")?, findings)
}

/// Under a name of its own or of where it stands.
pub fn named(node: &Node, name: String, findings: &Findings) -> Option<Activity> {
    let pauses = node.get("pauses");
    let pause = |field: &str| pauses.and_then(|pauses| value(pauses, field));
    Some(Activity {
        kind: match node.get("type")?.text()? {
            "action" => ActivityKind::Action,
            "probe" => ActivityKind::Probe,
            _ => return None,
        },
        name,
        provider: provider(node.get("provider")?)?,
        background: node.get("background").and_then(Node::flag).unwrap_or(false),
        pauses: Pauses { before: pause("before"), after: pause("after") },
        controls: controls(node, findings)?,
        judged: node.entry("tolerance").is_some(),
        document: node.to_json(),
        origin: findings.origin(node.span),
    })
}

fn provider(node: &Node) -> Option<Provider> {
    Some(match node.get("type")?.text()? {
        "http" => Provider::Http(HttpCall {
            url: node.owned("url")?,
            method: node.owned("method").unwrap_or_else(|| "GET".to_owned()).to_uppercase(),
            headers: mapping(node, "headers"),
            arguments: value(node, "arguments"),
            timeout: value(node, "timeout"),
            verify_tls: node.get("verify_tls").and_then(Node::flag).unwrap_or(true),
            max_retries: node.get("max_retries").and_then(Node::integer).and_then(|count| count.try_into().ok()).unwrap_or(0),
        }),
        "process" => Provider::Process(ProcessCall {
            path: node.owned("path")?,
            arguments: value(node, "arguments"),
            timeout: value(node, "timeout"),
        }),
        "python" => Provider::Python(PythonCall {
            module: node.owned("module")?,
            func: node.owned("func")?,
            arguments: mapping(node, "arguments"),
            secrets: node.get("secrets").map(|_| secrets_used(node)),
            timeout: value(node, "timeout"),
        }),
        "mainstay" => Provider::Mainstay(own_call(node)?),
        _ => return None,
    })
}

fn own_call(node: &Node) -> Option<OwnCall> {
    if let Some(name) = node.owned("scenario") {
        return Some(OwnCall::Scenario { name, environment: node.owned("environment") });
    }
    if let Some(query) = node.owned("promql") {
        return Some(OwnCall::Promql(query));
    }
    value(node, "fault").map(OwnCall::Fault)
}

/// The toolkit takes a list; one name alone is one group.
pub fn secrets_used(node: &Node) -> Vec<String> {
    match node.get("secrets").and_then(Node::text) {
        Some(one) => vec![one.to_owned()],
        None => node.texts("secrets"),
    }
}

pub fn controls(node: &Node, findings: &Findings) -> Option<Vec<Control>> {
    items(node, "controls").iter().map(|control| self::control(control, findings)).collect()
}

fn control(node: &Node, findings: &Findings) -> Option<Control> {
    let carrier = match (node.owned("ref"), node.get("provider")) {
        (Some(name), _) => Carrier::Ref(name),
        (None, provider) => carrier(node, provider?, findings)?,
    };
    Some(Control {
        name: node.owned("name").or_else(|| node.owned("ref"))?,
        scope: match node.get("scope").and_then(Node::text) {
            Some("before") => Some(Scope::Before),
            Some("after") => Some(Scope::After),
            _ => None,
        },
        automatic: node.get("automatic").and_then(Node::flag).unwrap_or(true),
        carrier,
    })
}

fn carrier(node: &Node, written: &Node, findings: &Findings) -> Option<Carrier> {
    if written.get("type")?.text()? == "python" {
        return Some(Carrier::Python { module: written.owned("module").unwrap_or_default() });
    }
    Some(Carrier::Activity(Box::new(Activity {
        kind: ActivityKind::Action,
        name: node.owned("name")?,
        provider: provider(written)?,
        background: false,
        pauses: Pauses::default(),
        controls: Vec::new(),
        judged: false,
        document: node.to_json(),
        origin: findings.origin(node.span),
    })))
}

fn mapping(node: &Node, field: &str) -> Map<String, Value> {
    match value(node, field) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}
