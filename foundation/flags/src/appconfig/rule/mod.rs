//! The rule of a variant: compiled once, then asked whether it holds for a context.

mod compile;
mod parse;
mod values;

use std::borrow::Cow;

use regex::Regex;

use crate::Context;
use crate::bucketing;
pub use compile::compile;
use values::{Seen, Value, order, seen, text};

#[derive(Debug)]
pub enum Rule {
    /// `true`, `false` or a boolean of the context.
    Plain(Value),
    And(Vec<Rule>),
    Or(Vec<Rule>),
    Not(Box<Rule>),
    Compare(Comparison, Value, Value),
    BeginsWith(Value, Value),
    EndsWith(Value, Value),
    Contains(Value, Value),
    In(Value, Vec<Value>),
    Matches(Value, Regex),
    /// Whether the context has the key at all.
    Exists(String),
    Split(Split),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Debug, PartialEq)]
pub struct Split {
    pub percentage: f64,
    pub by: Vec<Value>,
    pub seed: Option<String>,
}

impl Rule {
    /// A value that the context lacks, or that cannot be compared, makes the comparison false.
    pub fn holds(&self, flag: &str, context: &Context) -> bool {
        match self {
            Self::Plain(value) => seen(value, context) == Some(Seen::Bool(true)),
            Self::And(rules) => rules.iter().all(|rule| rule.holds(flag, context)),
            Self::Or(rules) => rules.iter().any(|rule| rule.holds(flag, context)),
            Self::Not(rule) => !rule.holds(flag, context),
            Self::Compare(comparison, left, right) => compare(*comparison, left, right, context),
            Self::BeginsWith(value, part) => both(value, part, context, |text, part| text.starts_with(part)),
            Self::EndsWith(value, part) => both(value, part, context, |text, part| text.ends_with(part)),
            Self::Contains(value, part) => both(value, part, context, |text, part| text.contains(part)),
            Self::In(value, list) => list.iter().any(|item| compare(Comparison::Equal, value, item, context)),
            Self::Matches(value, pattern) => text(value, context).is_some_and(|text| pattern.is_match(&text)),
            Self::Exists(key) => values::of_context(key, context).is_some(),
            Self::Split(split) => split.holds(flag, context),
        }
    }

    /// Whether a split takes part in the decision.
    pub fn splits(&self) -> bool {
        match self {
            Self::And(rules) | Self::Or(rules) => rules.iter().any(Self::splits),
            Self::Not(rule) => rule.splits(),
            Self::Split(_) => true,
            _ => false,
        }
    }
}

impl Split {
    fn holds(&self, flag: &str, context: &Context) -> bool {
        let values: Option<Vec<Cow<'_, str>>> = self.by.iter().map(|value| text(value, context)).collect();
        values.is_some_and(|values| bucketing::among(self.percentage, self.seed.as_deref().unwrap_or(flag), &values))
    }

    /// Whether everybody of the other is in here as well, so that the other never comes to its turn.
    pub fn covers(&self, other: &Self) -> bool {
        self.by == other.by && self.seed == other.seed && self.percentage >= other.percentage
    }
}

fn compare(comparison: Comparison, left: &Value, right: &Value, context: &Context) -> bool {
    let (Some(left), Some(right)) = (seen(left, context), seen(right, context)) else { return false };
    order(left, right).is_some_and(|order| match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
    })
}

fn both(value: &Value, part: &Value, context: &Context, holds: fn(&str, &str) -> bool) -> bool {
    matches!((text(value, context), text(part, context)), (Some(value), Some(part)) if holds(&value, &part))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(rule: &str, context: serde_json::Value) -> bool {
        let rule = compile(rule).unwrap_or_else(|wrong| panic!("{rule}: {wrong:?}"));
        rule.holds("flag", context.as_object().expect("an object"))
    }

    #[test]
    fn values_are_compared_by_the_type_of_what_is_written() {
        for (rule, context, expected) in [
            (r#"(eq $state "Virginia")"#, json!({"state": "Virginia"}), true),
            (r#"(eq $state "Virginia")"#, json!({}), false),
            (r#"(not (eq $state "Virginia"))"#, json!({}), true),
            ("(gt $age 65)", json!({"age": "66"}), true),
            ("(gt $age 65)", json!({"age": "7"}), false),
            ("(gte $age 65)", json!({"age": 65}), true),
            ("(lt $age 65)", json!({"age": "old"}), false),
            ("(lte $ratio 0.5)", json!({"ratio": 0.5}), true),
            ("(eq $id 9007199254740993)", json!({"id": 9_007_199_254_740_992_i64}), false),
            ("(eq $beta true)", json!({"beta": "true"}), true),
            ("$beta", json!({"beta": true}), true),
            ("(gt $since 2024-01)", json!({"since": "2024-02-03T00:00:00Z"}), true),
            ("(lt 2024-01-02 $since)", json!({"since": "2024-01"}), false),
            ("(eq $a $b)", json!({"a": "1", "b": 1}), true),
        ] {
            assert_eq!(holds(rule, context.clone()), expected, "{rule} {context}");
        }
    }

    #[test]
    fn texts_are_looked_into() {
        let context = json!({"email": "jane@example.com", "user": {"tier": "gold"}, "n": 12});
        for (rule, expected) in [
            (r#"(begins_with $email "jane")"#, true),
            (r#"(ends_with $email "@example.com")"#, true),
            (r#"(contains $email "@exam")"#, true),
            (r#"(contains $missing "a")"#, false),
            (r#"(in $email ["joe@example.com", "jane@example.com"])"#, true),
            ("(in $n [11 12])", true),
            (r#"(matches in::$email pattern::"^j.*e@")"#, true),
            (r#"(matches in::$email pattern::"xyz")"#, false),
            (r#"(exists key::"email")"#, true),
            (r#"(exists key::"phone")"#, false),
            (r#"(eq $user.tier "gold")"#, true),
            (r#"(and (exists key::"n") (or (eq $n 1) (eq $n 12)))"#, true),
        ] {
            assert_eq!(holds(rule, context.clone()), expected, "{rule}");
        }
    }

    #[test]
    fn a_split_without_its_value_holds_for_nobody() {
        assert!(!holds("(split pct::100 by::$userId)", json!({})));
        assert!(holds("(split pct::100 by::$userId)", json!({"userId": "u"})));
        assert!(!holds("(split pct::0 by::$userId)", json!({"userId": "u"})));
    }
}
