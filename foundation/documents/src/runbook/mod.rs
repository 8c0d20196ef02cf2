//! Runbooks and playbooks: Markdown whose fenced cells run in order, with Runme's cell attributes.
//!
//! A Markdown file is one of them if its front matter says `kind: Runbook` or `kind: Playbook`
//! (`apiVersion: mainstay.dev/v1`), or carries a `runme` key.
//!
//! A fence is a cell if its language is one that runs (`bash`, `python`, `sql`, …) or if it has a `name`
//! or an `interpreter`. Everything else is prose: fences without a language, `mermaid`, `json`, `text`,
//! and whatever says `ignore=true`.

mod attributes;
mod cells;

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::EntityRef;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::codes;
use crate::diagnostic::{Level, Origin};
use crate::findings::Space;
use crate::kinds::{Document, Reading};
use crate::schema;
use crate::source::front_matter::Split;
use crate::source::{Home, Node, Span};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Runbook {
    /// `metadata.name`, else the file's name without its ending.
    pub name: String,
    pub kind: RunbookKind,
    /// The first heading, else the name.
    pub title: String,
    pub description: Option<String>,
    pub owner: Option<EntityRef>,
    pub component: Option<EntityRef>,
    pub parameters: Vec<Parameter>,
    /// Of the whole run.
    pub timeout: Option<Duration>,
    /// The interpreter of cells that say `sh` or `shell`; `bash` if absent.
    pub shell: Option<String>,
    /// Working folder of the cells, below the document's folder.
    pub cwd: Option<String>,
    /// Of every cell; a cell's own variable of the same name wins. May hold references to values kept elsewhere.
    pub env: BTreeMap<String, String>,
    pub cells: Vec<RunbookCell>,
    /// The whole text.
    pub markdown: String,
    /// SHA-256 of the text, in hex.
    pub digest: String,
    pub origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunbookKind {
    /// Changes something: a procedure with a known outcome.
    Runbook,
    /// Looks into something: an investigation.
    Playbook,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parameter {
    pub name: String,
    pub description: Option<String>,
    pub default: Option<String>,
    pub required: bool,
    /// If not empty, the only values allowed.
    pub allowed: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunbookCell {
    /// The attribute `name`, else `cell-1`, `cell-2`, ….
    pub name: String,
    /// The fence's language: `bash`, `python`, `sql`, `promql`, ….
    pub language: String,
    /// The attribute `interpreter`, which wins over the language.
    pub interpreter: Option<String>,
    pub source: String,
    pub cwd: Option<String>,
    pub env: BTreeMap<String, String>,
    pub timeout: Option<Duration>,
    /// Started, and left running until the run ends.
    pub background: bool,
    pub interactive: bool,
    /// Shown, but not run with the others.
    pub exclude_from_run_all: bool,
    /// The cell may be begun again after a crash.
    pub repeatable: bool,
    /// How a `sql` or `promql` answer is shown.
    pub display: Display,
    pub tags: Vec<String>,
    pub approval: Option<ApprovalPolicy>,
    /// Line of the fence.
    pub line: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Display {
    Table,
    Chart,
}

/// Who must agree before the cell runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ApprovalPolicy {
    /// Users and groups; empty means anyone but the initiator.
    pub approvers: Vec<EntityRef>,
    pub needed: u32,
    pub reason: Option<String>,
    /// The run is cancelled if nobody approves in this time; 7 days if absent.
    pub expires_after: Option<Duration>,
}

pub(crate) fn read(front: &Node, text: &str, split: Split<'_>, reading: &mut Reading<'_>) {
    reading.findings.home = Home::default();
    schema::RUNBOOK.check(front, &mut reading.findings, reading.promql);
    check_parameters(front, reading);
    let stem = stem(reading.findings.path());
    let given = front.at(&["metadata", "name"]);
    let name = given.and_then(Node::text).unwrap_or(&stem).to_owned();
    let span = given.map_or(Span::at(1, 1, 3), |name| name.span);
    reading.findings.declare(Space::Runbook, name.clone(), name.clone(), span);
    let body = cells::read(split.body, split.body_line, &mut reading.findings);
    if body.cells.is_empty() {
        let mend = "give a fenced block a language that runs, such as bash, python, sql or promql".to_owned();
        reading.findings.report(Level::Warning, codes::NO_CELLS, span, format!("`{name}` has no cell that can run"), mend);
    }
    let runbook = decode(front, name, body, text, reading.findings.origin(Span::at(1, 1, 3)));
    let errors = reading.findings.diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error);
    if !errors {
        reading.documents.push(Document::Runbook(Box::new(runbook)));
    }
}

/// What the schema cannot say: names once only, and a default that is allowed.
fn check_parameters(front: &Node, reading: &mut Reading<'_>) {
    let parameters = front.at(&["spec", "parameters"]).map(Node::items).unwrap_or_default();
    for (index, parameter) in parameters.iter().enumerate() {
        let Some(name) = parameter.get("name") else { continue };
        if parameters[..index].iter().any(|earlier| earlier.get("name").and_then(Node::text) == name.text()) {
            let message = format!("the parameter `{}` is declared twice", name.text().unwrap_or_default());
            reading.findings.error(codes::DUPLICATE_NAME, name.span, message, None);
        }
        let allowed = parameter.texts("allowed");
        let Some(default) = parameter.get("default") else { continue };
        let text = default.text().unwrap_or_default();
        if !allowed.is_empty() && !allowed.iter().any(|value| value == text) {
            let message = format!("the default `{text}` is not among the allowed values");
            let mend = format!("one of {}", allowed.join(", "));
            reading.findings.error(codes::WRONG_VALUE, default.span, message, mend);
        }
    }
}

fn decode(front: &Node, name: String, body: cells::Body, text: &str, origin: Origin) -> Runbook {
    let home = Home::default();
    let spec = |field: &str| front.at(&["spec", field]);
    let reference = |field: &str, kind: &str| home.resolve(spec(field)?.text()?, Some(kind)).ok();
    let metadata = |field: &str| front.at(&["metadata", field]).and_then(Node::text).map(str::to_owned);
    let parameters = spec("parameters").map(Node::items).unwrap_or_default();
    Runbook {
        kind: match front.get("kind").and_then(Node::text) {
            Some("Playbook") => RunbookKind::Playbook,
            _ => RunbookKind::Runbook,
        },
        title: metadata("title").or(body.heading).unwrap_or_else(|| name.clone()),
        name,
        description: metadata("description"),
        owner: reference("owner", "group"),
        component: reference("component", "component"),
        parameters: parameters.iter().filter_map(parameter).collect(),
        timeout: spec("timeout").and_then(Node::text).and_then(|text| kernel::parse_duration(text).ok()),
        shell: front.owned("shell"),
        cwd: front.owned("cwd"),
        env: front.text_map("env"),
        cells: body.cells,
        markdown: text.to_owned(),
        digest: digest(text),
        origin,
    }
}

fn parameter(node: &Node) -> Option<Parameter> {
    Some(Parameter {
        name: node.owned("name")?,
        description: node.owned("description"),
        default: node.owned("default"),
        required: node.get("required").and_then(Node::flag).unwrap_or(false),
        allowed: node.texts("allowed"),
    })
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `runbooks/restart.md` → `restart`.
fn stem(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split_once('.').map_or(file, |(stem, _)| stem).to_owned()
}
