//! Secrets. A value stands in what is sent to be kept, and in the answer to a reading; nowhere else.

use std::fmt;

use kernel::Timestamp;
use ledger::{Actor, Secret, SecretRead, Stage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SecretSummary {
    #[serde(flatten)]
    pub secret: Secret,
    pub last_read: Option<SecretRead>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SecretDetail {
    #[serde(flatten)]
    pub summary: SecretSummary,
    /// Newest first.
    pub versions: Vec<SecretVersionSummary>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SecretVersionSummary {
    pub version: i64,
    pub stages: Vec<Stage>,
    pub written_at: Timestamp,
    pub written_by: Actor,
    /// The master key that its data key is wrapped with.
    pub key: String,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutSecret {
    /// `/shop/orders/db-password`
    pub path: String,
    pub value: String,
    /// Stays as it is if absent.
    pub description: Option<String>,
    /// Not in use until it is promoted.
    #[serde(default)]
    pub pending: bool,
}

/// Which value is read, and why.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadSecret {
    pub path: String,
    /// The current one if neither a stage nor a version is named.
    pub stage: Option<Stage>,
    pub version: Option<i64>,
    /// It is recorded.
    pub why: String,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SecretValue {
    pub path: String,
    pub version: i64,
    pub value: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NameSecret {
    pub path: String,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateSecret {
    pub path: String,
    /// The name of the runbook that puts the new value to use.
    pub runbook: String,
    /// The new value; one of letters and digits is made if absent.
    pub value: Option<String>,
    /// Of a value that is made.
    pub length: Option<usize>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RewrapSecrets {
    /// Make a new master key first; only where it lies in a file.
    #[serde(default)]
    pub new_key: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Rewrapped {
    /// The id of the present master key.
    pub key: String,
    /// Versions whose data key was wrapped anew.
    pub count: u64,
    pub at: Timestamp,
}

macro_rules! without_value {
    ($($name:ident),*) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("path", &self.path).finish_non_exhaustive()
            }
        })*
    };
}
without_value!(PutSecret, SecretValue, RotateSecret);
