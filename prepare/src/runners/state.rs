//! The shares of one load and who plays each. Decides only: no clock, disk or socket.

use kernel::Timestamp;
use ledger::Lease;
use scenario::load::{Outcome, Snapshot};

use super::desk::Told;
use crate::scenarios::{Slow, slowest_of};

/// All shares of a load.
#[derive(Debug)]
pub struct Shares {
    parts: Vec<Part>,
    refusals: Vec<Refusal>,
    start: Option<Timestamp>,
    stopped: bool,
}

/// One share.
#[derive(Debug, Default)]
pub struct Part {
    pub state: State,
    /// Who plays it, or played it last.
    pub location: Option<String>,
    pub runner: Option<String>,
    /// What its runner said last.
    pub snapshot: Option<Snapshot>,
    /// Of its traced requests.
    pub slowest: Vec<Slow>,
    lease: Option<Lease>,
    until: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub enum State {
    #[default]
    Open,
    /// Its runner prepares.
    Taken,
    /// Its runner waits for the start, or plays.
    Ready,
    Played(Box<Outcome>),
    Failed(String),
    /// Its lease has lapsed after the start.
    Lost,
}

/// A runner that cannot play this load, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub runner: String,
    pub location: String,
    pub reason: String,
}

/// How far a shared load is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// So many shares have no runner yet.
    Gathering { open: usize },
    /// Somebody prepares.
    Preparing,
    /// Everybody waits for the start.
    Ready,
    Playing,
    /// Nothing more is to come.
    Over,
}

impl Shares {
    pub fn new(of: u64) -> Self {
        Self { parts: (0..of).map(|_| Part::default()).collect(), refusals: Vec::new(), start: None, stopped: false }
    }

    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    pub fn start(&self) -> Option<Timestamp> {
        self.start
    }

    pub fn start_at(&mut self, at: Timestamp) {
        self.start = Some(at);
    }

    /// Whoever plays ends, and hands in what there is.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    pub fn standing(&self) -> Standing {
        let count = |wanted: fn(&State) -> bool| self.parts.iter().filter(|part| wanted(&part.state)).count();
        let busy = count(|state| matches!(state, State::Taken | State::Ready));
        let open = count(|state| matches!(state, State::Open));
        if self.stopped || self.start.is_some() {
            return if busy == 0 { Standing::Over } else { Standing::Playing };
        }
        match (open, count(|state| matches!(state, State::Taken))) {
            (0, 0) if busy == self.parts.len() => Standing::Ready,
            (0, _) => Standing::Preparing,
            (open, _) => Standing::Gathering { open },
        }
    }

    /// Why the load is not what was asked for: the first share that failed or was lost.
    pub fn broken(&self) -> Option<String> {
        let of = self.parts.len();
        let named = |index: usize, part: &Part| format!("share {} of {of} ({})", index + 1, part.location.as_deref().unwrap_or("nobody"));
        self.parts.iter().enumerate().find_map(|(index, part)| match &part.state {
            State::Failed(reason) => Some(format!("{} failed: {reason}", named(index, part))),
            State::Lost => Some(format!("{} was lost: its runner no longer answered", named(index, part))),
            _ => None,
        })
    }

    /// The first share that nobody has, if this runner may have one; it is the runner's until then.
    pub fn reserve(&mut self, runner: &str, location: &str, until: Timestamp) -> Option<u64> {
        if self.start.is_some() || self.stopped || self.refusals.iter().any(|refusal| refusal.runner == runner) {
            return None;
        }
        let index = self.parts.iter().position(|part| matches!(part.state, State::Open))?;
        self.parts[index] = Part {
            state: State::Taken,
            location: Some(location.to_owned()),
            runner: Some(runner.to_owned()),
            until: Some(until),
            ..Part::default()
        };
        Some(index as u64)
    }

    /// Gives the share that was reserved its lease, or opens it again without one.
    pub fn settle(&mut self, index: u64, runner: &str, lease: Option<Lease>) -> bool {
        let Some(part) = self.parts.get_mut(index as usize).filter(|part| part.runner.as_deref() == Some(runner)) else { return false };
        match lease {
            Some(lease) => {
                part.until = Some(lease.expires_at);
                part.lease = Some(lease);
                true
            }
            None => {
                *part = Part::default();
                false
            }
        }
    }

    /// The lease of a share that is still this runner's, by the token that it was given.
    pub fn lease(&self, index: u64, runner: &str, token: i64) -> Option<&Lease> {
        let part = self.parts.get(index as usize).filter(|part| matches!(part.state, State::Taken | State::Ready))?;
        part.lease.as_ref().filter(|lease| lease.holder == runner && lease.token == token)
    }

    /// Whether this result is there already: whoever did not hear so may say it again.
    pub fn has_ended(&self, index: u64, runner: &str, token: i64) -> bool {
        self.parts.get(index as usize).is_some_and(|part| {
            let same = part.lease.as_ref().is_some_and(|lease| lease.holder == runner && lease.token == token);
            same && matches!(part.state, State::Played(_) | State::Failed(_))
        })
    }

    pub fn renew(&mut self, index: u64, lease: Lease, told: Told) {
        let Some(part) = self.parts.get_mut(index as usize) else { return };
        part.until = Some(lease.expires_at);
        part.lease = Some(lease);
        if told.ready && matches!(part.state, State::Taken) {
            part.state = State::Ready;
        }
        if told.snapshot.is_some() {
            part.snapshot = told.snapshot;
        }
        part.slowest.extend(told.slowest);
        slowest_of(&mut part.slowest);
    }

    pub fn played(&mut self, index: u64, outcome: Outcome) {
        self.end(index, State::Played(Box::new(outcome)));
    }

    pub fn failed(&mut self, index: u64, reason: String) {
        self.end(index, State::Failed(reason));
    }

    /// The runner cannot play this load; another may take its share. After the start nobody can: then it has failed.
    pub fn refuse(&mut self, index: u64, reason: String) {
        if self.start.is_some() {
            return self.failed(index, reason);
        }
        let Some(part) = self.parts.get_mut(index as usize) else { return };
        let part = std::mem::take(part);
        if let (Some(runner), Some(location)) = (part.runner, part.location) {
            self.turn_away(Refusal { runner, location, reason });
        }
    }

    pub fn turn_away(&mut self, refusal: Refusal) {
        if !self.refusals.iter().any(|known| known.runner == refusal.runner) && self.refusals.len() < REFUSALS_MAX {
            self.refusals.push(refusal);
        }
    }

    /// Shares of runners that have not been heard of are open again before the start, and lost after it.
    pub fn lapse(&mut self, now: Timestamp) {
        let started = self.start.is_some();
        let silent = |part: &&mut Part| matches!(part.state, State::Taken | State::Ready) && part.until.is_none_or(|until| until <= now);
        for part in self.parts.iter_mut().filter(silent) {
            match started {
                true => part.state = State::Lost,
                false => *part = Part::default(),
            }
        }
    }

    fn end(&mut self, index: u64, state: State) {
        if let Some(part) = self.parts.get_mut(index as usize) {
            part.state = state;
        }
    }
}

