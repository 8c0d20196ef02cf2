//! The three signals, as the lake's folders and manifest name them.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignalName {
    Logs,
    Spans,
    Metrics,
}

impl SignalName {
    pub const ALL: [Self; 3] = [Self::Logs, Self::Spans, Self::Metrics];

    pub fn folder(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Spans => "spans",
            Self::Metrics => "metrics",
        }
    }
}
