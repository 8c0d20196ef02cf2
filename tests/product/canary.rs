//! A service is looked at from outside, and its alarm follows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::fixture::server::ServerSettings;
use crate::fixture::{Server, eventually};

/// A page that works until it is told not to.
async fn shaky_page() -> (String, Arc<AtomicBool>) {
    let broken = Arc::new(AtomicBool::new(false));
    let told = broken.clone();
    let answer = async move || if told.load(Ordering::SeqCst) { (StatusCode::INTERNAL_SERVER_ERROR, "no") } else { (StatusCode::OK, "all is well") };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", get(answer))).await });
    (format!("http://{address}/"), broken)
}

fn canaries(url: &str) -> String {
    format!(
        "apiVersion: mainstay.dev/v1
kind: Canary
metadata: {{ name: front-page }}
spec:
  http: {{ url: '{url}', body: well }}
  every: 1s
  alarm: {{ failures: 2, of: 3 }}
---
apiVersion: mainstay.dev/v1
kind: Canary
metadata: {{ name: nightly }}
spec:
  heartbeat: {{ every: 1s, grace: 1s }}
---
apiVersion: mainstay.dev/v1
kind: Workload
metadata: {{ name: test }}
spec: {{ evaluationInterval: 1s }}
"
    )
}

async fn alarm(server: &Server, canary: &str) -> Option<Value> {
    let alarms = server.get("prometheus/api/v1/alerts").await;
    let alerts = alarms["data"]["alerts"].as_array()?.clone();
    alerts.into_iter().find(|alert| alert["labels"]["canary"] == canary && alert["state"] == "firing")
}

#[tokio::test]
async fn a_failing_page_raises_the_alarm_and_a_mended_one_ends_it() {
    let (url, broken) = shaky_page().await;
    let server = ServerSettings::new().document("canaries.yaml", &canaries(&url)).start().await;
    let limit = Duration::from_secs(20);
    eventually("the page is seen", limit, async || {
        let success = server.get_with("prometheus/api/v1/query", &[("query", "probe_success{canary='front-page', location='server'}")]).await;
        (success["data"]["result"][0]["value"][1] == "1").then_some(())
    })
    .await;
    assert!(alarm(&server, "front-page").await.is_none());
    broken.store(true, Ordering::SeqCst);
    let firing = eventually("the alarm", limit, async || alarm(&server, "front-page").await).await;
    assert_eq!(firing["annotations"]["summary"], "front-page failed at least 2 of 3 times at server");
    let canary = server.get("api/canaries/front-page").await;
    assert_eq!(canary["looks"][0]["error"], format!("{url} answered with 500"));
    broken.store(false, Ordering::SeqCst);
    eventually("the end of the alarm", limit, async || alarm(&server, "front-page").await.is_none().then_some(())).await;
}

#[tokio::test]
async fn a_job_that_does_not_call_in_is_missed() {
    let server = ServerSettings::new().document("canaries.yaml", &canaries("http://127.0.0.1:1/")).start().await;
    let limit = Duration::from_secs(20);
    eventually("the alarm", limit, async || alarm(&server, "nightly").await).await;
    eventually("the heartbeat is noticed", limit, async || {
        let beat = server.http().post(server.url("api/canaries/nightly/heartbeat")).json(&json!({})).send().await.unwrap();
        assert_eq!(beat.status(), 204);
        alarm(&server, "nightly").await.is_none().then_some(())
    })
    .await;
}
