//! What follows from what: when the hypothesis is looked at, when rollbacks are played, what it all comes to.
//! Decides only: no clock, disk or socket.

use documents::experiment::{HypothesisStrategy, RollbackStrategy};

use super::journal::{Row, RowStatus, Status, SteadyState, SteadyStates};
use super::tolerance::Mode;

/// When the hypothesis is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looks {
    pub before: bool,
    pub during: bool,
    pub after: bool,
}

impl Looks {
    pub fn of(strategy: HypothesisStrategy, has_probes: bool) -> Self {
        use HypothesisStrategy::{AfterMethodOnly, BeforeMethodOnly, Continuously, Default, DuringMethodOnly};
        let among = |strategies: &[HypothesisStrategy]| has_probes && strategies.contains(&strategy);
        Self {
            before: among(&[BeforeMethodOnly, Default, Continuously]),
            during: among(&[DuringMethodOnly, Continuously]),
            after: among(&[AfterMethodOnly, Default, Continuously]),
        }
    }
}

/// Why the method ended before its last activity was over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// The caller asked for it.
    Interrupted,
    /// A stop condition holds, or the deadline has passed.
    Aborted(String),
}

/// What has happened so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Course {
    pub steady: SteadyStates,
    pub run: Vec<Row>,
    pub rollbacks: Vec<Row>,
    pub cut: Option<Cut>,
    /// The hypothesis deviated during the method so often that it ended.
    pub failed_fast: bool,
}

/// What it all came to. A success has no reasons.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    pub reasons: Vec<String>,
}

impl Course {
    pub fn gate_met(&self) -> bool {
        self.steady.before.as_ref().is_none_or(|state| state.steady_state_met)
    }

    pub fn deviated(&self, mode: Mode) -> bool {
        let unmet = |state: &SteadyState| !state.steady_state_met;
        let after = self.steady.after.as_ref().is_some_and(unmet);
        // The toolkit keeps what it saw during the method in the journal and draws no conclusion.
        after || (mode == Mode::Specified && self.steady.during.iter().any(unmet))
    }

    /// After an interruption there is nobody left to ask the hypothesis for.
    pub fn looks_after(&self) -> bool {
        self.gate_met() && self.cut.is_none()
    }

    pub fn plays_rollbacks(&self, strategy: RollbackStrategy, mode: Mode) -> bool {
        match (strategy, mode) {
            (RollbackStrategy::Always, _) => true,
            (RollbackStrategy::Never, _) => false,
            (RollbackStrategy::Deviated, _) => self.deviated(mode),
            // The toolkit's code: unless the status is failed or interrupted.
            (RollbackStrategy::Default, Mode::Compatible) => !matches!(self.status(mode), Status::Failed | Status::Interrupted),
            // Its documentation: never on interruption, nor when the gate was not met, as then nothing was done.
            (RollbackStrategy::Default, Mode::Specified) => self.gate_met() && self.cut != Some(Cut::Interrupted),
        }
    }

    pub fn status(&self, mode: Mode) -> Status {
        match &self.cut {
            Some(Cut::Interrupted) => return Status::Interrupted,
            Some(Cut::Aborted(_)) => return Status::Aborted,
            None => {}
        }
        let failed = match mode {
            Mode::Compatible => self.failed_by_the_code(),
            Mode::Specified => !self.gate_met() || self.failed_fast || raised(&self.run) || raised(&self.rollbacks),
        };
        if failed { Status::Failed } else { Status::Completed }
    }

    /// Where a probe of the hypothesis could not be asked. Failing fast counts too, until a deviation after the
    /// method makes it `completed` again.
    fn failed_by_the_code(&self) -> bool {
        let unasked = [&self.steady.before, &self.steady.after].into_iter().flatten().any(|state| raised(&state.probes));
        unasked || (self.failed_fast && self.steady.after.as_ref().is_none_or(|state| state.steady_state_met))
    }

    pub fn verdict(&self, mode: Mode) -> Verdict {
        match mode {
            Mode::Specified => Verdict { reasons: self.reasons() },
            Mode::Compatible => {
                let bad = self.status(mode) != Status::Completed || self.deviated(mode);
                let reasons = if bad { self.reasons() } else { Vec::new() };
                let unnamed = || vec!["the experiment did not complete".to_owned()];
                Verdict { reasons: if bad && reasons.is_empty() { unnamed() } else { reasons } }
            }
        }
    }

    /// Everything that keeps it from being a success, in the order in which it happened.
    fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        reasons.extend(self.steady.before.as_ref().and_then(|state| unmet("before the method", state)));
        reasons.extend(self.run.iter().filter(|row| row.status == RowStatus::Failed).map(|row| failed("", row)));
        reasons.extend(self.steady.during.iter().find_map(|state| unmet("during the method", state)));
        reasons.extend(match &self.cut {
            Some(Cut::Interrupted) => Some("it was interrupted".to_owned()),
            Some(Cut::Aborted(why)) => Some(format!("it was aborted: {why}")),
            None => None,
        });
        reasons.extend(self.steady.after.as_ref().and_then(|state| unmet("after the method", state)));
        reasons.extend(self.rollbacks.iter().filter(|row| row.status == RowStatus::Failed).map(|row| failed("the rollback ", row)));
        reasons
    }
}

