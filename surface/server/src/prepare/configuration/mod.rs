//! Configurations and feature flags, in the protocols that clients speak already: AppConfig's agent and OpenFeature's
//! remote evaluation; and our own resource for the page and the command line.

pub mod agent;
pub mod changes;
pub mod ofrep;
pub mod profiles;

use utoipa_axum::router::OpenApiRouter;

use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(profiles::routes()).merge(agent::routes()).merge(ofrep::routes()).merge(changes::routes())
}
