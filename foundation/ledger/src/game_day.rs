//! What came of a game day. It travels as the data of its events; nothing else keeps it.

use kernel::{EntityRef, IncidentId, RunId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One playing of a game day, from its start to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GameDayOutcome {
    /// The document's name.
    pub name: String,
    pub title: String,
    pub goal: String,
    pub run: RunId,
    /// The practice incident.
    pub incident: IncidentId,
    pub components: Vec<EntityRef>,
    pub result: GameDayResult,
    /// Why it was aborted.
    pub reason: Option<String>,
    pub began_at: Timestamp,
    pub ended_at: Timestamp,
    pub hypotheses: Vec<HypothesisResult>,
    pub experiments: Vec<PlayedExperiment>,
    pub participants: Vec<Attendance>,
    /// What people wrote into the incident's timeline, oldest first.
    pub notes: Vec<GameDayNote>,
    /// What stands out, in sentences.
    pub findings: Vec<String>,
    /// The report's Markdown file, below the repository's root.
    pub report: Option<String>,
    /// Why there is no report.
    pub report_error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum GameDayResult {
    /// Every experiment was played.
    Played,
    Aborted,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HypothesisResult {
    pub text: String,
    /// Where it was written down.
    pub source: Option<String>,
    pub verdict: HypothesisVerdict,
    /// What the verdict rests on.
    pub because: String,
    /// The person whose word it is; absent if the experiments decided.
    pub judged_by: Option<EntityRef>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HypothesisVerdict {
    Held,
    Broken,
    Unclear,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlayedExperiment {
    pub name: String,
    pub title: String,
    /// Absent if it was not begun.
    pub run: Option<RunId>,
    pub trial: Trial,
    /// Why it did not hold.
    pub error: Option<String>,
    /// Failure modes, e.g. `latency`.
    pub modes: Vec<String>,
    /// When the first action of the method had been carried out.
    pub fault_began_at: Option<Timestamp>,
    /// When the first rollback began, or the run ended.
    pub fault_lifted_at: Option<Timestamp>,
    pub measures: Measures,
}

/// How an experiment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Trial {
    /// The steady state held, and every activity ran.
    Held,
    /// The steady state did not hold, or an activity failed.
    Broken,
    /// It was ended before its end.
    Aborted,
    /// It was not begun.
    Skipped,
}

/// How long it took after the fault began.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Measures {
    /// Until an alarm fired, or a person wrote that something is wrong.
    pub detect: Split,
    /// Until somebody was on the incident: a person, or a rule that responded.
    pub acknowledge: Split,
    /// Until the alarms had resolved or the steady state was back, because somebody did something about it.
    pub mitigate: Split,
    /// Until it was well again only because the experiment took its fault away.
    pub undone: Option<Mark>,
}

/// The first of each, by who did it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Split {
    pub people: Option<Mark>,
    pub automation: Option<Mark>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Mark {
    pub at: Timestamp,
    /// Since the fault began.
    pub after_s: f64,
    /// Who or what: a person, a rule, an alarm.
    pub who: String,
    /// In a few words.
    pub what: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Attendance {
    pub user: EntityRef,
    pub role: String,
    /// Whether the person did something: said so, wrote, decided.
    pub took_part: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GameDayNote {
    pub at: Timestamp,
    pub user: EntityRef,
    pub text: String,
}

/// A person has practised a role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Training {
    pub user: EntityRef,
    pub role: String,
    /// When the game day ended.
    pub at: Timestamp,
    /// The document's name.
    pub game_day: String,
    pub run: RunId,
    pub incident: IncidentId,
}

impl Split {
    /// Whichever was first.
    pub fn first(&self) -> Option<&Mark> {
        self.people.iter().chain(&self.automation).min_by_key(|mark| mark.at)
    }
}
