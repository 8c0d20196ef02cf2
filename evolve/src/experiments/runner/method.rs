//! The method, while its hypothesis, its stop conditions and its deadline are watched.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::rows::Rows;
use super::{Part, Player, stopping};
use crate::experiments::journal::SteadyState;
use crate::experiments::state::{Course, Cut};

/// Between two looks at the hypothesis, where nobody says otherwise.
const FREQUENCY: Duration = Duration::from_secs(1);

impl Player<'_> {
    pub(super) async fn play_method(&self, looks_during: bool, course: &mut Course) {
        self.around.observer.part_began(Part::Method);
        let deadline = self.experiment.safety.deadline.and_then(|limit| self.now().checked_add(limit).ok());
        self.providers.own.set_deadline(deadline);
        let rows = Rows::default();
        let looks = Looks::default();
        let cut = tokio::select! {
            biased;
            () = self.around.cancel.cancelled() => Some(Cut::Interrupted),
            why = stopping::until_stopped(&self.experiment.safety.stop_when, deadline, self.around) => Some(Cut::Aborted(why)),
            () = self.play_and_look(looks_during, &rows, &looks) => None,
        };
        let why = match &cut {
            Some(Cut::Aborted(why)) => format!("aborted: {why}"),
            _ => "interrupted".to_owned(),
        };
        rows.close(self.now(), &why);
        course.run = rows.take();
        course.steady.during = looks.states.into_inner();
        course.failed_fast = looks.failed_fast.into_inner();
        course.cut = cut;
        self.around.observer.part_ended(Part::Method);
    }

    async fn play_and_look(&self, looks_during: bool, rows: &Rows, looks: &Looks) {
        let (over, ended) = watch::channel(false);
        let stop = || looks.failed_fast.load(Ordering::Relaxed);
        let play = async {
            self.steps(Part::Method, &self.experiment.method, rows, &stop).await;
            over.send_replace(true);
        };
        let look = async {
            if looks_during {
                self.look_continuously(looks, ended).await;
            }
        };
        // The first look begins before the first activity does.
        tokio::join!(look, play);
    }

    /// Until the method is over, or enough looks have deviated to end it.
    async fn look_continuously(&self, looks: &Looks, mut ended: watch::Receiver<bool>) {
        let runtime = &self.experiment.runtime;
        let frequency = self.settings.frequency.or(runtime.frequency).unwrap_or(FREQUENCY);
        let fail_fast = self.settings.fail_fast.unwrap_or(runtime.fail_fast);
        let (mut all, mut unmet) = (0_u32, 0_u32);
        while !*ended.borrow() {
            let state = self.look(Part::HypothesisDuring).await;
            all += 1;
            unmet += u32::from(!state.steady_state_met);
            let deviates = !state.steady_state_met && f64::from(unmet) * 100.0 / f64::from(all) >= runtime.fail_fast_ratio;
            looks.states.lock().push(state);
            if fail_fast && deviates {
                looks.failed_fast.store(true, Ordering::Relaxed);
                return;
            }
            tokio::select! {
                () = self.sleep(frequency) => {}
                // An error means that the method is gone, and this with it.
                _ = ended.wait_for(|ended| *ended) => {}
            }
        }
    }
}

/// What the looks during the method came to.
#[derive(Debug, Default)]
struct Looks {
    states: Mutex<Vec<SteadyState>>,
    failed_fast: AtomicBool,
}
