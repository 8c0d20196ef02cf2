//! What every room shares: ids, the clock, units, error kinds, the task driver, the table port, and what servers ask
//! before they answer.
//!
//! Knows nothing of documents, telemetry, databases or the network.

pub mod clock;
pub mod duration;
pub mod entity;
pub mod error;
pub mod guard;
pub mod id;
pub mod severity;
pub mod table;
pub mod task;

pub use clock::{Clock, ManualClock, SharedClock, SystemClock, Timestamp};
pub use duration::{format_duration, parse_duration};
pub use entity::EntityRef;
pub use error::{Classified, Kind};
pub use id::{ActionId, DeliveryId, EventId, IncidentId, RunId};
pub use severity::{Impact, Severity};
