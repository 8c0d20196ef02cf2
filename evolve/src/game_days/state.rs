//! What came of a game day, and when it is announced. Decides only: no clock, disk or socket.

use std::time::Duration;

use documents::game_day::{GameDay, Hypothesis};
use kernel::{IncidentId, RunId, Timestamp, format_duration};
use ledger::{
    AlarmRecord, AlarmState, Attendance, Event, GameDayNote, GameDayOutcome, GameDayResult, HypothesisResult, HypothesisVerdict, Measures,
    PlayedExperiment, Run, RunStatus, Split, Trial, types,
};
use serde_json::Value;

use super::measure::{self, Fault, measure, person};

/// Before its appointment.
pub const AHEAD: [Duration; 2] = [Duration::from_secs(24 * 3600), Duration::from_secs(15 * 60)];

/// Everything that an outcome is made of.
pub struct Facts<'a> {
    pub day: &'a GameDay,
    pub run: RunId,
    pub incident: IncidentId,
    pub began_at: Timestamp,
    pub ended_at: Timestamp,
    pub aborted: Option<String>,
    /// In the order in which they are played.
    pub trials: Vec<TrialFacts>,
    /// Of the incident, of the run and of alarms since it began, in the order of the ledger.
    pub events: &'a [Event],
}

/// One experiment of the day.
pub struct TrialFacts {
    pub name: String,
    pub title: String,
    pub modes: Vec<String>,
    pub run: Option<Run>,
    /// In the toolkit's format.
    pub journal: Option<Value>,
}

pub fn outcome(facts: &Facts<'_>) -> GameDayOutcome {
    let experiments = experiments(facts);
    let participants = participants(facts);
    let hypotheses: Vec<HypothesisResult> =
        facts.day.hypotheses.iter().enumerate().map(|(index, hypothesis)| judge(index, hypothesis, &experiments, facts.events)).collect();
    GameDayOutcome {
        name: facts.day.name.clone(),
        title: facts.day.title.clone().unwrap_or_else(|| facts.day.name.clone()),
        goal: facts.day.goal.clone(),
        run: facts.run.clone(),
        incident: facts.incident,
        components: facts.day.components.clone(),
        result: if facts.aborted.is_some() { GameDayResult::Aborted } else { GameDayResult::Played },
        reason: facts.aborted.clone(),
        began_at: facts.began_at,
        ended_at: facts.ended_at,
        findings: findings(&experiments, &hypotheses, &participants),
        hypotheses,
        experiments,
        participants,
        notes: facts.events.iter().filter_map(note).collect(),
        report: None,
        report_error: None,
    }
}

/// The alarm that ends the day, if one fires.
pub fn abort_reason(day: &GameDay, alarms: &[AlarmRecord]) -> Option<String> {
    let firing = alarms.iter().find(|alarm| alarm.state == AlarmState::Firing && day.abort_when.contains(&alarm.name))?;
    Some(format!("the alarm {} fires", firing.name))
}

/// Which announcement is due: the latest whose time has come, while the appointment is still ahead.
pub fn announcement(day: &GameDay, now: Timestamp) -> Option<Duration> {
    let start = day.schedule?.start;
    let left = Duration::try_from(start.duration_since(now)).ok().filter(|left| !left.is_zero())?;
    AHEAD.into_iter().filter(|ahead| left <= *ahead).min()
}

/// When something about the appointment is due next.
pub fn next_due(day: &GameDay, now: Timestamp) -> Option<Timestamp> {
    let start = day.schedule?.start;
    let announced = AHEAD.into_iter().filter_map(|ahead| start.checked_sub(ahead).ok());
    announced.chain([start]).filter(|at| *at > now).min()
}

/// Whether it starts by itself now.
pub fn starts_itself(day: &GameDay, now: Timestamp) -> bool {
    let Some(schedule) = day.schedule.filter(|schedule| schedule.automatic) else { return false };
    let end = schedule.start.checked_add(schedule.duration).unwrap_or(Timestamp::MAX);
    schedule.start <= now && now < end
}

