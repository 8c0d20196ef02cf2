//! flagd's flags: named variants, and targeting rules in JsonLogic that answer with a variant's name.

mod logic;
mod read;

use serde_json::Value;

use logic::{Logic, Scope, TooLong};
pub use read::read;

use crate::bucketing::Bucketing;
use crate::evaluation::{Evaluation, Failure, Reason};
use crate::set::{Ask, Flag};

/// The rules of one flag.
#[derive(Debug)]
pub struct FlagdFlag {
    disabled: bool,
    default: Option<usize>,
    targeting: Option<Logic>,
    bucketing: Bucketing,
}

impl FlagdFlag {
    pub fn is_static(&self) -> bool {
        self.disabled || self.targeting.is_none()
    }

    /// A rule that answers null leads to the default variant; an answer that is none of the variants is a failure.
    pub fn evaluate<'a>(&self, flag: &'a Flag, ask: Ask<'_>) -> Result<Evaluation<'a>, Failure> {
        if self.disabled {
            return Ok(answer(flag, None, Reason::Disabled));
        }
        let Some(targeting) = &self.targeting else {
            let reason = if self.default.is_some() { Reason::Static } else { Reason::Default };
            return Ok(answer(flag, self.default, reason));
        };
        let mut scope = Scope::new(&flag.key, ask, self.bucketing);
        let result = match scope.evaluate(targeting) {
            Ok(result) => result,
            Err(TooLong) => return Err(Failure::TooLong(flag.key.clone())),
        };
        match named(flag, &result) {
            Named::Nothing => Ok(answer(flag, self.default, Reason::Default)),
            Named::Variant(index) => Ok(answer(flag, Some(index), Reason::TargetingMatch)),
            Named::Unknown => Err(Failure::NoVariant { key: flag.key.clone(), answer: result.to_string() }),
        }
    }
}

enum Named {
    Nothing,
    Variant(usize),
    Unknown,
}

/// A rule may answer `true` where a variant is called so.
fn named(flag: &Flag, result: &Value) -> Named {
    let find = |name: &str| flag.variants.iter().position(|variant| variant.name == name).map_or(Named::Unknown, Named::Variant);
    match result {
        Value::Null => Named::Nothing,
        Value::String(name) => find(name),
        Value::Bool(value) => find(if *value { "true" } else { "false" }),
        Value::Number(number) => find(&number.to_string()),
        _ => Named::Unknown,
    }
}

fn answer(flag: &Flag, variant: Option<usize>, reason: Reason) -> Evaluation<'_> {
    let variant = variant.and_then(|index| flag.variants.get(index));
    Evaluation {
        key: &flag.key,
        value: variant.map(|variant| &variant.value),
        variant: variant.map(|variant| variant.name.as_str()),
        reason,
        metadata: &flag.metadata,
    }
}
