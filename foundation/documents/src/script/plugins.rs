//! `plugins`, with the settings of those that are built in; `ensure` and `apdex` may stand beside it.

use std::time::Duration;

use crate::codes;
use crate::diagnostic::Level;
use crate::source::{Node, Shape};
use crate::suggest;

use super::model::{Condition, Ensure, ExpectSettings, MetricsByEndpoint, Plugins, Threshold};
use super::reader::Reader;

const BUILT_IN: [&str; 4] = ["expect", "ensure", "apdex", "metrics-by-endpoint"];
/// What only sends figures elsewhere, or does what is always done here.
const REPORTERS: [&str; 20] = [
    "publish-metrics", "slack", "statsd", "cloudwatch", "datadog", "influxdb", "influx", "newrelic", "prometheus", "pushgateway",
    "honeycomb", "lightstep", "dynatrace", "splunk", "mixpanel", "graphite", "elasticsearch", "memory-inspector", "http-file-uploads",
    "inspect-script",
];
/// What changes the requests themselves.
const CHANGERS: [(&str, &str); 4] = [
    ("fake-data", "write the values into a CSV file (`payload`), or make them in a function of the processor"),
    ("fuzzer", "write the inputs into a CSV file (`payload`)"),
    ("hls", "request the playlist and its segments in a `loop`"),
    ("http-ssl-auth", "name the client's certificate in `config.tls`: `cert` and `key`"),
];

pub fn read(config: &Node, reader: &mut Reader<'_>) -> Plugins {
    let plugins = config.get("plugins").map(Node::entries).unwrap_or_default();
    for (key, _) in plugins {
        known(key, reader);
    }
    let settings = |name: &str| plugins.iter().find(|(key, _)| key.text() == Some(name)).map(|(_, settings)| settings);
    Plugins {
        expect: settings("expect").map(|node| expect(node, reader)),
        metrics_by_endpoint: settings("metrics-by-endpoint").map(|node| metrics_by_endpoint(node, reader)),
    }
}

fn known(key: &Node, reader: &mut Reader<'_>) {
    let name = key.text().unwrap_or_default();
    if BUILT_IN.contains(&name) {
        return;
    }
    if REPORTERS.contains(&name) {
        let message = format!("the plugin `{name}` is kept and not run; Mainstay reports by itself");
        return reader.findings.report(Level::Note, codes::UNSUPPORTED, key.span, message, None);
    }
    if let Some((_, mend)) = CHANGERS.iter().find(|(changer, _)| *changer == name) {
        let message = format!("the plugin `{name}` changes requests, and Mainstay does not have it");
        return reader.error(codes::UNSUPPORTED, key.span, message, (*mend).to_owned());
    }
    if let Some(near) = suggest::nearest(name, BUILT_IN) {
        let message = format!("there is no plugin `{name}`");
        return reader.error(codes::UNKNOWN_FIELD, key.span, message, format!("did you mean `{near}`?"));
    }
    let message = format!("the plugin `{name}` is not one of Mainstay's: it is kept and not run");
    let mend = format!("built in are {}", BUILT_IN.join(", "));
    reader.findings.report(Level::Warning, codes::UNSUPPORTED, key.span, message, mend);
}

fn expect(node: &Node, reader: &mut Reader<'_>) -> ExpectSettings {
    check("expectSettings", node, "config.plugins.expect", reader);
    ExpectSettings {
        report_failures_as_errors: reader.flag(node, "reportFailuresAsErrors").unwrap_or(false),
        expect_default_200: reader.flag(node, "expectDefault200").unwrap_or(false),
        use_only_request_names: reader.flag(node, "useOnlyRequestNames").unwrap_or(false),
        continue_on_failure: reader.flag(node, "continueOnFailure"),
    }
}

fn metrics_by_endpoint(node: &Node, reader: &mut Reader<'_>) -> MetricsByEndpoint {
    check("metricsByEndpoint", node, "config.plugins.metrics-by-endpoint", reader);
    MetricsByEndpoint {
        use_only_request_names: reader.flag(node, "useOnlyRequestNames").unwrap_or(false),
        group_dynamic_urls: reader.flag(node, "groupDynamicURLs").unwrap_or(false),
        strip_query_string: reader.flag(node, "stripQueryString").unwrap_or(false),
        ignore_unnamed_requests: reader.flag(node, "ignoreUnnamedRequests").unwrap_or(false),
    }
}

/// `config.ensure`, else `config.plugins.ensure`: never both, as Artillery has it.
pub fn ensure(config: &Node, reader: &mut Reader<'_>) -> Ensure {
    let Some(node) = beside_or_inside(config, "ensure", reader) else { return Ensure::default() };
    let mut ensure = Ensure::default();
    for item in node.get("thresholds").map(Node::items).unwrap_or_default() {
        for (metric, _) in item.entries() {
            ensure.thresholds.extend(metric.text().and_then(|name| threshold(item, name, name, reader)));
        }
    }
    for item in node.get("conditions").map(Node::items).unwrap_or_default() {
        let strict = reader.flag(item, "strict").unwrap_or(true);
        let origin = reader.origin(item.span);
        ensure.conditions.extend(item.owned("expression").map(|expression| Condition { expression, strict, origin }));
    }
    for legacy in ["min", "max", "median", "p95", "p99"] {
        ensure.thresholds.extend(threshold(node, legacy, &format!("http.response_time.{legacy}"), reader));
    }
    if let Some(percent) = reader.number(node, "maxErrorRate") {
        let expression = format!("(vusers.created - vusers.completed) / vusers.created * 100 <= {percent}");
        let origin = reader.origin(node.span_of(&["maxErrorRate".to_owned()]));
        ensure.conditions.push(Condition { expression, strict: true, origin });
    }
    ensure
}

fn threshold(node: &Node, key: &str, metric: &str, reader: &mut Reader<'_>) -> Option<Threshold> {
    let max = reader.number(node, key)?;
    Some(Threshold { metric: metric.to_owned(), max, origin: reader.origin(node.span_of(&[key.to_owned()])) })
}

/// Measured if the plugin is named or has settings.
pub fn apdex(config: &Node, reader: &mut Reader<'_>) -> Option<Duration> {
    const USUAL_MS: f64 = 500.0;
    let named = config.get("plugins").is_some_and(|plugins| plugins.entry("apdex").is_some());
    let node = beside_or_inside(config, "apdex", reader);
    let threshold_ms = node.and_then(|node| reader.number_from(node, "threshold", 0.0, false));
    (named || node.is_some()).then(|| Duration::from_secs_f64(threshold_ms.unwrap_or(USUAL_MS).min(1e9) / 1000.0))
}

fn beside_or_inside<'n>(config: &'n Node, name: &str, reader: &mut Reader<'_>) -> Option<&'n Node> {
    if let Some(beside) = config.get(name) {
        return Some(beside);
    }
    let inside = config.get("plugins")?.get(name)?;
    check(name, inside, &format!("config.plugins.{name}"), reader);
    Some(inside)
}

/// A plugin without settings may be `{}`, nothing at all, or true.
fn check(part: &str, node: &Node, subject: &str, reader: &mut Reader<'_>) {
    if !matches!(node.shape(), Shape::Null | Shape::Boolean) {
        reader.check_part(part, node, subject);
    }
}
