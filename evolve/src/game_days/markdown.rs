//! The report of a game day: what a post-mortem tells, and what was tried and measured.

use std::fmt::Write;

use ledger::{GameDayOutcome, GameDayResult, HypothesisVerdict, Mark, PlayedExperiment, Split, Trial};
use serde_json::json;

use super::state::short;
use crate::postmortems::facts::Facts;
use crate::postmortems::markdown::{action_list, between, cell, charts, day, dash, duration, impact, one_line, responses, second, timeline};

pub fn report(outcome: &GameDayOutcome, facts: &Facts, stem: &str) -> String {
    let mut report = String::new();
    // Writing into a string cannot fail.
    let _ = write_all(&mut report, outcome, facts, stem);
    report
}

fn write_all(out: &mut String, outcome: &GameDayOutcome, facts: &Facts, stem: &str) -> std::fmt::Result {
    front_matter(out, outcome, facts)?;
    writeln!(out, "# Game day: {}\n", one_line(&outcome.title))?;
    summary(out, outcome, facts)?;
    hypotheses(out, outcome, facts)?;
    measures(out, outcome)?;
    findings(out, outcome)?;
    participants(out, outcome, facts)?;
    notes(out, outcome, facts)?;
    impact(out, facts)?;
    charts(out, facts, stem)?;
    timeline(out, facts)?;
    responses(out, facts)?;
    actions(out, outcome, facts)
}

fn front_matter(out: &mut String, outcome: &GameDayOutcome, facts: &Facts) -> std::fmt::Result {
    writeln!(out, "---")?;
    writeln!(out, "game_day: {}", json!(outcome.name))?;
    writeln!(out, "incident: {}", outcome.incident)?;
    writeln!(out, "practice: true")?;
    writeln!(out, "title: {}", json!(outcome.title))?;
    writeln!(out, "components: {}", json!(outcome.components))?;
    writeln!(out, "began: {}", outcome.began_at)?;
    writeln!(out, "ended: {}", outcome.ended_at)?;
    writeln!(out, "drafted: {}", facts.now)?;
    writeln!(out, "---\n")
}

fn summary(out: &mut String, outcome: &GameDayOutcome, facts: &Facts) -> std::fmt::Result {
    let held = outcome.experiments.iter().filter(|one| one.trial == Trial::Held).count();
    writeln!(out, "**Goal:** {}\n", cell(&outcome.goal))?;
    writeln!(
        out,
        "Practised on {} from {} to {} UTC ({}), led as [{id}](/operate/incidents/{id}), a practice incident of {}. {held} of {} experiments held.",
        day(outcome.began_at),
        second(outcome.began_at),
        second(outcome.ended_at),
        duration(between(outcome.began_at, outcome.ended_at)),
        facts.incident.severity.as_str().to_uppercase(),
        outcome.experiments.len(),
        id = outcome.incident,
    )?;
    if outcome.result == GameDayResult::Aborted {
        writeln!(out, "\n**It was aborted:** {}.", cell(outcome.reason.as_deref().unwrap_or("nobody said why")))?;
    }
    writeln!(out, "\n> In two or three sentences: what did we learn?\n")
}

fn hypotheses(out: &mut String, outcome: &GameDayOutcome, facts: &Facts) -> std::fmt::Result {
    if outcome.hypotheses.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Hypotheses\n")?;
    writeln!(out, "| we believed | verdict | because | by |")?;
    writeln!(out, "| --- | --- | --- | --- |")?;
    for one in &outcome.hypotheses {
        let verdict = match one.verdict {
            HypothesisVerdict::Held => "held",
            HypothesisVerdict::Broken => "**broken**",
            HypothesisVerdict::Unclear => "unclear",
        };
        let by = one.judged_by.as_ref().map_or_else(|| "the experiments".to_owned(), |user| facts.name(user));
        let source = one.source.as_ref().map(|source| format!(" (from {})", cell(source))).unwrap_or_default();
        writeln!(out, "| {}{source} | {verdict} | {} | {by} |", cell(&one.text), cell(&one.because))?;
    }
    writeln!(out)
}

