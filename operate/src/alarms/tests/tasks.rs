//! The task over a ledger: who evaluates, what survives, what is told.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use documents::Graph;
use documents::rules::{AlertingRule, Rule, RuleGroup};
use kernel::IncidentId;
use kernel::task::Task;
use ledger::{AlarmState, Batch, NewEvent, types};
use serde_json::json;
use telemetry::memory::MemorySource;
use telemetry::ports::{Matcher, Metadata, Sample, Series, SinkError, SourceError};
use telemetry::promql::Engine;
use telemetry::{Labels, MetricSource};

use crate::alarms::AlarmTask;
use crate::testing::{House, origin};

/// Metrics in memory, of which `slow` answers only when the test lets it.
#[derive(Default)]
struct Metrics {
    memory: MemorySource,
    stuck: AtomicBool,
}

impl Metrics {
    fn set(&self, house: &House, name: &str, value: f64) {
        let labels = Labels::from_pairs([("__name__", name), ("service", "orders")]);
        let time_ms = house.shared_clock().now().as_millisecond();
        self.memory.load([Series { labels, samples: vec![Sample { time_ms, value }] }]);
    }
}

#[async_trait]
impl MetricSource for Metrics {
    async fn select(&self, matchers: &[Matcher], window_ms: RangeInclusive<i64>) -> Result<Vec<Series>, SourceError> {
        let slow = matchers.iter().any(|matcher| matcher.value == "slow");
        if slow && self.stuck.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.memory.select(matchers, window_ms).await
    }

    async fn series(&self, matchers: &[Vec<Matcher>], window_ms: RangeInclusive<i64>) -> Result<Vec<Labels>, SourceError> {
        self.memory.series(matchers, window_ms).await
    }

    async fn label_names(&self, matchers: &[Vec<Matcher>], window_ms: RangeInclusive<i64>) -> Result<Vec<String>, SourceError> {
        self.memory.label_names(matchers, window_ms).await
    }

    async fn label_values(&self, name: &str, matchers: &[Vec<Matcher>], window_ms: RangeInclusive<i64>) -> Result<Vec<String>, SourceError> {
        self.memory.label_values(name, matchers, window_ms).await
    }

    async fn metadata(&self) -> Result<Vec<Metadata>, SourceError> {
        self.memory.metadata().await
    }

    async fn append(&self, series: Vec<Series>) -> Result<(), SinkError> {
        self.memory.append(series).await
    }
}

const INTERVAL: Duration = Duration::from_secs(10);

/// A group of one alarm on one metric.
fn group(name: &str, metric: &str, for_s: u64) -> RuleGroup {
    let labels = [("component", "orders"), ("severity", "page"), ("from", name)];
    let rule = AlertingRule {
        alert: "High".to_owned(),
        expr: format!("{metric} > 0"),
        for_: Duration::from_secs(for_s),
        keep_firing_for: Duration::ZERO,
        labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        annotations: BTreeMap::new(),
        component: None,
        runbook: Some("restart-orders".to_owned()),
        origin: origin(),
    };
    RuleGroup {
        name: name.to_owned(),
        interval: Some(INTERVAL),
        query_offset: Duration::ZERO,
        limit: 0,
        labels: BTreeMap::new(),
        rules: vec![Rule::Alerting(rule)],
        origin: origin(),
    }
}

fn documents(groups: Vec<RuleGroup>) -> Graph {
    Graph { rule_groups: groups, ..Graph::default() }
}

fn task(house: &House, metrics: &Arc<Metrics>, holder: &str) -> AlarmTask {
    let source: Arc<dyn MetricSource> = metrics.clone();
    AlarmTask::new(house.ledger.clone(), house.graph(), Engine::new(source.clone()), source, house.shared_clock()).held_by(holder)
}

/// Lets one interval pass, in which the metric has this value and the group has its instant.
async fn step(house: &House, metrics: &Metrics, task: &AlarmTask, value: f64) {
    metrics.set(house, "errors", value);
    house.clock.advance(INTERVAL);
    task.pass().await.unwrap();
}

async fn state(house: &House, id: &str) -> AlarmState {
    house.ledger.alarm(id).await.unwrap().state
}

