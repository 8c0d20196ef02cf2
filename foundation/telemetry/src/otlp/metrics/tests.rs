use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use proptest::prelude::*;

use super::*;
use crate::ports::is_stale;
use crate::{Export, ExportBody, Signal};

/// One resource `shop/web` on `web-1`, one scope, these metrics.
fn request(metrics: &str) -> ExportMetricsServiceRequest {
    let json = format!(
        r#"{{"resourceMetrics": [{{
            "resource": {{"attributes": [
                {{"key": "service.namespace", "value": {{"stringValue": "shop"}}}},
                {{"key": "service.name", "value": {{"stringValue": "web"}}}},
                {{"key": "service.instance.id", "value": {{"stringValue": "web-1"}}}},
                {{"key": "host.name", "value": {{"stringValue": "h1"}}}}
            ]}},
            "scopeMetrics": [{{"scope": {{"name": "http", "version": "1.2"}}, "metrics": [{metrics}]}}]
        }}]}}"#
    );
    match Export::from_json(Signal::Metrics, json.as_bytes()).expect("a valid request").body {
        ExportBody::Metrics(request) => request,
        other => panic!("not metrics: {other:?}"),
    }
}

/// What a visitor sees: `<series> <value>@<seconds>`.
#[derive(Default)]
struct Seen {
    samples: Vec<String>,
    metadata: Vec<Metadata>,
}

impl MetricVisitor for Seen {
    fn metadata(&mut self, metadata: Metadata) {
        self.metadata.push(metadata);
    }

    fn sample(&mut self, labels: LabelsView<'_>, sample: Sample) {
        let value = if is_stale(sample.value) { "stale".to_owned() } else { sample.value.to_string() };
        self.samples.push(format!("{} {value}@{}", labels.to_labels(), sample.time_ms as f64 / 1e3));
    }
}

fn translate(translator: &mut Translator, metrics: &str) -> (Vec<String>, Accepted) {
    let mut seen = Seen::default();
    let accepted = translator.translate(&request(metrics), &mut seen);
    seen.samples.retain(|sample| !sample.starts_with("target_info"));
    (seen.samples, accepted)
}

fn once(metrics: &str) -> Vec<String> {
    translate(&mut Translator::default(), metrics).0
}

#[test]
fn a_counter_gets_its_suffixes_and_the_resource_its_labels() {
    let mut seen = Seen::default();
    let metrics = request(
        r#"{"name": "http.client.sent", "unit": "By", "description": "Sent.", "sum": {"isMonotonic": true, "aggregationTemporality": 2,
            "dataPoints": [{"timeUnixNano": "5000000000", "asInt": "7", "attributes": [
                {"key": "http.route", "value": {"stringValue": "/a"}}, {"key": "retry", "value": {"boolValue": true}}]}]}}"#,
    );
    Translator::default().translate(&metrics, &mut seen);
    assert_eq!(
        seen.samples,
        [
            r#"http_client_sent_bytes_total{http_route="/a", instance="web-1", job="shop/web", retry="true"} 7@5"#,
            r#"target_info{host_name="h1", instance="web-1", job="shop/web"} 1@5"#,
        ]
    );
    let expected = Metadata {
        name: "http_client_sent_bytes_total".to_owned(),
        kind: "counter".to_owned(),
        help: "Sent.".to_owned(),
        unit: "bytes".to_owned(),
    };
    assert_eq!(seen.metadata, [expected]);
}

#[test]
fn the_version_of_a_service_is_a_label_unless_a_point_has_its_own() {
    let mut metrics = request(
        r#"{"name": "use", "gauge": {"dataPoints": [{"timeUnixNano": "1000000000", "asInt": 1},
            {"timeUnixNano": "1000000000", "asInt": 2, "attributes": [{"key": "service.version", "value": {"stringValue": "0.9"}}]}]}}"#,
    );
    let version = KeyValue { key: "service.version".to_owned(), value: Some(AnyValue { value: Some(Value::StringValue("1.4".to_owned())) }), ..KeyValue::default() };
    metrics.resource_metrics[0].resource.as_mut().expect("a resource").attributes.push(version);
    let mut seen = Seen::default();
    Translator::default().translate(&metrics, &mut seen);
    assert_eq!(
        seen.samples,
        [
            r#"use{instance="web-1", job="shop/web", service_version="1.4"} 1@1"#,
            r#"use{instance="web-1", job="shop/web", service_version="0.9"} 2@1"#,
            r#"target_info{host_name="h1", instance="web-1", job="shop/web", service_version="1.4"} 1@1"#,
        ]
    );
}

