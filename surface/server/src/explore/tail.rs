//! Log records as they arrive.

use std::convert::Infallible;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use kernel::Timestamp;
use telemetry::otlp::rows::{LogRow, for_each_log, push_hex};
use telemetry::otlp::value::json_object;
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
        let lines = filter.lines(&export).into_iter();
        futures::stream::iter(lines.map(|line| Ok(Event::default().event("log").json_data(line).unwrap_or_default())))
    });
    let stream = futures::StreamExt::flatten(events);
    Ok(Sse::new(crate::live::until_shutdown(stream, app.shutdown.clone())).keep_alive(KeepAlive::default()))
}

struct Filter {
    service: Option<String>,
    /// The least; 0 for all.
    severity_number: i32,
    /// In lower case.
    contains: Option<String>,
}

impl Filter {
    fn lines(&self, export: &ExportLogsServiceRequest) -> Vec<LogLine> {
        let mut lines = Vec::new();
        for_each_log(export, |row| {
            if self.admits(&row) {
                lines.extend(line(&row));
            }
        });
        lines
    }

    fn admits(&self, row: &LogRow<'_>) -> bool {
        self.service.as_ref().is_none_or(|service| service == row.origin.service)
            && row.severity_number >= self.severity_number
            && self.contains.as_ref().is_none_or(|text| row.body.to_lowercase().contains(text))
    }
}

fn line(row: &LogRow<'_>) -> Option<LogLine> {
    let hex = |bytes: &[u8]| {
        let mut text = String::new();
        push_hex(&mut text, bytes);
        text
    };
    Some(LogLine {
        time: Timestamp::from_nanosecond(row.time_unix_ns.into()).ok()?,
        service: row.origin.service.to_owned(),
        severity: row.severity.to_owned(),
        body: row.body.clone().into_owned(),
        trace_id: row.trace_id.map(|id| hex(&id)),
        span_id: row.span_id.map(|id| hex(&id)),
        attributes: serde_json::from_str(&json_object(row.attributes)).unwrap_or_default(),
        resource: serde_json::from_str(row.origin.resource).unwrap_or_default(),
    })
}
