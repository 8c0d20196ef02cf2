//! `status/buildinfo`: clients choose their requests by the version.

use serde::Serialize;

use super::answer::Success;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Build {
    /// Of the Prometheus whose API and PromQL these are; Grafana asks for features by it.
    version: &'static str,
    application: &'static str,
    mainstay_version: &'static str,
    revision: &'static str,
    branch: &'static str,
    build_user: &'static str,
    build_date: &'static str,
    go_version: &'static str,
}

pub async fn build() -> Success<Build> {
    Success::of(Build {
        version: "3.5.0",
        application: "Mainstay",
        mainstay_version: env!("CARGO_PKG_VERSION"),
        revision: "",
        branch: "",
        build_user: "",
        build_date: "",
        go_version: "",
    })
}
