//! Parameters: named values in a tree, with versions and labels.

use std::collections::BTreeMap;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Actor;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ParameterKind {
    String,
    /// An array of strings.
    List,
    /// Any JSON.
    Json,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Parameter {
    /// `/shop/orders/timeout`
    pub path: String,
    pub description: Option<String>,
    /// The number of the newest version; the first is 1.
    pub latest: i64,
    /// The version that each label stands at.
    pub labels: BTreeMap<String, i64>,
    pub changed_at: Timestamp,
    pub changed_by: Actor,
    /// Grows with each change; a write against an older revision is refused.
    pub revision: i64,
}

/// A value as it was written; it does not change any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ParameterVersion {
    pub path: String,
    pub version: i64,
    pub kind: ParameterKind,
    /// A string, an array of strings, or any JSON, as `kind` says.
    #[schema(value_type = Object)]
    pub value: serde_json::Value,
    pub written_at: Timestamp,
    pub written_by: Actor,
}
