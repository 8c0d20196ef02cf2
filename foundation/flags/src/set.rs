//! A compiled definition, and the questions that it answers.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::appconfig::{self, AppConfigFlag};
use crate::bucketing::Bucketing;
use crate::evaluation::{Evaluation, Failure, Reason};
use crate::fault::{Fault, Faults};
use crate::flagd::{self, FlagdFlag};
use crate::source::{self, Node};
use crate::Context;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The JSON of a profile of type `AWS.AppConfig.FeatureFlags`.
    AppConfig,
    /// flagd's, in JSON or YAML.
    Flagd,
}

impl Format {
    pub const ALL: [Self; 2] = [Self::AppConfig, Self::Flagd];

    pub fn name(self) -> &'static str {
        match self {
            Self::AppConfig => "appconfig",
            Self::Flagd => "flagd",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// AppConfig's definitions always have a `version`, flagd's never.
    fn of(root: &Node) -> Self {
        if root.get("version").is_some() || root.get("values").is_some() { Self::AppConfig } else { Self::Flagd }
    }
}

/// Who asks, and when.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub context: &'a Context,
    /// What rules see as the present.
    pub now: Timestamp,
}

/// The flags of one definition. Cheap to ask from many threads.
#[derive(Debug)]
pub struct FlagSet {
    format: Format,
    bucketing: Bucketing,
    flags: Vec<Flag>,
    index: HashMap<String, Seat>,
    doubts: Vec<Fault>,
}

/// Where a key leads: to a flag, or to one attribute of it.
#[derive(Debug, Clone)]
struct Seat {
    flag: usize,
    attribute: Option<String>,
}

/// One flag, as a reader wants to know it.
#[derive(Debug)]
pub struct Flag {
    pub key: String,
    pub title: Option<String>,
    pub description: Option<String>,
    /// Its authors plan to take it away.
    pub deprecated: bool,
    /// The names of what it can come to, in the order written.
    pub variants: Vec<Variant>,
    pub metadata: Map<String, Value>,
    pub(crate) rules: Rules,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Variant {
    pub name: String,
    pub value: Value,
    /// Of AppConfig, as written.
    pub rule: Option<String>,
}

#[derive(Debug)]
pub(crate) enum Rules {
    AppConfig(AppConfigFlag),
    Flagd(FlagdFlag),
}

/// What the reader of a format makes of a definition.
pub(crate) struct Read {
    pub bucketing: Bucketing,
    pub flags: Vec<Flag>,
}

impl FlagSet {
    /// Compiles a definition; tells its format by itself unless it is given.
    ///
    /// # Errors
    /// All that is wrong with it, in the order of the text.
    pub fn compile(definition: &[u8], format: Option<Format>) -> Result<Self, Vec<Fault>> {
        let root = source::parse(definition).map_err(|fault| vec![fault])?;
        let format = format.unwrap_or_else(|| Format::of(&root));
        let mut faults = Faults::default();
        let read = match format {
            Format::AppConfig => appconfig::read(&root, &mut faults),
            Format::Flagd => flagd::read(&root, &mut faults),
        };
        if !faults.found.is_empty() {
            faults.found.sort_by_key(|fault| fault.place);
            return Err(faults.found);
        }
        faults.doubts.sort_by_key(|fault| fault.place);
        let index = index(&read.flags);
        Ok(Self { format, bucketing: read.bucketing, flags: read.flags, index, doubts: faults.doubts })
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// Who gets what in a split is decided by this; a flag of flagd may choose for itself.
    pub fn bucketing(&self) -> Bucketing {
        self.bucketing
    }

    pub fn flags(&self) -> &[Flag] {
        &self.flags
    }

    pub fn flag(&self, key: &str) -> Option<&Flag> {
        self.index.get(key).filter(|seat| seat.attribute.is_none()).map(|seat| &self.flags[seat.flag])
    }

    /// Whether [`Self::evaluate`] knows the key.
    pub fn contains(&self, key: &str) -> bool {
        self.index.contains_key(key)
    }

    /// What is right but likely not meant so.
    pub fn doubts(&self) -> &[Fault] {
        &self.doubts
    }

    /// The value of a flag, or of an attribute of AppConfig's as `flag.attribute`.
    pub fn evaluate<'a>(&'a self, key: &str, ask: Ask<'_>) -> Result<Evaluation<'a>, Failure> {
        let (name, seat) = self.index.get_key_value(key).ok_or_else(|| Failure::NotFound(key.to_owned()))?;
        let flag = &self.flags[seat.flag];
        match &flag.rules {
            Rules::Flagd(rules) => rules.evaluate(flag, ask),
            Rules::AppConfig(rules) => Ok(rules.evaluate(name, seat.attribute.as_deref(), flag, ask)),
        }
    }

    /// Every flag and attribute, in the order of the definition.
    pub fn evaluate_all<'a>(&'a self, ask: Ask<'_>) -> Vec<(&'a str, Result<Evaluation<'a>, Failure>)> {
        let mut all = Vec::with_capacity(self.index.len());
        for flag in &self.flags {
            match &flag.rules {
                Rules::Flagd(rules) => all.push((flag.key.as_str(), rules.evaluate(flag, ask))),
                Rules::AppConfig(rules) => {
                    let evaluations = rules.evaluate_all(flag, ask);
                    all.extend(evaluations.into_iter().map(|evaluation| (evaluation.key, Ok(evaluation))));
                }
            }
        }
        all
    }

