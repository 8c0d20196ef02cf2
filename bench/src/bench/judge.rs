//! How often the judge errs, by simulation, beside Kayenta's test on the same versions.

use prepare::judge::simulation::{Case, Outcome};

use super::report::Report;

const TRIALS: u32 = 10_000;
const SEED: u64 = 1;
const POINTS: usize = 60;

pub fn run(report: &mut Report) {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let cases = [(0.0, 0.0), (0.3, 0.0), (0.5, 0.0), (0.8, 0.0), (0.0, 0.2), (0.5, 0.2), (0.5, 0.3), (0.8, 0.3)];
    let rows = cases.map(|(correlation, shift)| {
        let case = |every_look| Case { correlation, shift, points: POINTS, every_look };
        let (once, always): (Outcome, Outcome) = (case(false).play(TRIALS, SEED), case(true).play(TRIALS / 4, SEED));
        let (kayenta_once, kayenta_always) = (case(false).play_kayenta(TRIALS / 4, SEED), case(true).play_kayenta(TRIALS / 40, SEED));
        let title = if shift == 0.0 { "identical".to_owned() } else { format!("{:+.0} %", shift * 100.0) };
        [title, correlation.to_string(), percent(once.failed), percent(always.failed), percent(once.passed), percent(kayenta_once), percent(kayenta_always)]
    });
    report.table(
        &format!("Judging {POINTS} log-normal points of each version: failed, of {TRIALS} trials"),
        ["versions", "autocorrelation", "one look", "a look at each point", "passed", "Kayenta, one look", "Kayenta, a look at each point"],
        rows.into(),
    );
}
