//! Plays an experiment for which everything is there.

mod activity;
mod controls;
mod hypothesis;
mod method;
mod rows;
pub mod stopping;

use documents::experiment::{Activity, Experiment, Step};
use kernel::Timestamp;
use serde_json::{Value, json};

use super::journal::{Journal, machine, seconds, written};
use super::providers::Providers;
use super::redact::Redaction;
use super::settings::Settings;
use super::state::{Course, Cut, Looks};
use super::substitute::Names;
use super::tolerance::Mode;
use super::{Around, Part};
use controls::{Level, When};
use rows::Rows;

pub struct Player<'a> {
    pub experiment: &'a Experiment,
    pub settings: &'a Settings,
    pub mode: Mode,
    pub names: Names,
    pub providers: Providers<'a>,
    pub redaction: Redaction,
    pub around: Around<'a>,
}

impl Player<'_> {
    pub async fn play(&self) -> Journal {
        let start = self.now();
        let title = self.redaction.text(&self.names.fill_to_text(&self.experiment.title));
        self.control(Level::Experiment, When::Before, &self.experiment.controls, &title).await;
        let mut course = Course::default();
        self.look_and_play(&mut course).await;
        self.lift_faults(&mut course).await;
        self.roll_back(&mut course).await;
        self.control(Level::Experiment, When::After, &self.experiment.controls, &title).await;
        self.journal(start, title, course)
    }

    async fn look_and_play(&self, course: &mut Course) {
        let has_probes = self.experiment.hypothesis.as_ref().is_some_and(|hypothesis| !hypothesis.probes.is_empty());
        let looks = Looks::of(self.settings.hypothesis.unwrap_or(self.experiment.runtime.hypothesis), has_probes);
        if looks.before {
            course.steady.before = self.look_unless_cancelled(Part::HypothesisBefore, course).await;
        }
        if course.cut.is_none() && course.gate_met() {
            self.play_method(looks.during, course).await;
        }
        if looks.after && course.looks_after() {
            course.steady.after = self.look_unless_cancelled(Part::HypothesisAfter, course).await;
        }
    }

    async fn look_unless_cancelled(&self, part: Part, course: &mut Course) -> Option<super::SteadyState> {
        self.around.observer.part_began(part);
        let state = self.around.cancel.run_until_cancelled(self.look(part)).await;
        if state.is_none() {
            course.cut = Some(Cut::Interrupted);
        }
        self.around.observer.part_ended(part);
        state
    }

    /// Whatever the strategy of the rollbacks is, no fault outlives its experiment.
    async fn lift_faults(&self, course: &mut Course) {
        let rows = Rows::default();
        for fault in self.providers.own.take_faults() {
            let activity = json!({ "type": "action", "name": format!("lift {}", fault.action), "provider": { "type": "mainstay", "lift": fault.action } });
            let index = rows.begin(activity, self.now());
            let outcome = fault.begun.lift().await.map(|()| Value::Null).map_err(|error| error.to_string());
            rows.end(index, outcome, None, self.now(), &self.redaction);
        }
        course.rollbacks = rows.take();
    }

    async fn roll_back(&self, course: &mut Course) {
        let strategy = self.settings.rollbacks.unwrap_or(self.experiment.runtime.rollbacks);
        if self.experiment.rollbacks.is_empty() || !course.plays_rollbacks(strategy, self.mode) {
            return;
        }
        self.around.observer.part_began(Part::Rollbacks);
        let rows = Rows::default();
        let steps = self.steps(Part::Rollbacks, &self.experiment.rollbacks, &rows, &|| false);
        let ended = if self.around.cancel.is_cancelled() {
            // It was interrupted before, and these were asked for all the same.
            steps.await;
            true
        } else {
            self.around.cancel.run_until_cancelled(steps).await.is_some()
        };
        if !ended {
            course.cut = Some(Cut::Interrupted);
        }
        rows.close(self.now(), "interrupted");
        course.rollbacks.extend(rows.take());
        self.around.observer.part_ended(Part::Rollbacks);
    }

    fn journal(&self, start: Timestamp, title: String, course: Course) -> Journal {
        let end = self.now();
        let (platform, node) = machine();
        let mut experiment = self.experiment.document_without_secrets();
        experiment["title"] = Value::String(title);
        Journal {
            version: concat!("mainstay ", env!("CARGO_PKG_VERSION")).to_owned(),
            platform,
            node,
            experiment,
            start: written(start),
            status: course.status(self.mode),
            deviated: course.deviated(self.mode),
            verdict: course.verdict(self.mode),
            steady_states: course.steady,
            run: course.run,
            rollbacks: course.rollbacks,
            end: written(end),
            duration: seconds(start, end),
        }
    }

    fn now(&self) -> Timestamp {
        self.around.clock.now()
    }

    /// What a step plays; nothing only if a `ref` leads nowhere, which no checked experiment has.
    fn activity<'a>(&'a self, step: &'a Step) -> Option<&'a Activity> {
        match step {
            Step::Activity(activity) => Some(activity),
            Step::Ref(name) => self.experiment.activity(name),
        }
    }
}
