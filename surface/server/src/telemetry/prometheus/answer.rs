//! Prometheus's envelope, its error types, and the writing of large results piece by piece.

use ::telemetry::SourceError;
use ::telemetry::ports::{Sample, Series};
use ::telemetry::promql::{Answer, QueryError, Value, format_float};
use axum::Json;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    BadData(String),
    Execution(String),
    Timeout(String),
    NotFound(String),
    Internal(String),
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Parse(message) => Self::BadData(message),
            QueryError::Execution(message) => Self::Execution(message),
            QueryError::Timeout { .. } => Self::Timeout(error.to_string()),
            QueryError::Source(error) => error.into(),
        }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        match &error {
            SourceError::TooManySamples { .. } => Self::Execution(error.to_string()),
            SourceError::Storage(cause) => {
                // The caller sees what happened; why is for the operator's log.
                tracing::error!(%error, %cause, "metrics could not be read");
                Self::Internal(error.to_string())
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, kind, message) = match self {
            Self::BadData(message) => (StatusCode::BAD_REQUEST, "bad_data", message),
            Self::Execution(message) => (StatusCode::UNPROCESSABLE_ENTITY, "execution", message),
            Self::Timeout(message) => (StatusCode::SERVICE_UNAVAILABLE, "timeout", message),
            Self::NotFound(message) => (StatusCode::NOT_FOUND, "not_found", message),
            Self::Internal(message) => (StatusCode::INTERNAL_SERVER_ERROR, "internal", message),
        };
        (status, Json(json!({ "status": "error", "errorType": kind, "error": message }))).into_response()
    }
}

/// Data that fits in memory as it is.
#[derive(Debug, Serialize)]
pub struct Success<T> {
    status: &'static str,
    data: T,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl<T: Serialize> Success<T> {
    pub fn of(data: T) -> Self {
        Self { status: "success", data, warnings: Vec::new() }
    }
}

impl<T: Serialize> Success<Vec<T>> {
    /// Cuts the list to the limit, and says so.
    pub fn limited(mut data: Vec<T>, limit: Option<usize>) -> Self {
        let mut warnings = Vec::new();
        if let Some(limit) = limit.filter(|limit| data.len() > *limit) {
            data.truncate(limit);
            warnings.push(TRUNCATED.to_owned());
        }
        Self { status: "success", data, warnings }
    }
}

impl<T: Serialize> IntoResponse for Success<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

const TRUNCATED: &str = "results truncated due to limit";

/// The result of a query. `stats` goes into the data if given.
pub fn result(mut answer: Answer, limit: Option<usize>, stats: Option<serde_json::Value>) -> Response {
    if let Some(limit) = limit
        && truncate(&mut answer.value, limit)
    {
        answer.warnings.push(TRUNCATED.to_owned());
    }
    let mut end = String::new();
    if let Some(stats) = stats {
        end.push_str(&format!(",\"stats\":{stats}"));
    }
    end.push('}');
    for (name, messages) in [("warnings", &answer.warnings), ("infos", &answer.infos)] {
        if !messages.is_empty() {
            end.push_str(&format!(",\"{name}\":{}", json!(messages)));
        }
    }
    end.push('}');
    let kind = match &answer.value {
        Value::Scalar(_) => "scalar",
        Value::String { .. } => "string",
        Value::Vector(_) => "vector",
        Value::Matrix(_) => "matrix",
    };
    let begin = format!("{{\"status\":\"success\",\"data\":{{\"resultType\":\"{kind}\",\"result\":");
    let pieces = Pieces { begin: Some(begin), rest: Rest::of(answer.value), end: Some(end) };
    let body = Body::from_stream(futures::stream::iter(pieces.map(Ok::<_, std::convert::Infallible>)));
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
}

fn truncate(value: &mut Value, limit: usize) -> bool {
    let len = match value {
        Value::Vector(vector) => {
            let len = vector.len();
            vector.truncate(limit);
            len
        }
        Value::Matrix(matrix) => {
            let len = matrix.len();
            matrix.truncate(limit);
            len
        }
        Value::Scalar(_) | Value::String { .. } => 0,
    };
    len > limit
}

/// The text of a result in pieces of some 64 KiB, so that a large matrix is never a string as a whole.
struct Pieces {
    begin: Option<String>,
    rest: Rest,
    end: Option<String>,
}

enum Rest {
    Text(Option<String>),
    Vector(std::iter::Enumerate<std::vec::IntoIter<(::telemetry::Labels, Sample)>>),
    Matrix(std::iter::Enumerate<std::vec::IntoIter<Series>>),
}

const PIECE: usize = 1 << 16;

impl Iterator for Pieces {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        self.end.as_ref()?;
        let mut text = self.begin.take().unwrap_or_default();
        while text.len() < PIECE {
            if !self.rest.write(&mut text) {
                text.push_str(&self.end.take().unwrap_or_default());
                break;
            }
        }
        Some(text)
    }
}