#[test]
fn gauges_and_falling_sums_stay_as_they_are() {
    let point = r#"[{"timeUnixNano": "1000000000", "asDouble": 0.5}]"#;
    assert_eq!(
        once(&format!(r#"{{"name": "use", "unit": "1", "gauge": {{"dataPoints": {point}}}}}"#)),
        [r#"use_ratio{instance="web-1", job="shop/web"} 0.5@1"#]
    );
    assert_eq!(
        once(&format!(r#"{{"name": "use", "unit": "1", "sum": {{"aggregationTemporality": 2, "dataPoints": {point}}}}}"#)),
        [r#"use{instance="web-1", job="shop/web"} 0.5@1"#]
    );
}

#[test]
fn a_histogram_becomes_cumulative_buckets() {
    let samples = once(
        r#"{"name": "http.server.request.duration", "unit": "s", "histogram": {"aggregationTemporality": 2, "dataPoints": [
            {"timeUnixNano": 2000000000, "count": 6, "sum": 1.5, "bucketCounts": ["1", "2", "3"], "explicitBounds": [0.005, 1]}]}}"#,
    );
    let of = |part: &str, rest: &str| format!(r#"http_server_request_duration_seconds_{part}{{instance="web-1", job="shop/web"{rest}}}"#);
    assert_eq!(
        samples,
        [
            of("count", "") + " 6@2",
            of("sum", "") + " 1.5@2",
            of("bucket", r#", le="0.005""#) + " 1@2",
            of("bucket", r#", le="1""#) + " 3@2",
            of("bucket", r#", le="+Inf""#) + " 6@2",
        ]
    );
}

#[test]
fn a_summary_has_quantiles() {
    let samples = once(
        r#"{"name": "gc", "unit": "ms", "summary": {"dataPoints": [
            {"timeUnixNano": 1000000000, "count": "2", "sum": 5, "quantileValues": [{"quantile": 0.99, "value": 4}]}]}}"#,
    );
    assert_eq!(samples[2], r#"gc_milliseconds{instance="web-1", job="shop/web", quantile="0.99"} 4@1"#);
}

#[test]
fn an_exponential_histogram_becomes_classic_buckets() {
    let samples = once(
        r#"{"name": "h", "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [
            {"timeUnixNano": 1000000000, "count": "4", "sum": 9, "scale": 0, "zeroCount": 1, "positive": {"offset": 0, "bucketCounts": ["1", 2]}}]}}"#,
    );
    let buckets: Vec<_> = samples.iter().filter(|sample| sample.contains("le=")).cloned().collect();
    assert_eq!(
        buckets,
        [
            r#"h_bucket{instance="web-1", job="shop/web", le="0"} 1@1"#,
            r#"h_bucket{instance="web-1", job="shop/web", le="2"} 2@1"#,
            r#"h_bucket{instance="web-1", job="shop/web", le="4"} 4@1"#,
            r#"h_bucket{instance="web-1", job="shop/web", le="+Inf"} 4@1"#,
        ]
    );
}

#[test]
fn a_point_without_a_value_ends_its_series() {
    let samples = once(r#"{"name": "up", "gauge": {"dataPoints": [{"timeUnixNano": 1000000000, "flags": 1}]}}"#);
    assert_eq!(samples, [r#"up{instance="web-1", job="shop/web"} stale@1"#]);
}

#[test]
fn attributes_that_become_the_same_label_are_joined_in_order_of_their_keys() {
    let samples = once(
        r#"{"name": "x", "gauge": {"dataPoints": [{"timeUnixNano": 1000000000, "asInt": 1, "attributes": [
            {"key": "a_b", "value": {"stringValue": "second"}}, {"key": "a.b", "value": {"stringValue": "first"}},
            {"key": "job", "value": {"stringValue": "mine"}}]}]}}"#,
    );
    assert_eq!(samples, [r#"x{a_b="first;second", instance="web-1", job="shop/web"} 1@1"#]);
}

#[test]
fn deltas_add_up_and_repetitions_are_rejected() {
    let delta = |time_s: u64, value: u64| {
        format!(
            r#"{{"name": "sent", "sum": {{"isMonotonic": true, "aggregationTemporality": 1,
                "dataPoints": [{{"timeUnixNano": "{time_s}000000000", "asInt": "{value}"}}]}}}}"#
        )
    };
    let mut translator = Translator::default();
    let series = r#"sent_total{instance="web-1", job="shop/web"}"#;
    assert_eq!(translate(&mut translator, &delta(1, 5)).0, [format!("{series} 5@1")]);
    assert_eq!(translate(&mut translator, &delta(2, 3)).0, [format!("{series} 8@2")]);
    let (samples, accepted) = translate(&mut translator, &delta(2, 3));
    assert_eq!((samples.len(), accepted.rejected), (0, 1));
}

