//! When each canary is due. Decides only: no clock, disk or socket.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use documents::canary::Canary;
use kernel::Timestamp;

/// The next time of each canary, by its name and how its schedule was written.
#[derive(Debug, Default)]
pub struct Timetable {
    due: BTreeMap<String, Due>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Due {
    /// The instant of the schedule.
    slot: Timestamp,
    /// With the jitter.
    at: Timestamp,
}

impl Timetable {
    /// The canaries that are due, each with the instant of its schedule; what was missed is left out.
    pub fn take<'a>(&mut self, canaries: impl Iterator<Item = &'a Canary>, location: &str, now: Timestamp) -> Vec<(&'a Canary, Timestamp)> {
        let mut taken = Vec::new();
        let mut due = BTreeMap::new();
        for canary in canaries {
            let key = format!("{}\n{:?}\n{:?}", canary.name, canary.schedule, canary.jitter);
            let known = self.due.remove(&key).or_else(|| next(canary, location, now));
            let Some(mut known) = known else { continue };
            if known.at <= now {
                taken.push((canary, known.slot));
                let Some(following) = next(canary, location, now) else { continue };
                known = following;
            }
            due.insert(key, known);
        }
        self.due = due;
        taken
    }

    pub fn next(&self) -> Option<Timestamp> {
        self.due.values().map(|due| due.at).min()
    }
}

fn next(canary: &Canary, location: &str, now: Timestamp) -> Option<Due> {
    let slot = canary.schedule.as_ref()?.next(now)?;
    let jitter_ms = u64::try_from(canary.jitter.as_millis()).unwrap_or(u64::MAX);
    // Drawn from what is known, so that it is different for each and the same when asked again.
    let mut hasher = DefaultHasher::new();
    (&canary.name, location, slot.as_millisecond()).hash(&mut hasher);
    let late_ms = if jitter_ms == 0 { 0 } else { hasher.finish() % jitter_ms };
    let at = slot.checked_add(std::time::Duration::from_millis(late_ms)).unwrap_or(slot);
    Some(Due { slot, at })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use documents::canary::{CanaryAlarm, CanaryCheck};
    use documents::schedule::Schedule;

    use super::*;
    use crate::testing::origin;

    fn canary(name: &str, every_s: u64, jitter_s: u64) -> Canary {
        Canary {
            name: name.to_owned(),
            title: None,
            description: None,
            check: CanaryCheck::Tcp { address: "127.0.0.1:1".to_owned(), timeout: None },
            component: None,
            schedule: Some(Schedule::Every(Duration::from_secs(every_s))),
            jitter: Duration::from_secs(jitter_s),
            locations: vec!["server".to_owned()],
            alarm: CanaryAlarm::default(),
            timeout: Duration::from_secs(1),
            enabled: true,
            origin: origin(),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn names(taken: Vec<(&Canary, Timestamp)>) -> Vec<&str> {
        taken.into_iter().map(|(canary, _)| canary.name.as_str()).collect()
    }

    #[test]
    fn each_is_due_at_its_own_times() {
        let canaries = [canary("often", 10, 0), canary("seldom", 60, 0)];
        let mut timetable = Timetable::default();
        let mut due = |second| names(timetable.take(canaries.iter(), "server", at(second)));
        assert_eq!(due(5), Vec::<&str>::new(), "nothing is due when it is first seen");
        assert_eq!(due(10), ["often"]);
        assert_eq!(due(11), Vec::<&str>::new());
        assert_eq!(due(60), ["often", "seldom"], "what was missed is not made up for");
        assert_eq!(due(61), Vec::<&str>::new());
    }

    #[test]
    fn jitter_delays_within_its_bounds_and_differs_by_location() {
        let canaries = [canary("late", 3600, 600)];
        let late = |location: &str| {
            let mut timetable = Timetable::default();
            timetable.take(canaries.iter(), location, at(0));
            timetable.next().unwrap().as_second() - 3600
        };
        assert!((0..600).contains(&late("server")) && (0..600).contains(&late("berlin")));
        assert_ne!(late("server"), late("berlin"));
        assert_eq!(late("server"), late("server"), "the same when asked again");
    }

    #[test]
    fn a_changed_schedule_begins_anew_and_a_removed_canary_is_forgotten() {
        let mut timetable = Timetable::default();
        timetable.take([canary("a", 3600, 0)].iter(), "server", at(0));
        timetable.take([canary("a", 10, 0)].iter(), "server", at(1));
        assert_eq!(timetable.next(), Some(at(10)));
        timetable.take(std::iter::empty(), "server", at(2));
        assert_eq!(timetable.next(), None);
    }
}
