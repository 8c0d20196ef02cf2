//! Checks across documents: names that are taken twice, and references to what nobody describes.

use std::collections::{BTreeMap, HashMap};

use crate::canary::{Canary, CanaryCheck};
use crate::codes;
use crate::diagnostic::{Diagnostic, Level};
use crate::event_rule::{EventRule, Target};
use crate::findings::{Declaration, Reference, Space};
use crate::graph::Graph;
use crate::runbook::Runbook;
use crate::suggest;

/// Each comparison looks at every name of the folder, so a folder full of unknown names gets only so many.
const COMPARED_MAX: usize = 200;

/// Every name of the folder, broken documents included: their absence from the graph must not make every
/// reference to them a problem of its own.
#[derive(Debug, Default)]
pub struct Names {
    taken: BTreeMap<(Space, String), Vec<Declaration>>,
}

impl Names {
    pub fn add(&mut self, declaration: Declaration) {
        self.taken.entry((declaration.space, declaration.key.clone())).or_default().push(declaration);
    }

    /// Names taken more than once, reported at each place.
    pub fn duplicates(&self) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        let unique = self.taken.iter().filter(|((space, _), _)| *space != Space::AlertName);
        for declarations in unique.map(|(_, declarations)| declarations).filter(|declarations| declarations.len() > 1) {
            for (index, declaration) in declarations.iter().enumerate() {
                let other = &declarations[usize::from(index == 0)].origin;
                diagnostics.push(Diagnostic {
                    code: codes::DUPLICATE_NAME,
                    level: Level::Error,
                    origin: declaration.origin.clone(),
                    length: declaration.length,
                    message: duplicate(declaration, &format!("{}:{}", other.path, other.line)),
                    mend: Some(mend(declaration.space).to_owned()),
                });
            }
        }
        diagnostics
    }

    /// References to what nobody describes.
    pub fn unknown(&self, references: &[Reference]) -> Vec<Diagnostic> {
        let taken = |reference: &Reference, space: Space| self.taken.contains_key(&(space, reference.key.clone()));
        let known = |reference: &&Reference| reference.space.accepted().iter().any(|space| taken(reference, *space));
        let unknown = references.iter().filter(|reference| !known(reference));
        unknown.enumerate().map(|(index, reference)| self.unknown_one(reference, index < COMPARED_MAX)).collect()
    }

    fn unknown_one(&self, reference: &Reference, compare: bool) -> Diagnostic {
        let is_entity = reference.space == Space::Entity;
        // Rules written before there was a catalogue label their alerts as they like.
        let no_catalog = is_entity && !self.all(Space::Entity).any(|_| true);
        let level = if no_catalog { Level::Warning } else { reference.level };
        let near = if compare { self.near(reference) } else { None };
        let mend = near.or_else(|| {
            Some(format!("describe it in {}, or correct the name", described_in(reference.space)))
        });
        Diagnostic {
            code: codes::UNKNOWN_REFERENCE,
            level,
            origin: reference.origin.clone(),
            length: reference.length,
            message: format!("no document describes the {} `{}`", reference.space.wanted(), reference.key),
            mend,
        }
    }

    /// The name that was likely meant, of whatever kind; else the names of the kind that was asked for.
    fn near(&self, reference: &Reference) -> Option<String> {
        if let Some(name) = suggest::nearest(&reference.key, self.all(reference.space)) {
            return Some(format!("did you mean `{name}`?"));
        }
        let kind = reference.key.split_once(':').map_or("", |(kind, _)| kind);
        let of_kind = self.all(reference.space).filter(|name| name.starts_with(kind));
        suggest::mend(&reference.key, of_kind, "there are")
    }

    fn all(&self, space: Space) -> impl Iterator<Item = &str> + Clone {
        self.taken.keys().filter(move |(of, _)| space.accepted().contains(of)).map(|(_, key)| key.as_str())
    }
}

fn described_in(space: Space) -> &'static str {
    match space {
        Space::Entity => "a Backstage entity",
        Space::Script => "an Artillery script of this file name",
        Space::Experiment => "a Chaos Toolkit experiment of this file name",
        Space::AlertName => "a Prometheus rule",
        _ => "a Markdown file with this metadata.name",
    }
}

fn duplicate(declaration: &Declaration, other: &str) -> String {
    match declaration.space {
        Space::Workload => format!("the folder's settings stand here and at {other}"),
        Space::Alert => format!("the alert `{}` stands here and at {other} with the same labels", declaration.shown),
        space => format!("the {} `{}` is described here and at {other}", space.name(), declaration.shown),
    }
}

fn mend(space: Space) -> &'static str {
    match space {
        Space::Workload => "keep one document of kind Workload",
        Space::Alert => "rename one, or give them different labels",
        _ => "rename one of them; until then the first is used",
    }
}

/// A canary's environment must be one of its script's.
pub fn environments(graph: &Graph) -> Vec<Diagnostic> {
    let unknown = |canary: &Canary| {
        let CanaryCheck::Scenario { name, environment: Some(environment) } = &canary.check else { return None };
        let known = &graph.scripts.get(name)?.environments;
        let names = known.keys().map(String::as_str).collect::<Vec<_>>();
        (!known.contains_key(environment)).then(|| Diagnostic {
            code: codes::UNKNOWN_REFERENCE,
            level: Level::Error,
            origin: canary.origin.clone(),
            length: 1,
            message: format!("the script `{name}` has no environment `{environment}`"),
            mend: suggest::mend(environment, names, "its environments").or(Some("add it to the script's `config.environments`".to_owned())),
        })
    };
    graph.canaries.values().filter_map(unknown).collect()
}

/// Runs that event rules request must give their runbook what it asks for.
pub fn parameters(graph: &Graph) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for rule in &graph.event_rules {
        for target in &rule.targets {
            let Target::Run(run) = target else { continue };
            let Some(runbook) = graph.runbooks.get(&run.document) else { continue };
            let given: HashMap<&str, &str> = run.parameters.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            diagnostics.extend(compare(rule, runbook, &given));
        }
    }
    diagnostics
}

fn compare(rule: &EventRule, runbook: &Runbook, given: &HashMap<&str, &str>) -> Vec<Diagnostic> {
    let names = || runbook.parameters.iter().map(|parameter| parameter.name.as_str());
    let mut problems = Vec::new();
    let mut given_names: Vec<_> = given.keys().copied().collect();
    given_names.sort_unstable();
    for name in given_names.into_iter().filter(|name| !names().any(|known| known == *name)) {
        let mend = suggest::mend(name, names().collect::<Vec<_>>(), "its parameters");
        problems.push((format!("`{}` has no parameter `{name}`", runbook.name), mend));
    }
    for parameter in &runbook.parameters {
        match given.get(parameter.name.as_str()) {
            None if parameter.required && parameter.default.is_none() => {
                let mend = format!("add `{}` to the run's parameters", parameter.name);
                problems.push((format!("`{}` needs the parameter `{}`", runbook.name, parameter.name), Some(mend)));
            }
            Some(value) if !value.contains("{{") && !parameter.allowed.is_empty() && !parameter.allowed.iter().any(|allowed| allowed == value) => {
                let mend = format!("one of {}", parameter.allowed.join(", "));
                problems.push((format!("`{}` does not allow `{value}` for `{}`", runbook.name, parameter.name), Some(mend)));
            }
            _ => {}
        }
    }
    let diagnostic = |(message, mend)| Diagnostic {
        code: codes::PARAMETER,
        level: Level::Error,
        origin: rule.origin.clone(),
        length: 1,
        message,
        mend,
    };
    problems.into_iter().map(diagnostic).collect()
}
