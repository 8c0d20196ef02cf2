//! Tells clients that they should ask again: server-sent events, as OFREP's event streams have them.

use std::convert::Infallible;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use ledger::ConfigRollout;
use prepare::configuration::{Scope, Seat};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::Query;
use crate::live::until_shutdown;
use crate::state::App;

const PATH: &str = "/ofrep/v1/events";

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(events))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Watched {
    application: Option<String>,
    environment: Option<String>,
    configuration: Option<String>,
}

/// An event `refetchEvaluation` whenever the flags of the scope have changed; one at the beginning, so that a client
/// that was away asks again.
#[utoipa::path(get, path = "/ofrep/v1/events", tag = "prepare", params(Watched),
    responses((status = 200, description = "data: {\"type\": \"refetchEvaluation\", \"etag\": …}", content_type = "text/event-stream")))]
async fn events(State(app): State<App>, Query(watched): Query<Watched>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let scope = Scope { application: watched.application, environment: watched.environment, profile: watched.configuration };
    let shutdown = app.shutdown.clone();
    Sse::new(until_shutdown(changes(app, scope), shutdown)).keep_alive(KeepAlive::default())
}

fn changes(app: App, scope: Scope) -> impl Stream<Item = Result<Event, Infallible>> {
    let watch = app.configurations.watch();
    futures::stream::unfold((app, scope, watch, None::<String>), |(app, scope, mut watch, told)| async move {
        loop {
            watch.mark_unchanged();
            let etag = versions(&app, &scope);
            if told.as_ref() != Some(&etag) {
                let data = json!({"type": "refetchEvaluation", "etag": etag});
                let event = Event::default().event("message").id(etag.trim_matches('"')).data(data.to_string());
                return Some((Ok(event), (app, scope, watch, Some(etag))));
            }
            watch.changed().await?;
        }
    })
}

/// Changes with every content of the scope, and with how many have it, whoever asks.
fn versions(app: &App, scope: &Scope) -> String {
    let served = app.configurations.served();
    let seats = served.flags(scope).unwrap_or_default();
    let versions: Vec<String> = seats.iter().map(|seat| format!("{}/{}/{}", seat.profile.name, seat.environment.name, standing(app, seat))).collect();
    etag(versions.join("\n").as_bytes())
}

fn standing(app: &App, seat: &Seat<'_>) -> String {
    let Some(ConfigRollout { arrived, coming, .. }) = app.configurations.record(seat) else { return seat.environment.content.version.clone() };
    match coming.filter(|coming| coming.weight_percent > 0.0) {
        None => arrived,
        Some(coming) => format!("{arrived} {} {}", coming.version, coming.weight_percent),
    }
}

/// Where the changes of a scope are told.
pub fn uri(scope: &Scope) -> String {
    let fields = [("application", &scope.application), ("environment", &scope.environment), ("configuration", &scope.profile)];
    let query: Vec<String> = fields.iter().filter_map(|(name, value)| Some(format!("{name}={}", encoded(value.as_deref()?)))).collect();
    if query.is_empty() { PATH.to_owned() } else { format!("{PATH}?{}", query.join("&")) }
}

/// Everything but letters, digits and a few signs, as a query wants it.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

pub fn etag(bytes: &[u8]) -> String {
    let digest: String = Sha256::digest(bytes).iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digest}\"")
}
