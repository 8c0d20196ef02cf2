//! `kind: Workload`: the settings of the whole folder. At most one; all fields have defaults.

use std::time::Duration;

use serde::Serialize;

use crate::Origin;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Workload {
    pub name: String,
    pub title: Option<String>,
    pub description: Option<String>,
    /// How often rule groups that do not say otherwise are evaluated.
    pub evaluation_interval: Duration,
    /// Where post-mortems are written, below the repository's root.
    pub postmortems: String,
    /// How long signals are kept.
    pub retention: Duration,
    pub origin: Option<Origin>,
}

impl Default for Workload {
    fn default() -> Self {
        Self {
            name: "workload".to_owned(),
            title: None,
            description: None,
            evaluation_interval: Duration::from_secs(60),
            postmortems: "ops/postmortems".to_owned(),
            retention: Duration::from_secs(15 * 24 * 3600),
            origin: None,
        }
    }
}
