//! Configurations: which version of a profile an environment has, and which is on its way there.

use kernel::{RunId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One profile in one environment. What is served is what stands here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConfigRollout {
    pub profile: String,
    pub environment: String,
    /// The version of everybody who does not have the coming one.
    pub arrived: String,
    pub arrived_at: Timestamp,
    /// Absent if it came at once.
    pub arrived_by: Option<RunId>,
    pub coming: Option<ConfigComing>,
    /// What was taken back last; it does not go out again by itself.
    pub refused: Option<ConfigRefused>,
    /// Grows with each change; a write against an older revision is refused.
    pub revision: i64,
}

/// A version on its way out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConfigComing {
    pub version: String,
    /// Of everything that says how it goes out.
    pub digest: String,
    /// Carries it.
    pub run: RunId,
    /// By which the run is asked for; the same key is the same run.
    pub key: String,
    /// How many have it, in percent.
    pub weight_percent: f64,
    pub since: Timestamp,
}

/// A version that was taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConfigRefused {
    pub version: String,
    /// As of [`ConfigComing`].
    pub digest: String,
    pub run: RunId,
    pub reason: String,
    pub at: Timestamp,
}

/// What a version says. Kept for as long as the version has arrived or is on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfigVersion {
    pub profile: String,
    pub environment: String,
    /// The digest of the text.
    pub version: String,
    /// Of flags, the name of their format; absent of anything else.
    pub flags_format: Option<String>,
    pub content_type: String,
    /// Below the folder of documents, if it stood in a file.
    pub file: Option<String>,
    /// The git commit of the folder when it was read, if it is in a repository.
    pub commit: Option<String>,
    pub text: String,
}
