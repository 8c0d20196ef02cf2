use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use proptest::prelude::*;

use super::*;

/// As the JSON encoders of several SDKs write it, with what trips simple decoders: numbers as strings,
/// unknown fields, null, empty lists left out, a map without values.
const TRACE: &str = r#"{"resourceSpans": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "my.service"}}], "droppedAttributesCount": 0},
    "scopeSpans": [{
        "scope": {"name": "my.library", "version": "1.0.0", "futureField": [1, 2]},
        "schemaUrl": null,
        "spans": [{
            "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "eee19b7ec3c1b174", "parentSpanId": "",
            "name": "I'm a server span", "kind": 2,
            "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": 1544712661000000000,
            "attributes": [
                {"key": "int", "value": {"intValue": "-9007199254740993"}},
                {"key": "small", "value": {"intValue": 3}},
                {"key": "nan", "value": {"doubleValue": "NaN"}},
                {"key": "text number", "value": {"doubleValue": "2.5"}},
                {"key": "empty list", "value": {"arrayValue": {}}},
                {"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"bytesValue": "AP8"}}]}}},
                {"key": "nothing"}
            ],
            "events": [{"timeUnixNano": "1544712660500000000", "name": "exception"}],
            "links": [{"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "flags": "769"}],
            "status": {"code": 2, "message": "no"}
        }]
    }]
}]}"#;

fn spans(export: &Export) -> Vec<&Span> {
    match &export.body {
        ExportBody::Spans(request) => request.resource_spans.iter().flat_map(|r| &r.scope_spans).flat_map(|s| &s.spans).collect(),
        other => panic!("not spans: {other:?}"),
    }
}

#[test]
fn json_of_real_senders_is_read_in_full() {
    let export = Export::from_json(Signal::Spans, TRACE.as_bytes()).expect("valid");
    let span = spans(&export)[0];
    assert_eq!(span.trace_id[..2], [0x5b, 0x8e]);
    assert!(span.parent_span_id.is_empty());
    assert_eq!((span.kind, span.end_time_unix_nano), (2, 1544712661000000000));
    assert_eq!(span.links[0].flags, 769);
    assert_eq!(value::find(&span.attributes, "int"), Some(&Value::IntValue(-9007199254740993)));
    assert!(matches!(value::find(&span.attributes, "nan"), Some(Value::DoubleValue(double)) if double.is_nan()));
    assert_eq!(
        value::json_object(&span.attributes),
        r#"{"int":-9007199254740993,"small":3,"nan":"NaN","text number":2.5,"empty list":[],"map":{"k":"AP8="},"nothing":null}"#
    );
}

#[test]
fn json_and_protobuf_are_the_same_export() {
    let json = Export::from_json(Signal::Spans, TRACE.as_bytes()).expect("valid");
    let protobuf = Export::from_protobuf(Signal::Spans, json.payload.clone()).expect("valid");
    assert_eq!(format!("{:?}", json.body), format!("{:?}", protobuf.body));
}

