//! `/api/event-rules`

use axum::Json;
use axum::extract::State;
use documents::event_rule::EventRule;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::status::EventRuleView;

use crate::organize::documents::origin;
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which events request what.
#[utoipa::path(get, path = "/api/event-rules", tag = "operate", responses((status = 200, body = Vec<EventRuleView>)))]
async fn list(State(app): State<App>) -> Json<Vec<EventRuleView>> {
    Json(app.documents.borrow().graph.event_rules.iter().map(view).collect())
}

fn view(rule: &EventRule) -> EventRuleView {
    EventRuleView {
        name: rule.name.clone(),
        description: rule.description.clone(),
        enabled: rule.enabled,
        pattern: rule.pattern.source().clone(),
        targets: serde_json::to_value(&rule.targets).unwrap_or_default(),
        origin: origin(&rule.origin),
    }
}