fn experiments(facts: &Facts<'_>) -> Vec<PlayedExperiment> {
    let own_runs: Vec<RunId> = facts.trials.iter().filter_map(|trial| trial.run.as_ref()).map(|run| run.id.clone()).chain([facts.run.clone()]).collect();
    let ended = |run: &Run| run.finished_at.filter(|_| run.status.is_final());
    let fault = |trial: &TrialFacts| trial.journal.as_ref().map(|journal| Fault::of(journal, trial.run.as_ref().and_then(ended))).unwrap_or_default();
    let faults: Vec<Fault> = facts.trials.iter().map(fault).collect();
    let played = |(index, trial): (usize, &TrialFacts)| {
        let next = faults[index + 1..].iter().find_map(|fault| fault.began_at);
        // What happens at the very end still belongs to it.
        let end = next.unwrap_or_else(|| facts.ended_at.checked_add(Duration::from_millis(1)).unwrap_or(facts.ended_at));
        PlayedExperiment {
            name: trial.name.clone(),
            title: trial.title.clone(),
            run: trial.run.as_ref().map(|run| run.id.clone()),
            trial: how_it_ended(trial),
            error: trial.run.as_ref().and_then(|run| run.error.clone()),
            modes: trial.modes.clone(),
            fault_began_at: faults[index].began_at,
            fault_lifted_at: faults[index].lifted_at,
            measures: measure(facts.day, &faults[index], end, facts.events, &own_runs),
        }
    };
    facts.trials.iter().enumerate().map(played).collect()
}

fn how_it_ended(trial: &TrialFacts) -> Trial {
    let cut = || trial.journal.as_ref().is_none_or(|journal| matches!(journal["status"].as_str(), Some("aborted" | "interrupted")));
    match trial.run.as_ref().map(|run| run.status) {
        None => Trial::Skipped,
        Some(RunStatus::Succeeded) => Trial::Held,
        Some(RunStatus::Failed) if !cut() => Trial::Broken,
        Some(_) => Trial::Aborted,
    }
}

fn participants(facts: &Facts<'_>) -> Vec<Attendance> {
    let did_something = |user: &kernel::EntityRef| facts.events.iter().any(|event| person(&event.actor).as_ref() == Some(user));
    let mut all: Vec<Attendance> = facts
        .day
        .participants
        .iter()
        .map(|participant| Attendance { user: participant.user.clone(), role: participant.role.clone(), took_part: did_something(&participant.user) })
        .collect();
    for event in facts.events.iter().filter(|event| event.kind == types::GAME_DAY_JOINED) {
        if let Some(user) = person(&event.actor).filter(|user| !all.iter().any(|known| known.user == *user)) {
            all.push(Attendance { user, role: "participant".to_owned(), took_part: true });
        }
    }
    all
}

/// A person's last word decides; else the experiments do, and the times that the hypothesis names.
fn judge(index: usize, hypothesis: &Hypothesis, played: &[PlayedExperiment], events: &[Event]) -> HypothesisResult {
    let said = events.iter().rev().find(|event| event.kind == types::GAME_DAY_JUDGED && event.data["index"].as_u64() == Some(index as u64));
    let word = said.and_then(|event| Some((event, serde_json::from_value::<HypothesisVerdict>(event.data["verdict"].clone()).ok()?)));
    let (verdict, because, judged_by) = match word {
        Some((event, verdict)) => (verdict, event.data["because"].as_str().unwrap_or_default().to_owned(), person(&event.actor)),
        None => {
            let (verdict, because) = by_experiments(hypothesis, played);
            (verdict, because, None)
        }
    };
    HypothesisResult { text: hypothesis.text.clone(), source: hypothesis.source.clone(), verdict, because, judged_by }
}

fn by_experiments(hypothesis: &Hypothesis, played: &[PlayedExperiment]) -> (HypothesisVerdict, String) {
    let decisive: Vec<&PlayedExperiment> = played.iter().filter(|one| hypothesis.experiment.as_ref().is_none_or(|name| *name == one.name)).collect();
    let limits: [(Option<Duration>, &str, fn(&Measures) -> &Split); 3] = [
        (hypothesis.detect_within, "detected", |measures| &measures.detect),
        (hypothesis.acknowledge_within, "acknowledged", |measures| &measures.acknowledge),
        (hypothesis.mitigate_within, "mitigated", |measures| &measures.mitigate),
    ];
    let mut verdicts: Vec<(HypothesisVerdict, String)> = Vec::new();
    for one in &decisive {
        let mut timed = limits.iter().filter_map(|(limit, word, split)| Some(in_time(one, (*limit)?, word, split(&one.measures)))).peekable();
        match timed.peek() {
            Some(_) => verdicts.extend(timed),
            None => verdicts.push(by_trial(one)),
        }
    }
    let of = |wanted: HypothesisVerdict| verdicts.iter().filter(|(verdict, _)| *verdict == wanted).map(|(_, because)| because.as_str()).collect::<Vec<_>>().join("; ");
    if verdicts.is_empty() {
        return (HypothesisVerdict::Unclear, "no experiment of the day decides it".to_owned());
    }
    let worst = [HypothesisVerdict::Broken, HypothesisVerdict::Unclear, HypothesisVerdict::Held];
    let verdict = worst.into_iter().find(|wanted| verdicts.iter().any(|(verdict, _)| verdict == wanted)).unwrap_or(HypothesisVerdict::Unclear);
    (verdict, of(verdict))
}

