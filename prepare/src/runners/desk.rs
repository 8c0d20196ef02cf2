//! Where runners call: who they are, what they take, and what they tell.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use kernel::{RunId, SharedClock, Timestamp};
use ledger::{Lease, Ledger};
use parking_lot::Mutex;
use scenario::load::Snapshot;
use tokio::sync::watch;
use tokio::time::Instant;

use super::shared::{Ended, Offer, Opened};
use super::state::{Refusal, Shares};
use super::{LEASE, RunnerError};
use crate::scenarios::Slow;

/// Cheap to clone; all clones are one desk.
#[derive(Clone)]
pub struct Runners {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub ledger: Ledger,
    pub clock: SharedClock,
    pub state: Mutex<Desk>,
    pub changes: watch::Sender<u64>,
}

#[derive(Default)]
pub(super) struct Desk {
    seen: BTreeMap<String, Seen>,
    /// The oldest first: it is filled before the next.
    pub runs: Vec<Shared>,
}

pub(super) struct Shared {
    pub offer: Offer,
    pub shares: Shares,
}

/// A runner that calls.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Its own, drawn when it started.
    pub runner: String,
    pub location: String,
    pub version: String,
}

/// A runner that has called.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub runner: String,
    pub location: String,
    pub version: String,
    pub since: Timestamp,
    pub seen_at: Timestamp,
    /// The run and the number of the share that it plays.
    pub plays: Option<(RunId, u64)>,
}

/// A share that a runner is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    pub offer: Offer,
    pub share: u64,
    /// Of the lease; the runner shows it with all that it says.
    pub token: i64,
}

/// What a runner says of its share, at least every second.
#[derive(Debug, Clone)]
pub struct Told {
    pub runner: String,
    pub token: i64,
    /// Whether it can begin.
    pub ready: bool,
    pub snapshot: Option<Snapshot>,
    /// Of the traced requests since the last word.
    pub slowest: Vec<Slow>,
}

/// What it hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    /// By this server's clock, once all are ready.
    pub start_at: Option<Timestamp>,
    /// The load is over: hand in what there is.
    pub stop: bool,
}

const NAME_CHARS_MAX: usize = 100;
/// A server is not filled by names.
const RUNNERS_MAX: usize = 1000;
/// One that has been silent for longer is forgotten.
const REMEMBERED: SignedDuration = SignedDuration::from_mins(10);
/// How long the rounds of a location are a runner's without a word of it.
const ROUNDS_LEASE: Duration = Duration::from_secs(15);
/// A lease of a runner that is gone lapses without a word.
const TRY_AGAIN: Duration = Duration::from_millis(500);

impl Runners {
    pub fn new(ledger: Ledger, clock: SharedClock) -> Self {
        Self { inner: Arc::new(Inner { ledger, clock, state: Mutex::default(), changes: watch::Sender::new(0) }) }
    }

    /// Those that called in the last ten minutes, by their locations.
    pub fn list(&self) -> Vec<Seen> {
        let mut seen: Vec<Seen> = self.inner.state.lock().seen.values().cloned().collect();
        seen.sort_by(|a, b| (&a.location, &a.runner).cmp(&(&b.location, &b.runner)));
        seen
    }

    /// Opens the shares of a load to whoever asks for work.
    pub fn open(&self, offer: Offer) -> Opened {
        let opened = Opened { desk: self.inner.clone(), run: offer.run.clone() };
        let shares = Shares::new(offer.of);
        self.inner.state.lock().runs.push(Shared { offer, shares });
        self.inner.tell();
        opened
    }

    /// Notes that a runner is there.
    pub fn call(&self, caller: &Caller) -> Result<(), RunnerError> {
        for (what, text) in [("id", &caller.runner), ("location", &caller.location), ("version", &caller.version)] {
            if text.is_empty() || text.chars().count() > NAME_CHARS_MAX {
                return Err(RunnerError::Name { what, most: NAME_CHARS_MAX });
            }
        }
        let now = self.inner.clock.now();
        let mut desk = self.inner.state.lock();
        desk.seen.retain(|_, seen| now.duration_since(seen.seen_at) < REMEMBERED);
        if desk.seen.len() >= RUNNERS_MAX && !desk.seen.contains_key(&caller.runner) {
            return Err(RunnerError::TooMany { most: RUNNERS_MAX });
        }
        let seen = desk.seen.entry(caller.runner.clone()).or_insert_with(|| Seen {
            runner: caller.runner.clone(),
            location: caller.location.clone(),
            version: caller.version.clone(),
            since: now,
            seen_at: now,
            plays: None,
        });
        seen.seen_at = now;
        Ok(())
    }

    /// Whether this runner makes the rounds of its location: one of those that stand there does, for as long as it
    /// goes on asking.
    pub async fn rounds(&self, caller: &Caller) -> Result<bool, RunnerError> {
        self.call(caller)?;
        let lease = self.inner.ledger.acquire_lease(&format!("canaries/{}", caller.location), &caller.runner, ROUNDS_LEASE).await?;
        Ok(lease.is_some())
    }

