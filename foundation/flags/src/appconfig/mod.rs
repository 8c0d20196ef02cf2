//! AppConfig's feature flags: on or off, with attributes, or variants that are tried in order until a rule holds.

mod constraints;
mod read;
mod rule;

use serde_json::{Map, Value};

pub use read::read;
use rule::Rule;

use crate::Context;
use crate::evaluation::{Evaluation, Reason};
use crate::set::{Ask, Flag};

/// The rules of one flag.
#[derive(Debug)]
pub struct AppConfigFlag {
    /// Tried in order; the last has no rule.
    choices: Vec<Choice>,
    attributes: Vec<Attribute>,
    has_variants: bool,
}

/// One variant, or the flag itself if it has none.
#[derive(Debug)]
struct Choice {
    /// `on` or `off` if the flag has no variants.
    name: String,
    /// True or false.
    enabled: Value,
    rule: Option<Rule>,
    attributes: Map<String, Value>,
    /// As the agent shows it.
    shown: Value,
}

#[derive(Debug)]
struct Attribute {
    name: String,
    /// `flag.attribute`
    key: String,
}

impl AppConfigFlag {
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes.iter().map(|attribute| (attribute.key.as_str(), attribute.name.as_str()))
    }

    pub fn is_static(&self) -> bool {
        self.choices.len() <= 1
    }

    /// Of the flag, whether it is on; of an attribute, its value while the flag is on.
    pub fn evaluate<'a>(&'a self, key: &'a str, attribute: Option<&str>, flag: &'a Flag, ask: Ask<'_>) -> Evaluation<'a> {
        let (choice, reason) = self.choose(&flag.key, ask.context);
        answer(choice, reason, key, attribute, flag)
    }

    pub fn evaluate_all<'a>(&'a self, flag: &'a Flag, ask: Ask<'_>) -> Vec<Evaluation<'a>> {
        let (choice, reason) = self.choose(&flag.key, ask.context);
        let mut all = vec![answer(choice, reason, &flag.key, None, flag)];
        all.extend(self.attributes.iter().map(|attribute| answer(choice, reason, &attribute.key, Some(&attribute.name), flag)));
        all
    }

    pub fn shown(&self, flag: &Flag, ask: Ask<'_>) -> Value {
        let (choice, _) = self.choose(&flag.key, ask.context);
        choice.map_or(Value::Null, |choice| choice.shown.clone())
    }

    fn choose(&self, flag: &str, context: &Context) -> (Option<&Choice>, Reason) {
        let holds = |choice: &&Choice| choice.rule.as_ref().is_none_or(|rule| rule.holds(flag, context));
        let choice = self.choices.iter().find(holds);
        let reason = match choice.and_then(|choice| choice.rule.as_ref()) {
            Some(rule) if rule.splits() => Reason::Split,
            Some(_) => Reason::TargetingMatch,
            None if self.has_variants && self.choices.len() > 1 => Reason::Default,
            None => Reason::Static,
        };
        (choice, reason)
    }
}

fn answer<'a>(choice: Option<&'a Choice>, reason: Reason, key: &'a str, attribute: Option<&str>, flag: &'a Flag) -> Evaluation<'a> {
    let on = choice.is_some_and(|choice| choice.enabled == Value::Bool(true));
    let (value, reason) = match attribute {
        None => (choice.map(|choice| &choice.enabled), reason),
        Some(name) if on => (choice.and_then(|choice| choice.attributes.get(name)), reason),
        Some(_) => (None, Reason::Disabled),
    };
    Evaluation { key, value, variant: choice.map(|choice| choice.name.as_str()), reason, metadata: &flag.metadata }
}
