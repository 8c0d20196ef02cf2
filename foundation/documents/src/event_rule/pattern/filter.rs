//! One value or content filter of a leaf.

use std::cmp::Ordering;
use std::net::IpAddr;

use serde_json::{Number, Value};

use super::wildcard::Wildcard;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    /// Numbers compare by value, everything else as it is.
    Exactly(Value),
    Prefix(Text),
    Suffix(Text),
    EqualsIgnoreCase(String),
    Wildcard(Wildcard),
    /// Present, and none of these accepts it.
    AnythingBut(Vec<Filter>),
    Numeric(Vec<Comparison>),
    Cidr(Cidr),
    Present,
    /// Never accepts a value: [`matching`](super::matching) looks for it where there is none.
    Absent,
}

/// Text to compare with, in lower case if `ignore_case`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub text: String,
    pub ignore_case: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Comparison {
    pub operator: Operator,
    pub number: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The network's address and how many of its leading bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cidr {
    network: u128,
    v6: bool,
    bits: u32,
}

impl Filter {
    pub(super) fn accepts(&self, value: &Value) -> bool {
        match self {
            Self::Exactly(expected) => equal(expected, value),
            Self::Prefix(prefix) => value.as_str().is_some_and(|text| prefix.compare(text, |text, prefix| text.starts_with(prefix))),
            Self::Suffix(suffix) => value.as_str().is_some_and(|text| suffix.compare(text, |text, suffix| text.ends_with(suffix))),
            Self::EqualsIgnoreCase(lower) => value.as_str().is_some_and(|text| text.to_lowercase() == *lower),
            Self::Wildcard(wildcard) => value.as_str().is_some_and(|text| wildcard.is_match(text)),
            Self::AnythingBut(refused) => !refused.iter().any(|filter| filter.accepts(value)),
            Self::Numeric(comparisons) => value.as_f64().is_some_and(|number| comparisons.iter().all(|c| c.holds(number))),
            Self::Cidr(cidr) => value.as_str().is_some_and(|text| cidr.contains(text)),
            Self::Present => true,
            Self::Absent => false,
        }
    }
}

fn equal(expected: &Value, value: &Value) -> bool {
    match (expected, value) {
        (Value::Number(a), Value::Number(b)) => numbers_equal(a, b),
        _ => expected == value,
    }
}

/// Whole numbers compare exactly; a fraction compares as a double.
fn numbers_equal(a: &Number, b: &Number) -> bool {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => a == b,
        _ => a.as_f64() == b.as_f64(),
    }
}

impl Text {
    fn compare(&self, value: &str, with: impl Fn(&str, &str) -> bool) -> bool {
        if self.ignore_case { with(&value.to_lowercase(), &self.text) } else { with(value, &self.text) }
    }
}

impl Operator {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "=" => Self::Equal,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    pub(super) fn is_lower_bound(self) -> bool {
        matches!(self, Self::Greater | Self::GreaterOrEqual)
    }
}

impl Comparison {
    fn holds(&self, value: f64) -> bool {
        let Some(order) = value.partial_cmp(&self.number) else { return false };
        match self.operator {
            Operator::Equal => order == Ordering::Equal,
            Operator::Less => order == Ordering::Less,
            Operator::LessOrEqual => order != Ordering::Greater,
            Operator::Greater => order == Ordering::Greater,
            Operator::GreaterOrEqual => order != Ordering::Less,
        }
    }
}

impl Cidr {
    /// `10.0.0.0/8`, `2001:db8::/32`, or one address.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let (address, v6) = number(address.parse().ok()?);
        let width = if v6 { 128 } else { 32 };
        let bits = bits.unwrap_or(width);
        (bits <= width).then(|| Self { network: leading(address, bits, width), v6, bits })
    }

    fn contains(&self, text: &str) -> bool {
        let Ok(address) = text.parse() else { return false };
        let (address, v6) = number(address);
        let width = if v6 { 128 } else { 32 };
        v6 == self.v6 && leading(address, self.bits, width) == self.network
    }
}

fn number(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(v4) => (u32::from(v4).into(), false),
        IpAddr::V6(v6) => (v6.into(), true),
    }
}

/// The leading bits, as a number; the rest is shifted out.
fn leading(address: u128, bits: u32, width: u32) -> u128 {
    address.checked_shr(width - bits).unwrap_or(0)
}
