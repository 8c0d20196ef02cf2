//! How long a pause is.

use std::time::Duration;

use documents::script::Jitter;

/// A pause with its jitter drawn.
pub(crate) fn jittered(pause: Duration, jitter: Option<Jitter>) -> Duration {
    let most_ms = match jitter {
        None => return pause,
        Some(Jitter::Absolute(ms)) => ms,
        Some(Jitter::Percent(percent)) => pause.as_secs_f64() * 10.0 * percent,
    };
    let drawn_ms = (fastrand::f64() * 2.0 - 1.0) * most_ms;
    Duration::try_from_secs_f64(pause.as_secs_f64() + drawn_ms / 1000.0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_its_bounds() {
        for _ in 0..1000 {
            let drawn = jittered(Duration::from_secs(1), Some(Jitter::Percent(10.0))).as_secs_f64();
            assert!((0.9..=1.1).contains(&drawn), "{drawn}");
        }
        assert!(jittered(Duration::from_millis(1), Some(Jitter::Absolute(500.0))) <= Duration::from_millis(501));
    }
}
