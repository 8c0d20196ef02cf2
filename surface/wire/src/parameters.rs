//! Parameters.

use kernel::Timestamp;
use ledger::{Actor, Parameter, ParameterKind, ParameterVersion};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A parameter with the value of its newest version.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ParameterSummary {
    #[serde(flatten)]
    pub parameter: Parameter,
    pub kind: ParameterKind,
    #[schema(value_type = Object)]
    pub value: serde_json::Value,
    pub written_at: Timestamp,
    pub written_by: Actor,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ParameterHistory {
    pub parameter: Parameter,
    /// Newest first.
    pub versions: Vec<ParameterVersion>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutParameter {
    /// `/shop/orders/timeout`
    pub path: String,
    pub kind: ParameterKind,
    /// A string, an array of strings, or any JSON, as `kind` says.
    #[schema(value_type = Object)]
    pub value: serde_json::Value,
    /// Stays as it is if absent.
    pub description: Option<String>,
    /// A label to move to the new version.
    pub label: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelParameter {
    pub path: String,
    pub label: String,
    /// The newest if absent.
    pub version: Option<i64>,
}
