//! A folder → its checked graph and what is wrong with it.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use kernel::EntityRef;

use crate::catalog::Entity;
use crate::codes;
use crate::diagnostic::{Diagnostic, Level, Origin};
use crate::findings::Reference;
use crate::graph::{Graph, Loaded};
use crate::kinds::{Document, ReadKnown, Reading};
use crate::links::{self, Names};
use crate::promql::{self, PromqlCheck};
use crate::revision;
use crate::runbook::Runbook;
use crate::script::Given;
use crate::source::recognize::{is_candidate, looks_meant};
use crate::source::walk::{self, FILE_BYTES_MAX, Found, Text};

/// How a folder is read.
#[derive(Clone)]
pub struct Options {
    /// Says whether PromQL can be parsed. Whoever evaluates PromQL brings the check of its own parser.
    pub promql: PromqlCheck,
    /// What scripts may refer to before they are played: the process's environment, and variables.
    pub given: Given,
}

impl Default for Options {
    fn default() -> Self {
        Self { promql: promql::default_check(), given: Given::default() }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").finish_non_exhaustive()
    }
}

/// Reads every document below `root`. Never fails as a whole: what goes wrong becomes a diagnostic.
pub fn load(root: &Path) -> Loaded {
    load_with(root, &Options::default())
}

pub fn load_with(root: &Path, options: &Options) -> Loaded {
    let (files, faults) = walk::files(root);
    let mut folder = Folder::default();
    folder.diagnostics.extend(faults.iter().map(|fault| unreadable(".", &fault.to_string())));
    for reading in read_all(&files, options) {
        folder.add(reading);
    }
    folder.finish(root)
}

/// Reads one file as a document of a kind, without looking at what lies around it: references to other
/// documents are not followed.
pub(crate) fn load_file(file: &Path, options: &Options, read: ReadKnown) -> Loaded {
    let root = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let path = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut folder = Folder::default();
    match walk::read(file) {
        Ok(Text::Whole(text)) => folder.add(Reading::known(&path, &text, root, options, read)),
        Ok(Text::Beginning(_)) => folder.diagnostics.push(too_large(&path)),
        Ok(Text::Binary) => folder.diagnostics.push(unreadable(&path, "the file is not text")),
        Err(error) => folder.diagnostics.push(unreadable(&path, &error.to_string())),
    }
    folder.references.clear();
    folder.finish(root)
}

/// Reads files on all cores; the answers come in the order of the files.
fn read_all<'a>(files: &'a [Found], options: &'a Options) -> Vec<Reading<'a>> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(files.len().max(1));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(index) else { return done };
            done.push((index, read_file(file, options)));
        }
    };
    let mut readings = std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        let mut readings = work();
        for helper in helpers {
            match helper.join() {
                Ok(done) => readings.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        readings
    });
    readings.sort_by_key(|(index, _)| *index);
    readings.into_iter().map(|(_, reading)| reading).collect()
}

fn read_file<'a>(file: &'a Found, options: &'a Options) -> Reading<'a> {
    let folder = file.file.parent().unwrap_or(Path::new("."));
    let mut nothing = Reading::nothing(&file.path, folder, options);
    match walk::read(&file.file) {
        Ok(Text::Whole(text)) => return Reading::of(&file.path, &text, folder, options),
        Ok(Text::Beginning(text)) if is_candidate(&text) && looks_meant(&text) => {
            nothing.findings.diagnostics.push(too_large(&file.path));
        }
        Ok(_) => {}
        Err(error) => nothing.findings.diagnostics.push(unreadable(&file.path, &error.to_string())),
    }
    nothing
}

/// The documents of all files, and their names and references, until they are checked against each other.
#[derive(Default)]
struct Folder {
    graph: Graph,
    names: Names,
    references: Vec<Reference>,
    diagnostics: Vec<Diagnostic>,
    files: usize,
    workloads: usize,
    /// The names of the event rules so far.
    event_rules: HashSet<String>,
}

impl Folder {
    fn add(&mut self, reading: Reading<'_>) {
        self.files += usize::from(reading.recognized);
        self.diagnostics.extend(reading.findings.diagnostics);
        self.references.extend(reading.findings.references);
        for declaration in reading.findings.declarations {
            self.names.add(declaration);
        }
        for document in reading.documents {
            self.place(document);
        }
    }

    /// Where two have the same name, the first stays.
    fn place(&mut self, document: Document) {
        match document {
            Document::Workload(workload) => {
                self.workloads += 1;
                if self.workloads == 1 {
                    self.graph.workload = workload;
                }
            }
            Document::Entity(entity) => place_entity(&mut self.graph.entities, *entity),
            Document::RuleGroup(group) => self.graph.rule_groups.push(group),
            Document::EventRule(rule) => {
                if self.event_rules.insert(rule.name.clone()) {
                    self.graph.event_rules.push(rule);
                }
            }
            Document::Script(script) => {
                self.graph.scripts.entry(script.name.clone()).or_insert(*script);
            }
            Document::Canary(canary) => {
                self.graph.canaries.entry(canary.name.clone()).or_insert(*canary);
            }
            Document::Deployment(deployment) => {
                self.graph.deployments.entry(deployment.name.clone()).or_insert(*deployment);
            }
            Document::GameDay(game_day) => {
                self.graph.game_days.entry(game_day.name.clone()).or_insert(*game_day);
            }
            Document::ConfigProfile(profile) => {
                self.graph.config_profiles.entry(profile.name.clone()).or_insert(*profile);
            }
            Document::Runbook(runbook) => place_runbook(&mut self.graph.runbooks, *runbook),
            Document::Experiment(experiment) => {
                self.graph.experiments.entry(experiment.name.clone()).or_insert(*experiment);
            }
        }
    }

    fn finish(mut self, root: &Path) -> Loaded {
        self.graph.root = root.to_owned();
        self.graph.revision = revision::of(root);
        self.diagnostics.extend(self.names.duplicates());
        self.diagnostics.extend(self.names.unknown(&self.references));
        self.diagnostics.extend(links::parameters(&self.graph));
        self.diagnostics.extend(links::environments(&self.graph));
        let order = |diagnostic: &Diagnostic| (diagnostic.origin.clone(), diagnostic.level, diagnostic.code);
        self.diagnostics.sort_by_cached_key(order);
        self.diagnostics.dedup();
        Loaded { graph: self.graph, diagnostics: self.diagnostics, files: self.files }
    }
}

fn place_entity(entities: &mut BTreeMap<EntityRef, Entity>, entity: Entity) {
    entities.entry(entity.reference.clone()).or_insert(entity);
}

fn place_runbook(runbooks: &mut BTreeMap<String, Runbook>, runbook: Runbook) {
    runbooks.entry(runbook.name.clone()).or_insert(runbook);
}

fn unreadable(path: &str, message: &str) -> Diagnostic {
    whole_file(path, codes::UNREADABLE, message, None)
}

fn too_large(path: &str) -> Diagnostic {
    let message = format!("the file is larger than {FILE_BYTES_MAX} bytes");
    whole_file(path, codes::TOO_LARGE, &message, Some("split it into several files".to_owned()))
}

fn whole_file(path: &str, code: &'static str, message: &str, mend: Option<String>) -> Diagnostic {
    let origin = Origin { path: path.to_owned(), line: 1, column: 1 };
    Diagnostic { code, level: Level::Error, origin, length: 1, message: message.to_owned(), mend }
}
