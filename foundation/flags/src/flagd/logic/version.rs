//! Semantic versions as flagd reads them: a leading `v` and missing parts are allowed.
//!
//! Source: <https://semver.org>, precedence; flagd's reference, "Semantic Version Operation".

use std::cmp::Ordering;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version<'t> {
    core: [u64; 3],
    prerelease: Vec<&'t str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    SameMajor,
    SameMinor,
}

const RELATIONS: [(&str, Relation); 8] = [
    ("=", Relation::Equal),
    ("!=", Relation::NotEqual),
    ("<", Relation::Less),
    ("<=", Relation::LessOrEqual),
    (">", Relation::Greater),
    (">=", Relation::GreaterOrEqual),
    ("^", Relation::SameMajor),
    ("~", Relation::SameMinor),
];

impl Relation {
    pub fn named(name: &str) -> Option<Self> {
        RELATIONS.iter().find(|(known, _)| *known == name).map(|(_, relation)| *relation)
    }

    pub fn names() -> String {
        RELATIONS.map(|(name, _)| name).join(" ")
    }

    pub fn holds(self, left: &Version<'_>, right: &Version<'_>) -> bool {
        let order = left.precedence(right);
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::SameMajor => left.core[0] == right.core[0],
            Self::SameMinor => left.core[..2] == right.core[..2],
        }
    }
}

impl<'t> Version<'t> {
    pub fn parse(text: &'t str) -> Option<Self> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
        let (core, prerelease) = text.split_once('-').map_or((text, None), |(core, prerelease)| (core, Some(prerelease)));
        let identifiers = |text: &str| text.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
        if !build.is_none_or(identifiers) || !prerelease.is_none_or(identifiers) {
            return None;
        }
        let mut numbers = [0; 3];
        let mut parts = core.split('.');
        for number in &mut numbers {
            let Some(part) = parts.next() else { break };
            *number = part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())??;
        }
        let rest = parts.next();
        rest.is_none().then(|| Self { core: numbers, prerelease: prerelease.map(|text| text.split('.').collect()).unwrap_or_default() })
    }

    fn precedence(&self, other: &Self) -> Ordering {
        self.core.cmp(&other.core).then_with(|| match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => {
                let parts = self.prerelease.iter().zip(&other.prerelease).map(|(left, right)| identifier(left, right));
                parts.into_iter().find(|order| order.is_ne()).unwrap_or(self.prerelease.len().cmp(&other.prerelease.len()))
            }
        })
    }
}

/// Numbers come before words.
fn identifier(left: &str, right: &str) -> Ordering {
    match (left.parse::<u64>(), right.parse::<u64>()) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => left.cmp(right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_in_the_order_of_the_standard() {
        let ascending = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "v1.0.1", "1.2", "2"];
        for pair in ascending.windows(2) {
            let [left, right] = [0, 1].map(|index| Version::parse(pair[index]).expect("a version"));
            assert!(Relation::Less.holds(&left, &right) && Relation::GreaterOrEqual.holds(&right, &left), "{pair:?}");
        }
        assert!(Relation::Equal.holds(&Version::parse("1.0.0+a").unwrap(), &Version::parse("1+b").unwrap()));
        for wrong in ["", "1.2.3.4", "one", "1.-2", "1.0.0-", "1.0.0+", "1..2"] {
            assert_eq!(Version::parse(wrong), None, "{wrong}");
        }
    }
}
