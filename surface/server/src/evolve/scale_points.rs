//! `/api/scale-points`

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::scale_points::ScalePoint;

use crate::error::ApiResult;
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// The rate at which each scenario breaks, by the latest search, and how long traffic takes to reach it.
#[utoipa::path(get, path = "/api/scale-points", tag = "evolve", responses((status = 200, body = Vec<ScalePoint>)))]
async fn list(State(app): State<App>) -> ApiResult<Json<Vec<ScalePoint>>> {
    let known = app.scale_points.all().await?;
    Ok(Json(known.into_iter().map(scale_point).collect()))
}

fn scale_point(known: evolve::scale_points::KnownScalePoint) -> ScalePoint {
    use evolve::scale_points::runway::Projection;
    use wire::scale_points::{Runway, RunwayState};
    let runway = known.runway.map(|runway| {
        let (state, date, earliest, latest) = match runway.projection {
            Projection::Reached => (RunwayState::Reached, None, None, None),
            Projection::On { date, earliest, latest } => (RunwayState::On, Some(date), earliest, latest),
            Projection::NotInSight => (RunwayState::NotInSight, None, None, None),
            Projection::TooFewDays { .. } => (RunwayState::TooFewDays, None, None, None),
        };
        Runway { peak: runway.peak, used: runway.used, state, date, earliest, latest }
    });
    ScalePoint {
        scenario: known.scenario,
        run: known.run,
        found_at: known.found_at,
        held: known.held,
        broke: known.broke,
        requests_rate: known.requests_rate,
        saturated: known.saturated,
        component: known.component,
        traffic: known.traffic,
        runway,
        note: known.note,
    }
}