async fn until(house: &House, id: &str, expected: AlarmState) {
    let reached = async {
        while house.ledger.alarm(id).await.ok().map(|alarm| alarm.state) != Some(expected) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), reached).await.unwrap_or_else(|_| panic!("{id} never became {expected:?}"));
}

#[tokio::test]
async fn an_alarm_goes_through_its_states_and_tells_each_change_once() {
    let house = House::new(documents(vec![group("shop", "errors", 20)])).await;
    let metrics = Arc::new(Metrics::default());
    metrics.set(&house, "errors", 0.0);
    let task = task(&house, &metrics, "here");
    task.pass().await.unwrap();
    for value in [0.0, 1.0, 1.0, 1.0, 1.0, 0.0] {
        step(&house, &metrics, &task, value).await;
    }
    let events = house.events(&["dev.mainstay.alarm."]).await;
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, [types::ALARM_PENDING, types::ALARM_FIRING, types::ALARM_RESOLVED]);
    let firing = &events[1];
    assert_eq!(firing.subject.as_deref(), Some("shop/High"));
    assert_eq!(firing.data["component"], "component:default/orders");
    assert_eq!(firing.data["severity"], "page");
    assert_eq!(firing.data["runbook"], "restart-orders");
    assert_eq!(firing.data["labels"]["service"], "orders");
    assert_eq!(firing.data["value"], 1.0);
    assert_eq!(firing.data["evidence"]["query"], "errors > 0");
    assert_eq!(firing.data["evidence"]["result"]["result"][0]["value"][1], "1");
    let record = house.ledger.alarm("shop/High").await.unwrap();
    assert_eq!(record.state, AlarmState::Resolved);
    assert_eq!(record.verdict.unwrap().state, AlarmState::Resolved);
    let [shown] = task.rules().snapshot().try_into().unwrap();
    assert_eq!(shown.rules[0].alerting.as_ref().unwrap().state, AlarmState::Resolved);
    assert!(shown.last_evaluation.is_some());
}

#[tokio::test]
async fn a_restart_keeps_the_time_that_an_alarm_has_been_pending() {
    let house = House::new(documents(vec![group("shop", "errors", 20)])).await;
    let metrics = Arc::new(Metrics::default());
    for _ in 0..5 {
        // Each step is a server that begins anew and dies.
        let task = task(&house, &metrics, "here");
        task.pass().await.unwrap();
        step(&house, &metrics, &task, 1.0).await;
    }
    let kinds: Vec<String> = house.events(&["dev.mainstay.alarm."]).await.into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [types::ALARM_PENDING, types::ALARM_FIRING]);
}

#[tokio::test]
async fn one_server_evaluates_and_another_takes_over_where_it_stood() {
    let house = House::new(documents(vec![group("shop", "errors", 0)])).await;
    let metrics = Arc::new(Metrics::default());
    let (first, second) = (task(&house, &metrics, "first"), task(&house, &metrics, "second"));
    first.pass().await.unwrap();
    step(&house, &metrics, &first, 1.0).await;
    assert_eq!(second.pass().await.unwrap().summary, "another server evaluates the rules");
    let shown = second.rules().snapshot();
    assert_eq!(shown[0].rules[0].alerting.as_ref().unwrap().state, AlarmState::Firing);

    // The first is gone; its lease runs out.
    house.clock.advance(Duration::from_secs(60));
    second.pass().await.unwrap();
    step(&house, &metrics, &second, 0.0).await;
    assert_eq!(state(&house, "shop/High").await, AlarmState::Resolved);
    assert_eq!(house.events(&[types::ALARM_FIRING]).await.len(), 1);
    // Should it come back, it finds that it no longer leads.
    assert_eq!(first.pass().await.unwrap().summary, "another server evaluates the rules");
}