#[test]
fn delta_histograms_add_up_bucket_by_bucket() {
    let delta = |time_s: u64| {
        format!(
            r#"{{"name": "h", "histogram": {{"aggregationTemporality": 1, "dataPoints": [
                {{"timeUnixNano": {time_s}000000000, "count": 3, "sum": 2, "bucketCounts": [1, 2], "explicitBounds": [1]}}]}}}},
               {{"name": "e", "exponentialHistogram": {{"aggregationTemporality": 1, "dataPoints": [
                {{"timeUnixNano": {time_s}000000000, "count": 3, "sum": 2, "positive": {{"offset": 0, "bucketCounts": [3]}}}}]}}}}"#
        )
    };
    let mut translator = Translator::default();
    translate(&mut translator, &delta(1));
    let (samples, _) = translate(&mut translator, &delta(2));
    let shared = r#"instance="web-1", job="shop/web""#;
    assert_eq!(
        samples,
        [
            format!("h_count{{{shared}}} 6@2"),
            format!("h_sum{{{shared}}} 4@2"),
            format!(r#"h_bucket{{{shared}, le="1"}} 2@2"#),
            format!(r#"h_bucket{{{shared}, le="+Inf"}} 6@2"#),
            format!("e_count{{{shared}}} 6@2"),
            format!("e_sum{{{shared}}} 4@2"),
            format!(r#"e_bucket{{{shared}, le="2"}} 6@2"#),
            format!(r#"e_bucket{{{shared}, le="+Inf"}} 6@2"#),
        ]
    );
}

#[test]
fn target_info_bridges_long_requests() {
    let series = to_series(&request(
        r#"{"name": "x", "gauge": {"dataPoints": [
            {"timeUnixNano": "1000000000", "asInt": 1}, {"timeUnixNano": "401000000000", "asInt": 1}]}}"#,
    ));
    let info = series.iter().find(|series| series.labels.metric_name() == Some("target_info")).expect("a target_info");
    let times: Vec<_> = info.samples.iter().map(|sample| sample.time_ms / 1_000).collect();
    assert_eq!(times, [1, 151, 301, 401]);
}

proptest! {
    /// Screened or not, whatever decodes is translated without a panic, and twice the same.
    #[test]
    fn any_request_translates_the_same_twice(bytes in proptest::collection::vec(any::<u8>(), 0..400), scale in any::<i32>(), offset in any::<i32>(), time in any::<u64>()) {
        let json = format!(
            r#"{{"name": "h", "exponentialHistogram": {{"aggregationTemporality": 1, "dataPoints": [
                {{"timeUnixNano": "{time}", "scale": {scale}, "positive": {{"offset": {offset}, "bucketCounts": {bytes:?}}}}}]}}}}"#
        );
        let wild = request(&json);
        let lists = |request: &ExportMetricsServiceRequest| {
            let mut seen = Seen::default();
            Translator::default().translate(request, &mut seen);
            seen.samples
        };
        prop_assert_eq!(lists(&wild), lists(&wild));
        if let Ok(Export { body: ExportBody::Metrics(decoded), .. }) = Export::from_protobuf(Signal::Metrics, bytes.into()) {
            prop_assert_eq!(lists(&decoded), lists(&decoded));
        }
    }
}
