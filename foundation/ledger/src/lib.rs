//! What happened: an append-only list of events, and the state written together with them.
//!
//! Every change is one [`Batch`]: events and the new state of runs, incidents, alarms and deliveries,
//! written in one transaction, so that no event tells of a state that is not there and no state
//! exists without its event. SQLite by default, PostgreSQL when several servers share it; one test
//! suite runs on both.
//!
//! Knows nothing of documents or telemetry. Stages meet here and nowhere else.

mod alarm;
mod attachment;
mod backend;
mod batch;
mod changes;
mod config_rollout;
mod delivery;
mod error;
mod event;
mod follow;
mod game_day;
mod incident;
mod lease;
mod ledger;
pub mod limits;
mod parameter;
mod postmortem;
mod reads;
mod run;
mod secret;
mod statements;
mod tables;
pub mod types;
mod writer;

pub use alarm::{AlarmInstance, AlarmRecord, AlarmState, Evidence, QueryLanguage, Verdict};
pub use attachment::RunAttachment;
pub use batch::{Batch, Committed};
pub use config_rollout::{ConfigComing, ConfigRefused, ConfigRollout, ConfigVersion};
pub use delivery::{Channel, Delivery, DeliveryStatus};
pub use error::LedgerError;
pub use event::{Event, EventFilter, NewEvent, Position};
pub use game_day::{
    Attendance, GameDayNote, GameDayOutcome, GameDayResult, HypothesisResult, HypothesisVerdict, Mark, Measures, PlayedExperiment, Split, Training,
    Trial,
};
pub use incident::{Incident, IncidentFilter, IncidentStatus, Role};
pub use lease::Lease;
pub use ledger::Ledger;
pub use parameter::{Parameter, ParameterKind, ParameterVersion};
pub use postmortem::{Action, ActionStatus, Postmortem};
pub use run::{Actor, Approval, CANARY, OutputChunk, OutputKind, Run, RunFilter, RunKind, RunStatus, Step, StepStatus};
pub use secret::{Rotation, Sealed, Secret, SecretRead, SecretVersion, Stage};
