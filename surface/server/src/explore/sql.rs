//! `POST /api/query` and `GET /api/tables`.

use axum::extract::State;
use kernel::table::{Table, TableSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::error::Problem;
use wire::explore::SqlQuery;

use crate::error::ApiResult;
use crate::extract::Json;
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(query)).routes(routes!(tables))
}

const ROWS_DEFAULT: u32 = 1_000;
const ROWS_MAX: u32 = 100_000;

/// Runs one read-only SQL statement over the signals, the ledger and the catalogue.
#[utoipa::path(post, path = "/api/query", tag = "explore", request_body = SqlQuery,
    responses((status = 200, body = Table), (status = 400, body = Problem, description = "The statement is wrong")))]
async fn query(State(app): State<App>, Json(query): Json<SqlQuery>) -> ApiResult<axum::Json<Table>> {
    let limit = query.limit.unwrap_or(ROWS_DEFAULT).clamp(1, ROWS_MAX);
    Ok(axum::Json(app.sql.sql(&query.sql, limit as usize).await?))
}

/// The tables that SQL can name, with the meaning and unit of their columns.
#[utoipa::path(get, path = "/api/tables", tag = "explore", responses((status = 200, body = Vec<TableSchema>)))]
async fn tables(State(app): State<App>) -> axum::Json<Vec<TableSchema>> {
    axum::Json(app.sql.tables())
}
