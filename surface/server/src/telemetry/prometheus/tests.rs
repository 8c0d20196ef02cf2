//! The API as a client sees it, over series in memory.

use std::sync::Arc;

use ::telemetry::ports::{Metadata, Sample, Series};
use ::telemetry::promql::Engine;
use ::telemetry::{Labels, MemorySource, MetricSource};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use operate::alarms::Rules;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::router;

/// `up{job="api|web"}` of 1 and 0 every minute for ten minutes, and a described counter.
fn source() -> Arc<dyn MetricSource> {
    let source = MemorySource::default();
    let series = |pairs: &[(&str, &str)], value: fn(i64) -> f64| Series {
        labels: Labels::from_pairs(pairs.iter().copied()),
        samples: (0..=10).map(|i| Sample { time_ms: i * 60_000, value: value(i) }).collect(),
    };
    source.load([
        series(&[("__name__", "up"), ("job", "api")], |_| 1.0),
        series(&[("__name__", "up"), ("job", "web")], |_| 0.0),
        series(&[("__name__", "hits_total"), ("job", "api")], |i| i as f64 * 60.5),
        series(&[("__name__", "odd")], |i| if i % 2 == 0 { f64::NAN } else { f64::INFINITY }),
    ]);
    source.describe(Metadata { name: "hits_total".into(), kind: "counter".into(), help: "Requests.".into(), unit: String::new() });
    Arc::new(source)
}

async fn send(request: Request<Body>) -> (StatusCode, Value) {
    let source = source();
    let router = router(Engine::new(Arc::clone(&source)), source, Rules::default());
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

async fn get(path: &str) -> (StatusCode, Value) {
    send(Request::get(path).body(Body::empty()).unwrap()).await
}

async fn data(path: &str) -> Value {
    let (status, mut body) = get(path).await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &json!("success")), "{body}");
    body["data"].take()
}

