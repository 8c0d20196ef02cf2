//! What a run will execute, fixed when it is requested.
//!
//! The ledger's steps hold what people see of a cell; the plan holds the rest of its settings. It is
//! appended as a `RUN_PLANNED` event, so nobody can change it afterwards.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use documents::runbook::{ApprovalPolicy, Display, Runbook, RunbookCell};
use kernel::{EntityRef, RunId};
use ledger::{EventFilter, Ledger, LedgerError, Step, types};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{DEFAULT_APPROVAL_EXPIRY, DEFAULT_CELL_TIMEOUT};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Where relative working folders start, below the root of the documents.
    pub folder: PathBuf,
    /// The interpreter of cells that say `sh` or `shell`.
    pub shell: Option<String>,
    /// Of the whole run, without the time in which it waits for people.
    pub timeout_ms: Option<u64>,
    pub cells: Vec<CellPlan>,
}

/// The settings of one cell.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CellPlan {
    pub interpreter: Option<String>,
    pub cwd: Option<String>,
    /// References to values kept elsewhere are filled in when the cell begins.
    pub env: BTreeMap<String, String>,
    pub timeout_ms: Option<u64>,
    pub background: bool,
    pub interactive: bool,
    /// Shown, but not run with the others.
    pub excluded: bool,
    pub repeatable: bool,
    /// When the executor dies within the cell, the run has failed; nobody is asked how to go on.
    #[serde(default)]
    pub ends_when_lost: bool,
    /// A `promql` cell shows a window of time as a chart.
    pub chart: bool,
    pub gate: Option<Gate>,
}

/// Who must agree before the cell runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    pub approvers: Vec<EntityRef>,
    pub needed: u32,
    pub reason: Option<String>,
    pub expires_after_ms: u64,
}

impl Plan {
    pub fn of(runbook: &Runbook) -> Self {
        let document_folder = Path::new(&runbook.origin.path).parent().unwrap_or(Path::new(""));
        Self {
            folder: document_folder.join(runbook.cwd.as_deref().unwrap_or("")),
            shell: runbook.shell.clone(),
            timeout_ms: runbook.timeout.map(whole_ms),
            cells: runbook.cells.iter().map(|cell| CellPlan::of(cell, &runbook.env)).collect(),
        }
    }

    /// Of a document that is played as a whole.
    pub fn of_one(cell: CellPlan) -> Self {
        Self { cells: vec![cell], ..Self::default() }
    }

    /// The plan that was fixed for a run.
    pub async fn read(ledger: &Ledger, run: &RunId) -> Result<Option<Self>, LedgerError> {
        let filter = EventFilter {
            kinds: vec![types::RUN_PLANNED.to_owned()],
            run: Some(run.clone()),
            limit: Some(1),
            ..EventFilter::default()
        };
        let Some(event) = ledger.events(&filter).await?.pop() else { return Ok(None) };
        serde_json::from_value(event.data["plan"].clone())
            .map(Some)
            .map_err(|source| LedgerError::Corrupt { what: format!("the plan of the run {run}"), source })
    }

    /// The settings of a step; the defaults for a step that the plan does not know.
    pub fn cell(&self, step: u32) -> CellPlan {
        self.cells.get(step as usize).cloned().unwrap_or_default()
    }
}

impl Gate {
    pub fn of(policy: &ApprovalPolicy) -> Self {
        Self {
            approvers: policy.approvers.clone(),
            needed: policy.needed.max(1),
            reason: policy.reason.clone(),
            expires_after_ms: whole_ms(policy.expires_after.unwrap_or(DEFAULT_APPROVAL_EXPIRY)),
        }
    }

    /// Anybody but who asked for it.
    pub fn of_production() -> Self {
        Self {
            approvers: Vec::new(),
            needed: 1,
            reason: Some("it is for production".to_owned()),
            expires_after_ms: whole_ms(DEFAULT_APPROVAL_EXPIRY),
        }
    }
}

impl CellPlan {
    /// `around` is the environment of all cells; a cell's own variables win.
    fn of(cell: &RunbookCell, around: &BTreeMap<String, String>) -> Self {
        Self {
            interpreter: cell.interpreter.clone(),
            cwd: cell.cwd.clone(),
            env: around.iter().chain(&cell.env).map(|(name, value)| (name.clone(), value.clone())).collect(),
            timeout_ms: cell.timeout.map(whole_ms),
            background: cell.background,
            interactive: cell.interactive,
            excluded: cell.exclude_from_run_all,
            repeatable: cell.repeatable,
            ends_when_lost: false,
            chart: cell.display == Display::Chart,
            gate: cell.approval.as_ref().map(Gate::of),
        }
    }

    /// How long the cell may take; a background cell has no limit.
    pub fn timeout(&self) -> Option<Duration> {
        (!self.background).then(|| self.timeout_ms.map_or(DEFAULT_CELL_TIMEOUT, Duration::from_millis))
    }
}

/// What an approval is bound to: everything that decides what the cell does.
pub fn digest(step: &Step, cell: &CellPlan, parameters: &BTreeMap<String, String>) -> String {
    let decisive = serde_json::json!([step.language, step.source, cell.interpreter, cell.cwd, cell.env, parameters]);
    hex(&Sha256::digest(decisive.to_string()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
