//! `/api/runs/{id}/attachments/{number}`

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use kernel::{Kind, RunId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::error::Problem;

use crate::error::{ApiError, ApiResult};
use crate::extract::Path;
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(one))
}

/// What a browser may show. Anything else is for a reader's disk, lest a page of the target's becomes one of ours.
const SHOWN: [&str; 2] = ["image/png", "application/json"];

/// A picture or a record that a run left behind. Those of old runs are no longer kept.
#[utoipa::path(get, path = "/api/runs/{id}/attachments/{number}", tag = "prepare",
    params(("id" = String, Path), ("number" = i64, Path, description = "as the run's report tells it")),
    responses((status = 200, body = Vec<u8>, content_type = "image/png"), (status = 404, body = Problem)))]
async fn one(State(app): State<App>, Path((id, number)): Path<(RunId, i64)>) -> ApiResult<Response> {
    let attachment = app.ledger.attachment(&id, number).await?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(&attachment.data);
    let bytes = bytes.map_err(|error| ApiError::new(Kind::Internal, format!("the attachment is damaged: {error}")))?;
    let shown = SHOWN.iter().find(|known| **known == attachment.media_type);
    let name: String = attachment.name.chars().filter(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(*letter)).collect();
    let disposition = format!("{}; filename=\"{name}\"", if shown.is_some() { "inline" } else { "attachment" });
    let disposition = HeaderValue::try_from(disposition).map_err(|error| ApiError::new(Kind::Internal, error.to_string()))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(shown.copied().unwrap_or("application/octet-stream"))),
        (header::CONTENT_DISPOSITION, disposition),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=86400, immutable")),
    ];
    Ok((headers, bytes).into_response())
}