async fn error(path: &str) -> (StatusCode, String) {
    let (status, body) = get(path).await;
    assert_eq!(body["status"], "error");
    assert!(body["error"].as_str().is_some_and(|text| !text.is_empty()));
    (status, body["errorType"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn an_instant_query_answers_a_vector() {
    let answer = data("/query?query=up&time=300.5").await;
    assert_eq!(
        answer,
        json!({ "resultType": "vector", "result": [
            { "metric": { "__name__": "up", "job": "api" }, "value": [300.5, "1"] },
            { "metric": { "__name__": "up", "job": "web" }, "value": [300.5, "0"] },
        ] })
    );
}

#[tokio::test]
async fn scalars_strings_and_range_vectors_have_their_types() {
    assert_eq!(data("/query?query=1%2B1&time=0").await, json!({ "resultType": "scalar", "result": [0, "2"] }));
    assert_eq!(data("/query?query=%22hi%22&time=0").await, json!({ "resultType": "string", "result": [0, "hi"] }));
    let matrix = data("/query?query=odd%5B2m%5D&time=1970-01-01T00:02:00Z").await;
    assert_eq!(matrix["result"][0]["values"], json!([[60, "+Inf"], [120, "NaN"]]));
    assert_eq!(data("/query?query=nothing&time=0").await["result"], json!([]));
}

#[tokio::test]
async fn a_range_query_answers_a_matrix() {
    let answer = data("/query_range?query=rate(hits_total%5B2m%5D)&start=240&end=360&step=1m").await;
    let values: Vec<f64> = answer["result"][0]["values"].as_array().unwrap().iter().map(|v| v[1].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(answer["resultType"], "matrix");
    assert_eq!(answer["result"][0]["metric"], json!({ "job": "api" }));
    assert_eq!(values.len(), 3);
    assert!(values.iter().all(|rate| (rate - 60.5 / 60.0).abs() < 1e-9), "{values:?}");
}

#[tokio::test]
async fn a_form_works_like_a_query_string() {
    let request = Request::builder()
        .method(Method::POST)
        .uri("/query_range")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from("query=sum(up)&start=0&end=60&step=30"))
        .unwrap();
    let (status, body) = send(request).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["data"]["result"][0]["values"], json!([[0, "1"], [30, "1"], [60, "1"]]));
}

#[tokio::test]
async fn errors_have_prometheus_types() {
    assert_eq!(error("/query?query=sum(").await, (StatusCode::BAD_REQUEST, "bad_data".into()));
    assert_eq!(error("/query").await, (StatusCode::BAD_REQUEST, "bad_data".into()));
    assert_eq!(error("/query?query=up&time=soon").await, (StatusCode::BAD_REQUEST, "bad_data".into()));
    assert_eq!(error("/query?query=up%2Bon()up&time=0").await, (StatusCode::UNPROCESSABLE_ENTITY, "execution".into()));
    assert_eq!(error("/query_range?query=up&start=0&end=60&step=0").await, (StatusCode::BAD_REQUEST, "bad_data".into()));
    assert_eq!(error("/query_range?query=up&start=60&end=0&step=1").await, (StatusCode::BAD_REQUEST, "bad_data".into()));
    assert_eq!(error("/query_range?query=up&start=0&end=100000&step=1").await, (StatusCode::BAD_REQUEST, "bad_data".into()));
    assert_eq!(error("/series").await, (StatusCode::BAD_REQUEST, "bad_data".into()));
    assert_eq!(error("/labels?match%5B%5D=rate(up)").await, (StatusCode::BAD_REQUEST, "bad_data".into()));
    assert_eq!(error("/nowhere").await, (StatusCode::NOT_FOUND, "not_found".into()));
}

#[tokio::test]
async fn series_labels_and_values_are_listed() {
    assert_eq!(data("/series?match%5B%5D=up%7Bjob%3D%22web%22%7D&match%5B%5D=odd").await, json!([{ "__name__": "odd" }, { "__name__": "up", "job": "web" }]));
    assert_eq!(data("/labels").await, json!(["__name__", "job"]));
    assert_eq!(data("/labels?match%5B%5D=odd").await, json!(["__name__"]));
    assert_eq!(data("/label/job/values").await, json!(["api", "web"]));
    assert_eq!(data("/label/job/values?start=700&end=800").await, json!([]));
    assert_eq!(data("/label/U__job/values?match%5B%5D=hits_total").await, json!(["api"]));
}

#[tokio::test]
async fn limits_cut_and_say_so() {
    let (_, body) = get("/query?query=up&time=0&limit=1").await;
    assert_eq!(body["data"]["result"].as_array().map(Vec::len), Some(1));
    assert_eq!(body["warnings"], json!(["results truncated due to limit"]));
    let (_, body) = get("/label/job/values?limit=1").await;
    assert_eq!(body["data"], json!(["api"]));
    assert_eq!(body["warnings"], json!(["results truncated due to limit"]));
}

#[tokio::test]
async fn options_and_annotations_travel() {
    assert_eq!(data("/query?query=up&time=630&lookback_delta=20s").await["result"], json!([]));
    assert_eq!(data("/query?query=up&time=0&stats=all").await["stats"]["samples"]["totalQueryableSamples"], 2);
    let (_, body) = get("/query?query=rate(up%5B5m%5D)&time=300").await;
    assert!(body["infos"][0].as_str().is_some_and(|info| info.contains("might not be a counter")));
}

#[tokio::test]
async fn the_rest_of_what_grafana_asks_for() {
    assert_eq!(data("/metadata").await, json!({ "hits_total": [{ "type": "counter", "help": "Requests.", "unit": "" }] }));
    assert_eq!(data("/metadata?metric=up").await, json!({}));
    assert_eq!(data("/rules").await, json!({ "groups": [] }));
    assert_eq!(data("/rules?type=alert").await, json!({ "groups": [] }));
    assert_eq!(data("/alerts").await, json!({ "alerts": [] }));
    assert!(data("/status/buildinfo").await["version"].is_string());
    assert_eq!(data("/query_exemplars?query=up").await, json!([]));
    assert_eq!(data("/format_query?query=sum+by(job)(up)").await, "sum by (job) (up)");
}

#[tokio::test]
async fn a_large_matrix_arrives_whole() {
    let source = MemorySource::default();
    source.load((0..300).map(|i| Series {
        labels: Labels::from_pairs([("__name__", "m".to_owned()), ("i", i.to_string())]),
        samples: vec![Sample { time_ms: 0, value: f64::from(i) }],
    }));
    let source: Arc<dyn MetricSource> = Arc::new(source);
    let router = router(Engine::new(Arc::clone(&source)), source, Rules::default());
    let request = Request::get("/query_range?query=m&start=0&end=299&step=1").body(Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    let body = axum::body::to_bytes(response.into_body(), 16 << 20).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let result = body["data"]["result"].as_array().unwrap();
    assert_eq!(result.len(), 300);
    assert!(result.iter().all(|series| series["values"].as_array().unwrap().len() == 300));
}
