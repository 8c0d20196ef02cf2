//! The decision alone.

use std::collections::BTreeMap;
use std::time::Duration;

use documents::rules::AlertingRule;
use kernel::Timestamp;
use ledger::AlarmState;
use proptest::prelude::*;

use crate::alarms::state::{Change, Finding, Held, Standing, next};
use crate::testing::origin;

fn rule(for_s: u64, keep_s: u64) -> AlertingRule {
    AlertingRule {
        alert: "Errors".to_owned(),
        expr: "errors > 0".to_owned(),
        for_: Duration::from_secs(for_s),
        keep_firing_for: Duration::from_secs(keep_s),
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        component: None,
        runbook: None,
        origin: origin(),
    }
}

fn held(service: &str) -> Held {
    Held { labels: BTreeMap::from([("service".to_owned(), service.to_owned())]), annotations: BTreeMap::new(), value: 1.0 }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn quiet() -> Standing {
    Standing { state: AlarmState::Inactive, error: None, instances: Vec::new() }
}

/// The states told at each of the findings, and the state of the alarm after it.
fn play(rule: &AlertingRule, story: Vec<(i64, Finding)>) -> Vec<(Vec<AlarmState>, AlarmState)> {
    let mut standing = quiet();
    let mut told = Vec::new();
    for (second, finding) in story {
        let transition = next(rule, &standing, finding, at(second));
        standing = transition.standing;
        told.push((transition.changes.iter().map(|change| change.state).collect(), standing.state));
    }
    told
}

#[test]
fn an_alarm_is_pending_for_its_time_then_fires_then_resolves_and_is_forgotten() {
    use AlarmState::*;
    let yes = || Finding::Holds(vec![held("a")]);
    let no = || Finding::Holds(vec![]);
    let story = vec![(0, yes()), (30, yes()), (60, yes()), (90, yes()), (120, no()), (150, no()), (121 + 900, no())];
    assert_eq!(
        play(&rule(60, 0), story),
        [
            (vec![Pending], Pending),
            (vec![], Pending),
            (vec![Firing], Firing),
            (vec![], Firing),
            (vec![Resolved], Resolved),
            (vec![], Resolved),
            (vec![Inactive], Inactive),
        ]
    );
}

#[test]
fn without_a_time_it_fires_at_once_and_a_short_pending_goes_quietly() {
    use AlarmState::*;
    let yes = || Finding::Holds(vec![held("a")]);
    let no = || Finding::Holds(vec![]);
    assert_eq!(play(&rule(0, 0), vec![(0, yes())]), [(vec![Firing], Firing)]);
    assert_eq!(play(&rule(60, 0), vec![(0, yes()), (30, no())])[1], (vec![Inactive], Inactive));
}

#[test]
fn it_keeps_firing_for_its_time_after_the_condition_last_held() {
    use AlarmState::*;
    let story = vec![(0, Finding::Holds(vec![held("a")])), (30, Finding::Holds(vec![])), (59, Finding::Holds(vec![])), (60, Finding::Holds(vec![]))];
    let told: Vec<AlarmState> = play(&rule(0, 60), story).into_iter().map(|(_, state)| state).collect();
    assert_eq!(told, [Firing, Firing, Firing, Resolved]);
}

#[test]
fn a_failed_evaluation_touches_no_instance_and_is_told_once() {
    use AlarmState::*;
    let failed = || Finding::Failed("timeout".to_owned());
    let story = vec![(0, Finding::Holds(vec![held("a")])), (30, failed()), (60, failed()), (90, Finding::Holds(vec![held("a")]))];
    assert_eq!(play(&rule(60, 0), story), [(vec![Pending], Pending), (vec![Error], Error), (vec![], Error), (vec![Firing], Firing)]);
    // What fires goes on firing.
    let told = play(&rule(0, 0), vec![(0, Finding::Holds(vec![held("a")])), (30, failed())]);
    assert_eq!(told[1], (vec![Error], Firing));
}

#[test]
fn without_data_an_alarm_says_so_and_says_when_data_is_back() {
    use AlarmState::*;
    let story = vec![(0, Finding::NoData), (30, Finding::NoData), (60, Finding::Holds(vec![]))];
    assert_eq!(play(&rule(0, 0), story), [(vec![NoData], NoData), (vec![], NoData), (vec![Inactive], Inactive)]);
    let told = play(&rule(0, 0), vec![(0, Finding::Holds(vec![held("a")])), (30, Finding::NoData)]);
    assert_eq!(told[1], (vec![Resolved, NoData], NoData));
}

proptest! {
    /// However evaluations follow each other: what is told of an instance is where it stands, each
    /// step is one that an alarm may take, and nothing fires before its time.
    #[test]
    fn every_story_is_a_possible_one(steps in prop::collection::vec((1i64..400, 0u8..5), 1..40), for_s in 0u64..300, keep_s in 0u64..300) {
        use AlarmState::*;
        let rule = rule(for_s, keep_s);
        let mut standing = quiet();
        let mut now = 0;
        for (step, what) in steps {
            now += step;
            let finding = match what {
                0 => Finding::NoData,
                1 => Finding::Failed("no".to_owned()),
                2 => Finding::Holds(vec![]),
                3 => Finding::Holds(vec![held("a")]),
                _ => Finding::Holds(vec![held("a"), held("b")]),
            };
            let was = standing.clone();
            let transition = next(&rule, &was, finding, at(now));
            standing = transition.standing;
            for Change { state, instance } in transition.changes {
                let Some(told) = instance else { continue };
                let before = was.instances.iter().find(|i| i.labels == told.labels).map_or(Inactive, |i| i.state);
                let possible: &[AlarmState] = match before {
                    Inactive | Resolved => &[Pending, Firing],
                    Pending => &[Firing, Inactive],
                    Firing => &[Resolved],
                    NoData | Error => &[],
                };
                prop_assert!(possible.contains(&state), "{before:?} → {state:?}");
            }
            for instance in &standing.instances {
                if let Some(fired_at) = instance.fired_at {
                    prop_assert!(fired_at.duration_since(instance.active_at).as_secs() >= for_s as i64);
                }
                prop_assert_eq!(instance.state == Resolved, instance.resolved_at.is_some());
            }
        }
    }
}
