//! A profile in an environment, from the first version to one that is taken back.

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn wanted(version: &str) -> Wanted {
    Wanted { version: version.to_owned(), digest: format!("{version} by canary"), in_steps: true }
}

fn record(arrived: &str) -> ConfigRollout {
    let (profile, environment) = ("checkout".to_owned(), "production".to_owned());
    ConfigRollout { profile, environment, arrived: arrived.to_owned(), arrived_at: at(0), arrived_by: None, coming: None, refused: None, revision: 1 }
}

fn on_its_way(arrived: &str, coming: &Wanted, weight_percent: f64) -> ConfigRollout {
    let coming = ConfigComing { version: coming.version.clone(), digest: coming.digest.clone(), run: run(1), key: "k".to_owned(), weight_percent, since: at(0) };
    ConfigRollout { coming: Some(coming), ..record(arrived) }
}

fn run(number: u128) -> RunId {
    ulid::Ulid::from(number).to_string().parse().unwrap()
}

fn decided(wanted: &Wanted, record: &ConfigRollout, carried: Carried) -> Next {
    next(Some(wanted), Some(record), &carried)
}

fn ended() -> Carried {
    Carried::Ended("the alarm fires".to_owned())
}

#[test]
fn the_first_version_and_one_without_steps_arrive_at_once() {
    assert_eq!(next(Some(&wanted("1")), None, &Carried::Unknown), Next::Arrive);
    assert_eq!(decided(&Wanted { in_steps: false, ..wanted("2") }, &record("1"), Carried::Unknown), Next::Arrive);
    assert_eq!(decided(&wanted("1"), &record("1"), Carried::Unknown), Next::Rest);
}

#[test]
fn a_new_version_goes_out_by_a_run_of_its_own() {
    let two = wanted("2");
    assert_eq!(decided(&two, &record("1"), Carried::Unknown), Next::Begin);
    let begun = on_its_way("1", &two, 0.0);
    assert_eq!(decided(&two, &begun, Carried::Unknown), Next::Ask, "also after a crash between the two");
    assert_eq!(decided(&two, &begun, Carried::Active), Next::Rest);
    assert_eq!(decided(&two, &begun, Carried::Succeeded), Next::Arrived);
    let arrived = arrived(&begun, at(9));
    assert_eq!((arrived.arrived.as_str(), &arrived.coming, arrived.arrived_by.clone()), ("2", &None, Some(run(1))));
    assert_eq!(decided(&two, &arrived, Carried::Unknown), Next::Rest);
}

#[test]
fn what_was_taken_back_stays_back_until_the_folder_changes() {
    let two = wanted("2");
    let begun = on_its_way("1", &two, 10.0);
    let Next::TakenBack { refused: true, reason } = decided(&two, &begun, ended()) else { panic!("it is taken back") };
    let back = taken_back(&begun, true, &reason, at(9));
    assert_eq!((back.arrived.as_str(), &back.coming), ("1", &None));
    assert_eq!(back.refused.as_ref().map(|refused| refused.reason.as_str()), Some("the alarm fires"));
    assert_eq!(decided(&two, &back, Carried::Unknown), Next::Rest);
    assert_eq!(decided(&wanted("3"), &back, Carried::Unknown), Next::Begin);
    let otherwise = Wanted { digest: "2 by another strategy".to_owned(), ..two.clone() };
    assert_eq!(decided(&otherwise, &back, Carried::Unknown), Next::Begin, "it goes out in another way");
    assert_eq!(decided(&wanted("1"), &back, Carried::Unknown), Next::Forget);
    let forgotten = ConfigRollout { refused: None, ..back };
    assert_eq!(decided(&two, &forgotten, Carried::Unknown), Next::Begin, "it came back");
}

#[test]
fn a_change_midway_takes_the_one_back_before_the_other_begins() {
    let (two, three) = (wanted("2"), wanted("3"));
    let begun = on_its_way("1", &two, 50.0);
    assert_eq!(decided(&three, &begun, Carried::Active), Next::Cancel);
    assert_eq!(next(None, Some(&begun), &Carried::Active), Next::Cancel, "the profile is gone");
    let Next::TakenBack { refused: false, reason } = decided(&three, &begun, ended()) else { panic!("it is taken back") };
    let back = taken_back(&begun, false, &reason, at(9));
    assert_eq!((&back.coming, &back.refused), (&None, &None));
    assert_eq!(decided(&three, &back, Carried::Unknown), Next::Begin);
    assert_eq!(decided(&three, &begun, Carried::Succeeded), Next::Arrived, "it was through before anybody could stop it");
    assert!(matches!(decided(&three, &begun, Carried::Unknown), Next::TakenBack { refused: false, .. }), "nobody has asked for it");
}

#[test]
fn a_weight_is_set_by_the_run_whose_turn_it_is() {
    let two = wanted("2");
    let set = |record: &ConfigRollout, by: RunId, version: &str, percent: f64| reached(record, Some(&two), &by, version, Weight::percent(percent).unwrap(), at(5));
    let weight = |record: ConfigRollout| record.coming.map(|coming| coming.weight_percent);
    let begun = on_its_way("1", &two, 10.0);
    assert_eq!(set(&begun, run(1), "2", 50.0).map(|record| record.and_then(weight)), Ok(Some(50.0)));
    assert_eq!(set(&begun, run(1), "2", 10.0), Ok(None), "a repetition");
    assert_eq!(set(&begun, run(2), "2", 50.0), Err(NotItsTurn));
    assert_eq!(set(&begun, run(2), "2", 0.0), Ok(None), "nobody has anything of it");
    assert_eq!(set(&record("1"), run(2), "3", 10.0), Err(NotItsTurn), "the folder has another version");
    let again = set(&record("1"), run(2), "2", 10.0).unwrap().unwrap();
    assert_eq!(again.coming.map(|coming| (coming.run, coming.weight_percent)), Some((run(2), 10.0)), "a person tries again");
}
