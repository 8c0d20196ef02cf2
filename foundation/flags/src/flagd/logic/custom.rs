//! flagd's own operations. What they cannot make sense of they answer with null, as flagd does.

use std::borrow::Cow;

use serde_json::Value;

use super::evaluate::{Data, Scope, TooLong};
use super::version::{Relation, Version};
use super::{Fractional, coerce};

/// Of all weights together.
pub const WEIGHTS_MAX: u32 = i32::MAX as u32;

impl Fractional {
    pub fn choose<'v>(&'v self, scope: &mut Scope<'_>, data: Data<'v>) -> Result<Option<Cow<'v, Value>>, TooLong> {
        let by = self.by.as_ref().map(|by| scope.within(by, data)).transpose()?;
        let hashed = match by.as_deref() {
            Some(Value::String(text)) => Some(Cow::Borrowed(text.as_str())),
            Some(Value::Null) | None => scope.own_key().map(Cow::Owned),
            Some(_) => None,
        };
        let mut weights = Vec::with_capacity(self.parts.len());
        for (_, weight) in &self.parts {
            weights.push(match weight {
                None => Some(1),
                Some(weight) => whole(&*scope.within(weight, data)?),
            });
        }
        let weights: Option<Vec<u32>> = weights.into_iter().collect();
        let bucketing = scope.bucketing;
        let chosen = hashed.zip(weights.filter(|weights| fits(weights))).and_then(|(hashed, weights)| bucketing.choose(&hashed, &weights));
        chosen.map(|chosen| scope.within(&self.parts[chosen].0, data)).transpose()
    }
}

fn fits(weights: &[u32]) -> bool {
    weights.iter().copied().map(u64::from).sum::<u64>() <= u64::from(WEIGHTS_MAX)
}

/// A weight that is null counts as 1.
fn whole(value: &Value) -> Option<u32> {
    match value {
        Value::Null => Some(1),
        Value::Number(number) => {
            let weight = number.as_f64().filter(|weight| weight.fract() == 0.0 && (0.0..=f64::from(WEIGHTS_MAX)).contains(weight));
            weight.map(|weight| weight as u32)
        }
        _ => None,
    }
}

pub fn sem_ver(arguments: &[Cow<'_, Value>]) -> Option<bool> {
    let [left, relation, right] = arguments else { return None };
    let relation = Relation::named(relation.as_str()?)?;
    let (left, right) = (written(left)?, written(right)?);
    Some(relation.holds(&Version::parse(&left)?, &Version::parse(&right)?))
}

/// `1.5` may come without its quotes.
fn written(value: &Value) -> Option<Cow<'_, str>> {
    matches!(value, Value::String(_) | Value::Number(_)).then(|| coerce::text(value))
}

pub fn affix(arguments: &[Cow<'_, Value>], holds: fn(&str, &str) -> bool) -> Option<bool> {
    let [text, part] = arguments else { return None };
    Some(holds(text.as_str()?, part.as_str()?))
}
