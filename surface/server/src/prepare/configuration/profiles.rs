//! `/api/config-profiles`

use axum::Json;
use axum::extract::State;
use documents::config_profile::ProfileKind;
use flags::{Ask, Flag, FlagSet, Variant};
use ledger::{ConfigComing, ConfigRefused};
use prepare::configuration::{Seat, ServedProfile};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::config_profiles::{
    ConfigContentDetail, ConfigEnvironmentSummary, ConfigOnItsWay, ConfigProfileDetail, ConfigProfileSummary, ConfigTakenBack, FlagAnswer, FlagDetail,
    FlagVariant, TryFlags,
};
use wire::error::Problem;

use crate::error::{ApiError, ApiResult};
use crate::extract::{Json as Body, Path};
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one)).routes(routes!(evaluate))
}

/// Configurations and feature flags, with what each environment serves.
#[utoipa::path(get, path = "/api/config-profiles", tag = "prepare", responses((status = 200, body = Vec<ConfigProfileSummary>)))]
async fn list(State(app): State<App>) -> Json<Vec<ConfigProfileSummary>> {
    let commit = app.documents.borrow().graph.revision.clone();
    Json(app.configurations.served().profiles().map(|served| summary(&app, served, commit.as_deref())).collect())
}

/// A profile with its contents and flags.
#[utoipa::path(get, path = "/api/config-profiles/{name}", tag = "prepare", params(("name" = String, Path)),
    responses((status = 200, body = ConfigProfileDetail), (status = 404, body = Problem)))]
async fn one(State(app): State<App>, Path(name): Path<String>) -> ApiResult<Json<ConfigProfileDetail>> {
    let commit = app.documents.borrow().graph.revision.clone();
    let all = app.configurations.served();
    let served = all.profile(&name).ok_or_else(|| no_profile(&name))?;
    let contents = served.profile.environments.iter().map(|environment| content(&app, &Seat { profile: &served.profile, environment })).collect();
    Ok(Json(ConfigProfileDetail { summary: summary(&app, served, commit.as_deref()), contents }))
}

/// What each flag of an environment is for somebody.
#[utoipa::path(post, path = "/api/config-profiles/{name}/environments/{environment}/evaluate", tag = "prepare",
    params(("name" = String, Path), ("environment" = String, Path)), request_body = TryFlags,
    responses((status = 200, body = Vec<FlagAnswer>), (status = 400, body = Problem), (status = 404, body = Problem)))]
async fn evaluate(State(app): State<App>, Path((name, environment)): Path<(String, String)>, Body(tried): Body<TryFlags>) -> ApiResult<Json<Vec<FlagAnswer>>> {
    let all = app.configurations.served();
    let profile = &all.profile(&name).ok_or_else(|| no_profile(&name))?.profile;
    let no_environment = || ApiError::not_found(format!("the environment {environment:?} of {name:?}"));
    let seat = Seat { profile, environment: profile.environment(&environment).ok_or_else(no_environment)? };
    let content = app.configurations.version(&seat, super::ofrep::entity(&tried.context));
    let set = content.flags.as_ref().ok_or_else(|| ApiError::invalid(format!("{name:?} is not a set of flags")))?;
    let ask = Ask { context: &tried.context, now: app.clock.now() };
    Ok(Json(answers(set, ask)))
}

fn answers(set: &FlagSet, ask: Ask<'_>) -> Vec<FlagAnswer> {
    let answer = |(key, evaluated): (&str, Result<flags::Evaluation<'_>, flags::Failure>)| match evaluated {
        Ok(evaluation) => FlagAnswer {
            key: key.to_owned(),
            value: evaluation.value.cloned(),
            variant: evaluation.variant.map(str::to_owned),
            reason: Some(evaluation.reason.name().to_owned()),
            error: None,
        },
        Err(failure) => FlagAnswer { key: key.to_owned(), value: None, variant: None, reason: None, error: Some(failure.to_string()) },
    };
    set.evaluate_all(ask).into_iter().map(answer).collect()
}

fn summary(app: &App, served: &ServedProfile, commit: Option<&str>) -> ConfigProfileSummary {
    let profile = &served.profile;
    ConfigProfileSummary {
        name: profile.name.clone(),
        title: profile.title.clone(),
        description: profile.description.clone(),
        component: profile.component.clone(),
        kind: match profile.kind {
            ProfileKind::Freeform => "freeform",
            ProfileKind::Flags => "flags",
        }
        .to_owned(),
        applications: served.applications.clone(),
        path: profile.origin.path.clone(),
        broken: served.broken,
        environments: profile.environments.iter().map(|environment| environment_summary(app, &Seat { profile, environment }, commit)).collect(),
    }
}

fn environment_summary(app: &App, seat: &Seat<'_>, commit: Option<&str>) -> ConfigEnvironmentSummary {
    let environment = seat.environment;
    let content = &environment.content;
    let record = app.configurations.record(seat);
    ConfigEnvironmentSummary {
        name: environment.name.clone(),
        version: content.version.clone(),
        commit: commit.map(str::to_owned),
        content_type: content.content_type.clone(),
        file: content.file.clone(),
        bytes: content.bytes.len(),
        arrived: record.as_ref().map_or_else(|| content.version.clone(), |record| record.arrived.clone()),
        coming: record.as_ref().and_then(|record| record.coming.as_ref()).map(coming),
        taken_back: record.as_ref().and_then(|record| record.refused.as_ref()).map(taken_back),
        strategy: environment.strategy.as_ref().map(|strategy| strategy.name.clone()),
        bake_s: environment.bake.map(|bake| bake.as_secs_f64()),
        alarms: environment.alarms.clone(),
        flags: content.flags.as_ref().map(|set| set.flags().len()),
    }
}

fn coming(coming: &ConfigComing) -> ConfigOnItsWay {
    ConfigOnItsWay { version: coming.version.clone(), weight_percent: coming.weight_percent, run: coming.run.clone(), since: coming.since }
}

fn taken_back(refused: &ConfigRefused) -> ConfigTakenBack {
    ConfigTakenBack { version: refused.version.clone(), run: refused.run.clone(), reason: refused.reason.clone(), at: refused.at }
}

fn content(app: &App, seat: &Seat<'_>) -> ConfigContentDetail {
    let content = app.configurations.version(seat, None);
    let set = content.flags.as_deref();
    ConfigContentDetail {
        environment: seat.environment.name.clone(),
        version: content.version.clone(),
        text: String::from_utf8_lossy(&content.bytes).into_owned(),
        format: set.map(|set| set.format().name().to_owned()),
        bucketing: set.map(|set| set.bucketing().name().to_owned()),
        flags: set.map(|set| set.flags().iter().map(flag).collect()).unwrap_or_default(),
        doubts: set.map(|set| set.doubts().iter().map(ToString::to_string).collect()).unwrap_or_default(),
    }
}

fn flag(flag: &Flag) -> FlagDetail {
    let variant = |variant: &Variant| FlagVariant { name: variant.name.clone(), value: variant.value.clone(), rule: variant.rule.clone() };
    FlagDetail {
        key: flag.key.clone(),
        title: flag.title.clone(),
        description: flag.description.clone(),
        deprecated: flag.deprecated,
        is_static: flag.is_static(),
        variants: flag.variants.iter().map(variant).collect(),
        metadata: flag.metadata.clone(),
    }
}

fn no_profile(name: &str) -> ApiError {
    ApiError::not_found(format!("config profile {name:?}"))
}
