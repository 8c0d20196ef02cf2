//! What reading one file brings to light besides its documents: problems, names and references.

use crate::diagnostic::{Diagnostic, Level, Origin};
use crate::source::{Home, Node, Place, Span};

/// A name that a document gives itself. Unique within its space.
#[derive(Debug, Clone)]
pub struct Declaration {
    pub space: Space,
    /// What must be unique.
    pub key: String,
    /// How people know it.
    pub shown: String,
    pub origin: Origin,
    pub length: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Space {
    Workload,
    Entity,
    RuleGroup,
    Alert,
    EventRule,
    Runbook,
    Script,
    Canary,
    GameDay,
    Deployment,
    ConfigProfile,
    /// The name of an alert without its labels; several alerts may share it.
    AlertName,
    Experiment,
    /// Whatever a run can play; nothing is declared here.
    Played,
}

impl Space {
    pub fn name(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Entity => "entity",
            Self::RuleGroup => "rule group",
            Self::Alert => "alert",
            Self::EventRule => "event rule",
            Self::Runbook => "runbook",
            Self::Script => "script",
            Self::Canary => "canary",
            Self::GameDay => "game day",
            Self::Deployment => "deployment",
            Self::ConfigProfile => "config profile",
            Self::AlertName => "alert",
            Self::Experiment => "experiment",
            Self::Played => "runbook, script or experiment",
        }
    }
}

impl Space {
    /// Where a name that is wanted here may be declared: what names a runbook may name a script as well.
    pub fn accepted(self) -> &'static [Self] {
        match self {
            Self::Workload => &[Self::Workload],
            Self::Entity => &[Self::Entity],
            Self::RuleGroup => &[Self::RuleGroup],
            Self::Alert => &[Self::Alert],
            Self::EventRule => &[Self::EventRule],
            Self::Runbook => &[Self::Runbook, Self::Script],
            Self::Script => &[Self::Script],
            Self::Canary => &[Self::Canary],
            Self::GameDay => &[Self::GameDay],
            Self::Deployment => &[Self::Deployment],
            Self::ConfigProfile => &[Self::ConfigProfile],
            Self::AlertName => &[Self::AlertName],
            Self::Experiment => &[Self::Experiment],
            Self::Played => &[Self::Runbook, Self::Script, Self::Experiment],
        }
    }

    /// What a reference into this space asks for.
    pub fn wanted(self) -> &'static str {
        match self {
            Self::Runbook => "runbook or script",
            space => space.name(),
        }
    }
}

/// A name that must be declared somewhere in the folder.
#[derive(Debug, Clone)]
pub struct Reference {
    pub space: Space,
    pub key: String,
    pub level: Level,
    pub origin: Origin,
    pub length: u32,
}

/// Collects the findings of one file.
#[derive(Debug, Default)]
pub struct Findings {
    path: String,
    /// Where the references of the document being read are at home.
    pub home: Home,
    pub diagnostics: Vec<Diagnostic>,
    pub declarations: Vec<Declaration>,
    pub references: Vec<Reference>,
}

impl Findings {
    pub fn of(path: &str) -> Self {
        Self { path: path.to_owned(), ..Self::default() }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn origin(&self, span: Span) -> Origin {
        Origin { path: self.path.clone(), line: span.start.line, column: span.start.column }
    }

    pub fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>, mend: impl Into<Option<String>>) {
        self.report(Level::Error, code, span, message, mend);
    }

    pub fn report(&mut self, level: Level, code: &'static str, span: Span, message: impl Into<String>, mend: impl Into<Option<String>>) {
        let (message, mend) = (message.into(), mend.into());
        self.diagnostics.push(Diagnostic { code, level, origin: self.origin(span), length: span.length, message, mend });
    }

    pub fn declare(&mut self, space: Space, key: impl Into<String>, shown: impl Into<String>, span: Span) {
        let origin = self.origin(span);
        self.declarations.push(Declaration { space, key: key.into(), shown: shown.into(), origin, length: span.length });
    }

    pub fn refer(&mut self, level: Level, space: Space, key: impl Into<String>, span: Span) {
        let origin = self.origin(span);
        self.references.push(Reference { space, key: key.into(), level, origin, length: span.length });
    }

    /// Whether an error stands anywhere inside this node.
    pub fn broken(&self, node: &Node) -> bool {
        self.diagnostics.iter().any(|diagnostic| {
            let place = Place { line: diagnostic.origin.line, column: diagnostic.origin.column };
            // What is wrong in a file that a document names stands at a place of that file.
            diagnostic.level == Level::Error && diagnostic.origin.path == self.path && node.span.contains(place)
        })
    }
}
