//! `/api/deliveries`: messages to the outside, and those given up.

use axum::Json;
use axum::extract::State;
use kernel::DeliveryId;
use ledger::{Delivery, DeliveryStatus};
use operate::notify::shown_target;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::error::Problem;

use crate::error::ApiResult;
use crate::extract::{Acting, Path, Query};
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(retry))
}

const LIST_MAX: u32 = 500;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeliveryQuery {
    /// `pending`, `delivered` or `dead`; all if absent.
    #[param(value_type = Option<String>)]
    status: Option<DeliveryStatus>,
}

/// Messages, newest first.
#[utoipa::path(get, path = "/api/deliveries", tag = "operate", params(DeliveryQuery), responses((status = 200, body = Vec<Delivery>)))]
async fn list(State(app): State<App>, Query(query): Query<DeliveryQuery>) -> ApiResult<Json<Vec<Delivery>>> {
    let deliveries = app.deliveries.list(query.status, LIST_MAX).await?;
    Ok(Json(deliveries.into_iter().map(shown).collect()))
}

/// Tries a message again that was given up.
#[utoipa::path(post, path = "/api/deliveries/{id}/retry", tag = "operate", params(("id" = String, Path)),
    responses((status = 200, body = Delivery), (status = 404, body = Problem), (status = 409, body = Problem)))]
async fn retry(State(app): State<App>, Path(id): Path<DeliveryId>, Acting(actor): Acting) -> ApiResult<Json<Delivery>> {
    Ok(Json(shown(app.deliveries.retry(&id, &actor).await?)))
}

/// Addresses and headers can hold secrets, so only the host of the one and the names of the others are told.
pub(crate) fn shown(delivery: Delivery) -> Delivery {
    let headers = delivery.headers.keys().map(|name| (name.clone(), "…".to_owned())).collect();
    Delivery { target: shown_target(&delivery), headers, ..delivery }
}
