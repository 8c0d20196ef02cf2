//! Configurations and feature flags.

use kernel::{EntityRef, RunId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConfigProfileSummary {
    pub name: String,
    pub title: Option<String>,
    pub description: Option<String>,
    #[schema(value_type = String)]
    pub component: EntityRef,
    /// `freeform` or `flags`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The names under which clients of AppConfig find it.
    pub applications: Vec<String>,
    pub path: String,
    /// The document or its content has errors; what is served is the version before.
    pub broken: bool,
    pub environments: Vec<ConfigEnvironmentSummary>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConfigEnvironmentSummary {
    pub name: String,
    /// Of the folder's content: the first half of its SHA-256, in hexadecimal.
    pub version: String,
    /// The version of everybody who does not have the one on its way.
    pub arrived: String,
    /// The version on its way.
    pub coming: Option<ConfigOnItsWay>,
    /// The version that was taken back last, while the folder still has it.
    pub taken_back: Option<ConfigTakenBack>,
    /// The git commit that the folder stands at, if it is in a repository.
    pub commit: Option<String>,
    pub content_type: String,
    /// Below the folder of documents; absent if the content stands in the document.
    pub file: Option<String>,
    pub bytes: usize,
    /// How a new version goes out.
    pub strategy: Option<String>,
    pub bake_s: Option<f64>,
    pub alarms: Vec<String>,
    /// How many flags it has, if it has flags.
    pub flags: Option<usize>,
}

/// A version that goes out.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConfigOnItsWay {
    pub version: String,
    /// How many have it.
    pub weight_percent: f64,
    /// The run of kind `deployment` that carries it.
    pub run: RunId,
    pub since: Timestamp,
}

/// A version that nobody gets until the folder changes, or a person retries its run.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConfigTakenBack {
    pub version: String,
    pub run: RunId,
    pub reason: String,
    pub at: Timestamp,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConfigProfileDetail {
    #[serde(flatten)]
    pub summary: ConfigProfileSummary,
    pub contents: Vec<ConfigContentDetail>,
}

/// What one environment serves to who does not have a version on its way.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConfigContentDetail {
    pub environment: String,
    pub version: String,
    pub text: String,
    /// Of flags: `appconfig` or `flagd`.
    pub format: Option<String>,
    /// Of flags: who gets what in a split is decided by this.
    pub bucketing: Option<String>,
    pub flags: Vec<FlagDetail>,
    /// What is right but likely not meant so.
    pub doubts: Vec<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FlagDetail {
    pub key: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub deprecated: bool,
    /// Whether it is the same for everybody.
    #[serde(rename = "static")]
    pub is_static: bool,
    pub variants: Vec<FlagVariant>,
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FlagVariant {
    pub name: String,
    #[schema(value_type = Value)]
    pub value: Value,
    /// Of AppConfig, as written.
    pub rule: Option<String>,
}

/// Somebody to whom flags are shown.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub struct TryFlags {
    /// `targetingKey` and whatever else the rules look at.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub context: Map<String, Value>,
}

/// What a flag is for a context; `error` says why there is no answer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FlagAnswer {
    pub key: String,
    /// Absent: the caller's own default holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub value: Option<Value>,
    pub variant: Option<String>,
    pub reason: Option<String>,
    pub error: Option<String>,
}
