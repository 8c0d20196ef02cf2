//! The draft's text. What people know is left as questions.

use std::fmt::Write;
use std::time::Duration;

use kernel::{EntityRef, Timestamp, format_duration};
use ledger::{Event, Run, RunKind, RunStatus, types};
use serde_json::json;

use super::actions;
use super::facts::{Facts, text};
use super::impact::ServiceImpact;

pub fn render(facts: &Facts, stem: &str) -> String {
    let mut draft = String::new();
    // Writing into a string cannot fail.
    let _ = write_all(&mut draft, facts, stem);
    draft
}

/// The charts that a draft shows, by file name.
pub fn chart_names(markdown: &str) -> Vec<String> {
    let images = markdown.lines().filter_map(|line| line.strip_prefix("![")?.split_once("](")?.1.strip_suffix(')'));
    images.filter(|name| name.ends_with(".svg") && !name.contains('/')).map(str::to_owned).collect()
}

fn write_all(out: &mut String, facts: &Facts, stem: &str) -> std::fmt::Result {
    front_matter(out, facts)?;
    writeln!(out, "# {}: {}\n", facts.incident.id, one_line(&facts.incident.title))?;
    summary(out, facts)?;
    impact(out, facts)?;
    key_times(out, facts)?;
    charts(out, facts, stem)?;
    timeline(out, facts)?;
    responses(out, facts)?;
    questions(out)?;
    action_list(out, facts)
}

/// Values as JSON, which is YAML.
fn front_matter(out: &mut String, facts: &Facts) -> std::fmt::Result {
    let incident = &facts.incident;
    writeln!(out, "---")?;
    writeln!(out, "incident: {}", incident.id)?;
    writeln!(out, "title: {}", json!(incident.title))?;
    writeln!(out, "severity: {}", incident.severity.as_str())?;
    writeln!(out, "components: {}", json!(incident.components))?;
    writeln!(out, "commander: {}", json!(incident.commander))?;
    for (name, at) in times(facts) {
        if let Some(at) = at {
            writeln!(out, "{}: {}", name.to_lowercase().replace(' ', "_"), at)?;
        }
    }
    writeln!(out, "drafted: {}", facts.now)?;
    writeln!(out, "---\n")
}

fn summary(out: &mut String, facts: &Facts) -> std::fmt::Result {
    let incident = &facts.incident;
    let components: Vec<String> = incident.components.iter().map(|component| facts.name(component)).collect();
    let whom = if components.is_empty() { "the workload".to_owned() } else { components.join(", ") };
    let end = incident.resolved_at.map_or("It was not resolved when this was drafted.".to_owned(), |_| {
        format!("It lasted {}.", duration(facts.window.length()))
    });
    writeln!(out, "## Summary\n")?;
    writeln!(out, "On {} at {} UTC, {whom} was in trouble ({}). {end}", day(incident.opened_at), minute(facts.window.start), incident.severity.as_str().to_uppercase())?;
    if !incident.summary.trim().is_empty() {
        writeln!(out, "\n{}", incident.summary.trim())?;
    }
    writeln!(out, "\n> In two or three sentences that a customer would understand: what happened, and why?\n")
}

pub(crate) fn impact(out: &mut String, facts: &Facts) -> std::fmt::Result {
    writeln!(out, "## Impact\n")?;
    match (&facts.impact.error, facts.impact.services.as_slice()) {
        (Some(error), _) => writeln!(out, "The numbers could not be read: {}\n", one_line(error))?,
        (None, []) => writeln!(out, "The lake holds no requests of the affected services in this time.\n")?,
        (None, services) => {
            let (requests, failed) = services.iter().fold((0, 0), |(all, bad), one| (all + one.requests, bad + one.failed));
            let whole = ServiceImpact { service: String::new(), requests, failed, p95_ms: None, p95_ms_before: None };
            writeln!(out, "{failed} of {requests} served requests failed ({}), in {} service{}.\n", percent(&whole), services.len(), if services.len() == 1 { "" } else { "s" })?;
            writeln!(out, "| service | requests | failed | error ratio | p95 | p95 before |")?;
            writeln!(out, "| --- | ---: | ---: | ---: | ---: | ---: |")?;
            for one in services {
                writeln!(out, "| {} | {} | {} | {} | {} | {} |", cell(&one.service), one.requests, one.failed, percent(one), ms(one.p95_ms), ms(one.p95_ms_before))?;
            }
            writeln!(out)?;
        }
    }
    evidence(out, "sql", &facts.impact.query, None)?;
    writeln!(out, "> What did users notice, and how many of them? What did it cost?\n")
}

fn key_times(out: &mut String, facts: &Facts) -> std::fmt::Result {
    writeln!(out, "## Key times\n")?;
    writeln!(out, "| | UTC | after the first sign |")?;
    writeln!(out, "| --- | --- | ---: |")?;
    for (name, at) in times(facts) {
        match at {
            Some(at) => writeln!(out, "| {name} | {} {} | {} |", day(at), second(at), duration(between(facts.window.start, at)))?,
            None => writeln!(out, "| {name} | – | – |")?,
        }
    }
    writeln!(out)
}

