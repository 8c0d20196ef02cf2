//! Controls: what is done before and after each part. They never fail an experiment; what goes wrong is noted.

use documents::experiment::{Carrier, Control, Scope};

use super::Player;

/// What a control stands around, outermost first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Experiment,
    Hypothesis,
    Method,
    Rollback,
    Activity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Before,
    After,
}

impl Player<'_> {
    /// `context` is the title or the name of what they stand around.
    pub(super) async fn control(&self, level: Level, when: When, own: &[Control], context: &str) {
        for control in applicable(&self.experiment.controls, level, own) {
            let Carrier::Activity(activity) = &control.carrier else { continue };
            if control.scope.is_some_and(|scope| (scope == Scope::Before) != (when == When::Before)) {
                continue;
            }
            let variables = [("CHAOS_LEVEL", level.name()), ("CHAOS_SCOPE", when.name()), ("CHAOS_CONTEXT", context)];
            if let Err(why) = self.providers.carry_out_control(activity, &self.names, &variables).await {
                let text = format!("the control `{}` failed {} the {} `{context}`: {why}", control.name, when.name(), level.name());
                self.around.observer.noted(&self.redaction.text(&text));
            }
        }
    }
}

/// Those of the whole experiment, unless they say that they are not for its parts, then the part's own.
fn applicable<'a>(whole: &'a [Control], level: Level, own: &'a [Control]) -> Vec<&'a Control> {
    if level == Level::Experiment {
        return whole.iter().collect();
    }
    let overridden = |control: &&Control| own.iter().any(|own| own.name == control.name);
    let inherited = whole.iter().filter(|control| control.automatic && !overridden(control));
    let resolved = own.iter().filter_map(|control| match &control.carrier {
        Carrier::Ref(name) => whole.iter().find(|control| control.name == *name),
        _ => Some(control),
    });
    inherited.chain(resolved).collect()
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Experiment => "experiment",
            Self::Hypothesis => "hypothesis",
            Self::Method => "method",
            Self::Rollback => "rollback",
            Self::Activity => "activity",
        }
    }
}

impl When {
    fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}