/// More tell nothing new.
const REFUSALS_MAX: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn lease(runner: &str, token: i64, until: i64) -> Lease {
        Lease { name: "run/1/share/0".to_owned(), holder: runner.to_owned(), token, expires_at: at(until) }
    }

    fn told() -> Told {
        Told { runner: String::new(), token: 0, ready: true, snapshot: None, slowest: Vec::new() }
    }

    /// Both shares taken and ready.
    fn ready() -> Shares {
        let mut shares = Shares::new(2);
        for (token, runner) in [(1, "a"), (2, "b")] {
            let index = shares.reserve(runner, &format!("{runner}-town"), at(5)).unwrap();
            assert!(shares.settle(index, runner, Some(lease(runner, token, 5))));
            shares.renew(index, lease(runner, token, 5), told());
        }
        shares
    }

    #[test]
    fn a_load_begins_when_every_share_has_a_runner_that_is_ready() {
        let mut shares = Shares::new(2);
        assert_eq!(shares.standing(), Standing::Gathering { open: 2 });
        assert_eq!(shares.reserve("a", "x", at(5)), Some(0));
        assert!(shares.settle(0, "a", Some(lease("a", 1, 5))));
        assert_eq!(shares.reserve("b", "y", at(5)), Some(1));
        assert!(shares.settle(1, "b", Some(lease("b", 2, 5))));
        assert_eq!(shares.reserve("c", "z", at(5)), None);
        assert_eq!(shares.standing(), Standing::Preparing);
        shares.renew(0, lease("a", 1, 6), told());
        shares.renew(1, lease("b", 2, 6), told());
        assert_eq!(shares.standing(), Standing::Ready);
        shares.start_at(at(3));
        assert_eq!(shares.standing(), Standing::Playing);
        shares.played(0, Outcome::default());
        shares.played(1, Outcome::default());
        assert_eq!((shares.standing(), shares.broken()), (Standing::Over, None));
    }

    #[test]
    fn a_silent_runner_loses_its_share_only_after_the_start() {
        let mut shares = ready();
        shares.lapse(at(4));
        assert_eq!(shares.standing(), Standing::Ready);
        shares.lapse(at(5));
        assert_eq!(shares.standing(), Standing::Gathering { open: 2 });

        let mut shares = ready();
        shares.start_at(at(1));
        shares.renew(0, lease("a", 1, 9), told());
        shares.lapse(at(6));
        assert_eq!(shares.broken().unwrap(), "share 2 of 2 (b-town) was lost: its runner no longer answered");
        assert_eq!(shares.standing(), Standing::Playing);
        shares.stop();
        shares.played(0, Outcome::default());
        assert_eq!(shares.standing(), Standing::Over);
    }

    #[test]
    fn a_refusal_after_the_start_breaks_the_load() {
        let mut shares = ready();
        shares.start_at(at(1));
        shares.refuse(1, "another version".to_owned());
        assert_eq!(shares.broken().unwrap(), "share 2 of 2 (b-town) failed: another version");
    }

    #[test]
    fn whoever_refused_is_not_asked_again() {
        let mut shares = Shares::new(1);
        assert_eq!(shares.reserve("a", "x", at(5)), Some(0));
        shares.refuse(0, "another version".to_owned());
        assert_eq!(shares.reserve("a", "x", at(5)), None);
        assert_eq!(shares.reserve("b", "y", at(5)), Some(0));
        assert_eq!(shares.refusals()[0].reason, "another version");
    }

    #[test]
    fn an_old_token_no_longer_counts() {
        let mut shares = ready();
        assert!(shares.lease(0, "a", 1).is_some());
        assert!(shares.lease(0, "a", 7).is_none() && shares.lease(0, "b", 1).is_none());
        shares.played(0, Outcome::default());
        assert!(shares.lease(0, "a", 1).is_none() && shares.has_ended(0, "a", 1));
    }
}