fn measures(out: &mut String, outcome: &GameDayOutcome) -> std::fmt::Result {
    writeln!(out, "## Figures\n")?;
    writeln!(out, "Times since each fault began.\n")?;
    writeln!(out, "| experiment | outcome | | people | automation |")?;
    writeln!(out, "| --- | --- | --- | --- | --- |")?;
    for one in &outcome.experiments {
        let name = match &one.run {
            Some(run) => format!("[{}](/prepare/runs/{run})", cell(&one.title)),
            None => cell(&one.title),
        };
        writeln!(out, "| {name} | {} | detected | {} |", trial(one), split(&one.measures.detect))?;
        writeln!(out, "| | | acknowledged | {} |", split(&one.measures.acknowledge))?;
        writeln!(out, "| | | mitigated | {} |", split(&one.measures.mitigate))?;
        if let Some(mark) = &one.measures.undone {
            writeln!(out, "| | | not mitigated | {}: {} | |", short(mark.after_s), cell(&mark.what))?;
        }
    }
    writeln!(out)
}

fn trial(one: &PlayedExperiment) -> &'static str {
    match one.trial {
        Trial::Held => "held",
        Trial::Broken => "**did not hold**",
        Trial::Aborted => "aborted",
        Trial::Skipped => "not played",
    }
}

fn split(split: &Split) -> String {
    let told = |mark: &Option<Mark>| dash(mark.as_ref().map(|mark| format!("{} ({})", short(mark.after_s), cell(&mark.who))));
    format!("{} | {}", told(&split.people), told(&split.automation))
}

fn findings(out: &mut String, outcome: &GameDayOutcome) -> std::fmt::Result {
    writeln!(out, "## Findings\n")?;
    if outcome.findings.is_empty() {
        writeln!(out, "Everything went as we believed.\n")?;
    }
    for finding in &outcome.findings {
        writeln!(out, "- {}", cell(finding))?;
    }
    writeln!(out, "\n> What surprised us? What was missing: an alarm, a runbook, access, knowledge?\n")
}

fn participants(out: &mut String, outcome: &GameDayOutcome, facts: &Facts) -> std::fmt::Result {
    if outcome.participants.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Who took part\n")?;
    for one in &outcome.participants {
        let seen = if one.took_part { "" } else { ", not seen" };
        writeln!(out, "- {}, {}{seen}", facts.name(&one.user), cell(&one.role))?;
    }
    writeln!(out)
}

fn notes(out: &mut String, outcome: &GameDayOutcome, facts: &Facts) -> std::fmt::Result {
    if outcome.notes.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Notes\n")?;
    for note in &outcome.notes {
        writeln!(out, "- **{}** {} – {}", second(note.at), cell(&note.text), facts.name(&note.user))?;
    }
    writeln!(out)
}

/// What is broken gets a line to begin with; people strike it out or find an owner.
fn actions(out: &mut String, outcome: &GameDayOutcome, facts: &Facts) -> std::fmt::Result {
    action_list(out, facts)?;
    for title in proposed(outcome) {
        if !facts.actions.iter().any(|action| action.title == title) {
            writeln!(out, "- [ ] {title}")?;
        }
    }
    Ok(())
}

fn proposed(outcome: &GameDayOutcome) -> Vec<String> {
    let mut proposed = Vec::new();
    for one in &outcome.experiments {
        let title = one_line(&one.title);
        if one.trial == Trial::Broken {
            proposed.push(format!("Make it hold: {title}"));
        }
        if one.fault_began_at.is_some() && one.measures.detect.automation.is_none() && one.trial == Trial::Broken {
            proposed.push(format!("Add an alarm that would have noticed it: {title}"));
        }
    }
    proposed
}
