//! How much a component matters, and how bad an incident is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the business loses when a component fails. Declared on the component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Impact {
    Low,
    Medium,
    High,
    Critical,
}

/// SEV-1 is the worst. SEV-2 and up are major incidents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Sev1,
    Sev2,
    Sev3,
    Sev4,
    Sev5,
}

impl Severity {
    /// The severity of an incident that harms a component of this impact.
    pub fn for_impact(impact: Impact) -> Self {
        match impact {
            Impact::Critical => Self::Sev1,
            Impact::High => Self::Sev2,
            Impact::Medium => Self::Sev3,
            Impact::Low => Self::Sev4,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sev1 => "sev1",
            Self::Sev2 => "sev2",
            Self::Sev3 => "sev3",
            Self::Sev4 => "sev4",
            Self::Sev5 => "sev5",
        }
    }

    pub fn is_major(self) -> bool {
        self <= Self::Sev2
    }
}
