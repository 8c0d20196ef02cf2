//! Secrets: values that are kept as ciphertext only, with versions and stages.
//!
//! Stages are those of AWS Secrets Manager: a stage stands at one version at a time, and a version without a stage is
//! no longer in use. The ledger neither seals nor opens.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use kernel::{RunId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Actor;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// What a reader gets that asks for nothing else.
    Current,
    /// Written, and not in use yet.
    Pending,
    /// What was current before.
    Previous,
}

impl Stage {
    pub fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Pending => "pending",
            Self::Previous => "previous",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Stage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("AWS").unwrap_or(text).to_ascii_lowercase().as_str() {
            "current" => Ok(Self::Current),
            "pending" => Ok(Self::Pending),
            "previous" => Ok(Self::Previous),
            _ => Err(format!("{text:?} is not a stage; write current, pending or previous")),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Secret {
    /// `/shop/orders/db-password`
    pub path: String,
    pub description: Option<String>,
    /// The number of the newest version; the first is 1.
    pub latest: i64,
    pub stages: BTreeMap<Stage, i64>,
    pub created_at: Timestamp,
    /// When the current version became it.
    pub changed_at: Timestamp,
    pub changed_by: Actor,
    /// The rotation that is under way.
    pub rotation: Option<Rotation>,
    /// Grows with each change; a write against an older revision is refused.
    pub revision: i64,
}

/// A runbook is putting the pending version to use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rotation {
    pub run: RunId,
    pub runbook: String,
    /// The pending version.
    pub version: i64,
    pub begun_by: Actor,
    pub begun_at: Timestamp,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct SecretVersion {
    pub path: String,
    pub version: i64,
    pub sealed: Sealed,
    pub written_at: Timestamp,
    pub written_by: Actor,
    /// As a secret's; it grows when the data key is wrapped anew.
    pub revision: i64,
}

impl fmt::Debug for SecretVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretVersion").field("path", &self.path).field("version", &self.version).field("key", &self.sealed.key).finish_non_exhaustive()
    }
}

/// A value that only the holder of the master key can read. Bytes are in Base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The master key that wraps the data key.
    pub key: String,
    /// The data key, of this value alone.
    pub wrapped: String,
    /// The value under the data key, behind its nonce.
    pub ciphertext: String,
}

/// The last that was handed out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SecretRead {
    pub path: String,
    pub version: i64,
    pub at: Timestamp,
    pub by: Actor,
    pub why: String,
}
