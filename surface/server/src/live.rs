//! Answers that go on: the ledger's events, as server-sent events.

use std::convert::Infallible;
use std::pin::Pin;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use futures::{Stream, StreamExt};
use ledger::{Event, EventFilter, Position};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiResult;
use crate::extract::Query;
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(events)).routes(routes!(stream))
}

const EVENTS_MAX: u32 = 10_000;

/// Which events. All fields narrow.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct EventQuery {
    /// Events above this position.
    after: Option<i64>,
    /// Events below this position.
    before: Option<i64>,
    /// A type, or a prefix that ends in a full stop; several separated by commas.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    kind: Option<String>,
    #[param(value_type = Option<String>)]
    incident: Option<kernel::IncidentId>,
    #[param(value_type = Option<String>)]
    run: Option<kernel::RunId>,
    /// At most this many; 1,000 if absent.
    limit: Option<u32>,
    #[serde(default)]
    newest_first: bool,
}

impl EventQuery {
    fn filter(&self) -> EventFilter {
        EventFilter {
            after: self.after.map(Position),
            before: self.before.map(Position),
            kinds: self.kind.iter().flat_map(|kinds| kinds.split(',')).map(str::to_owned).collect(),
            incident: self.incident,
            run: self.run.clone(),
            limit: self.limit.map(|limit| limit.clamp(1, EVENTS_MAX)),
            newest_first: self.newest_first,
            ..EventFilter::default()
        }
    }
}

/// What happened: CloudEvents in the order of the ledger.
#[utoipa::path(get, path = "/api/events", tag = "events", params(EventQuery), responses((status = 200, body = Vec<Event>)))]
async fn events(State(app): State<App>, Query(query): Query<EventQuery>) -> ApiResult<axum::Json<Vec<Event>>> {
    Ok(axum::Json(app.ledger.events(&query.filter()).await?))
}

/// Server-sent events named `event`, one CloudEvent each, from `after` or `Last-Event-ID` on, or from now.
#[utoipa::path(get, path = "/api/events/stream", tag = "events", params(EventQuery),
    responses((status = 200, body = Event, content_type = "text/event-stream")))]
async fn stream(
    State(app): State<App>,
    headers: HeaderMap,
    Query(query): Query<EventQuery>,
) -> ApiResult<Sse<impl Stream<Item = Result<SseEvent, Infallible>>>> {
    let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let after = match resumed.or(query.after) {
        Some(after) => Position(after),
        None => app.ledger.position().await?,
    };
    let events = follow(app.clone(), query.filter(), after).map(|event| {
        let sse = SseEvent::default().event("event").id(event.position.0.to_string());
        Ok(sse.json_data(event).unwrap_or_default())
    });
    Ok(Sse::new(until_shutdown(events, app.shutdown)).keep_alive(KeepAlive::default()))
}

/// Events after a position, for ever. Ends if the ledger cannot be read: the reader then comes again.
fn follow(app: App, filter: EventFilter, after: Position) -> impl Stream<Item = Event> {
    let watch = app.ledger.watch();
    futures::stream::unfold((app, filter, after, watch), |(app, mut filter, after, mut watch)| async move {
        loop {
            watch.mark_unchanged();
            filter.after = Some(after);
            let events = app.ledger.events(&filter).await.ok()?;
            if let Some(last) = events.last() {
                let after = last.position;
                return Some((futures::stream::iter(events), (app, filter, after, watch)));
            }
            watch.changed().await.ok()?;
        }
    })
    .flatten()
}

/// The stream, ended when the server drains.
pub(crate) fn until_shutdown<S>(stream: S, shutdown: CancellationToken) -> Pin<Box<dyn Stream<Item = S::Item> + Send>>
where
    S: Stream + Send + 'static,
{
    Box::pin(stream.take_until(shutdown.cancelled_owned()))
}
