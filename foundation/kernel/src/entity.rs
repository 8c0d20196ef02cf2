//! Backstage entity references: `[kind:][namespace/]name`.
//!
//! Source: Backstage, "Entity References". References compare without regard to case, so they are
//! held in lower case.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A full reference, e.g. `component:default/orders`. Written and read in that form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EntityRef {
    kind: String,
    namespace: String,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntityRefError {
    #[error("{0:?} does not say its kind; write for example component:{0}")]
    MissingKind(String),
    #[error("{0:?} is not an entity reference; write [kind:][namespace/]name, each of letters and digits joined by -, _ or .")]
    Malformed(String),
}

pub const DEFAULT_NAMESPACE: &str = "default";

impl EntityRef {
    pub fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self {
            kind: kind.to_lowercase(),
            namespace: namespace.to_lowercase(),
            name: name.to_lowercase(),
        }
    }

    /// Reads a reference whose kind and namespace may be left out, as fields such as `spec.owner` allow.
    pub fn parse_with_default_kind(text: &str, kind: &str) -> Result<Self, EntityRefError> {
        Self::parse(text, Some(kind))
    }

    fn parse(text: &str, default_kind: Option<&str>) -> Result<Self, EntityRefError> {
        let malformed = || EntityRefError::Malformed(text.to_owned());
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) => (kind, rest),
            None => (default_kind.ok_or_else(|| EntityRefError::MissingKind(text.to_owned()))?, text),
        };
        let (namespace, name) = rest.split_once('/').unwrap_or((DEFAULT_NAMESPACE, rest));
        if [kind, namespace, name].iter().all(|part| is_name(part)) {
            Ok(Self::new(kind, namespace, name))
        } else {
            Err(malformed())
        }
    }

    pub fn kind(&self) -> &str {
        &self.kind
    }

    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

/// 1–63 characters of `[a-zA-Z0-9]` joined by `-`, `_` or `.`.
pub fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes[0].is_ascii_alphanumeric()
        && bytes[bytes.len() - 1].is_ascii_alphanumeric()
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
}

impl fmt::Display for EntityRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.kind, self.namespace, self.name)
    }
}

impl FromStr for EntityRef {
    type Err = EntityRefError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text, None)
    }
}

impl TryFrom<String> for EntityRef {
    type Error = EntityRefError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<EntityRef> for String {
    fn from(reference: EntityRef) -> Self {
        reference.to_string()
    }
}

crate::id::string_schema!(EntityRef, "component:default/orders");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_in_kind_and_namespace() {
        let short = EntityRef::parse_with_default_kind("Orders", "Component").unwrap();
        assert_eq!(short.to_string(), "component:default/orders");
        assert_eq!("component:default/orders".parse::<EntityRef>().unwrap(), short);
        let full = EntityRef::parse_with_default_kind("user:people/jo", "group").unwrap();
        assert_eq!((full.kind(), full.namespace(), full.name()), ("user", "people", "jo"));
    }

    #[test]
    fn refuses_what_backstage_refuses() {
        for text in ["", "a:", "component:/x", "component:-x", "component:x y", "component:a/b/c"] {
            assert!(text.parse::<EntityRef>().is_err(), "{text}");
        }
    }
}
