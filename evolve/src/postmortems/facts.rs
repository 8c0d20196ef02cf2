//! Everything that is known of an incident, gathered before a word is written.

use std::collections::{BTreeMap, BTreeSet};

use documents::Graph;
use kernel::{EntityRef, Timestamp};
use ledger::{Action, Event, EventFilter, Incident, Ledger, LedgerError, Run, RunFilter, types};
use serde_json::Value;
use telemetry::SqlSource;
use telemetry::promql::{Engine, Value as Answer};

use super::chart::{Chart, Line, Mark};
use super::impact::{self, Impact, Window, seconds};

/// Trouble that began longer before the incident was opened is another one's.
const LOOK_BACK_S: i64 = 3600;
const MAX_EVENTS: u32 = 2000;
const MAX_ALARM_CHARTS: usize = 3;
const ALARM_CHART_POINTS: i64 = 120;

#[derive(Debug, Clone)]
pub struct Facts {
    pub incident: Incident,
    pub now: Timestamp,
    /// From the first sign to the end, or to now.
    pub window: Window,
    /// Display names of people and components.
    pub names: BTreeMap<EntityRef, String>,
    pub impact: Impact,
    /// Oldest first.
    pub timeline: Vec<Event>,
    /// Oldest first.
    pub runs: Vec<Run>,
    pub actions: Vec<Action>,
    pub charts: Vec<Chart>,
}

impl Facts {
    pub async fn gather(ledger: &Ledger, graph: &Graph, engine: &Engine, sql: &dyn SqlSource, incident: Incident, now: Timestamp) -> Result<Self, LedgerError> {
        let timeline = timeline(ledger, &incident, now).await?;
        let window = Window { start: first_sign(&incident, &timeline), end: incident.resolved_at.unwrap_or(now) };
        let mut runs = ledger.runs(&RunFilter { incident: Some(incident.id), ..RunFilter::default() }).await?;
        runs.reverse();
        let mut services: BTreeSet<String> = incident.components.iter().filter_map(|component| Some(graph.entity(component)?.service()?.to_owned())).collect();
        let impact = impact::measure(sql, window, &services).await;
        services.extend(impact.services.iter().map(|figures| figures.service.clone()));
        let shown = window.with_surroundings(now);
        let mut charts = impact::charts(sql, shown, &services).await.unwrap_or_else(|error| {
            tracing::warn!(incident = %incident.id, %error, "the charts of a post-mortem could not be drawn from the lake");
            Vec::new()
        });
        charts.extend(alarm_charts(engine, &timeline, shown).await);
        for chart in &mut charts {
            chart.marks = marks(&incident);
        }
        Ok(Self {
            names: names(graph),
            actions: ledger.actions(Some(incident.id)).await?,
            incident,
            now,
            window,
            impact,
            timeline,
            runs,
            charts,
        })
    }
}

/// The incident's own events, and those of alarms on its components around it.
async fn timeline(ledger: &Ledger, incident: &Incident, now: Timestamp) -> Result<Vec<Event>, LedgerError> {
    let own = EventFilter { incident: Some(incident.id), limit: Some(MAX_EVENTS), ..EventFilter::default() };
    let alarms = EventFilter { kinds: vec!["dev.mainstay.alarm.".to_owned()], limit: Some(MAX_EVENTS), newest_first: true, ..EventFilter::default() };
    let mut events = ledger.events(&own).await?;
    let begin = incident.opened_at.as_second() - LOOK_BACK_S;
    let end = incident.resolved_at.unwrap_or(now).as_second() + 60;
    let components: BTreeSet<String> = incident.components.iter().map(EntityRef::to_string).collect();
    let concerns = |event: &Event| {
        let component = event.data["component"].as_str().unwrap_or_default();
        event.incident.is_none() && components.contains(component) && (begin..=end).contains(&event.time.as_second())
    };
    events.extend(ledger.events(&alarms).await?.into_iter().filter(concerns));
    events.sort_by_key(|event| event.position);
    Ok(events)
}

/// When the first alarm's condition began to hold, else when the incident was opened.
fn first_sign(incident: &Incident, timeline: &[Event]) -> Timestamp {
    let earliest = incident.opened_at.as_second() - LOOK_BACK_S;
    let firing = timeline.iter().filter(|event| event.kind == types::ALARM_FIRING || event.kind == types::ALARM_PENDING);
    let active = firing.filter_map(|event| event.data["active_at"].as_str()?.parse::<Timestamp>().ok());
    active.filter(|at| at.as_second() >= earliest).min().map_or(incident.opened_at, |at| at.min(incident.opened_at))
}

/// What the alarms saw: their expressions over the time of the incident.
async fn alarm_charts(engine: &Engine, timeline: &[Event], window: Window) -> Vec<Chart> {
    let mut charts: Vec<Chart> = Vec::new();
    for event in timeline.iter().filter(|event| event.kind == types::ALARM_FIRING) {
        let evidence = &event.data["evidence"];
        let (Some("promql"), Some(query)) = (evidence["language"].as_str(), evidence["query"].as_str()) else { continue };
        if charts.len() == MAX_ALARM_CHARTS || charts.iter().any(|chart| chart.query == query) {
            continue;
        }
        let step_ms = (window.length().as_millis() as i64 / ALARM_CHART_POINTS).max(1000);
        let answer = engine.range(query, window.start.as_millisecond(), window.end.as_millisecond(), step_ms).await;
        let Ok(Answer::Matrix(series)) = answer.map(|answer| answer.value) else { continue };
        let lines: Vec<Line> = series
            .iter()
            .map(|series| Line {
                name: series.labels.to_string(),
                points: series.samples.iter().map(|sample| (sample.time_ms as f64 / 1e3, sample.value)).collect(),
            })
            .collect();
        if !lines.is_empty() {
            let number = charts.len() + 1;
            charts.push(Chart {
                name: format!("alarm-{number}"),
                title: format!("Alarm {}", text(&event.data, "alert")),
                unit: "value of its expression".to_owned(),
                start_s: seconds(window.start),
                end_s: seconds(window.end),
                step_s: step_ms as f64 / 1e3,
                lines,
                marks: Vec::new(),
                query: query.to_owned(),
            });
        }
    }
    charts
}

fn marks(incident: &Incident) -> Vec<Mark> {
    let mark = |at: Option<Timestamp>, label: &str| at.map(|at| Mark { at_s: seconds(at), label: label.to_owned() });
    [mark(Some(incident.opened_at), "opened"), mark(incident.resolved_at, "resolved")].into_iter().flatten().collect()
}

fn names(graph: &Graph) -> BTreeMap<EntityRef, String> {
    let name = |entity: &documents::catalog::Entity| entity.display_name.clone().or_else(|| entity.title.clone());
    graph.entities.values().filter_map(|entity| Some((entity.reference.clone(), name(entity)?))).collect()
}

pub fn text<'a>(data: &'a Value, field: &str) -> &'a str {
    data[field].as_str().unwrap_or_default()
}