fn times(facts: &Facts) -> [(&'static str, Option<Timestamp>); 5] {
    let incident = &facts.incident;
    [
        ("First sign", Some(facts.window.start)),
        ("Detected", Some(incident.opened_at)),
        ("Acknowledged", incident.acknowledged_at),
        ("Mitigated", incident.mitigated_at),
        ("Resolved", incident.resolved_at),
    ]
}

pub(crate) fn charts(out: &mut String, facts: &Facts, stem: &str) -> std::fmt::Result {
    if facts.charts.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Charts\n")?;
    for chart in &facts.charts {
        writeln!(out, "![{}]({stem}.{}.svg)\n", one_line(&chart.title).replace(['[', ']'], ""), chart.name)?;
    }
    Ok(())
}

pub(crate) fn timeline(out: &mut String, facts: &Facts) -> std::fmt::Result {
    writeln!(out, "## Timeline\n")?;
    writeln!(out, "All times in UTC. The whole of it: [{0}](/operate/incidents/{0}).\n", facts.incident.id)?;
    for event in &facts.timeline {
        if let Some(told) = tell(event) {
            writeln!(out, "- **{}** {told}{}", second(event.time), by(event, facts))?;
        }
    }
    writeln!(out)?;
    let mut shown: Vec<&str> = Vec::new();
    for event in facts.timeline.iter().filter(|event| event.kind == types::ALARM_FIRING) {
        let found = &event.data["evidence"];
        let (language, query) = (text(found, "language"), text(found, "query"));
        if !query.is_empty() && !shown.contains(&query) {
            shown.push(query);
            evidence(out, language, query, Some((text(found, "start"), text(found, "end"))))?;
        }
    }
    Ok(())
}

/// One line for what matters to a reader; nothing for the machinery's steps.
fn tell(event: &Event) -> Option<String> {
    let data = &event.data;
    let alarm = || format!("[{}](/operate/alarms/{})", cell(text(data, "alert")), text(data, "id"));
    let run = || format!("[{}](/prepare/runs/{})", cell(text(data, "title")), event.run.as_ref().map(ToString::to_string).unwrap_or_default());
    let step = || cell(text(data, "name"));
    let reason = || Some(one_line(text(data, "error"))).filter(|reason| !reason.is_empty()).map(|reason| format!(": {reason}")).unwrap_or_default();
    Some(match event.kind.as_str() {
        types::ALARM_PENDING => format!("The alarm {} was about to fire.", alarm()),
        types::ALARM_FIRING => format!("The alarm {} fired.", alarm()),
        types::ALARM_RESOLVED => format!("The alarm {} resolved.", alarm()),
        types::ALARM_NO_DATA => format!("The alarm {} had no data.", alarm()),
        types::INCIDENT_OPENED => "The incident was opened.".to_owned(),
        types::INCIDENT_NOTE => format!("Note: {}", cell(text(data, "text"))),
        types::INCIDENT_UPDATED => format!("The incident was updated{}.", changes(event)),
        types::INCIDENT_ATTACHED => match text(&data["alarm"], "id") {
            "" => "More was attached to the incident.".to_owned(),
            id => format!("The alarm [{}](/operate/alarms/{id}) was attached.", cell(id)),
        },
        types::INCIDENT_RESOLVED => "The incident was resolved.".to_owned(),
        types::INCIDENT_REOPENED => "The incident was opened again.".to_owned(),
        types::RUN_STARTED => format!("The run of {} began.", run()),
        types::RUN_WAITING => format!("{} waited for approval of {:?}.", run(), step()),
        types::RUN_APPROVED => format!("{:?} of {} was approved.", step(), run()),
        types::RUN_REJECTED => format!("{:?} of {} was rejected.", step(), run()),
        types::RUN_INTERRUPTED => format!("{} was interrupted{}.", run(), reason()),
        types::RUN_RESUMED => format!("{} was resumed.", run()),
        types::RUN_SUCCEEDED => format!("{} succeeded.", run()),
        types::RUN_FAILED => format!("{} failed{}.", run(), reason()),
        types::RUN_CANCELLED => format!("{} was cancelled{}.", run(), reason()),
        types::NOTIFICATION_DELIVERED => "A notification was delivered.".to_owned(),
        types::NOTIFICATION_DEAD => "A notification could not be delivered.".to_owned(),
        types::ACTION_ADDED => format!("Action added: {}", cell(text(data, "title"))),
        types::ACTION_DONE => format!("Action done: {}", cell(text(data, "title"))),
        _ => return None,
    })
}

/// ` (status: acknowledged)`, from the plain values that changed.
fn changes(event: &Event) -> String {
    const TOLD: [&str; 4] = ["status", "severity", "commander", "title"];
    let changes = &event.data["changes"];
    let told: Vec<String> = TOLD.iter().filter_map(|name| Some(format!("{name}: {}", cell(changes[*name]["to"].as_str()?)))).collect();
    if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) }
}

