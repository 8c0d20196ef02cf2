//! A real Python OpenTelemetry SDK, unchanged, over both transports.

use std::process::Command;

use serde_json::{Value, json};

use crate::fixture::server::ServerSettings;
use crate::fixture::{Server, python, repository};

const MARKER: &str = "from-python";

#[tokio::test]
async fn every_record_of_the_python_sdk_is_found_by_sql_and_promql() {
    let server = ServerSettings::new().start().await;
    let (grpc, http) = (format!("http://{}", server.addresses.otlp_grpc), format!("http://{}", server.addresses.otlp_http));
    let mut send = Command::new(python());
    send.arg(repository("tests/python/send_otlp.py")).args(["--grpc", &grpc, "--http", &http, "--marker", MARKER]);
    let output = tokio::task::spawn_blocking(move || send.output()).await.unwrap().expect("python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).expect("the script tells what it sent");
    for sent in told["sent"].as_array().expect("both transports") {
        spans_are_found(&server, sent).await;
        logs_are_found(&server, sent).await;
        metrics_are_found(&server, sent["service"].as_str().expect("a name")).await;
    }
}

async fn spans_are_found(server: &Server, sent: &Value) {
    let service = sent["service"].as_str().expect("a name");
    let spans = server.sql(&format!("SELECT name, kind, status, attributes->>'test.marker' FROM spans WHERE service = '{service}' ORDER BY name")).await;
    let span = |name: &str, kind: &str, status: &str| vec![json!(name), json!(kind), json!(status), json!(MARKER)];
    assert_eq!(spans, [span("child", "client", "error"), span("linked", "internal", "unset"), span("parent", "server", "unset")]);
    let trace = server.get(&format!("api/traces/{}", sent["trace_id"].as_str().expect("an id"))).await;
    let by_id = |id: &Value| trace["spans"].as_array().expect("spans").iter().find(|span| span["span_id"] == *id).expect("its span").clone();
    let (parent, child) = (by_id(&sent["parent_span_id"]), by_id(&sent["child_span_id"]));
    assert_eq!(child["parent_span_id"], sent["parent_span_id"]);
    assert_eq!((&parent["events"][0]["name"], &parent["links"][0]["attributes"]["why"]), (&json!("checked"), &json!("test")));
    assert_eq!((&parent["attributes"]["count"], &parent["attributes"]["list"]), (&json!(7), &json!(["a", "b"])));
}

async fn logs_are_found(server: &Server, sent: &Value) {
    let service = sent["service"].as_str().expect("a name");
    let logs = server.get(&format!("api/logs?service={service}")).await;
    let mut bodies: Vec<_> = logs["lines"].as_array().expect("lines").iter().map(|line| (line["severity"].clone(), line["body"].clone())).collect();
    bodies.sort_by_key(|(severity, _)| severity.to_string());
    assert_eq!(bodies, [(json!("ERROR"), json!("payment failed")), (json!("INFO"), json!(format!("hello {MARKER}")))]);
    assert!(logs["lines"].as_array().expect("lines").iter().all(|line| line["trace_id"] == sent["trace_id"]), "{logs}");
}

async fn metrics_are_found(server: &Server, service: &str) {
    for (query, expected) in [
        ("python_requests_total", "3"),
        ("python_queue", "2"),
        ("python_temperature_celsius", "21.5"),
        ("python_duration_seconds_count", "2"),
        ("histogram_quantile(0.5, python_duration_seconds_bucket)", "0.5"),
    ] {
        let answer = server.get_with("prometheus/api/v1/query", &[("query", query)]).await;
        let results = answer["data"]["result"].as_array().expect("a vector");
        let own = results.iter().find(|series| series["metric"]["job"] == service).unwrap_or_else(|| panic!("{query}: {answer}"));
        assert_eq!(own["value"][1], expected, "{query}");
    }
}
