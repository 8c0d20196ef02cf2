//! Errors, as RFC 9457 problem details (`application/problem+json`).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The HTTP status's standard phrase.
    pub title: String,
    pub status: u16,
    /// What is wrong and what to do.
    pub detail: String,
}
