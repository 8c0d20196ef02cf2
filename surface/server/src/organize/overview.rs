//! `/api/overview`: is everything all right, and if not, who is on it?

use std::collections::BTreeMap;

use ::documents::{Graph, Level, Loaded};
use axum::Json;
use axum::extract::State;
use jiff::ToSpan;
use ledger::{
    ActionStatus, AlarmRecord, AlarmState, DeliveryStatus, EventFilter, Incident, IncidentFilter, IncidentStatus, RunFilter, RunStatus,
};
use organize::catalog;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::overview::{ComponentHealth, DocumentsHealth, Health, Overview};

use crate::error::ApiResult;
use crate::explore::Span;
use crate::explore::services::{Figures, figures_by_service};
use crate::operate::deliveries::shown;
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(overview))
}

const RECENT_EVENTS: u32 = 20;
const DEAD_DELIVERIES: u32 = 20;

/// The whole workload at one look.
#[utoipa::path(get, path = "/api/overview", tag = "organize", responses((status = 200, body = Overview)))]
async fn overview(State(app): State<App>) -> ApiResult<Json<Overview>> {
    let at = app.clock.now();
    let loaded = app.documents.borrow().clone();
    let all_alarms = app.ledger.alarms().await?;
    let figures = figures_by_service(&app, Span { start: at - 1.minute(), end: at }).await?;
    let components = components(&loaded.graph, &all_alarms, &figures);
    let mut alarms: Vec<AlarmRecord> =
        all_alarms.into_iter().filter(|alarm| !matches!(alarm.state, AlarmState::Inactive | AlarmState::Resolved)).collect();
    alarms.sort_by_key(|alarm| std::cmp::Reverse(catalog::urgency(alarm.state)));
    let active = IncidentFilter {
        statuses: vec![IncidentStatus::Open, IncidentStatus::Acknowledged, IncidentStatus::Mitigated],
        ..Default::default()
    };
    let mut incidents = app.ledger.incidents(&active).await?;
    incidents.sort_by_key(|incident| (incident.practice, incident.severity));
    let under_way = RunFilter {
        statuses: vec![RunStatus::Requested, RunStatus::Running, RunStatus::Waiting, RunStatus::Interrupted],
        ..Default::default()
    };
    let recent = EventFilter { newest_first: true, limit: Some(RECENT_EVENTS), ..Default::default() };
    let documents = documents_health(&loaded);
    Ok(Json(Overview {
        workload: loaded.graph.workload.title.clone().unwrap_or_else(|| loaded.graph.workload.name.clone()),
        at,
        health: health(&incidents, &alarms, &documents),
        runs: app.ledger.runs(&under_way).await?,
        open_actions: app.ledger.actions(None).await?.into_iter().filter(|a| a.status == ActionStatus::Open).collect(),
        dead_deliveries: app.deliveries.list(Some(DeliveryStatus::Dead), DEAD_DELIVERIES).await?.into_iter().map(shown).collect(),
        recent_events: app.ledger.events(&recent).await?,
        has_signals: !figures.is_empty() || has_signals(&app).await?,
        incidents,
        alarms,
        components,
        documents,
    }))
}

fn health(incidents: &[Incident], alarms: &[AlarmRecord], documents: &DocumentsHealth) -> Health {
    if incidents.iter().any(|incident| !incident.practice) || alarms.iter().any(|alarm| alarm.state == AlarmState::Firing) {
        Health::Bad
    } else if !alarms.is_empty() || documents.errors > 0 {
        Health::Attention
    } else {
        Health::Good
    }
}

/// The most important first: by tier, then by name.
fn components(graph: &Graph, alarms: &[AlarmRecord], figures: &BTreeMap<String, Figures>) -> Vec<ComponentHealth> {
    let mut components: Vec<ComponentHealth> = graph
        .components()
        .map(|component| {
            let figures = component.service().and_then(|service| figures.get(service));
            ComponentHealth {
                reference: component.reference.clone(),
                title: component.title.clone().unwrap_or_else(|| component.name.clone()),
                owner: component.owner.clone(),
                impact: component.impact,
                tier: component.tier,
                alarm_state: catalog::alarm_state(alarms, component),
                rate: figures.map(|f| f.rate),
                error_ratio: figures.map(|f| f.error_ratio),
                p95_ms: figures.map(|f| f.p95_ms),
            }
        })
        .collect();
    components.sort_by(|a, b| (a.tier.unwrap_or(u8::MAX), &a.title).cmp(&(b.tier.unwrap_or(u8::MAX), &b.title)));
    components
}

fn documents_health(loaded: &Loaded) -> DocumentsHealth {
    let count = |level| loaded.diagnostics.iter().filter(|d| d.level == level).count();
    DocumentsHealth { documents: loaded.files, errors: count(Level::Error), warnings: count(Level::Warning) }
}

async fn has_signals(app: &App) -> ApiResult<bool> {
    for table in ["spans", "logs", "metrics"] {
        if !app.sql.sql(&format!("SELECT 1 FROM {table} LIMIT 1"), 1).await?.rows.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}
