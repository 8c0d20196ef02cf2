//! Post-mortems and their actions.

use kernel::EntityRef;
use ledger::{Action, ActionStatus, Incident, Postmortem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PostmortemDetail {
    pub postmortem: Postmortem,
    pub incident: Incident,
    /// The file as it stands now.
    pub markdown: String,
    /// The SVG files beside it, by the name that the Markdown uses.
    pub charts: Vec<PostmortemChart>,
    pub actions: Vec<Action>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PostmortemChart {
    pub name: String,
    pub svg: String,
}

#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddAction {
    pub title: String,
    pub owner: Option<EntityRef>,
}

#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeAction {
    pub status: ActionStatus,
}
