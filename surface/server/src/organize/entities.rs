//! `/api/entities`

use ::documents::Graph;
use ::documents::catalog::Entity;
use axum::Json;
use axum::extract::State;
use kernel::EntityRef;
use ledger::{AlarmRecord, IncidentFilter, RunFilter};
use organize::catalog;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::catalog::{EntityDetail, EntityLink, EntitySummary, Relation};
use wire::error::Problem;

use super::documents::origin;
use crate::error::{ApiError, ApiResult};
use crate::extract::{Path, Query};
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one))
}

/// How many of its incidents and runs an entity shows.
const RECENT: u32 = 20;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct KindQuery {
    /// e.g. `component`; all kinds if absent.
    kind: Option<String>,
}

/// The catalogue.
#[utoipa::path(get, path = "/api/entities", tag = "organize", params(KindQuery), responses((status = 200, body = Vec<EntitySummary>)))]
async fn list(State(app): State<App>, Query(query): Query<KindQuery>) -> ApiResult<Json<Vec<EntitySummary>>> {
    let alarms = app.ledger.alarms().await?;
    let loaded = app.documents.borrow().clone();
    let wanted = |entity: &&Entity| query.kind.as_ref().is_none_or(|kind| kind.eq_ignore_ascii_case(entity.reference.kind()));
    Ok(Json(loaded.graph.entities.values().filter(wanted).map(|entity| summary(entity, &alarms)).collect()))
}

/// An entity with its relations, alarms, incidents and runs.
#[utoipa::path(get, path = "/api/entities/{kind}/{namespace}/{name}", tag = "organize",
    params(("kind" = String, Path), ("namespace" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = EntityDetail), (status = 404, body = Problem)))]
async fn one(State(app): State<App>, Path((kind, namespace, name)): Path<(String, String, String)>) -> ApiResult<Json<EntityDetail>> {
    let reference = EntityRef::new(&kind, &namespace, &name);
    let loaded = app.documents.borrow().clone();
    let graph = &loaded.graph;
    let entity = graph.entity(&reference).ok_or_else(|| ApiError::not_found(&reference))?;
    let alarms = app.ledger.alarms().await?;
    let incidents = IncidentFilter { component: Some(reference.clone()), limit: Some(RECENT), ..Default::default() };
    let runs = RunFilter { component: Some(reference.clone()), routine: Some(false), limit: Some(RECENT), ..Default::default() };
    Ok(Json(EntityDetail {
        summary: summary(entity, &alarms),
        labels: entity.labels.clone(),
        annotations: entity.annotations.clone(),
        links: entity.links.iter().map(|link| EntityLink { url: link.url.clone(), title: link.title.clone() }).collect(),
        relations: relations(graph, entity),
        commander: graph.commander_for(&reference),
        origin: origin(&entity.origin),
        incidents: app.ledger.incidents(&incidents).await?,
        runs: app.ledger.runs(&runs).await?,
        runbooks: graph.runbooks.values().filter(|r| r.component.as_ref() == Some(&reference)).map(|r| r.name.clone()).collect(),
        alarms: alarms.into_iter().filter(|alarm| catalog::concerns(alarm, entity)).collect(),
    }))
}

fn summary(entity: &Entity, alarms: &[AlarmRecord]) -> EntitySummary {
    EntitySummary {
        reference: entity.reference.clone(),
        kind: entity.kind.clone(),
        name: entity.name.clone(),
        title: entity.title.clone().or_else(|| entity.display_name.clone()),
        description: entity.description.clone(),
        type_: entity.type_.clone(),
        lifecycle: entity.lifecycle.clone(),
        owner: entity.owner.clone(),
        system: entity.system.clone(),
        impact: entity.impact,
        tier: entity.tier,
        tags: entity.tags.clone(),
        service: entity.service().map(str::to_owned),
        alarm_state: catalog::alarm_state(alarms, entity),
    }
}

fn relations(graph: &Graph, entity: &Entity) -> Vec<Relation> {
    catalog::relations(graph, entity)
        .into_iter()
        .map(|relation| Relation {
            type_: relation.name.to_owned(),
            known: graph.entity(&relation.target).is_some(),
            target: relation.target,
        })
        .collect()
}
