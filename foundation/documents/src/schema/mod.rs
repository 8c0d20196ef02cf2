//! The shape of each kind, as JSON Schema. Editors read the same schemas that check the documents, so
//! they cannot drift apart.
//!
//! Besides the standard keywords, `x-reference` says that a text refers to an entity and `x-document`
//! that it names a runbook or script. Where a mapping lists its `properties` and says nothing of others, they are
//! noted (a foreign format); `additionalProperties: false` makes them errors (our own kinds). A foreign
//! format with `x-slips: true` has those that are nearly one of its fields as errors too. `x-only` says what a
//! field must hold, if it is there, for the mapping to be checked at all.

mod check;
mod formats;
pub mod template;

use std::sync::LazyLock;

use serde_json::Value;

use crate::findings::Findings;
use crate::promql::PromqlCheck;
use crate::source::Node;

/// A kind of document that has a schema.
pub struct Schema {
    /// As `mainstay schema NAME` takes it.
    pub name: &'static str,
    /// One line for people.
    pub title: &'static str,
    pub text: &'static str,
    value: LazyLock<Value>,
}

impl Schema {
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Checks a part of a document that only the reader of its kind can tell apart, against one of `$defs`.
    pub(crate) fn check_part(&self, name: &str, node: &Node, subject: &str, findings: &mut Findings, promql: &PromqlCheck) {
        let part = &self.value()["$defs"][name];
        check::Checker::new(self.value(), findings, promql).about(subject).check(part, node, node.span);
    }

    /// Reports what is wrong with the shape of a document, and collects its references.
    pub(crate) fn check(&self, node: &Node, findings: &mut Findings, promql: &PromqlCheck) {
        check::Checker::new(self.value(), findings, promql).check(self.value(), node, node.span);
    }
}

macro_rules! schemas {
    ($($constant:ident = $name:literal: $title:literal;)*) => {
        $(pub static $constant: Schema = Schema {
            name: $name,
            title: $title,
            text: include_str!(concat!("../../schemas/", $name, ".json")),
            value: LazyLock::new(|| {
                let text = include_str!(concat!("../../schemas/", $name, ".json"));
                serde_json::from_str(text).expect("the schemas are part of the source and a test reads them")
            }),
        };)*

        pub static ALL: &[&Schema] = &[$(&$constant),*];
    };
}

schemas! {
    WORKLOAD = "workload": "settings of the whole folder";
    ENTITY = "entity": "Backstage catalogue entities: Component, System, API, Resource, Group, User, Domain";
    RULES = "rules": "Prometheus rule groups: alarms and recording rules";
    EVENT_RULE = "event-rule": "which events open incidents, request runs and notify";
    SCRIPT = "script": "Artillery test scripts: scenarios";
    CANARY = "canary": "checks that run again and again";
    EXPERIMENT = "experiment": "Chaos Toolkit experiments";
    DEPLOYMENT = "deployment": "how a new version of a component goes out";
    GAME_DAY = "game-day": "game days: what a team tries out together";
    CONFIG_PROFILE = "config-profile": "configurations and feature flags, for each environment";
    RUNBOOK = "runbook": "the front matter of runbooks and playbooks in Markdown";
}

pub fn named(name: &str) -> Option<&'static Schema> {
    ALL.iter().copied().find(|schema| schema.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_is_json_with_a_title_and_described_fields() {
        for schema in ALL {
            assert!(schema.value()["title"].is_string(), "{}", schema.name);
            described(schema.value(), schema.name);
        }
    }

    fn described(schema: &Value, path: &str) {
        let Some(object) = schema.as_object() else { return };
        for (key, inner) in object {
            if key == "properties" {
                for (field, inner) in inner.as_object().into_iter().flatten() {
                    let path = format!("{path}.{field}");
                    assert!(inner.get("description").is_some() || inner.get("$ref").is_some() || inner.get("const").is_some(), "{path} has no description");
                    described(inner, &path);
                }
            } else if key != "if" {
                described(inner, path);
            }
        }
    }
}
