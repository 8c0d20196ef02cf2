//! False alarms and findings on simulated versions; `cargo xtask bench judge` repeats this with many more.

use crate::judge::simulation::{Case, Outcome};

#[test]
fn identical_versions_rarely_fail_however_often_one_looks() {
    for (correlation, at_most) in [(0.0, 0.02), (0.5, 0.03), (0.8, 0.03)] {
        let Outcome { failed, .. } = Case { correlation, shift: 0.0, points: 60, every_look: true }.play(1_000, 7);
        assert!(failed <= at_most + 0.01, "{correlation}: {failed}");
    }
}

#[test]
fn a_shift_is_found_at_one_look() {
    for (correlation, shift, at_least) in [(0.0, 0.2, 0.7), (0.5, 0.3, 0.5)] {
        let Outcome { failed, passed } = Case { correlation, shift, points: 60, every_look: false }.play(1_000, 7);
        assert!(failed >= at_least - 0.03, "{correlation}: {failed}");
        assert!(passed < 0.05, "{correlation}: {passed} passed");
    }
}
