//! What the judge must get right, by name.

mod kayenta;
mod simulated;

use super::{Direction, Judgement, Plan, Verdict, judge};

fn judged(control: &[f64], canary: &[f64]) -> Judgement {
    judge(control, canary, &Plan::default())
}

fn series(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    values.into_iter().collect()
}

#[test]
fn equal_constants_pass_and_different_ones_fail() {
    assert_eq!(judged(&[4.0; 20], &[4.0; 20]).verdict, Verdict::Pass);
    assert_eq!(judged(&[0.0; 20], &[0.0; 20]).verdict, Verdict::Pass);
    assert_eq!(judged(&[4.0; 20], &[8.0; 20]).verdict, Verdict::Fail);
    assert_eq!(judged(&[4.0; 20], &[4.01; 20]).verdict, Verdict::Pass, "a change that nobody feels");
}

/// Ranks make light of these.
#[test]
fn seven_points_of_ten_at_a_hundred_fail() {
    let control = [1.0; 10];
    for order in [[1.0, 1.0, 1.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 100.0], [100.0, 1.0, 100.0, 100.0, 1.0, 100.0, 100.0, 1.0, 100.0, 100.0]] {
        let judgement = judged(&control, &order);
        assert_eq!(judgement.verdict, Verdict::Fail, "{judgement:?}");
    }
}

#[test]
fn a_changed_variance_alone_fails() {
    let calm = series((0..60).map(|n| 10.0 + f64::from(n % 7 - 3) * 0.1));
    let wild = series((0..60).map(|n| 10.0 + f64::from(n * 5 % 7 - 3) * 1.0));
    assert_eq!(judged(&calm, &wild).verdict, Verdict::Fail);
    let steadier = judged(&wild, &calm);
    assert_eq!(steadier.verdict, Verdict::Pass, "less scatter harms nobody: {steadier:?}");
}

#[test]
fn little_or_missing_traffic_is_not_enough_data() {
    let some = [10.0, 11.0, 9.0, 10.0, 12.0, 10.0, 9.5, 10.5, 10.0, 11.0];
    assert_eq!(judged(&some, &[]).reason, "the canary has no data");
    assert_eq!(judged(&[], &some).reason, "the control has no data");
    assert_eq!(judged(&some, &[90.0, 95.0, 91.0]).verdict, Verdict::NotEnoughData);
    let gaps = judged(&some, &[f64::NAN, 10.0, f64::NAN, 11.0, f64::NAN, 9.0, f64::INFINITY]);
    assert_eq!((gaps.verdict, gaps.canary.missing, gaps.needed_points), (Verdict::NotEnoughData, 4, Some(5)));
    assert!(gaps.reason.contains("4 are missing"), "{}", gaps.reason);
}

#[test]
fn only_the_worse_direction_fails() {
    let low = series((0..60).map(|n| 10.0 + f64::from(n * 3 % 7)));
    let high = series(low.iter().map(|value| value * 2.0));
    let plan = |direction| Plan { direction, ..Plan::default() };
    assert_eq!(judge(&low, &high, &plan(Direction::Increase)).verdict, Verdict::Fail);
    assert_eq!(judge(&low, &high, &plan(Direction::Decrease)).verdict, Verdict::Pass);
    assert_eq!(judge(&high, &low, &plan(Direction::Decrease)).verdict, Verdict::Fail);
    assert_eq!(judge(&high, &low, &plan(Direction::Increase)).verdict, Verdict::Pass);
}

#[test]
fn what_decides_nothing_says_how_much_more_it_needs() {
    let control = series((0..12).map(|n| 10.0 + f64::from(n * 5 % 7)));
    let canary = series((0..12).map(|n| 10.5 + f64::from(n * 3 % 7)));
    let judgement = judged(&control, &canary);
    assert_eq!(judgement.verdict, Verdict::NotEnoughData, "{judgement:?}");
    assert!(judgement.needed_points.is_some_and(|points| (10..500).contains(&points)), "{judgement:?}");
}

#[test]
fn errors_that_were_never_there_before_fail() {
    let canary = series((0..60).map(|n| if n % 4 == 0 { 0.2 } else { 0.0 }));
    let judgement = judged(&[0.0; 60], &canary);
    assert_eq!(judgement.verdict, Verdict::Fail, "{judgement:?}");
}