impl Rest {
    fn of(value: Value) -> Self {
        match value {
            Value::Scalar(sample) => {
                let mut text = String::new();
                write_sample(&mut text, &sample);
                Self::Text(Some(text))
            }
            Value::String { time_ms, value } => Self::Text(Some(format!("[{},{}]", seconds(time_ms), json!(value)))),
            Value::Vector(vector) if vector.is_empty() => Self::Text(Some("[]".to_owned())),
            Value::Matrix(matrix) if matrix.is_empty() => Self::Text(Some("[]".to_owned())),
            Value::Vector(vector) => Self::Vector(vector.into_iter().enumerate()),
            Value::Matrix(matrix) => Self::Matrix(matrix.into_iter().enumerate()),
        }
    }

    /// Writes the next element; false after the last.
    fn write(&mut self, text: &mut String) -> bool {
        match self {
            Self::Text(once) => match once.take() {
                Some(all) => text.push_str(&all),
                None => return false,
            },
            Self::Vector(elements) => {
                let Some((i, (labels, sample))) = elements.next() else { return false };
                begin_element(text, i, &labels);
                text.push_str("\"value\":");
                write_sample(text, &sample);
                end_element(text, elements.len());
            }
            Self::Matrix(elements) => {
                let Some((i, series)) = elements.next() else { return false };
                begin_element(text, i, &series.labels);
                text.push_str("\"values\":[");
                for (i, sample) in series.samples.iter().enumerate() {
                    if i > 0 {
                        text.push(',');
                    }
                    write_sample(text, sample);
                }
                text.push(']');
                end_element(text, elements.len());
            }
        }
        true
    }
}

fn begin_element(text: &mut String, i: usize, labels: &::telemetry::Labels) {
    text.push(if i == 0 { '[' } else { ',' });
    text.push_str(&format!("{{\"metric\":{},", json!(labels)));
}

fn end_element(text: &mut String, left: usize) {
    text.push_str(if left == 0 { "}]" } else { "}" });
}

fn write_sample(text: &mut String, sample: &Sample) {
    text.push('[');
    text.push_str(&seconds(sample.time_ms));
    text.push_str(",\"");
    text.push_str(&format_float(sample.value));
    text.push_str("\"]");
}

/// Seconds, with the milliseconds if there are any.
fn seconds(time_ms: i64) -> String {
    let sign = if time_ms < 0 { "-" } else { "" };
    let (whole, millis) = (time_ms.unsigned_abs() / 1000, time_ms.unsigned_abs() % 1000);
    if millis == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{millis:03}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_their_milliseconds() {
        for (time_ms, text) in [(1_435_781_451_781, "1435781451.781"), (1000, "1"), (1050, "1.050"), (-1, "-0.001"), (0, "0")] {
            assert_eq!(seconds(time_ms), text);
        }
    }
}
