//! Ids with meaning in their type.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {what}")]
pub struct IdError {
    pub text: String,
    pub what: &'static str,
}

/// Describes a type that travels as a string, for the OpenAPI document.
macro_rules! string_schema {
    ($type:ty, $example:literal) => {
        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .examples([$example])
                    .into()
            }
        }
        impl utoipa::ToSchema for $type {}
    };
}
pub(crate) use string_schema;

/// A ULID in lower case: sortable by time of creation, safe in a URL and in a file name.
macro_rules! ulid_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn random() -> Self {
                Self(ulid::Ulid::generate().to_string().to_lowercase())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                ulid::Ulid::from_string(&text.to_uppercase())
                    .map(|_| Self(text.to_lowercase()))
                    .map_err(|_| IdError { text: text.to_owned(), what: $what })
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        string_schema!($name, "01jd3v5z0k8m4x2q7c9r1t6y0a");
    };
}

ulid_id!(
    /// One execution of a document.
    RunId, "a run id");
ulid_id!(
    /// One entry of the ledger (CloudEvents `id`).
    EventId, "an event id");
ulid_id!(
    /// One message to the outside, with its retries.
    DeliveryId, "a delivery id");
ulid_id!(
    /// One action of a post-mortem.
    ActionId, "an action id");

/// People say it aloud, so it is a number: `INC-12`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IncidentId(i64);

impl IncidentId {
    pub fn from_number(number: i64) -> Self {
        Self(number)
    }

    pub fn number(self) -> i64 {
        self.0
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "INC-{}", self.0)
    }
}

impl FromStr for IncidentId {
    type Err = IdError;

    /// Accepts `INC-12`, `inc-12` and `12`.
    fn from_str(text: &str) -> Result<Self, IdError> {
        let digits = text.strip_prefix("INC-").or_else(|| text.strip_prefix("inc-")).unwrap_or(text);
        digits
            .parse()
            .ok()
            .filter(|number| *number > 0)
            .map(Self)
            .ok_or_else(|| IdError { text: text.to_owned(), what: "an incident id such as INC-12" })
    }
}

impl TryFrom<String> for IncidentId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<IncidentId> for String {
    fn from(id: IncidentId) -> Self {
        id.to_string()
    }
}

string_schema!(IncidentId, "INC-12");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_what_they_write() {
        let run = RunId::random();
        assert_eq!(run.to_string().parse::<RunId>().unwrap(), run);
        assert_eq!("inc-12".parse::<IncidentId>().unwrap().to_string(), "INC-12");
        assert!("INC-0".parse::<IncidentId>().is_err());
        assert!("nonsense".parse::<RunId>().is_err());
    }
}