#[tokio::test]
async fn a_slow_query_delays_its_own_group_only_and_is_given_up() {
    let house = House::new(documents(vec![group("slow", "slow", 0), group("quick", "errors", 0)])).await;
    let metrics = Arc::new(Metrics::default());
    metrics.stuck.store(true, Ordering::SeqCst);
    let task = Arc::new(task(&house, &metrics, "here"));
    task.pass().await.unwrap();
    for (value, expected) in [(0.0, AlarmState::Inactive), (1.0, AlarmState::Firing), (0.0, AlarmState::Resolved), (1.0, AlarmState::Firing)] {
        metrics.set(&house, "errors", value);
        house.clock.advance(INTERVAL);
        let pass = tokio::spawn({
            let task = task.clone();
            async move { task.pass().await.map(drop).map_err(|error| error.to_string()) }
        });
        until(&house, "quick/High", expected).await;
        // The next group is due: the pass ends without the slow one.
        house.clock.advance(Duration::from_secs(4));
        tokio::time::timeout(Duration::from_secs(5), pass).await.unwrap().unwrap().unwrap();
    }
    // By now the slow query has been given up.
    until(&house, "slow/High", AlarmState::Error).await;
    let alarm = house.ledger.alarm("slow/High").await.unwrap();
    assert_eq!(alarm.error.as_deref(), Some("the query took longer than 10 s"));
}

#[tokio::test]
async fn a_removed_rule_ends_what_it_fired() {
    let house = House::new(documents(vec![group("shop", "errors", 0), group("other", "errors", 0)])).await;
    let metrics = Arc::new(Metrics::default());
    let task = task(&house, &metrics, "here");
    task.pass().await.unwrap();
    step(&house, &metrics, &task, 1.0).await;
    house.change_documents(documents(vec![group("other", "errors", 0)]));
    task.pass().await.unwrap();
    assert!(house.ledger.alarm("shop/High").await.is_err());
    let [resolved] = house.events(&[types::ALARM_RESOLVED]).await.try_into().unwrap();
    assert_eq!((resolved.subject.as_deref(), resolved.data["reason"].as_str()), (Some("shop/High"), Some("the rule was removed from the documents")));
    assert_eq!(state(&house, "other/High").await, AlarmState::Firing);
    let now_ms = house.shared_clock().now().as_millisecond();
    let engine = Engine::new(metrics.clone());
    let answer = engine.instant("count(ALERTS)", now_ms).await.unwrap();
    assert!(matches!(answer.value, telemetry::promql::Value::Vector(samples) if samples.len() == 1 && samples[0].1.value == 1.0));
}

#[tokio::test]
async fn an_instance_learns_which_incident_it_belongs_to() {
    let house = House::new(documents(vec![group("shop", "errors", 0)])).await;
    let metrics = Arc::new(Metrics::default());
    let task = task(&house, &metrics, "here");
    task.pass().await.unwrap();
    step(&house, &metrics, &task, 1.0).await;
    let labels = house.ledger.alarm("shop/High").await.unwrap().instances[0].labels.clone();
    let incident = IncidentId::from_number(7);
    let opened = NewEvent::new("/test", types::INCIDENT_OPENED, json!({ "alarm": { "id": "shop/High", "labels": labels } })).incident(incident);
    house.ledger.commit(Batch::new().event(opened)).await.unwrap();
    task.pass().await.unwrap();
    assert_eq!(house.ledger.alarm("shop/High").await.unwrap().instances[0].incident, Some(incident));
    // What the alarm tells from now on belongs to the incident.
    step(&house, &metrics, &task, 0.0).await;
    assert_eq!(house.events(&[types::ALARM_RESOLVED]).await[0].incident, Some(incident));
}

#[tokio::test]
async fn nothing_is_forgotten_before_the_documents_are_read() {
    let house = House::new(documents(vec![group("shop", "errors", 0)])).await;
    let metrics = Arc::new(Metrics::default());
    let first = task(&house, &metrics, "here");
    first.pass().await.unwrap();
    step(&house, &metrics, &first, 1.0).await;
    let (_unread, graph) = tokio::sync::watch::channel(Arc::default());
    let source: Arc<dyn MetricSource> = metrics.clone();
    let early = AlarmTask::new(house.ledger.clone(), graph, Engine::new(source.clone()), source, house.shared_clock()).held_by("here");
    early.pass().await.unwrap();
    assert_eq!(state(&house, "shop/High").await, AlarmState::Firing);
}
