//! Runs: durable executions of runbooks, playbooks, scenarios, experiments and game days.
//!
//! A run begins as a request: a person's, through [`Runs`], or another stage's, as a `RUN_REQUESTED`
//! event. The request fixes a [`Plan`](plan::Plan), the cells with all their settings as the document
//! stood then, and the run keeps to it whatever becomes of the document. The [`Executor`] takes
//! requested runs under a lease, asks [`state::next`] what to do, records it, does it, and records
//! what came of it; so after a crash the ledger tells which cell was under way.
//!
//! # What a cell can rely on
//!
//! - Cells run in order, each in a process group of its own, without a terminal and with standard
//!   input closed; an `interactive` cell, too. What a cell starts and leaves behind is stopped with it,
//!   unless the cell is `background`: then its whole group lives until the run ends.
//! - Shells stop at the first error (`-e`), at an unset variable (`-u`) and, where they can, at an
//!   error within a pipe (`-o pipefail`). A cell fails if it exits with anything but 0.
//! - The environment is the server's without its `MAINSTAY_…` settings; then, each over the former:
//!   the run's parameters, the outputs of earlier cells, the cell's own `env`, and `MAINSTAY_RUN`,
//!   `MAINSTAY_INCIDENT`, `MAINSTAY_URL`, `MAINSTAY_OUTPUT`. A column `p95(ms)` of a
//!   query's answer is the variable `p95_ms_`.
//! - In the `env` of the front matter or of a cell, `{{resolve:SERVICE:KEY}}` stands for a value kept elsewhere. It is
//!   read when the first cell that names it begins, once for the run. What is secret of it is hidden from all that the
//!   run puts out: its output, its outputs, its errors. A run that rotates a secret finds the secret's path, its
//!   pending and its current value in `MAINSTAY_SECRET`, `MAINSTAY_SECRET_PENDING`, `MAINSTAY_SECRET_CURRENT`.
//! - What a cell writes into the file `MAINSTAY_OUTPUT`, as lines `name=value` or as
//!   `name<<END` … `END`, becomes outputs of the run.
//! - It works in the document's folder, or in `cwd` of the front matter below it, or in the cell's
//!   `cwd` below that.
//! - A cell has [`DEFAULT_CELL_TIMEOUT`] unless it says otherwise; a background cell has no limit. The
//!   time that a run waits for people does not count towards the run's own limit.
//! - In `sql` and `promql` cells `{{ name }}` stands for a parameter or an output, quoted as a string;
//!   `{{ name | number }}` and `{{ name | duration }}` stand for a checked, bare one. One row of
//!   answer becomes outputs, by the names of its columns.

mod approval;
mod cell;
mod change;
mod error;
mod execution;
mod groups;
mod output;
mod people;
pub mod plan;
pub mod playable;
mod player;
mod record;
mod request;
pub mod state;
mod task;
mod values;
#[cfg(test)]
pub(crate) mod tests;

use std::time::Duration;

pub use error::RunError;
pub use request::Request;
pub use people::{Resume, Runs};
pub use player::{Play, Played, Player, Players, Reporter};
pub use record::{ATTACHMENTS_BYTES_MAX, ATTACHMENTS_MAX, Attached, Recorded};
pub use task::{Executor, ExecutorSettings};
pub use values::asking;

/// How long a cell may take that does not say.
pub const DEFAULT_CELL_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// How long an approval stays open that does not say.
pub const DEFAULT_APPROVAL_EXPIRY: Duration = Duration::from_secs(7 * 24 * 3600);

/// The `source` of the events that this room appends.
const SOURCE: &str = "/prepare/runs";
