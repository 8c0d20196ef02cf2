//! When a request should have been sent.
//!
//! A virtual user that arrives has a planned instant, so the first request of its journey is measured from
//! there. Within a journey, requests that follow each other at once depend on each other's answers: there is no
//! instant at which the next should have been sent before the last was answered. A `think` sets a pace. A user
//! that asks, thinks 100 ms and asks again asks about ten times a second, and a server that stands still for
//! two seconds must not be asked twenty times less and then be called fast.
//!
//! So pauses divide a journey into bursts of requests, and each burst has an intended start:
//!
//! > the intended start of the burst before + the time that burst should have taken + the pause
//!
//! A burst should have taken what it took, unless it took more than three times what is usual at this place:
//! then, what is usual. Whoever is behind the timetable does not pause until it has caught up, and the first
//! request of a late burst is measured from its intended start. A user that is never held up pauses exactly as
//! the script says.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use crate::load::Distribution;

/// One virtual user's plan.
#[derive(Debug, Clone)]
pub(crate) struct Timetable {
    /// When the present burst should have begun.
    intended: Instant,
    /// When it did.
    began: Option<Instant>,
}

/// A burst that takes longer than this many times the usual was held up.
const HELD_UP: u32 = 3;

impl Timetable {
    pub fn new(planned: Instant) -> Self {
        Self { intended: planned, began: None }
    }

    /// A request is about to be sent: from when its latency counts.
    pub fn request(&mut self, now: Instant) -> Instant {
        if self.began.is_some() {
            return now;
        }
        self.began = Some(now);
        self.intended.min(now)
    }

    /// A burst is over and a pause follows: when it should end. `usual` is how long bursts take at this place,
    /// if that is known.
    pub fn pause(&mut self, now: Instant, pause: Duration, usual: Option<Duration>) -> Instant {
        let taken = self.began.take().map_or(Duration::ZERO, |began| now.saturating_duration_since(began));
        let held_up = usual.filter(|usual| taken > *usual * HELD_UP);
        self.intended += held_up.unwrap_or(taken) + pause;
        self.intended
    }

    /// How long the present burst has taken so far.
    pub fn taken(&self, now: Instant) -> Option<Duration> {
        self.began.map(|began| now.saturating_duration_since(began))
    }
}

/// How long bursts usually take, for each `think` of a script: the median of the last seconds. A worker's users
/// learn it together.
#[derive(Debug)]
pub(crate) struct Pace {
    places: RefCell<Vec<Place>>,
}

#[derive(Debug, Default)]
struct Place {
    recent: Distribution,
    before: Distribution,
    usual: Option<Duration>,
}

/// Fewer bursts say nothing.
const BURSTS_MIN: u64 = 10;

impl Pace {
    pub fn new(thinks: usize) -> Self {
        Self { places: RefCell::new((0..thinks).map(|_| Place::default()).collect()) }
    }

    pub fn usual(&self, think: usize) -> Option<Duration> {
        self.places.borrow().get(think).and_then(|place| place.usual)
    }

    pub fn record(&self, think: usize, taken: Duration) {
        if let Some(place) = self.places.borrow_mut().get_mut(think) {
            place.recent.record(taken);
            // The first few are known at once, since a run may be short.
            if place.usual.is_none() {
                place.settle();
            }
        }
    }

    /// Called a few times a second.
    pub fn settle(&self) {
        self.places.borrow_mut().iter_mut().for_each(Place::settle);
    }

    /// Called every few seconds: what is older than the last two calls is forgotten.
    pub fn forget(&self) {
        for place in self.places.borrow_mut().iter_mut() {
            std::mem::swap(&mut place.recent, &mut place.before);
            place.recent.clear();
        }
    }
}

impl Place {
    fn settle(&mut self) {
        if self.recent.count() + self.before.count() < BURSTS_MIN {
            return;
        }
        let mut both = self.before.clone();
        both.merge(&self.recent);
        self.usual = Some(Duration::from_secs_f64(both.at_ms(0.5) / 1000.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Plays rounds of a request and a pause against a server that takes `service`, from the start on.
    struct Player {
        now: Instant,
        start: Instant,
        timetable: Timetable,
    }

    impl Player {
        fn new() -> Self {
            let now = Instant::now();
            Self { now, start: now, timetable: Timetable::new(now) }
        }

        /// Returns the latency of one request, and then pauses.
        fn round(&mut self, service: Duration, pause: Duration) -> Duration {
            let intended = self.timetable.request(self.now);
            self.now += service;
            let latency = self.now - intended;
            let until = self.timetable.pause(self.now, pause, Some(MS));
            self.now = self.now.max(until);
            latency
        }
    }

    #[test]
    fn who_is_not_held_up_pauses_as_written() {
        let mut player = Player::new();
        for _ in 0..10 {
            assert_eq!(player.round(2 * MS, 100 * MS), 2 * MS);
        }
        assert_eq!(player.now - player.start, 10 * 102 * MS);
    }

    #[test]
    fn a_stall_is_carried_to_the_requests_that_it_kept_from_being_sent() {
        let mut player = Player::new();
        player.round(MS, 99 * MS);
        let stalled: Vec<_> = (0..22).map(|at| player.round(if at == 0 { 2000 * MS } else { MS }, 99 * MS)).collect();
        assert_eq!(stalled[0], 2000 * MS);
        // The next should have been sent 100 ms after the first, when 1,900 ms of the stall were left.
        assert_eq!(stalled[1], 1901 * MS);
        assert_eq!(stalled[10], 1010 * MS);
        assert_eq!(stalled[21], MS);
        // The rate has been kept: 23 rounds of 100 ms.
        assert_eq!(player.now - player.start, 2300 * MS);
    }

    #[test]
    fn requests_that_wait_for_each_other_have_no_timetable() {
        let now = Instant::now();
        let mut timetable = Timetable::new(now);
        assert_eq!(timetable.request(now + MS), now);
        assert_eq!(timetable.request(now + 2000 * MS), now + 2000 * MS);
    }

    #[test]
    fn what_is_usual_follows_a_lasting_change_but_not_a_stall() {
        let pace = Pace::new(1);
        (0..100).for_each(|_| pace.record(0, MS));
        (0..20).for_each(|_| pace.record(0, 2000 * MS));
        pace.settle();
        assert!(pace.usual(0).unwrap() < 2 * MS);
        pace.forget();
        pace.forget();
        (0..20).for_each(|_| pace.record(0, 50 * MS));
        pace.settle();
        assert!(pace.usual(0).unwrap() > 49 * MS);
    }
}
