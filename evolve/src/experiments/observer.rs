//! Who watches an experiment being played hears of each part as it begins and ends.

use documents::experiment::Activity;

use super::journal::{Row, SteadyState};

/// A part of the experiment, in the order in which they are played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    HypothesisBefore,
    Method,
    /// While the method runs.
    HypothesisDuring,
    HypothesisAfter,
    Rollbacks,
}

/// Everything has a default, so that one can listen to what one wants. Called while the experiment runs: it
/// must not block.
pub trait Observer: Send + Sync {
    fn part_began(&self, _part: Part) {}
    fn part_ended(&self, _part: Part) {}
    /// `index` counts within the part from 0, in the order in which activities begin.
    fn activity_began(&self, _part: Part, _index: usize, _activity: &Activity) {}
    fn activity_ended(&self, _part: Part, _index: usize, _row: &Row) {}
    fn hypothesis_judged(&self, _part: Part, _state: &SteadyState) {}
    /// Something worth knowing that does not decide anything, e.g. a control that failed.
    fn noted(&self, _text: &str) {}
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Observer for Unwatched {}

impl Part {
    pub fn name(self) -> &'static str {
        match self {
            Self::HypothesisBefore => "hypothesis before the method",
            Self::Method => "method",
            Self::HypothesisDuring => "hypothesis during the method",
            Self::HypothesisAfter => "hypothesis after the method",
            Self::Rollbacks => "rollbacks",
        }
    }
}
