//! Reads the ledger event by event, and appends what the matching rules ask for.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use documents::Loaded;
use documents::event_rule::EventRule;
use kernel::SharedClock;
use kernel::task::{Pass, Task, TaskError};
use ledger::{Batch, Event, EventFilter, Lease, Ledger, LedgerError, Position};
use tokio::sync::{Mutex, watch};

use super::chain::{self, Chains};
use super::targets::Gather;
use crate::leadership::Leadership;

const LEASE: &str = "operate/events";
const READER: &str = "operate/events";
const INTERVAL: Duration = Duration::from_secs(4);
const PAGE: u32 = 200;
/// Events before the cursor that are read again for their causes when the task begins.
const RECALLED: u32 = 5_000;
/// An event whose incident always changes meanwhile is left for the next pass.
const ATTEMPTS_MAX: u32 = 10;

/// Handles each event once: what the targets ask for is written together with the cursor.
pub struct EventRuleTask {
    ledger: Ledger,
    graph: watch::Receiver<Arc<Loaded>>,
    clock: SharedClock,
    work: Mutex<Work>,
}

struct Work {
    leadership: Leadership,
    /// Under the lease with this token.
    chains: Option<(i64, Chains)>,
}

/// What a pass came to.
#[derive(Default)]
struct Tally {
    events: usize,
    matches: usize,
    refused: usize,
}

impl EventRuleTask {
    pub fn new(ledger: Ledger, graph: watch::Receiver<Arc<Loaded>>, clock: SharedClock) -> Self {
        let leadership = Leadership::new(ledger.clone(), LEASE);
        Self { ledger, graph, clock, work: Mutex::new(Work { leadership, chains: None }) }
    }

    /// See [`AlarmTask::held_by`](crate::alarms::AlarmTask::held_by).
    pub fn held_by(self, holder: &str) -> Self {
        let leadership = Leadership::new(self.ledger.clone(), LEASE).held_by(holder);
        Self { work: Mutex::new(Work { leadership, chains: None }), ..self }
    }

    async fn handle_all(&self, lease: &Lease, chains: &mut Chains, loaded: &Loaded) -> Result<Tally, LedgerError> {
        let mut tally = Tally::default();
        let mut handled = self.ledger.cursor(READER).await?;
        loop {
            let filter = EventFilter { after: handled, limit: Some(PAGE), ..EventFilter::default() };
            let events = self.ledger.events(&filter).await?;
            let mut written = handled;
            for event in &events {
                if self.handle(lease, chains, loaded, event, &mut tally).await? {
                    written = Some(event.position);
                }
                handled = Some(event.position);
            }
            if let Some(position) = handled.filter(|_| handled != written) {
                self.commit(lease, Batch::new().cursor(READER, position)).await?;
            }
            tally.events += events.len();
            if events.len() < PAGE as usize {
                return Ok(tally);
            }
        }
    }

    /// True if something was written, and the cursor with it.
    async fn handle(
        &self,
        lease: &Lease,
        chains: &mut Chains,
        loaded: &Loaded,
        event: &Event,
        tally: &mut Tally,
    ) -> Result<bool, LedgerError> {
        let chain = chains.observe(event);
        let json = serde_json::to_value(event).map_err(|source| LedgerError::Corrupt { what: "an event".to_owned(), source })?;
        let matching = loaded.graph.event_rules.iter().filter(|rule| rule.enabled && rule.pattern.matches(&json));
        let (acting, refused): (Vec<&EventRule>, Vec<&EventRule>) = matching.partition(|rule| chain::may_act(&rule.name, &chain));
        for rule in &refused {
            tracing::warn!(rule = rule.name, event = %event.id, ?chain, "a rule is not followed: the event is its own consequence");
        }
        tally.matches += acting.len();
        tally.refused += refused.len();
        if acting.is_empty() {
            return Ok(false);
        }
        let mut attempt = 1;
        loop {
            let mut gather = Gather::new(&self.ledger, &loaded.graph, self.clock.now(), event, &json);
            for rule in &acting {
                gather.rule(rule).await?;
            }
            match self.commit(lease, gather.finish().cursor(READER, event.position)).await {
                Ok(true) => return Ok(true),
                // Handled before, by somebody whose cursor was lost.
                Ok(false) => return self.commit(lease, Batch::new().cursor(READER, event.position)).await,
                // An incident was changed by a person meanwhile; or the lease is lost, which the next
                // attempt will say again.
                Err(LedgerError::Conflict(_)) if attempt < ATTEMPTS_MAX => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    async fn commit(&self, lease: &Lease, batch: Batch) -> Result<bool, LedgerError> {
        Ok(self.ledger.commit(batch.under_lease(&lease.name, lease.token)).await?.written)
    }

    /// The chains of the events just before the cursor.
    async fn recall(&self) -> Result<Chains, LedgerError> {
        let mut chains = Chains::default();
        if let Some(Position(cursor)) = self.ledger.cursor(READER).await? {
            let before = Some(Position(cursor.saturating_add(1)));
            let filter = EventFilter { before, limit: Some(RECALLED), newest_first: true, ..EventFilter::default() };
            for event in self.ledger.events(&filter).await?.iter().rev() {
                chains.observe(event);
            }
        }
        Ok(chains)
    }
}

#[async_trait]
impl Task for EventRuleTask {
    fn name(&self) -> &'static str {
        "event-rules"
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }

    async fn pass(&self) -> Result<Pass, TaskError> {
        let loaded = self.graph.borrow().clone();
        if loaded.graph.root.as_os_str().is_empty() {
            return Ok(Pass { summary: "the documents are not read yet".to_owned(), next: None });
        }
        let mut work = self.work.lock().await;
        let Some(lease) = work.leadership.hold(self.clock.now()).await? else {
            work.chains = None;
            return Ok(Pass { summary: "another server follows the event rules".to_owned(), next: None });
        };
        let mut chains = match work.chains.take() {
            Some((token, chains)) if token == lease.token => chains,
            _ => self.recall().await?,
        };
        let tally = self.handle_all(&lease, &mut chains, &loaded).await?;
        work.chains = Some((lease.token, chains));
        let refused = if tally.refused == 0 { String::new() } else { format!(", {} refused as loops", tally.refused) };
        Ok(Pass { summary: format!("{} events read, {} rules followed{refused}", tally.events, tally.matches), next: None })
    }
}
