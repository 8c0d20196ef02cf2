//! Runs the files in `scenarios/`: rules, the series they see, and what is expected of them when.
//!
//! The form follows Prometheus's unit tests for rules ("Unit Testing for Rules"); besides, `events`
//! lists what the ledger must have been told in the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use documents::Graph;
use documents::rules::{AlertingRule, RecordingRule, Rule, RuleGroup};
use kernel::{Timestamp, parse_duration};
use ledger::AlarmState;
use serde::Deserialize;
use telemetry::Labels;
use telemetry::labels::METRIC_NAME;
use telemetry::memory::MemorySource;
use telemetry::ports::{STALE_NAN_BITS, Sample, Series};
use telemetry::promql::{Engine, Value};

use crate::alarms::evaluate::Context;
use crate::alarms::group::{self, Memory};
use crate::alarms::plan;
use crate::testing::{House, origin};

type Texts = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    evaluation_interval: String,
    groups: Vec<Group>,
    tests: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    #[serde(default)]
    limit: u64,
    #[serde(default)]
    labels: Texts,
    rules: Vec<WrittenRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    record: Option<String>,
    alert: Option<String>,
    expr: String,
    #[serde(default, rename = "for")]
    for_: Option<String>,
    #[serde(default)]
    keep_firing_for: Option<String>,
    #[serde(default)]
    labels: Texts,
    #[serde(default)]
    annotations: Texts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    name: String,
    interval: String,
    input_series: Vec<InputSeries>,
    #[serde(default)]
    alert_rule_test: Vec<AlertTest>,
    #[serde(default)]
    promql_expr_test: Vec<ExpressionTest>,
    #[serde(default)]
    events: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InputSeries {
    series: String,
    values: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AlertTest {
    eval_time: String,
    alertname: String,
    /// Of the whole alarm.
    #[serde(default)]
    state: Option<AlarmState>,
    #[serde(default)]
    error: Option<String>,
    /// The instances that fire.
    #[serde(default)]
    exp_alerts: Vec<ExpectedAlert>,
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
struct ExpectedAlert {
    exp_labels: Texts,
    #[serde(default)]
    exp_annotations: Texts,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpressionTest {
    expr: String,
    eval_time: String,
    exp_samples: Vec<ExpectedSample>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedSample {
    labels: String,
    value: f64,
}

#[tokio::test]
async fn rules_do_what_their_scenarios_say() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/alarms/tests/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let scenario: Scenario = serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for test in &scenario.tests {
            run(&scenario, test, &format!("{}: {}", file.file_name().unwrap().display(), test.name)).await;
        }
    }
}

async fn run(scenario: &Scenario, test: &Test, name: &str) {
    let house = House::new(Graph::default()).await;
    let metrics = Arc::new(MemorySource::default());
    metrics.load(test.input_series.iter().map(|series| input(series, milliseconds(&test.interval))));
    let lease = house.ledger.acquire_lease("test", "test", Duration::from_secs(1 << 30)).await.unwrap().unwrap();
    let engine = Engine::new(metrics.clone());
    let context = Context {
        ledger: house.ledger.clone(),
        engine: engine.clone(),
        metrics,
        clock: house.shared_clock(),
        external_url: "http://ops.example.org".to_owned(),
        lease: (lease.name, lease.token),
    };
    let step = milliseconds(&scenario.evaluation_interval);
    let groups = scenario.groups.iter().map(|group| rule_group(group, Duration::from_millis(step as u64))).collect();
    let plans = plan::plans(&Graph { rule_groups: groups, ..Graph::default() });
    let mut memories: Vec<Memory> = plans.iter().map(|_| Memory::default()).collect();
    let times = test.alert_rule_test.iter().map(|t| &t.eval_time).chain(test.promql_expr_test.iter().map(|t| &t.eval_time));
    let end = times.map(|time| milliseconds(time)).max().unwrap();
    for now_ms in (0..=end).step_by(step as usize) {
        for (plan, memory) in plans.iter().zip(&mut memories) {
            group::evaluate(&context, plan, memory, Timestamp::from_millisecond(now_ms).unwrap()).await.unwrap();
        }
        for expected in test.alert_rule_test.iter().filter(|expected| milliseconds(&expected.eval_time) == now_ms) {
            check_alert(&memories, expected, name);
        }
    }
    for expected in &test.promql_expr_test {
        check_expression(&engine, expected, name).await;
    }
    if let Some(expected) = &test.events {
        let told: Vec<String> = house.events(&[]).await.iter().map(|event| event.kind.replace("dev.mainstay.alarm.", "")).collect();
        assert_eq!(&told, expected, "{name}: events");
    }
}

fn check_alert(memories: &[Memory], expected: &AlertTest, name: &str) {
    let name = format!("{name}: {} at {}", expected.alertname, expected.eval_time);
    let records = memories.iter().flat_map(|memory| memory.alerts.values()).filter_map(|alert| alert.record.as_ref());
    let record = records.filter(|record| record.name == expected.alertname).next().unwrap_or_else(|| panic!("{name}: no such alert"));
    if let Some(state) = expected.state {
        assert_eq!(record.state, state, "{name}: {:?}", record.error);
    }
    assert_eq!(record.error, expected.error, "{name}");
    let firing: Vec<ExpectedAlert> = record
        .instances
        .iter()
        .filter(|instance| instance.state == AlarmState::Firing)
        .map(|instance| {
            let mut labels = instance.labels.clone();
            labels.remove("alertname");
            ExpectedAlert { exp_labels: labels, exp_annotations: instance.annotations.clone() }
        })
        .collect();
    assert_eq!(firing, expected.exp_alerts, "{name}");
}

async fn check_expression(engine: &Engine, expected: &ExpressionTest, name: &str) {
    let answer = engine.instant(&expected.expr, milliseconds(&expected.eval_time)).await.unwrap();
    let Value::Vector(samples) = answer.value else { panic!("{name}: {} is no vector", expected.expr) };
    let mut found: Vec<(Labels, f64)> = samples.into_iter().map(|(labels, sample)| (labels, sample.value)).collect();
    let mut wanted: Vec<(Labels, f64)> = expected.exp_samples.iter().map(|sample| (labels(&sample.labels), sample.value)).collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    wanted.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(found, wanted, "{name}: {} at {}", expected.expr, expected.eval_time);
}

fn rule_group(group: &Group, interval: Duration) -> RuleGroup {
    RuleGroup {
        name: group.name.clone(),
        interval: Some(interval),
        query_offset: Duration::ZERO,
        limit: group.limit,
        labels: group.labels.clone(),
        rules: group.rules.iter().map(rule).collect(),
        origin: origin(),
    }
}

fn rule(rule: &WrittenRule) -> Rule {
    let duration = |text: &Option<String>| text.as_deref().map_or(Duration::ZERO, |text| parse_duration(text).unwrap());
    match (&rule.record, &rule.alert) {
        (Some(record), None) => Rule::Recording(RecordingRule {
            record: record.clone(),
            expr: rule.expr.clone(),
            labels: rule.labels.clone(),
            origin: origin(),
        }),
        (None, Some(alert)) => Rule::Alerting(AlertingRule {
            alert: alert.clone(),
            expr: rule.expr.clone(),
            for_: duration(&rule.for_),
            keep_firing_for: duration(&rule.keep_firing_for),
            labels: rule.labels.clone(),
            annotations: rule.annotations.clone(),
            component: None,
            runbook: None,
            origin: origin(),
        }),
        _ => panic!("a rule is either recorded or an alert"),
    }
}

/// `1 2 _ stale`, `0+10x5` (0, 10, … 50), `5x3` (four times 5), `_x4`.
fn input(series: &InputSeries, interval_ms: i64) -> Series {
    let mut values: Vec<Option<f64>> = Vec::new();
    for word in series.values.split_whitespace() {
        match word.split_once('x') {
            None if word == "_" => values.push(None),
            None if word == "stale" => values.push(Some(f64::from_bits(STALE_NAN_BITS))),
            None => values.push(Some(word.parse().unwrap())),
            Some(("_", count)) => values.extend(vec![None; count.parse().unwrap()]),
            Some((value, count)) => {
                let count: u32 = count.parse().unwrap();
                let sign = value[1..].find(['+', '-']).map_or(value.len(), |at| at + 1);
                let (start, step): (f64, f64) = (value[..sign].parse().unwrap(), value[sign..].parse().unwrap_or(0.0));
                values.extend((0..=count).map(|n| Some(start + f64::from(n) * step)));
            }
        }
    }
    let samples = values.into_iter().enumerate().filter_map(|(n, value)| Some(Sample { time_ms: n as i64 * interval_ms, value: value? }));
    Series { labels: labels(&series.series), samples: samples.collect() }
}

/// `name{a="b", c="d"}`
fn labels(text: &str) -> Labels {
    let (name, rest) = text.split_once('{').unwrap_or((text, ""));
    let pairs = rest.trim_end_matches('}').split(',').filter_map(|pair| pair.split_once('='));
    let pairs = pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().trim_matches('"').to_owned()));
    Labels::from_pairs(pairs.chain([(METRIC_NAME.to_owned(), name.trim().to_owned())]))
}

fn milliseconds(text: &str) -> i64 {
    parse_duration(text).unwrap().as_millis() as i64
}
