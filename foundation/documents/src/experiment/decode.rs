//! A checked tree → the typed experiment.

use std::time::Duration;

use serde_json::Value;

use super::activity;
use super::model::*;
use super::tolerance;
use super::EXTENSION;
use crate::diagnostic::Origin;
use crate::findings::Findings;
use crate::source::{Node, Shape};

/// Nothing if the tree lacks what an experiment must have; that has been reported.
pub fn experiment(tree: &Node, name: &str, digest: String, origin: Origin, findings: &Findings) -> Option<Experiment> {
    let steps = |field: &str| -> Option<Vec<Step>> { items(tree, field).iter().map(|node| activity::step(node, findings)).collect() };
    Some(Experiment {
        name: name.to_owned(),
        digest,
        title: tree.owned("title")?,
        description: tree.owned("description")?,
        tags: tree.texts("tags"),
        contributions: tree.text_map("contributions").into_iter().filter_map(|(of, how)| Some((of, contribution(&how)?))).collect(),
        configuration: entries(tree, "configuration", |name, node| setting(name, node, findings))?,
        secrets: entries(tree, "secrets", |_, node| secret(node))?,
        hypothesis: match tree.get("steady-state-hypothesis") {
            Some(node) => Some(hypothesis(node, findings)?),
            None => None,
        },
        method: tree.get("method").and_then(|_| steps("method"))?,
        rollbacks: steps("rollbacks")?,
        controls: activity::controls(tree, findings)?,
        runtime: tree.get("runtime").map(runtime).unwrap_or_default(),
        safety: own_extension(tree).map(safety).unwrap_or_default(),
        document: tree.to_json(),
        origin,
    })
}

pub fn items<'a>(node: &'a Node, field: &str) -> &'a [Node] {
    node.get(field).map(Node::items).unwrap_or_default()
}

/// Our extension among those of others.
pub fn own_extension(tree: &Node) -> Option<&Node> {
    items(tree, "extensions").iter().find(|extension| extension.get("name").and_then(Node::text) == Some(EXTENSION))
}

fn entries<T>(tree: &Node, field: &str, read: impl Fn(&str, &Node) -> Option<T>) -> Option<Vec<(String, T)>> {
    let entries = tree.get(field).map(Node::entries).unwrap_or_default();
    entries.iter().map(|(key, value)| Some((key.text()?.to_owned(), read(key.text()?, value)?))).collect()
}

fn contribution(text: &str) -> Option<Contribution> {
    match text {
        "high" => Some(Contribution::High),
        "medium" => Some(Contribution::Medium),
        "low" => Some(Contribution::Low),
        "none" => Some(Contribution::None),
        _ => None,
    }
}

fn setting(name: &str, node: &Node, findings: &Findings) -> Option<Setting> {
    Some(match node.get("type").and_then(Node::text) {
        Some("env") => Setting::Env {
            key: node.owned("key")?,
            default: node.entry("default").map(|(_, default)| default.to_json()),
            as_type: node.get("env_var_type").and_then(Node::text).map_or(Some(EnvType::Text), env_type)?,
        },
        Some("probe") => {
            let name = node.owned("name").unwrap_or_else(|| name.to_owned());
            Setting::Probe(Box::new(activity::named(node, name, findings)?))
        }
        _ => Setting::Literal(node.to_json()),
    })
}

pub fn env_type(name: &str) -> Option<EnvType> {
    Some(match name {
        "str" | "string" | "bytes" => EnvType::Text,
        "int" | "integer" => EnvType::Integer,
        "float" | "number" => EnvType::Number,
        "bool" => EnvType::Boolean,
        "json" => EnvType::Json,
        _ => return None,
    })
}

fn secret(node: &Node) -> Option<Secret> {
    if node.shape() != Shape::Object {
        return Some(Secret::Literal(node.to_json()));
    }
    Some(match node.get("type").and_then(Node::text) {
        Some("env") => Secret::Env { key: node.owned("key")? },
        Some("file") => Secret::File { path: node.owned("path")?, key: node.owned("key") },
        Some("vault") => Secret::Vault { path: node.owned("path")?, key: node.owned("key") },
        Some("mainstay") => Secret::Store { name: node.owned("name")? },
        _ => {
            let entries = node.entries().iter().map(|(key, value)| Some((key.text()?.to_owned(), secret(value)?)));
            Secret::Group(entries.collect::<Option<_>>()?)
        }
    })
}

fn hypothesis(node: &Node, findings: &Findings) -> Option<Hypothesis> {
    let probe = |node: &Node| {
        let written = node.entry("tolerance").map(|(_, tolerance)| tolerance)?;
        Some(HypothesisProbe { step: activity::step(node, findings)?, tolerance: tolerance::decode(written, findings)? })
    };
    Some(Hypothesis {
        title: node.owned("title")?,
        probes: items(node, "probes").iter().map(probe).collect::<Option<_>>()?,
        controls: activity::controls(node, findings)?,
    })
}

fn runtime(node: &Node) -> Runtime {
    let hypothesis = |field: &str| node.at(&["hypothesis", field]);
    let default = Runtime::default();
    Runtime {
        hypothesis: hypothesis("strategy").and_then(Node::text).and_then(HypothesisStrategy::named).unwrap_or_default(),
        rollbacks: node.at(&["rollbacks", "strategy"]).and_then(Node::text).and_then(RollbackStrategy::named).unwrap_or_default(),
        frequency: hypothesis("frequency").and_then(Node::number).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        fail_fast: hypothesis("fail_fast").and_then(Node::flag).unwrap_or(default.fail_fast),
        fail_fast_ratio: hypothesis("fail_fast_ratio").and_then(Node::number).unwrap_or(default.fail_fast_ratio),
    }
}

fn safety(node: &Node) -> Safety {
    Safety {
        targets: node.get("targets").map(targets).unwrap_or_default(),
        environment: node.owned("environment"),
        stop_when: items(node, "stopWhen").iter().filter_map(stop_when).collect(),
        deadline: node.duration("deadline"),
    }
}

fn targets(node: &Node) -> Targets {
    Targets {
        hosts: node.texts("hosts"),
        proxies: node.texts("proxies"),
        processes: node.texts("processes"),
        folders: node.texts("folders"),
        devices: node.texts("devices"),
        commands: node.texts("commands"),
    }
}

/// A text that could be a name is an alarm's; any other is PromQL.
pub fn stop_when(node: &Node) -> Option<StopWhen> {
    if let Some(text) = node.text() {
        let is_name = text.chars().all(|c| c.is_alphanumeric() || "_-.:".contains(c));
        return Some(if is_name { StopWhen::Alert(text.to_owned()) } else { StopWhen::Promql(text.to_owned()) });
    }
    node.owned("alert").map(StopWhen::Alert).or_else(|| node.owned("promql").map(StopWhen::Promql))
}

/// Seconds as a number, or a text that may become one.
pub fn value(node: &Node, field: &str) -> Option<Value> {
    node.get(field).map(Node::to_json)
}