fn raised(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.status == RowStatus::Failed)
}

fn unmet(when: &str, state: &SteadyState) -> Option<String> {
    let row = state.probes.last().filter(|_| !state.steady_state_met)?;
    Some(format!("the hypothesis is not met {when}: `{}`: {}", row.name(), row.fault().unwrap_or_default()))
}

fn failed(what: &str, row: &Row) -> String {
    format!("{what}`{}` failed: {}", row.name(), row.fault().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn row(status: RowStatus) -> Row {
        Row {
            activity: json!({ "name": "x" }),
            output: Value::Null,
            start: String::new(),
            status,
            exception: None,
            end: String::new(),
            duration: 0.0,
            tolerance_met: None,
            reason: None,
        }
    }

    fn state(met: bool, status: RowStatus) -> Option<SteadyState> {
        Some(SteadyState { steady_state_met: met, probes: vec![row(status)] })
    }

    const OK: RowStatus = RowStatus::Succeeded;
    const RAISED: RowStatus = RowStatus::Failed;

    fn course(before: Option<SteadyState>, run: RowStatus, after: Option<SteadyState>) -> Course {
        Course { steady: SteadyStates { before, after, during: Vec::new() }, run: vec![row(run)], ..Course::default() }
    }

    fn cut(cut: Cut) -> Course {
        Course { cut: Some(cut), ..course(state(true, OK), OK, None) }
    }

    /// What each of the two makes of the same course: status, deviated, exit code, rollbacks by default.
    fn both(course: &Course) -> [(Status, bool, bool, bool); 2] {
        [Mode::Specified, Mode::Compatible].map(|mode| {
            let fine = course.verdict(mode).reasons.is_empty();
            (course.status(mode), course.deviated(mode), fine, course.plays_rollbacks(RollbackStrategy::Default, mode))
        })
    }

    #[test]
    fn each_course_comes_to_what_the_documentation_says() {
        use Status::{Aborted, Completed, Failed, Interrupted};
        let fine = course(state(true, OK), OK, state(true, OK));
        assert_eq!(both(&fine), [(Completed, false, true, true); 2]);
        let deviated = course(state(true, OK), OK, state(false, OK));
        assert_eq!(both(&deviated), [(Completed, true, false, true); 2]);
        let gate = Course { run: Vec::new(), ..course(state(false, OK), OK, None) };
        assert_eq!(both(&gate), [(Failed, false, false, false), (Completed, false, true, true)]);
        let gate_raised = Course { run: Vec::new(), ..course(state(false, RAISED), OK, None) };
        assert_eq!(both(&gate_raised), [(Failed, false, false, false); 2]);
        let raised = course(state(true, OK), RAISED, state(true, OK));
        assert_eq!(both(&raised), [(Failed, false, false, true), (Completed, false, true, true)]);
        assert_eq!(both(&cut(Cut::Interrupted)), [(Interrupted, false, false, false); 2]);
        assert_eq!(both(&cut(Cut::Aborted("late".to_owned()))), [(Aborted, false, false, true); 2]);
        let mut during = fine.clone();
        during.steady.during.extend(state(false, OK));
        assert_eq!(both(&during), [(Completed, true, false, true), (Completed, false, true, true)]);
        during.failed_fast = true;
        assert_eq!(both(&during), [(Failed, true, false, true), (Failed, false, false, false)]);
    }

    #[test]
    fn strategies_of_rollbacks_are_kept_in_both_modes() {
        let deviated = course(state(true, OK), OK, state(false, OK));
        for mode in [Mode::Specified, Mode::Compatible] {
            let plays = |course: &Course, strategy| course.plays_rollbacks(strategy, mode);
            assert!(plays(&cut(Cut::Interrupted), RollbackStrategy::Always));
            assert!(!plays(&deviated, RollbackStrategy::Never));
            assert!(plays(&deviated, RollbackStrategy::Deviated));
            assert!(!plays(&cut(Cut::Interrupted), RollbackStrategy::Deviated));
        }
    }

    #[test]
    fn the_hypothesis_is_looked_at_by_its_strategy() {
        use HypothesisStrategy::*;
        for (strategy, before, during, after) in [
            (Default, true, false, true),
            (BeforeMethodOnly, true, false, false),
            (DuringMethodOnly, false, true, false),
            (AfterMethodOnly, false, false, true),
            (Continuously, true, true, true),
            (Skip, false, false, false),
        ] {
            assert_eq!(Looks::of(strategy, true), Looks { before, during, after }, "{strategy:?}");
            assert_eq!(Looks::of(strategy, false), Looks { before: false, during: false, after: false });
        }
    }

    #[test]
    fn a_verdict_names_what_went_wrong_in_order() {
        let mut course = course(state(true, OK), RAISED, state(false, OK));
        course.run[0].exception = Some(vec!["the process returned 1\n".to_owned()]);
        course.cut = Some(Cut::Aborted("the alarm `Slow` fires".to_owned()));
        let reasons = course.verdict(Mode::Specified).reasons;
        assert_eq!(reasons[0], "`x` failed: the process returned 1");
        assert_eq!(reasons[1], "it was aborted: the alarm `Slow` fires");
        assert!(reasons[2].starts_with("the hypothesis is not met after the method: `x`"));
    }
}