fn by(event: &Event, facts: &Facts) -> String {
    match event.actor.0.parse::<EntityRef>() {
        Ok(person) if person.kind() == "user" => format!(" – {}", facts.name(&person)),
        _ => match event.actor.0.strip_prefix("rule:") {
            Some(rule) => format!(" – rule {}", cell(rule)),
            None => String::new(),
        },
    }
}

pub(crate) fn responses(out: &mut String, facts: &Facts) -> std::fmt::Result {
    writeln!(out, "## Responses taken\n")?;
    if facts.runs.is_empty() {
        return writeln!(out, "No runbook or playbook was run.\n");
    }
    writeln!(out, "| run | kind | asked for by | began | took | outcome |")?;
    writeln!(out, "| --- | --- | --- | --- | ---: | --- |")?;
    for run in &facts.runs {
        let took = run.started_at.zip(run.finished_at).map(|(start, end)| duration(between(start, end)));
        let kind = match run.kind {
            RunKind::Runbook => "runbook",
            RunKind::Playbook => "playbook",
            RunKind::Scenario => "scenario",
            RunKind::Experiment => "experiment",
            RunKind::GameDay => "game day",
            RunKind::Deployment => "deployment",
        };
        let began = run.started_at.map(second);
        writeln!(out, "| [{}](/prepare/runs/{}) | {kind} | {} | {} | {} | {} |", cell(&run.title), run.id, cell(&run.initiator.0), dash(began), dash(took), outcome(run))?;
    }
    writeln!(out)
}

fn outcome(run: &Run) -> String {
    let word = match run.status {
        RunStatus::Requested => "requested",
        RunStatus::Running => "running",
        RunStatus::Waiting => "waiting",
        RunStatus::Interrupted => "interrupted",
        RunStatus::Succeeded => "succeeded",
        RunStatus::Failed => "failed",
        RunStatus::Cancelled => "cancelled",
    };
    run.error.as_ref().map_or(word.to_owned(), |error| format!("{word}: {}", cell(error)))
}

fn questions(out: &mut String) -> std::fmt::Result {
    const SECTIONS: [(&str, &[&str]); 4] = [
        ("Contributing factors", &["What had to be true at the same time for this to happen?", "What had changed before: code, configuration, load, dependencies?", "Why did nobody and nothing notice earlier?"]),
        ("What went well", &["What helped: an alarm, a runbook, a person's knowledge? Would it help again?"]),
        ("What went badly", &["What was missing, misleading or slow: alarms, access, documentation, tools?"]),
        ("Where we were lucky", &["What would have made it worse, and was only by chance not so?"]),
    ];
    for (heading, asked) in SECTIONS {
        writeln!(out, "## {heading}\n")?;
        for question in asked {
            writeln!(out, "> {question}\n")?;
        }
    }
    Ok(())
}

pub(crate) fn action_list(out: &mut String, facts: &Facts) -> std::fmt::Result {
    writeln!(out, "{}\n", actions::HEADING)?;
    writeln!(out, "> What will make this impossible, less likely, shorter, or sooner seen? One owner each. New lines such as\n> `- [ ] Alert on the age of the queue (owner: user:jo)` and ticked boxes are taken over into the list of actions.\n")?;
    for action in &facts.actions {
        writeln!(out, "{}", actions::line(action))?;
    }
    Ok(())
}

/// The query, to open again.
fn evidence(out: &mut String, language: &str, query: &str, window: Option<(&str, &str)>) -> std::fmt::Result {
    let link = match (language, window) {
        ("promql", Some((from, to))) => format!("/explore/metrics?q={}&from={}&to={}", encode(query), encode(from), encode(to)),
        _ => format!("/explore/sql?sql={}", encode(query)),
    };
    writeln!(out, "<details><summary>Evidence</summary>\n\n```{language}\n{query}\n```\n\n[Open the query]({link})\n\n</details>\n")
}

impl Facts {
    pub(crate) fn name(&self, reference: &EntityRef) -> String {
        cell(self.names.get(reference).map_or(reference.name(), String::as_str))
    }
}

fn percent(one: &ServiceImpact) -> String {
    format!("{:.1} %", one.error_ratio() * 100.0)
}

fn ms(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.0} ms"))
}

pub(crate) fn dash(value: Option<String>) -> String {
    value.unwrap_or_else(|| "–".to_owned())
}

pub(crate) fn between(start: Timestamp, end: Timestamp) -> Duration {
    Duration::try_from(end.duration_since(start)).unwrap_or_default()
}

/// To the second: nobody reads more into an incident.
pub(crate) fn duration(duration: Duration) -> String {
    format_duration(Duration::from_secs(duration.as_secs()))
}

pub(crate) fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

fn minute(at: Timestamp) -> String {
    at.strftime("%H:%M").to_string()
}

pub(crate) fn second(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text of strangers inside a line: it stays one line, one cell, and text.
pub(crate) fn cell(text: &str) -> String {
    one_line(text).replace('|', "\\|").replace('<', "&lt;").replace('[', "\\[").replace(']', "\\]")
}

fn encode(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
