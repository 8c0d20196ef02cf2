//! `kind: GameDay`: an hour in which a team tries out what it believes about its service.

use std::time::Duration;

use jiff::Timestamp;
use kernel::{EntityRef, Severity};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::codes;
use crate::diagnostic::{Level, Origin};
use crate::findings::Space;
use crate::kinds::{Document, Reading};
use crate::schema;
use crate::source::{Home, Node};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GameDay {
    pub name: String,
    /// SHA-256 of what it says, in hexadecimal.
    pub digest: String,
    pub title: Option<String>,
    pub description: Option<String>,
    /// What the team wants to learn.
    pub goal: String,
    pub components: Vec<EntityRef>,
    pub hypotheses: Vec<Hypothesis>,
    /// Names of experiments, played in this order.
    pub experiments: Vec<String>,
    pub participants: Vec<Participant>,
    pub schedule: Option<Appointment>,
    /// Alerts that end it at once.
    pub abort_when: Vec<String>,
    /// Of the practice incident.
    pub severity: Severity,
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hypothesis {
    pub text: String,
    /// Where it was written down, e.g. a pre-mortem: a URL, or a path below the document's folder.
    pub source: Option<String>,
    /// The experiment that decides it; all of them if absent.
    pub experiment: Option<String>,
    /// Until an alarm fires or a person notices.
    pub detect_within: Option<Duration>,
    /// Until somebody is on the incident.
    pub acknowledge_within: Option<Duration>,
    /// Until somebody or something has ended the harm.
    pub mitigate_within: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Participant {
    pub user: EntityRef,
    /// `commander`, `scribe`, `observer`, …
    pub role: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Appointment {
    pub start: Timestamp,
    pub duration: Duration,
    /// Whether it starts by itself; else a person starts it.
    pub automatic: bool,
}

pub(crate) fn read(tree: &Node, reading: &mut Reading<'_>) {
    reading.findings.home = Home::default();
    schema::GAME_DAY.check(tree, &mut reading.findings, reading.promql);
    if let Some(name) = tree.at(&["metadata", "name"]) {
        let text = name.text().unwrap_or_default();
        reading.findings.declare(Space::GameDay, text, text, name.span);
    }
    let game_day = tree.get("spec").and_then(|spec| decode(tree, spec, reading));
    reading.keep(tree, game_day.map(|game_day| Document::GameDay(Box::new(game_day))));
}

fn decode(tree: &Node, spec: &Node, reading: &mut Reading<'_>) -> Option<GameDay> {
    let experiments = names(spec, "experiments", Space::Experiment, reading);
    let abort_when = names(spec, "abortWhen", Space::AlertName, reading);
    let schedule = spec.get("schedule").and_then(|schedule| appointment(schedule, reading));
    let hypotheses = items(spec, "hypotheses").iter().filter_map(|node| hypothesis(node, reading)).collect();
    let home = Home::default();
    let component = |node: &Node| home.resolve(node.text()?, Some("component")).ok();
    let metadata = tree.get("metadata")?;
    Some(GameDay {
        name: metadata.owned("name")?,
        digest: digest(tree),
        title: metadata.owned("title"),
        description: metadata.owned("description"),
        goal: spec.owned("goal")?,
        components: items(spec, "components").iter().filter_map(component).collect(),
        hypotheses,
        experiments,
        participants: items(spec, "participants").iter().filter_map(|node| participant(node, &home)).collect(),
        schedule,
        abort_when,
        severity: spec.get("severity").and_then(Node::text).and_then(severity).unwrap_or(Severity::Sev3),
        origin: reading.findings.origin(tree.span),
    })
}

/// Of what is said, however it is written.
fn digest(tree: &Node) -> String {
    Sha256::digest(tree.to_json().to_string()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn names(spec: &Node, field: &str, space: Space, reading: &mut Reading<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for (node, name) in items(spec, field).iter().filter_map(|node| Some((node, node.text()?))) {
        reading.findings.refer(Level::Error, space, name, node.span);
        names.push(name.to_owned());
    }
    names
}

fn appointment(schedule: &Node, reading: &mut Reading<'_>) -> Option<Appointment> {
    let written = schedule.get("start")?;
    let text = written.text()?;
    match text.parse() {
        Ok(start) => Some(Appointment { start, duration: schedule.duration("duration")?, automatic: schedule.get("automatic").and_then(Node::flag).unwrap_or(false) }),
        Err(_) => {
            let mend = "write it as RFC 3339 has it, for example 2026-11-03T14:00:00+01:00".to_owned();
            reading.findings.error(codes::WRONG_SCHEDULE, written.span, format!("`{text}` is not a point in time"), mend);
            None
        }
    }
}

/// A text alone, or with its source.
fn hypothesis(node: &Node, reading: &mut Reading<'_>) -> Option<Hypothesis> {
    if let Some(text) = node.text() {
        let unbound = Hypothesis { text: text.to_owned(), source: None, experiment: None, detect_within: None, acknowledge_within: None, mitigate_within: None };
        return Some(unbound);
    }
    if let Some((written, path)) = node.get("source").and_then(|source| Some((source, source.text()?)))
        && !path.contains("://")
    {
        let place = reading.folder.join(path.split('#').next().unwrap_or(path));
        if !place.exists() {
            let message = format!("the source is not there: {}", place.display());
            reading.findings.error(codes::MISSING_FILE, written.span, message, "paths are relative to this document".to_owned());
        }
    }
    if let Some((written, name)) = node.get("experiment").and_then(|written| Some((written, written.text()?))) {
        reading.findings.refer(Level::Error, Space::Experiment, name, written.span);
    }
    Some(Hypothesis {
        text: node.owned("text")?,
        source: node.owned("source"),
        experiment: node.owned("experiment"),
        detect_within: node.duration("detectWithin"),
        acknowledge_within: node.duration("acknowledgeWithin"),
        mitigate_within: node.duration("mitigateWithin"),
    })
}

fn participant(node: &Node, home: &Home) -> Option<Participant> {
    let user = home.resolve(node.get("user")?.text()?, Some("user")).ok()?;
    Some(Participant { user, role: node.owned("role")? })
}

fn severity(text: &str) -> Option<Severity> {
    [Severity::Sev1, Severity::Sev2, Severity::Sev3, Severity::Sev4, Severity::Sev5].into_iter().find(|severity| severity.as_str() == text)
}

fn items<'n>(spec: &'n Node, field: &str) -> &'n [Node] {
    spec.get(field).map(Node::items).unwrap_or_default()
}
