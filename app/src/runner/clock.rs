//! The server's clock, as this machine knows it.

use std::time::{Duration, Instant};

use kernel::Timestamp;
use parking_lot::Mutex;

/// Measured by answers: the quicker one came, the less it can be wrong. A wrong wall clock here does not matter.
#[derive(Debug, Default)]
pub struct ServerClock {
    best: Mutex<Option<Measured>>,
}

#[derive(Debug, Clone, Copy)]
struct Measured {
    took: Duration,
    /// The middle between question and answer.
    at: Instant,
    shown: Timestamp,
}

impl ServerClock {
    /// The server showed this time in the answer to a question of then.
    pub fn measure(&self, asked: Instant, answered: Instant, shown: Timestamp) {
        let took = answered.saturating_duration_since(asked);
        let mut best = self.best.lock();
        if best.is_none_or(|best| took < best.took) {
            *best = Some(Measured { took, at: asked + took / 2, shown });
        }
    }

    /// What the server's clock shows then; none if nothing has been measured.
    pub fn time_at(&self, instant: Instant) -> Option<Timestamp> {
        let best = (*self.best.lock())?;
        match instant.checked_duration_since(best.at) {
            Some(after) => best.shown.checked_add(after).ok(),
            None => best.shown.checked_sub(best.at.duration_since(instant)).ok(),
        }
    }

    /// When the server's clock shows this; none if nothing has been measured.
    pub fn instant_of(&self, time: Timestamp) -> Option<Instant> {
        let best = (*self.best.lock())?;
        let ahead = time.duration_since(best.shown);
        let far = Duration::try_from(ahead.abs()).ok()?;
        if ahead.is_negative() { best.at.checked_sub(far) } else { best.at.checked_add(far) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quickest_answer_counts() {
        let clock = ServerClock::default();
        let second = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(clock.instant_of(second(1)), None);
        let asked = Instant::now();
        let ms = Duration::from_millis;
        clock.measure(asked, asked + ms(10), second(100));
        clock.measure(asked, asked + ms(400), second(105));
        assert_eq!(clock.instant_of(second(102)), Some(asked + ms(2005)));
        assert_eq!(clock.instant_of(second(100)), Some(asked + ms(5)));
        assert_eq!(clock.time_at(asked + ms(2005)), Some(second(102)));
    }
}
