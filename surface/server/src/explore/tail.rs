//! Log records as they arrive.

use std::convert::Infallible;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use telemetry::otlp::{LogRow, log_rows};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::BroadcastStream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::error::Problem;
use wire::explore::{LogLine, LogQuery};

use super::logs::least_severity_number;
use crate::error::ApiResult;
use crate::extract::Query;
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(tail))
}

/// Server-sent events named `log`, one record each, from now on. `service`, `severity` and `contains` narrow.
#[utoipa::path(get, path = "/api/logs/tail", tag = "explore", params(LogQuery),
    responses((status = 200, body = LogLine, content_type = "text/event-stream"), (status = 400, body = Problem)))]
async fn tail(
    State(app): State<App>,
    Query(query): Query<LogQuery>,
) -> ApiResult<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let filter = Filter {
        service: query.service,
        severity_number: query.severity.as_deref().map(least_severity_number).transpose()?.unwrap_or(0),
        contains: query.contains.map(|text| text.to_lowercase()),
    };
    // A reader that falls behind loses the oldest records: the tail shows now, the search shows all.
    let events = BroadcastStream::new(app.tail.tail()).filter_map(Result::ok).map(move |export| {
        let lines: Vec<_> = filter.lines(&export).map(|line| Ok(Event::default().event("log").json_data(line).unwrap_or_default())).collect();
        futures::stream::iter(lines)
    });
    let stream = futures::StreamExt::flatten(events);
    Ok(Sse::new(crate::live::until_shutdown(stream, app.shutdown.clone())).keep_alive(KeepAlive::default()))
}