    /// The flags as AppConfig's agent shows them: `enabled`, `_variant` and the attributes; all of them if no key
    /// is given. Of flagd's flags the value stands under `value`.
    pub fn appconfig_view(&self, keys: &[&str], ask: Ask<'_>) -> Result<Map<String, Value>, Failure> {
        if keys.is_empty() {
            return self.flags.iter().map(|flag| Ok((flag.key.clone(), shown(flag, ask)?))).collect();
        }
        let show = |key: &&str| {
            let flag = self.flag(key).ok_or_else(|| Failure::NotFound((*key).to_owned()))?;
            Ok((flag.key.clone(), shown(flag, ask)?))
        };
        keys.iter().map(show).collect()
    }
}

impl Flag {
    /// Whether it is the same for everybody.
    pub fn is_static(&self) -> bool {
        match &self.rules {
            Rules::AppConfig(rules) => rules.is_static(),
            Rules::Flagd(rules) => rules.is_static(),
        }
    }
}

fn shown(flag: &Flag, ask: Ask<'_>) -> Result<Value, Failure> {
    match &flag.rules {
        Rules::AppConfig(rules) => Ok(rules.shown(flag, ask)),
        Rules::Flagd(rules) => {
            let evaluation = rules.evaluate(flag, ask)?;
            let enabled = evaluation.reason != Reason::Disabled && evaluation.value != Some(&Value::Bool(false));
            let mut shown = Map::new();
            shown.insert("enabled".to_owned(), Value::Bool(enabled));
            shown.extend(evaluation.variant.map(|variant| ("_variant".to_owned(), Value::from(variant))));
            shown.extend(evaluation.value.map(|value| ("value".to_owned(), value.clone())));
            Ok(Value::Object(shown))
        }
    }
}

fn index(flags: &[Flag]) -> HashMap<String, Seat> {
    let mut index = HashMap::new();
    for (number, flag) in flags.iter().enumerate() {
        index.insert(flag.key.clone(), Seat { flag: number, attribute: None });
        if let Rules::AppConfig(rules) = &flag.rules {
            let seat = |attribute: &str| Seat { flag: number, attribute: Some(attribute.to_owned()) };
            index.extend(rules.attributes().map(|(key, attribute)| (key.to_owned(), seat(attribute))));
        }
    }
    index
}
