//! Runbooks and playbooks: Markdown whose fenced cells run in order, with Runme's cell attributes.
//!
//! A Markdown file is one of them if its front matter says `kind: Runbook` or `kind: Playbook`
//! (`apiVersion: mainstay.dev/v1`), or carries a `runme` key.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::EntityRef;
use serde::Serialize;

use crate::Origin;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Runbook {
    /// `metadata.name`, else the file's name without its ending.
    pub name: String,
    pub kind: RunbookKind,
    /// The first heading, else the name.
    pub title: String,
    pub description: Option<String>,
    pub owner: Option<EntityRef>,
    pub component: Option<EntityRef>,
    pub parameters: Vec<Parameter>,
    /// Of the whole run.
    pub timeout: Option<Duration>,
    /// The interpreter of cells that say `sh` or `shell`; `bash` if absent.
    pub shell: Option<String>,
    /// Working folder of the cells, below the document's folder.
    pub cwd: Option<String>,
    pub cells: Vec<RunbookCell>,
    /// The whole text.
    pub markdown: String,
    /// SHA-256 of the text, in hex.
    pub digest: String,
    pub origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunbookKind {
    /// Changes something: a procedure with a known outcome.
    Runbook,
    /// Looks into something: an investigation.
    Playbook,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parameter {
    pub name: String,
    pub description: Option<String>,
    pub default: Option<String>,
    pub required: bool,
    /// If not empty, the only values allowed.
    pub allowed: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunbookCell {
    /// The attribute `name`, else `cell-1`, `cell-2`, ….
    pub name: String,
    /// The fence's language: `bash`, `python`, `sql`, `promql`, ….
    pub language: String,
    /// The attribute `interpreter`, which wins over the language.
    pub interpreter: Option<String>,
    pub source: String,
    pub cwd: Option<String>,
    pub env: BTreeMap<String, String>,
    pub timeout: Option<Duration>,
    /// Started, and left running until the run ends.
    pub background: bool,
    pub interactive: bool,
    /// Shown, but not run with the others.
    pub exclude_from_run_all: bool,
    /// The cell may be begun again after a crash.
    pub repeatable: bool,
    /// How a `sql` or `promql` answer is shown.
    pub display: Display,
    pub tags: Vec<String>,
    pub approval: Option<ApprovalPolicy>,
    /// Line of the fence.
    pub line: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Display {
    Table,
    Chart,
}

/// Who must agree before the cell runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ApprovalPolicy {
    /// Users and groups; empty means anyone but the initiator.
    pub approvers: Vec<EntityRef>,
    pub needed: u32,
    pub reason: Option<String>,
    /// The run is cancelled if nobody approves in this time; 7 days if absent.
    pub expires_after: Option<Duration>,
}
