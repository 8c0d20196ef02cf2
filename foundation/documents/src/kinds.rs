//! The kinds of documents, one line each, and how a file is read into them.

use std::path::Path;

use crate::canary::{self, Canary};
use crate::catalog::{self, Entity};
use crate::codes;
use crate::config_profile::{self, ConfigProfile};
use crate::deployment::{self, Deployment};
use crate::diagnostic::Level;
use crate::event_rule::{self, EventRule};
use crate::experiment::{self, Experiment};
use crate::findings::Findings;
use crate::game_day::{self, GameDay};
use crate::load::Options;
use crate::promql::PromqlCheck;
use crate::rules::{self, RuleGroup};
use crate::runbook::{self, Runbook};
use crate::script::{self, Given, Script};
use crate::source::Node;
use crate::source::recognize::{API_VERSION, Claim, MARKDOWN_KINDS, Recognized, claim, parse, recognize};
use crate::suggest;
use crate::workload::{self, Workload};

/// A document without errors of its own.
#[derive(Debug)]
pub(crate) enum Document {
    Workload(Workload),
    Entity(Box<Entity>),
    RuleGroup(RuleGroup),
    EventRule(EventRule),
    Runbook(Box<Runbook>),
    Script(Box<Script>),
    Canary(Box<Canary>),
    GameDay(Box<GameDay>),
    Deployment(Box<Deployment>),
    ConfigProfile(Box<ConfigProfile>),
    Experiment(Box<Experiment>),
}

/// Reads one document of a kind: its tree, and the text of the whole file.
pub(crate) type ReadKnown = fn(&Node, &str, &mut Reading<'_>);

/// One file being read: what it has come to so far.
pub(crate) struct Reading<'a> {
    pub findings: Findings,
    pub documents: Vec<Document>,
    pub promql: &'a PromqlCheck,
    /// What scripts may refer to before they are played.
    pub given: &'a Given,
    /// Where the file lies; what a document names is looked for from here.
    pub folder: &'a Path,
    /// Whether it holds a document at all.
    pub recognized: bool,
}

/// Our own kinds in YAML or JSON.
const OWN: [(&str, fn(&Node, &mut Reading<'_>)); 6] = [
    ("Workload", workload::read),
    ("EventRule", event_rule::read),
    ("Canary", canary::read),
    ("GameDay", game_day::read),
    ("Deployment", deployment::read),
    ("ConfigProfile", config_profile::read),
];

impl<'a> Reading<'a> {
    pub fn nothing(path: &str, folder: &'a Path, options: &'a Options) -> Self {
        let (promql, given) = (&options.promql, &options.given);
        Self { findings: Findings::of(path), documents: Vec::new(), promql, given, folder, recognized: false }
    }

    pub fn of(path: &str, text: &str, folder: &'a Path, options: &'a Options) -> Self {
        let mut reading = Self::nothing(path, folder, options);
        match recognize(text, &mut reading.findings) {
            Recognized::Nothing => {}
            Recognized::Trees(trees) => {
                for tree in &trees {
                    reading.tree(tree, text);
                }
            }
            Recognized::Markdown(front, split) => {
                reading.recognized = true;
                if reading.has_version(&front) {
                    runbook::read(&front, text, split, &mut reading);
                }
            }
        }
        // A text that is too broken to say what it is was still meant as a document.
        reading.recognized |= !reading.findings.diagnostics.is_empty();
        reading
    }

    /// A file that is known to hold one document of a kind, whatever it looks like.
    pub fn known(path: &str, text: &str, folder: &'a Path, options: &'a Options, read: ReadKnown) -> Self {
        let mut reading = Self { recognized: true, ..Self::nothing(path, folder, options) };
        for tree in parse(text, &mut reading.findings).iter().take(1) {
            read(tree, text, &mut reading);
        }
        reading
    }

    fn tree(&mut self, tree: &Node, text: &str) {
        match claim(tree) {
            Claim::Nothing => return,
            Claim::Entity => catalog::read(tree, self),
            Claim::Rules => rules::read(tree, self),
            Claim::Script => script::read(tree, text, self),
            Claim::Experiment => experiment::read(tree, text, self),
            Claim::Own { kind, .. } => {
                if self.has_version(tree) {
                    self.own(tree, kind);
                }
            }
        }
        self.recognized = true;
    }

    fn own(&mut self, tree: &Node, kind: Option<&str>) {
        let Some(kind) = kind else {
            let names = OWN.map(|(name, _)| name).join(", ");
            let mend = format!("add `kind`: one of {names}");
            let span = tree.span_of(&["apiVersion".to_owned()]);
            return self.findings.error(codes::MISSING_FIELD, span, "the document lacks `kind`", mend);
        };
        if let Some((_, read)) = OWN.iter().find(|(name, _)| *name == kind) {
            return read(tree, self);
        }
        let span = tree.get("kind").map_or(tree.span, |kind| kind.span);
        if MARKDOWN_KINDS.contains(&kind) {
            let message = format!("a {kind} is written in Markdown");
            let mend = "put these fields between two lines of --- at the top of a Markdown file".to_owned();
            return self.findings.error(codes::UNKNOWN_KIND, span, message, mend);
        }
        let known = OWN.iter().map(|(name, _)| *name).chain(MARKDOWN_KINDS);
        let mend = suggest::mend(kind, known, "the kinds there are");
        self.findings.error(codes::UNKNOWN_KIND, span, format!("there is no kind `{kind}` in {API_VERSION}"), mend);
    }

    fn has_version(&mut self, tree: &Node) -> bool {
        let Claim::Own { version, .. } = claim(tree) else { return true };
        if version != API_VERSION {
            let span = tree.get("apiVersion").map_or(tree.span, |version| version.span);
            let message = format!("`{version}` is not a version that this Mainstay reads");
            self.findings.error(codes::UNKNOWN_KIND, span, message, format!("write {API_VERSION}"));
        }
        version == API_VERSION
    }

    /// Keeps a document unless an error stands in it.
    pub fn keep(&mut self, node: &Node, document: Option<Document>) {
        if let Some(document) = document.filter(|_| !self.findings.broken(node)) {
            self.documents.push(document);
        }
    }

    pub fn note(&mut self, code: &'static str, node: &Node, message: String) {
        self.findings.report(Level::Note, code, node.span, message, None);
    }
}
