//! Pictures and records that a run leaves behind. They are bounded: the newest few hundred runs keep theirs.

use kernel::RunId;
use serde::{Deserialize, Serialize};

/// One file of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunAttachment {
    pub run: RunId,
    /// Within the run; one that is written again replaces the first.
    pub number: i64,
    pub name: String,
    pub media_type: String,
    /// In Base64.
    pub data: String,
}
