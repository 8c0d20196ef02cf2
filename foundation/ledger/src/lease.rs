//! Leases: who may do a piece of work now.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

/// Held until it expires or is released; the token grows with each holder, so that a late writer
/// can be told from the present one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub name: String,
    pub holder: String,
    pub token: i64,
    pub expires_at: Timestamp,
}