fn by_trial(one: &PlayedExperiment) -> (HypothesisVerdict, String) {
    match one.trial {
        Trial::Held => (HypothesisVerdict::Held, format!("{} held", one.title)),
        Trial::Broken => (HypothesisVerdict::Broken, format!("{} did not hold", one.title)),
        Trial::Aborted => (HypothesisVerdict::Unclear, format!("{} was not played to its end", one.title)),
        Trial::Skipped => (HypothesisVerdict::Unclear, format!("{} was not played", one.title)),
    }
}

fn in_time(one: &PlayedExperiment, limit: Duration, word: &str, split: &Split) -> (HypothesisVerdict, String) {
    let allowed = format_duration(limit);
    match split.first() {
        _ if one.fault_began_at.is_none() => (HypothesisVerdict::Unclear, format!("the fault of {} never began", one.title)),
        Some(mark) if mark.after_s <= limit.as_secs_f64() => (HypothesisVerdict::Held, format!("{word} after {}, within {allowed}", short(mark.after_s))),
        Some(mark) => (HypothesisVerdict::Broken, format!("{word} after {}, later than {allowed}", short(mark.after_s))),
        None if one.trial == Trial::Aborted => (HypothesisVerdict::Unclear, format!("not {word} before {} was ended", one.title)),
        None => (HypothesisVerdict::Broken, format!("never {word} while {}", one.title)),
    }
}

fn findings(played: &[PlayedExperiment], hypotheses: &[HypothesisResult], participants: &[Attendance]) -> Vec<String> {
    let mut findings = Vec::new();
    for one in played {
        findings.extend(of_experiment(one));
    }
    for broken in hypotheses.iter().filter(|hypothesis| hypothesis.verdict == HypothesisVerdict::Broken) {
        findings.push(format!("We believed “{}”, and it is not so: {}.", broken.text, broken.because));
    }
    let absent: Vec<&str> = participants.iter().filter(|one| !one.took_part).map(|one| one.user.name()).collect();
    if !absent.is_empty() {
        findings.push(format!("Nothing was seen of {}.", absent.join(", ")));
    }
    findings
}

fn of_experiment(one: &PlayedExperiment) -> Vec<String> {
    let title = &one.title;
    let mut findings = Vec::new();
    match one.trial {
        Trial::Broken => findings.push(format!("{title}: {}.", one.error.as_deref().unwrap_or("it did not hold"))),
        Trial::Aborted => findings.push(format!("{title}: it was not played to its end.")),
        Trial::Skipped => findings.push(format!("{title}: it was not played.")),
        Trial::Held => {}
    }
    if one.fault_began_at.is_none() {
        return findings;
    }
    let measures = &one.measures;
    if measures.detect.automation.is_none() {
        findings.push(format!("{title}: no alarm fired."));
    }
    if measures.acknowledge.people.is_none() {
        findings.push(format!("{title}: nobody was seen on the incident."));
    }
    if measures.undone.is_some() {
        findings.push(format!("{title}: it was well again only when the experiment took its fault away."));
    }
    findings
}

fn note(event: &Event) -> Option<GameDayNote> {
    let user = person(&event.actor).filter(|_| event.kind == types::INCIDENT_NOTE)?;
    Some(GameDayNote { at: event.time, user, text: event.data["text"].as_str().unwrap_or_default().to_owned() })
}

/// `3m12s`, `4.2s`
pub fn short(seconds: f64) -> String {
    if seconds < 10.0 { format!("{seconds:.1}s") } else { format_duration(Duration::from_secs(seconds.max(0.0) as u64)) }
}

/// The measures of one experiment in a line.
pub fn told(measures: &Measures) -> String {
    let part = |word: &str, split: &Split| split.first().map_or_else(|| format!("not {word}"), |mark| format!("{word} after {} ({})", short(mark.after_s), mark.who));
    let end = match &measures.undone {
        Some(mark) => format!("well again after {}, by the experiment's own undoing", short(mark.after_s)),
        None => part("mitigated", &measures.mitigate),
    };
    [part("detected", &measures.detect), part("acknowledged", &measures.acknowledge), end].join(", ")
}

/// The alarms of the day that fire now.
pub fn still_firing(day: &GameDay, alarms: &[AlarmRecord], events: &[Event], since: Timestamp) -> Vec<String> {
    let raised: Vec<&str> = events
        .iter()
        .filter(|event| event.kind == types::ALARM_FIRING && event.time >= since && measure::concerns(day, event))
        .filter_map(|event| event.data["id"].as_str())
        .collect();
    alarms.iter().filter(|alarm| alarm.state == AlarmState::Firing && raised.contains(&alarm.id.as_str())).map(|alarm| alarm.name.clone()).collect()
}
