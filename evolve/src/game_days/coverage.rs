//! Which failure of which component was tried when, and how it ended. Decides only.

use documents::Graph;
use kernel::{EntityRef, RunId, Timestamp};
use ledger::{Run, RunStatus, Trial};

use super::modes::{self, Mode};

/// One component and one way to fail.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    pub component: EntityRef,
    pub mode: Mode,
    /// Names of the experiments that try it; none if nobody has written one.
    pub experiments: Vec<String>,
    /// The latest; none if it was never tried.
    pub last: Option<Tried>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    pub at: Timestamp,
    pub experiment: String,
    pub run: RunId,
    pub trial: Trial,
}

/// A cell for each component and each mode. `runs` are those of experiments, in any order.
pub fn matrix(graph: &Graph, runs: &[Run]) -> Vec<Cell> {
    let mut components: Vec<&EntityRef> = graph.components().map(|entity| &entity.reference).collect();
    components.sort();
    let tries: Vec<(String, Vec<EntityRef>, Vec<Mode>, Option<Tried>)> = graph
        .experiments
        .values()
        .map(|experiment| (experiment.name.clone(), modes::components(graph, experiment), modes::modes(experiment), last(&experiment.name, runs)))
        .collect();
    let cell = |component: &EntityRef, mode: Mode| {
        let concerns = tries.iter().filter(|(_, components, modes, _)| components.contains(component) && modes.contains(&mode));
        let (experiments, tried): (Vec<_>, Vec<_>) = concerns.map(|(name, _, _, last)| (name.clone(), last.clone())).unzip();
        Cell { component: component.clone(), mode, experiments, last: tried.into_iter().flatten().max_by_key(|tried| tried.at) }
    };
    components.into_iter().flat_map(|component| Mode::ALL.map(|mode| cell(component, mode))).collect()
}

fn last(experiment: &str, runs: &[Run]) -> Option<Tried> {
    let tried = |run: &Run| {
        let at = run.finished_at.filter(|_| run.document == experiment && run.started_at.is_some())?;
        let trial = match run.status {
            RunStatus::Succeeded => Trial::Held,
            RunStatus::Failed => Trial::Broken,
            _ => Trial::Aborted,
        };
        Some(Tried { at, experiment: experiment.to_owned(), run: run.id.clone(), trial })
    };
    runs.iter().filter_map(tried).max_by_key(|tried| tried.at)
}
