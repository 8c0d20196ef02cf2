//! A rule as it was written → a rule that can be evaluated. Shared rules (`$ref`) are written out.

use std::collections::HashMap;

use serde_json::Value;

use super::operator::Operator;
use super::{Fractional, Logic, version};
use crate::fault::{Faults, meant};
use crate::source::{Content, Node};

/// How many values all rules of a definition may come to once shared ones are written out.
const NODES_MAX: usize = 200_000;
/// How deep rules may share rules.
const REFERENCES_MAX: usize = 16;

pub struct Compiler<'n> {
    evaluators: HashMap<&'n str, &'n Node>,
    /// The shared rules being written out.
    inside: Vec<&'n str>,
    nodes: usize,
}

impl<'n> Compiler<'n> {
    pub fn new(evaluators: Option<&'n Node>) -> Self {
        let entries = evaluators.map(Node::entries).unwrap_or_default();
        Self { evaluators: entries.iter().map(|entry| (entry.key.as_str(), &entry.value)).collect(), inside: Vec::new(), nodes: 0 }
    }

    /// None if there is a fault in it.
    pub fn compile(&mut self, node: &'n Node, faults: &mut Faults) -> Option<Logic> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            faults.add(node.place, format!("the rules come to more than {NODES_MAX} values"), "share less, or split the definition".to_owned());
            return None;
        }
        match &node.content {
            Content::List(items) => Some(Logic::List(self.each(items, faults)?)),
            Content::Object(entries) => match &entries[..] {
                [only] if only.key == "$ref" => self.shared(&only.value, faults),
                [only] => self.operation(&only.key, node, &only.value, faults),
                _ => Some(Logic::Literal(node.to_json())),
            },
            _ => Some(Logic::Literal(node.to_json())),
        }
    }

    fn each(&mut self, items: &'n [Node], faults: &mut Faults) -> Option<Vec<Logic>> {
        // All of them are looked at, so that all faults are told.
        let compiled: Vec<Option<Logic>> = items.iter().map(|item| self.compile(item, faults)).collect();
        compiled.into_iter().collect()
    }

    fn shared(&mut self, node: &'n Node, faults: &mut Faults) -> Option<Logic> {
        let name = node.text().unwrap_or_default();
        let Some((name, rule)) = self.evaluators.get_key_value(name) else {
            let names: Vec<&str> = self.evaluators.keys().copied().collect();
            let mend = if names.is_empty() { "add it to `$evaluators`".to_owned() } else { meant(name, &names) };
            faults.add(node.place, format!("`$evaluators` has no `{name}`"), mend);
            return None;
        };
        let (name, rule) = (*name, *rule);
        if self.inside.contains(&name) || self.inside.len() >= REFERENCES_MAX {
            faults.add(node.place, format!("`{name}` refers to itself, or too deep"), None);
            return None;
        }
        self.inside.push(name);
        let compiled = self.compile(rule, faults);
        self.inside.pop();
        compiled
    }

    fn operation(&mut self, name: &str, node: &'n Node, argument: &'n Node, faults: &mut Faults) -> Option<Logic> {
        let Some(operator) = Operator::named(name) else {
            faults.add(node.place, format!("there is no operation `{name}`"), meant(name, &Operator::names()));
            return None;
        };
        let arguments = match &argument.content {
            Content::List(items) => items.as_slice(),
            _ => std::slice::from_ref(argument),
        };
        let (least, most) = operator.arguments();
        if !(least..=most).contains(&arguments.len()) {
            let takes = if least == most { format!("{least}") } else { format!("at least {least}") };
            faults.doubt(node.place, format!("`{name}` takes {takes} arguments, and this has {}", arguments.len()), None);
        }
        if operator == Operator::Fractional {
            return self.fractional(node, arguments, faults);
        }
        if operator == Operator::SemVer {
            written_versions(arguments, faults);
        }
        let arguments = self.each(arguments, faults)?;
        Some(if operator == Operator::Var { var(arguments) } else { Logic::Apply(operator, arguments) })
    }

    fn fractional(&mut self, node: &'n Node, arguments: &'n [Node], faults: &mut Faults) -> Option<Logic> {
        let (by, parts) = match arguments.split_first() {
            Some((first, rest)) if !matches!(first.content, Content::List(_)) => (Some(Box::new(self.compile(first, faults)?)), rest),
            _ => (None, arguments),
        };
        if parts.is_empty() {
            faults.add(node.place, "`fractional` has nothing to choose from", "for example [\"on\", 10], [\"off\", 90]".to_owned());
        }
        let mut compiled = Vec::with_capacity(parts.len());
        for part in parts {
            match part.items() {
                [answer] => compiled.push((self.compile(answer, faults)?, None)),
                [answer, weight] => {
                    written_weight(weight, faults);
                    compiled.push((self.compile(answer, faults)?, Some(self.compile(weight, faults)?)));
                }
                _ => {
                    faults.add(part.place, "a part of `fractional` is a variant and its weight", "for example [\"on\", 10]".to_owned());
                    return None;
                }
            }
        }
        Some(Logic::Fractional(Fractional { by, parts: compiled }))
    }
}

/// A path that is written out is taken apart here, once.
fn var(mut arguments: Vec<Logic>) -> Logic {
    let path = match arguments.first() {
        Some(Logic::Literal(Value::String(path))) if !path.is_empty() => path.split('.').map(str::to_owned).collect(),
        Some(Logic::Literal(Value::Number(index))) => vec![index.to_string()],
        _ => return Logic::Apply(Operator::Var, arguments),
    };
    Logic::Var(path, arguments.drain(1..).next().map(Box::new))
}

fn written_versions(arguments: &[Node], faults: &mut Faults) {
    let [actual, operator, target] = arguments else { return };
    for node in [actual, target] {
        if node.text().is_some_and(|text| version::Version::parse(text).is_none()) {
            faults.doubt(node.place, "this is not a semantic version, so the rule never answers", "write it as 1.2.3".to_owned());
        }
    }
    if operator.text().is_some_and(|text| version::Relation::named(text).is_none()) {
        faults.doubt(operator.place, "`sem_ver` does not compare so", format!("one of {}", version::Relation::names()));
    }
}

fn written_weight(node: &Node, faults: &mut Faults) {
    if let Content::Number(number) = &node.content
        && number.as_u64().is_none_or(|weight| weight > u64::from(super::custom::WEIGHTS_MAX))
    {
        faults.doubt(node.place, format!("a weight is a whole number from 0 to {}", super::custom::WEIGHTS_MAX), "the rule never answers so".to_owned());
    }
}
