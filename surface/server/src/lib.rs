//! The surface: HTTP and gRPC, one module per resource, and the embedded page.
//!
//! Handlers translate between the wire and the rooms; they decide nothing.

mod access;
mod error;
mod evolve;
mod explore;
mod extract;
mod live;
mod operate;
mod organize;
mod page;
mod prepare;
mod state;
mod status;
pub mod telemetry;

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::get;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::timeout::TimeoutLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub use access::Access;
pub use extract::ACTOR_HEADER;
pub use state::{About, App};

/// Larger request bodies are refused with 413.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// An answer that has not begun by then is given up with 504.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Mainstay",
        description = "The API of Mainstay, operations as code. Errors are RFC 9457 problem details.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "organize", description = "Who owns what, what matters most"),
        (name = "prepare", description = "Runbooks, playbooks and their runs; configurations and feature flags; parameters and secrets"),
        (name = "operate", description = "Alarms, event rules, incidents, notifications"),
        (name = "evolve", description = "Experiments, game days, post-mortems and actions"),
        (name = "explore", description = "SQL, logs, traces and services"),
        (name = "events", description = "The ledger"),
        (name = "status", description = "The server itself")
    )
)]
struct Description;

/// The whole surface on one port: API, page, Prometheus's API, health checks.
pub fn router(app: App) -> Router {
    let (api, description) = described();
    let description = serde_json::to_value(&description).unwrap_or_default();
    let prometheus = telemetry::prometheus::router(app.engine.clone(), app.metrics.clone(), app.rules.clone());
    let access = app.access.clone();
    let guarded = Router::new()
        .merge(api.with_state(app.clone()))
        .route("/api/openapi.json", get(async move || axum::Json(description)))
        .route("/api/{*path}", axum::routing::any(unknown))
        .nest("/prometheus/api/v1", prometheus)
        .layer(middleware::from_fn_with_state(access, access::guard));
    Router::new()
        .merge(guarded)
        .merge(status::health_routes(app))
        // A page is got; whoever sends something else meant the API.
        .fallback(get(page::serve).fallback(unknown))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(TimeoutLayer::with_status_code(axum::http::StatusCode::GATEWAY_TIMEOUT, ANSWER_TIMEOUT))
        // Event streams must not wait for a compressor's buffer to fill.
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(1024).and(NotForContentType::new("text/event-stream"))))
        .layer(status::trace_layer())
}

/// The receivers of telemetry: anybody who reaches them may send, unless a token is set.
pub fn for_senders(receivers: Router, access: &Access) -> Router {
    match access {
        Access::Loopback => receivers,
        Access::Token(_) => receivers.layer(middleware::from_fn_with_state(access.clone(), access::guard)),
    }
}

/// The OpenAPI 3.1 document, as JSON.
pub fn openapi() -> String {
    let (_, description) = described();
    description.to_pretty_json().unwrap_or_default()
}

/// The routes, and their description with an id for each operation: `get-incidents-id`.
fn described() -> (Router<App>, utoipa::openapi::OpenApi) {
    let (router, mut description) = api().split_for_parts();
    for (path, item) in &mut description.paths.paths {
        let name: Vec<&str> = path.trim_start_matches("/api").split(['/', '{', '}']).filter(|part| !part.is_empty()).collect();
        let name = name.join("-");
        let operations = [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(format!("{method}-{name}"));
            }
        }
    }
    (router, description)
}

fn api() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(organize::overview::routes())
        .merge(organize::entities::routes())
        .merge(organize::documents::routes())
        .merge(prepare::deployments::routes())
        .merge(prepare::runbooks::routes())
        .merge(prepare::runners::routes())
        .merge(prepare::runs::routes())
        .merge(prepare::attachments::routes())
        .merge(prepare::scenarios::routes())
        .merge(prepare::parameters::routes())
        .merge(prepare::secrets::routes())
        .merge(prepare::configuration::routes())
        .merge(operate::alarms::routes())
        .merge(operate::event_rules::routes())
        .merge(operate::canaries::routes())
        .merge(operate::deliveries::routes())
        .merge(operate::incidents::routes())
        .merge(evolve::experiments::routes())
        .merge(evolve::game_days::routes())
        .merge(evolve::postmortems::routes())
        .merge(evolve::scale_points::routes())
        .merge(evolve::actions::routes())
        .merge(explore::sql::routes())
        .merge(explore::logs::routes())
        .merge(explore::tail::routes())
        .merge(explore::traces::routes())
        .merge(explore::services::routes())
        .merge(live::routes())
        .merge(status::routes())
}

async fn unknown(uri: axum::http::Uri) -> error::ApiError {
    error::ApiError::not_found(format!("{}; /api/openapi.json lists what there is", uri.path()))
}

#[cfg(test)]
mod tests {
    /// The page's client is generated from this file; review its change as a change of the contract.
    /// `MAINSTAY_UPDATE=1 cargo test -p mainstay-server` writes it anew.
    #[test]
    fn the_api_is_what_its_description_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let described = super::openapi() + "\n";
        if std::env::var_os("MAINSTAY_UPDATE").is_some() {
            std::fs::write(path, &described).unwrap();
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(kept == described, "surface/server/openapi.json is out of date; run MAINSTAY_UPDATE=1 cargo test -p mainstay-server");
    }
}
