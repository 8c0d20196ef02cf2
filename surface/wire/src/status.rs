//! The server itself, and the documents as it reads them.

use kernel::Timestamp;
use kernel::task::TaskStatus;
use serde::Serialize;
use utoipa::ToSchema;

use crate::catalog::DocumentOrigin;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ServerStatus {
    pub version: String,
    pub started_at: Timestamp,
    pub ledger: String,
    pub lake: String,
    /// Where OpenTelemetry senders reach it.
    pub otlp_grpc: String,
    pub otlp_http: String,
    pub ops: String,
    pub revision: Option<String>,
    pub tasks: Vec<TaskStatus>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DocumentProblem {
    pub code: String,
    /// `error`, `warning` or `note`.
    pub level: String,
    pub origin: DocumentOrigin,
    pub message: String,
    pub mend: Option<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EventRuleView {
    pub name: String,
    pub description: Option<String>,
    pub enabled: bool,
    /// As written.
    #[schema(value_type = Object)]
    pub pattern: serde_json::Value,
    #[schema(value_type = Vec<Object>)]
    pub targets: serde_json::Value,
    pub origin: DocumentOrigin,
}