#[test]
fn json_faults_are_named_with_their_place() {
    for (fault, expected) in [
        (r#"{"resourceSpans": [{"scopeSpans": [{}, {"spans": [{"traceId": "W47/95gDgQPSabYzgT/GDA=="}]}]}]}"#, "resourceSpans[0].scopeSpans[1].spans[0].traceId: must be hex digits"),
        (r#"{"resourceSpans": {}}"#, "resourceSpans: must be a list"),
        (r#"{"resourceSpans": [7]}"#, "resourceSpans[0]: must be an object"),
        (r#"{"resourceSpans": [{"scopeSpans": [{"spans": [{"kind": "SPAN_KIND_SERVER"}]}]}]}"#, "resourceSpans[0].scopeSpans[0].spans[0].kind: must be an integer"),
        (r#"[]"#, "the body: must be an object"),
        (r#"{"resourceSpans": ["#, "the body: not valid JSON"),
    ] {
        let error = Export::from_json(Signal::Spans, fault.as_bytes()).expect_err("invalid").to_string();
        assert!(error.contains(expected), "{error}\nlacks\n{expected}");
    }
}

#[test]
fn records_that_no_store_can_keep_are_rejected_with_the_reason() {
    let json = r#"{"resourceSpans": [{"scopeSpans": [{"spans": [
        {"name": "good", "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "startTimeUnixNano": "5", "endTimeUnixNano": "6"},
        {"name": "short", "traceId": "5b8e", "spanId": "eee19b7ec3c1b174", "startTimeUnixNano": "5"},
        {"name": "zero", "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "0000000000000000", "startTimeUnixNano": "5"},
        {"name": "timeless", "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"}
    ]}]}]}"#;
    let mut export = Export::from_json(Signal::Spans, json.as_bytes()).expect("valid");
    let accepted = export.screen(1);
    assert_eq!(accepted.rejected, 3);
    assert_eq!(
        accepted.reason.as_deref(),
        Some(
            "1 rejected: the trace id must have 16 bytes that are not all zero; \
             1 rejected: the span id must have 8 bytes that are not all zero; 1 rejected: the time is missing"
        )
    );
    assert_eq!(spans(&export).iter().map(|span| span.name.as_str()).collect::<Vec<_>>(), ["good"]);
    assert_eq!(export.screen(2), Accepted::default());
    let again = Export::from_protobuf(Signal::Spans, export.payload.clone()).expect("valid");
    assert_eq!(spans(&again), spans(&export));
}

#[test]
fn a_log_record_without_a_time_gets_the_time_of_receipt_for_good() {
    let json = r#"{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "hello"}, "severityText": "warning", "traceId": "abcd"}]}]}]}"#;
    let mut export = Export::from_json(Signal::Logs, json.as_bytes()).expect("valid");
    assert_eq!(export.screen(77), Accepted::default());
    let replayed = Export::from_protobuf(Signal::Logs, export.payload.clone()).expect("valid");
    let ExportBody::Logs(request) = &replayed.body else { panic!("not logs") };
    let mut seen = 0;
    rows::for_each_log(request, |row| {
        seen += 1;
        assert_eq!((row.time_unix_ns, row.severity, row.severity_number), (77, "WARN", 13));
        assert_eq!((&*row.body, row.trace_id), ("hello", None));
    });
    assert_eq!(seen, 1);
}

#[test]
fn metric_points_without_sense_are_rejected() {
    let json = r#"{"resourceMetrics": [{"scopeMetrics": [{"metrics": [
        {"name": "no_temporality", "sum": {"dataPoints": [{"timeUnixNano": 1, "asInt": 1}, {"timeUnixNano": 1, "asInt": 1}]}},
        {"name": "no_value", "gauge": {"dataPoints": [{"timeUnixNano": 1}]}},
        {"name": "gone", "gauge": {"dataPoints": [{"timeUnixNano": 1, "flags": 1}]}},
        {"name": "bounds", "histogram": {"aggregationTemporality": 2, "dataPoints": [
            {"timeUnixNano": 1, "bucketCounts": [1, 2, 3], "explicitBounds": [2, 1]},
            {"timeUnixNano": 1, "bucketCounts": [1, 2], "explicitBounds": [1, 2]}]}},
        {"name": "--", "gauge": {"dataPoints": [{"timeUnixNano": 1, "asInt": 1}]}},
        {"name": "far", "gauge": {"dataPoints": [{"timeUnixNano": "18446744073709551615", "asInt": 1}]}}
    ]}]}]}"#;
    let mut export = Export::from_json(Signal::Metrics, json.as_bytes()).expect("valid");
    let accepted = export.screen(1);
    assert_eq!(accepted.rejected, 7, "{accepted:?}");
    let ExportBody::Metrics(request) = &export.body else { panic!("not metrics") };
    assert_eq!(metrics::to_series(request).len(), 1);
}

#[test]
fn spans_become_rows() {
    let export = Export::from_json(Signal::Spans, TRACE.as_bytes()).expect("valid");
    let ExportBody::Spans(request) = &export.body else { panic!("not spans") };
    let mut seen = 0;
    rows::for_each_span(request, |row| {
        seen += 1;
        assert_eq!((row.origin.service, row.origin.scope_name), ("my.service", "my.library"));
        assert_eq!(row.origin.resource, r#"{"service.name":"my.service"}"#);
        assert_eq!((row.kind, row.status, row.status_message), ("server", "error", "no"));
        assert_eq!((row.duration_ns, row.parent_span_id), (1_000_000_000, None));
        assert_eq!(rows::events_json(row.events), r#"[{"time":1544712660500000000,"name":"exception","attributes":{}}]"#);
        assert_eq!(
            rows::links_json(row.links),
            r#"[{"trace_id":"5b8efff798038103d269b633813fc60c","span_id":"eee19b7ec3c1b174","attributes":{}}]"#
        );
    });
    assert_eq!(seen, 1);
}

/// JSON by the crate's own encoder, which is close to the specification, decodes to the same message.
#[test]
fn the_crates_own_json_is_read_too() {
    let export = Export::from_json(Signal::Spans, TRACE.replace("\"NaN\"", "1.5").as_bytes()).expect("valid");
    let ExportBody::Spans(request) = &export.body else { panic!("not spans") };
    let json = serde_json::to_vec(request).expect("encodes");
    assert_eq!(Export::from_json(Signal::Spans, &json).expect("valid").payload, export.payload);
}

proptest! {
    #[test]
    fn mutated_payloads_never_panic_and_screening_settles(
        cut in 0_usize..600, at in 0_usize..600, byte in any::<u8>(), signal in prop_oneof![Just(Signal::Logs), Just(Signal::Spans), Just(Signal::Metrics)],
    ) {
        let json = TRACE.as_bytes();
        let mut mutated = json.to_vec();
        mutated[at] = byte;
        let _ = Export::from_json(signal, &mutated);
        let _ = Export::from_json(signal, &json[..cut]);
        let mut payload = Export::from_json(Signal::Spans, json).expect("valid").payload.to_vec();
        let at = at % payload.len();
        payload[at] = byte;
        payload.truncate(payload.len().min(cut));
        if let Ok(mut export) = Export::from_protobuf(signal, payload.into()) {
            export.screen(1);
            let settled = export.payload.clone();
            prop_assert_eq!(export.screen(2), Accepted::default());
            prop_assert_eq!(&export.payload, &settled);
            prop_assert!(Export::from_protobuf(signal, settled).is_ok());
        }
    }
}