    /// A share for this runner; waits for one as long as the runner likes.
    pub async fn work(&self, caller: &Caller, patience: Duration) -> Result<Option<Work>, RunnerError> {
        let until = Instant::now() + patience;
        let mut changes = self.inner.changes.subscribe();
        loop {
            changes.mark_unchanged();
            self.call(caller)?;
            self.plays(&caller.runner, None);
            if let Some(work) = self.take(caller).await? {
                return Ok(Some(work));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            let wait = if self.is_wanted(caller) { left.min(TRY_AGAIN) } else { left };
            let _ = tokio::time::timeout(wait, changes.changed()).await;
        }
    }

    /// What a runner says of its share keeps it the runner's.
    pub async fn tell(&self, run: &RunId, share: u64, told: Told) -> Result<Heard, RunnerError> {
        let lease = self.held(run, share, &told.runner, told.token)?;
        let renewed = self.inner.ledger.renew_lease(&lease, LEASE).await?;
        let now = self.inner.clock.now();
        let mut desk = self.inner.state.lock();
        if let Some(seen) = desk.seen.get_mut(&told.runner) {
            seen.seen_at = now;
        }
        let shared = desk.shared(run).filter(|shared| shared.shares.lease(share, &told.runner, told.token).is_some());
        let (Some(shared), Some(renewed)) = (shared, renewed) else { return Err(gone(run, share)) };
        shared.shares.renew(share, renewed, told);
        let heard = Heard { start_at: shared.shares.start(), stop: shared.shares.is_stopped() };
        drop(desk);
        self.inner.tell();
        Ok(heard)
    }

    /// Whether the share is this runner's.
    pub fn check(&self, run: &RunId, share: u64, runner: &str, token: i64) -> Result<(), RunnerError> {
        self.held(run, share, runner, token).map(drop)
    }

    /// The end of a share. Saying it twice changes nothing.
    pub async fn end(&self, run: &RunId, share: u64, runner: &str, token: i64, ended: &[u8]) -> Result<(), RunnerError> {
        if self.inner.state.lock().shared(run).is_some_and(|shared| shared.shares.has_ended(share, runner, token)) {
            return Ok(());
        }
        let lease = self.held(run, share, runner, token)?;
        let ended = serde_json::from_slice(ended).map_err(|source| RunnerError::Unreadable { what: "the result", source })?;
        // Whoever took the lease meanwhile counts, not this one.
        if self.inner.ledger.renew_lease(&lease, LEASE).await?.is_none() {
            return Err(gone(run, share));
        }
        self.conclude(run, share, runner, token, ended)?;
        self.inner.tell();
        self.inner.ledger.release_lease(&lease).await?;
        Ok(())
    }

    async fn take(&self, caller: &Caller) -> Result<Option<Work>, RunnerError> {
        let Some((offer, share)) = self.reserve(caller) else { return Ok(None) };
        let name = format!("run/{}/share/{share}", offer.run);
        let lease = self.inner.ledger.acquire_lease(&name, &caller.runner, LEASE).await?;
        let token = lease.as_ref().map(|lease| lease.token);
        let settled = self.inner.state.lock().shared(&offer.run).is_some_and(|shared| shared.shares.settle(share, &caller.runner, lease));
        let Some(token) = token.filter(|_| settled) else { return Ok(None) };
        self.plays(&caller.runner, Some((offer.run.clone(), share)));
        self.inner.tell();
        Ok(Some(Work { offer, share, token }))
    }

    fn plays(&self, runner: &str, share: Option<(RunId, u64)>) {
        if let Some(seen) = self.inner.state.lock().seen.get_mut(runner) {
            seen.plays = share;
        }
    }

    fn conclude(&self, run: &RunId, share: u64, runner: &str, token: i64, ended: Ended) -> Result<(), RunnerError> {
        let mut desk = self.inner.state.lock();
        if let Some(seen) = desk.seen.get_mut(runner) {
            seen.plays = None;
        }
        let shared = desk.shared(run).filter(|shared| shared.shares.lease(share, runner, token).is_some());
        let shares = &mut shared.ok_or_else(|| gone(run, share))?.shares;
        match ended {
            Ended::Played(outcome) => shares.played(share, *outcome),
            Ended::Failed(reason) => shares.failed(share, reason),
            Ended::Refused(reason) => shares.refuse(share, reason),
        }
        Ok(())
    }

    fn reserve(&self, caller: &Caller) -> Option<(Offer, u64)> {
        let now = self.inner.clock.now();
        let until = now.checked_add(LEASE).ok()?;
        let mut desk = self.inner.state.lock();
        desk.runs.iter_mut().find_map(|shared| {
            shared.shares.lapse(now);
            if caller.version != env!("CARGO_PKG_VERSION") {
                shared.shares.turn_away(Refusal {
                    runner: caller.runner.clone(),
                    location: caller.location.clone(),
                    reason: format!("its version is {}, this server's {}", caller.version, env!("CARGO_PKG_VERSION")),
                });
            }
            let share = shared.shares.reserve(&caller.runner, &caller.location, until)?;
            Some((shared.offer.clone(), share))
        })
    }

    /// Whether some load still waits for runners: then a lease that lapses may make room for this one.
    fn is_wanted(&self, caller: &Caller) -> bool {
        let desk = self.inner.state.lock();
        desk.runs.iter().any(|shared| shared.shares.start().is_none() && !shared.shares.refusals().iter().any(|refusal| refusal.runner == caller.runner))
    }

    fn held(&self, run: &RunId, share: u64, runner: &str, token: i64) -> Result<Lease, RunnerError> {
        let mut desk = self.inner.state.lock();
        let lease = desk.shared(run).and_then(|shared| shared.shares.lease(share, runner, token).cloned());
        lease.ok_or_else(|| gone(run, share))
    }
}

impl Inner {
    /// Wakes whoever waits for a change.
    pub fn tell(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl Desk {
    fn shared(&mut self, run: &RunId) -> Option<&mut Shared> {
        self.runs.iter_mut().find(|shared| shared.offer.run == *run)
    }
}

fn gone(run: &RunId, share: u64) -> RunnerError {
    RunnerError::Gone { run: run.clone(), share }
}
