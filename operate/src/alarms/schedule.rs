//! When a group is due.
//!
//! A group is evaluated at the instants of its own grid: multiples of its interval, moved by an
//! offset that its name decides. So groups spread over the interval, and a restarted server goes on
//! at the same instants.

use std::time::Duration;

use kernel::Timestamp;

/// The latest instant of the grid that is not after `now`.
pub fn latest_slot(key: &str, interval: Duration, now: Timestamp) -> Timestamp {
    let interval_ms = interval_ms(interval);
    let offset_ms = (hash(key) % interval_ms.unsigned_abs()) as i64;
    let now_ms = now.as_millisecond();
    let slot_ms = now_ms - (now_ms - offset_ms).rem_euclid(interval_ms);
    Timestamp::from_millisecond(slot_ms).unwrap_or(now)
}

pub fn slot_after(slot: Timestamp, interval: Duration) -> Timestamp {
    Timestamp::from_millisecond(slot.as_millisecond().saturating_add(interval_ms(interval))).unwrap_or(Timestamp::MAX)
}

fn interval_ms(interval: Duration) -> i64 {
    i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1)
}

/// FNV-1a: the same on every server and in every version.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_grid_has_the_interval_and_contains_the_latest_slot(key in ".{0,20}", seconds in 1u64..4000, now in 0i64..2_000_000_000) {
            let interval = Duration::from_secs(seconds);
            let now = Timestamp::from_second(now).unwrap();
            let slot = latest_slot(&key, interval, now);
            prop_assert!(slot <= now && slot_after(slot, interval) > now);
            prop_assert_eq!(latest_slot(&key, interval, slot), slot);
            prop_assert_eq!(latest_slot(&key, interval, slot_after(slot, interval)), slot_after(slot, interval));
        }
    }

    #[test]
    fn groups_are_spread_over_the_interval() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let slots: std::collections::HashSet<_> =
            (0..50).map(|n| latest_slot(&format!("group-{n}"), Duration::from_secs(60), now)).collect();
        assert!(slots.len() > 40, "{}", slots.len());
    }
}
