//! What can be changed: a batch, the counter of incidents, and leases.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use kernel::{IncidentId, Timestamp};

use crate::backend::Value;
use crate::reads::{EVENT_BY_KEY, counter, event};
use crate::statements::{self, EventColumns, Statement};
use crate::writer::{Change, Write};
use crate::{Batch, Committed, Event, Lease, LedgerError};

type Result<T> = std::result::Result<T, LedgerError>;

/// A batch, checked and turned into statements before it queues for the writer.
#[derive(Debug)]
pub(crate) struct CommitBatch {
    events: Vec<EventColumns>,
    state: Vec<Statement>,
    writes_output: bool,
    lease: Option<(String, i64)>,
    pub size_bytes: usize,
}

impl CommitBatch {
    pub fn new(batch: Batch) -> Result<Self> {
        let state = statements::state(&batch)?;
        let events = batch.events.into_iter().map(EventColumns::new).collect::<Result<Vec<_>>>()?;
        refuse_repeated_keys(&events)?;
        let size_bytes = statements::check_size(&events, &state)?;
        Ok(Self { events, state, writes_output: !batch.output.is_empty(), lease: batch.lease, size_bytes })
    }

    async fn known_events(&self, write: &mut Write) -> Result<Vec<Event>> {
        let mut known = Vec::new();
        for key in self.events.iter().filter_map(|columns| columns.event.key.as_deref()) {
            let rows = write.query(EVENT_BY_KEY, vec![Value::own(key)]).await?;
            for row in &rows {
                known.push(event(row)?);
            }
        }
        Ok(known)
    }
}

#[async_trait]
impl Change for CommitBatch {
    type Outcome = Committed;

    /// A known key comes first: a repeated batch is answered as done, whatever happened since.
    async fn apply(self, write: &mut Write) -> Result<Committed> {
        let known = self.known_events(write).await?;
        if !known.is_empty() {
            return Ok(Committed { events: known, written: false });
        }
        if let Some((name, token)) = &self.lease {
            check_lease(write, name, *token).await?;
        }
        for statement in self.state {
            write.execute(statement).await?;
        }
        let mut events = Vec::with_capacity(self.events.len());
        for columns in self.events {
            events.push(write.append(columns).await?);
        }
        if self.writes_output {
            write.note_output();
        }
        Ok(Committed { events, written: true })
    }
}

fn refuse_repeated_keys(events: &[EventColumns]) -> Result<()> {
    let mut keys = BTreeSet::new();
    for key in events.iter().filter_map(|columns| columns.event.key.as_deref()) {
        if !keys.insert(key) {
            return Err(LedgerError::Invalid(format!("two events of one batch have the key {key}: give each its own")));
        }
    }
    Ok(())
}

async fn check_lease(write: &mut Write, name: &str, token: i64) -> Result<()> {
    let values = vec![Value::key("a lease's name", name)?, Value::integer(token), Value::time(write.now())];
    let held = write.query("SELECT 1 FROM leases WHERE name = $1 AND token = $2 AND expires_at > $3", values).await?;
    if held.is_empty() { Err(LedgerError::Conflict(format!("the lease {name}"))) } else { Ok(()) }
}

/// Numbers of incidents count up from 1; one that was given stays given.
#[derive(Debug)]
pub(crate) struct NextIncident;

#[async_trait]
impl Change for NextIncident {
    type Outcome = IncidentId;

    async fn apply(self, write: &mut Write) -> Result<IncidentId> {
        let sql = "UPDATE counters SET value = value + 1 WHERE name = 'incident' RETURNING value";
        Ok(IncidentId::from_number(counter(&write.query(sql, Vec::new()).await?)?))
    }
}

/// Takes the lease if it is free, has expired, or is the holder's own; the token grows in any case,
/// so that what a holder of the same name began before a restart is fenced off too.
#[derive(Debug)]
pub(crate) struct AcquireLease {
    pub name: String,
    pub holder: String,
    pub ttl: Duration,
}

#[async_trait]
impl Change for AcquireLease {
    type Outcome = Option<Lease>;

    async fn apply(self, write: &mut Write) -> Result<Option<Lease>> {
        let expires_at = after(write.now(), self.ttl);
        let values = vec![
            Value::key("a lease's name", &self.name)?,
            Value::key("a lease's holder", &self.holder)?,
            Value::time(expires_at),
            Value::time(write.now()),
        ];
        let rows = write
            .query(
                "INSERT INTO leases (name, holder, token, expires_at) VALUES ($1, $2, 1, $3)
                 ON CONFLICT (name) DO UPDATE
                 SET holder = excluded.holder, token = leases.token + 1, expires_at = excluded.expires_at
                 WHERE leases.holder IS NULL OR leases.holder = excluded.holder OR leases.expires_at <= $4
                 RETURNING token",
                values,
            )
            .await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(Lease { name: self.name, holder: self.holder, token: row.integer(0)?, expires_at }))
    }
}

/// Even after it expired, if nobody took it meanwhile: then nobody was misled.
#[derive(Debug)]
pub(crate) struct RenewLease {
    pub lease: Lease,
    pub ttl: Duration,
}

#[async_trait]
impl Change for RenewLease {
    type Outcome = Option<Lease>;

    async fn apply(self, write: &mut Write) -> Result<Option<Lease>> {
        let expires_at = after(write.now(), self.ttl);
        let mut values = lease_identity(&self.lease)?;
        values.push(Value::time(expires_at));
        let sql = "UPDATE leases SET expires_at = $4 WHERE name = $1 AND holder = $2 AND token = $3 RETURNING token";
        let kept = !write.query(sql, values).await?.is_empty();
        Ok(kept.then_some(Lease { expires_at, ..self.lease }))
    }
}

/// Does nothing to a lease that somebody else holds by now.
#[derive(Debug)]
pub(crate) struct ReleaseLease {
    pub lease: Lease,
}

#[async_trait]
impl Change for ReleaseLease {
    type Outcome = ();

    async fn apply(self, write: &mut Write) -> Result<()> {
        let sql = "UPDATE leases SET holder = NULL, expires_at = 0
                   WHERE name = $1 AND holder = $2 AND token = $3 RETURNING token";
        write.query(sql, lease_identity(&self.lease)?).await.map(drop)
    }
}

fn lease_identity(lease: &Lease) -> Result<Vec<Value>> {
    Ok(vec![
        Value::key("a lease's name", &lease.name)?,
        Value::key("a lease's holder", &lease.holder)?,
        Value::integer(lease.token),
    ])
}

/// Saturates: a lease for ever is one until the end of time.
fn after(now: Timestamp, ttl: Duration) -> Timestamp {
    SignedDuration::try_from(ttl).ok().and_then(|ttl| now.checked_add(ttl).ok()).unwrap_or(Timestamp::MAX)
}
