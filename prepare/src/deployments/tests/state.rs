use documents::deployment::{CommandRouter, Hooks, HookCheck, Router};
use documents::strategy::Strategy;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_000 + seconds).unwrap()
}

fn hook() -> Hook {
    Hook { check: HookCheck::Runbook("check".to_owned()), timeout: Duration::from_secs(60) }
}

/// Ten percent for a minute, then all; a hook in each place.
fn production() -> Environment {
    let steps = [(10.0, 60), (100.0, 30)].map(|(percent, hold)| Step { weight: Weight::percent(percent).unwrap(), hold: Duration::from_secs(hold) });
    Environment {
        name: "production".to_owned(),
        gates: Vec::new(),
        router: Router::Command(CommandRouter { set: vec!["true".to_owned()], timeout: Duration::from_secs(1) }),
        strategy: Strategy { name: "canary".to_owned(), steps: steps.into() },
        alarms: vec!["Failing".to_owned()],
        judge: None,
        hooks: Hooks { before_allow_traffic: vec![hook()], each_step: vec![hook()], after_allow_traffic: vec![hook()] },
    }
}

fn passed(place: Place) -> HookId {
    HookId { place, index: 0 }
}

#[test]
fn a_shift_goes_from_hook_to_step_to_hook() {
    let environment = production();
    let mut progress = Progress::default();
    let next = |progress: &Progress, seconds: i64| super::next(&environment, progress, false, at(seconds));
    assert_eq!(next(&progress, 0), Next::Begin);
    progress.began_at = Some(at(0));
    assert_eq!(next(&progress, 0), Next::Ask(passed(Place::BeforeTraffic)));
    progress.hooks_passed.insert(passed(Place::BeforeTraffic));
    assert_eq!(next(&progress, 1), Next::Shift(0));
    progress.shifted_at.insert(0, at(1));
    assert_eq!(next(&progress, 1), Next::Watch { step: 0, until: at(61) });
    assert_eq!(next(&progress, 61), Next::Ask(passed(Place::Step(0))));
    progress.hooks_passed.insert(passed(Place::Step(0)));
    assert_eq!(next(&progress, 61), Next::Shift(1));
    progress.shifted_at.insert(1, at(62));
    assert_eq!(next(&progress, 62), Next::Ask(passed(Place::AfterTraffic)));
    progress.hooks_passed.insert(passed(Place::AfterTraffic));
    assert_eq!(next(&progress, 62), Next::Watch { step: 1, until: at(92) }, "the bake time");
    assert_eq!(next(&progress, 92), Next::Complete);
    progress.completed = true;
    assert_eq!(next(&progress, 93), Next::Over);
}

#[test]
fn what_is_to_be_rolled_back_is_taken_back_whatever_else() {
    let reason = Reason { kind: ReasonKind::Alarm, text: "it fires".to_owned(), evidence: serde_json::Value::Null };
    let mut progress = Progress { began_at: Some(at(0)), rolling_back: Some(reason), paused_at: Some(at(1)), ..Progress::default() };
    assert_eq!(next(&production(), &progress, true, at(2)), Next::TakeBack);
    progress.rolled_back = true;
    assert_eq!(next(&production(), &progress, true, at(2)), Next::Over);
}

#[test]
fn people_hold_and_hasten_a_step() {
    let environment = production();
    let mut progress = Progress { began_at: Some(at(0)), shifted_at: BTreeMap::from([(0, at(0))]), ..Progress::default() };
    progress.hooks_passed.extend([passed(Place::BeforeTraffic), passed(Place::Step(0))]);
    assert_eq!(next(&environment, &progress, true, at(1)), Next::StandStill { step: Some(0) }, "all deployments are stopped");
    progress.paused_at = Some(at(10));
    assert_eq!(next(&environment, &progress, false, at(500)), Next::StandStill { step: Some(0) });
    progress.paused_at = None;
    progress.stood_still.insert(0, Duration::from_secs(490));
    assert_eq!(next(&environment, &progress, false, at(500)), Next::Watch { step: 0, until: at(550) }, "the time that it stood still does not count");
    progress.promoted.insert(0);
    assert_eq!(next(&environment, &progress, false, at(500)), Next::Shift(1));
}

#[test]
fn a_step_lasts_from_when_it_is_watched_without_a_gap() {
    let mut progress = Progress { began_at: Some(at(0)), shifted_at: BTreeMap::from([(0, at(0))]), ..Progress::default() };
    progress.watched_anew.insert(0, at(3_600));
    assert_eq!(next(&production(), &progress, false, at(3_600)), Next::Watch { step: 0, until: at(3_660) });
}

#[test]
fn an_alarm_accuses_the_version_it_names_or_the_one_it_came_with() {
    let progress = Progress { began_at: Some(at(0)), fired_before: BTreeSet::from(["Slow".to_owned()]), ..Progress::default() };
    let firing = |alarm: &str, version: Option<&str>, since: i64| Firing { alarm: alarm.to_owned(), version: version.map(str::to_owned), since: at(since) };
    let accused = |firing: Firing| matches!(blame(&firing, &progress, "2"), Blame::New(_));
    assert!(accused(firing("Failing", None, 5)));
    assert!(accused(firing("Failing", Some("2"), 5)));
    assert!(accused(firing("Slow", Some("2"), 5)), "it names the version");
    assert!(!accused(firing("Slow", None, 5)), "it fired before");
    assert!(!accused(firing("Failing", Some("1"), 5)));
    assert!(!accused(firing("Failing", None, -5)));
}
