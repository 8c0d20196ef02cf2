//! The handle that every room holds.

use std::time::Duration;

use kernel::{ActionId, DeliveryId, IncidentId, RunId, SharedClock, Timestamp};
use tokio::sync::watch;

use crate::*;

/// Cheap to clone; all clones share the one writer.
#[derive(Clone)]
pub struct Ledger {}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ledger")
    }
}

type Result<T> = std::result::Result<T, LedgerError>;

impl Ledger {
    /// Opens or creates: `sqlite:PATH` (or `sqlite::memory:`), `postgres://…`.
    pub async fn open(_url: &str, _clock: SharedClock) -> Result<Self> { unimplemented!() }
    /// Writes all or nothing; returns when it is durable.
    pub async fn commit(&self, _batch: Batch) -> Result<Committed> { unimplemented!() }
    /// The number of a new incident; never given twice.
    pub async fn next_incident_id(&self) -> Result<IncidentId> { unimplemented!() }
    /// The highest position that a reader may rely on; changes within 50 ms of a commit, by any server.
    pub fn watch(&self) -> watch::Receiver<u64> { unimplemented!() }
    pub async fn position(&self) -> Result<Position> { unimplemented!() }
    pub async fn events(&self, _filter: &EventFilter) -> Result<Vec<Event>> { unimplemented!() }
    pub async fn cursor(&self, _reader: &str) -> Result<Option<Position>> { unimplemented!() }
    pub async fn run(&self, _id: &RunId) -> Result<Run> { unimplemented!() }
    pub async fn runs(&self, _filter: &RunFilter) -> Result<Vec<Run>> { unimplemented!() }
    pub async fn steps(&self, _run: &RunId) -> Result<Vec<Step>> { unimplemented!() }
    /// Chunks with a sequence above `after` (-1 for all), at most `limit`.
    pub async fn output(&self, _run: &RunId, _after: i64, _limit: u32) -> Result<Vec<OutputChunk>> { unimplemented!() }
    /// Changes whenever output is written to any run by this server, or an event is appended by any.
    pub fn watch_output(&self) -> watch::Receiver<u64> { unimplemented!() }
    pub async fn incident(&self, _id: IncidentId) -> Result<Incident> { unimplemented!() }
    pub async fn incidents(&self, _filter: &IncidentFilter) -> Result<Vec<Incident>> { unimplemented!() }
    pub async fn alarms(&self) -> Result<Vec<AlarmRecord>> { unimplemented!() }
    pub async fn alarm(&self, _id: &str) -> Result<AlarmRecord> { unimplemented!() }
    pub async fn delivery(&self, _id: &DeliveryId) -> Result<Delivery> { unimplemented!() }
    /// Newest first; all statuses if `None`.
    pub async fn deliveries(&self, _status: Option<DeliveryStatus>, _limit: u32) -> Result<Vec<Delivery>> { unimplemented!() }
    /// Pending deliveries whose next attempt is due.
    pub async fn due_deliveries(&self, _now: Timestamp, _limit: u32) -> Result<Vec<Delivery>> { unimplemented!() }
    pub async fn postmortems(&self) -> Result<Vec<Postmortem>> { unimplemented!() }
    pub async fn postmortem(&self, _incident: IncidentId) -> Result<Postmortem> { unimplemented!() }
    pub async fn actions(&self, _incident: Option<IncidentId>) -> Result<Vec<Action>> { unimplemented!() }
    pub async fn action(&self, _id: &ActionId) -> Result<Action> { unimplemented!() }
    /// `None` if somebody else holds it.
    pub async fn acquire_lease(&self, _name: &str, _holder: &str, _ttl: Duration) -> Result<Option<Lease>> { unimplemented!() }
    /// `None` if it was lost meanwhile.
    pub async fn renew_lease(&self, _lease: &Lease, _ttl: Duration) -> Result<Option<Lease>> { unimplemented!() }
    pub async fn release_lease(&self, _lease: &Lease) -> Result<()> { unimplemented!() }
    /// Finishes what is under way and closes the files.
    pub async fn close(&self) { unimplemented!() }
}
