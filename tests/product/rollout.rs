//! A configuration goes out in steps, to the same entities as before and some more, and comes back by itself.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};

use crate::fixture::eventually;
use crate::fixture::deployments::{JO, ORDERS, promote};
use crate::fixture::server::{Server, ServerSettings};
use crate::openfeature::refetch;

const LIMIT: Duration = Duration::from_secs(30);

/// The steps hold until the test promotes them.
const STEPS: &str = "strategy: { steps: [{ percent: 20, hold: 1h }, { percent: 60, hold: 1h }], bake: 1h }";

fn profile(rest: &str) -> String {
    format!(
        "apiVersion: mainstay.dev/v1
kind: ConfigProfile
metadata: {{ name: checkout }}
spec:
  component: orders
  type: flags
  file: flags.json
  environments: [{{ name: production }}]
  {rest}
"
    )
}

fn flags(value: &str) -> String {
    json!({ "flags": {
        "sort": { "state": "ENABLED", "variants": { "it": value }, "defaultVariant": "it" },
        format!("only-in-{value}"): { "state": "ENABLED", "variants": { "it": true }, "defaultVariant": "it" },
    } })
    .to_string()
}

fn settings(rest: &str) -> ServerSettings {
    ServerSettings::new().document("catalog.yaml", ORDERS).document("checkout.yaml", &profile(rest)).document("flags.json", &flags("old"))
}

/// A server whose first version is on record.
async fn serving(settings: ServerSettings) -> Server {
    let server = settings.start().await;
    eventually("the first version is everybody's", LIMIT, async || {
        let events = server.get("api/events?type=dev.mainstay.config.arrived").await;
        (!events.as_array()?.is_empty()).then_some(())
    })
    .await;
    server
}

fn write(server: &Server, value: &str) {
    std::fs::write(server.ops().join("flags.json"), flags(value)).unwrap();
}

/// What the API tells of the one environment.
async fn environment(server: &Server) -> Value {
    server.get("api/config-profiles/checkout").await["environments"][0].clone()
}

/// The run that carries the version on its way, once it has this share.
async fn at_weight(server: &Server, percent: f64) -> String {
    eventually(&format!("{percent} %"), LIMIT, async || {
        let coming = environment(server).await["coming"].clone();
        (coming["weight_percent"].as_f64()? == percent).then(|| coming["run"].as_str().unwrap().to_owned())
    })
    .await
}

/// Which of so many entities have this value of the flag.
async fn having(server: &Server, value: &str, count: usize) -> BTreeSet<usize> {
    let ask = async |number: usize| {
        let request = server.http().post(server.url("ofrep/v1/evaluate/flags/sort"));
        let answer = request.json(&json!({ "context": { "targetingKey": format!("user-{number}") } })).send().await.expect("the server answers");
        let answer: Value = answer.json().await.expect("JSON");
        (answer["value"] == value).then_some(number)
    };
    futures::stream::iter(0..count).map(ask).buffer_unordered(8).filter_map(async |found| found).collect().await
}

/// The agent's header for an entity.
async fn version_of(server: &Server, number: usize) -> String {
    let url = server.url("applications/orders/environments/production/configurations/checkout");
    let answer = server.http().get(url).header("Context", format!("targetingKey=user-{number}")).send().await.unwrap();
    answer.headers()["configuration-version"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_flag_goes_out_in_steps_and_nobody_falls_back() {
    let server = serving(settings(STEPS)).await;
    let old = environment(&server).await["arrived"].clone();
    let mut told = server.http().get(server.url("ofrep/v1/events")).send().await.expect("a stream");
    refetch(&mut told).await;
    assert!(having(&server, "new", 100).await.is_empty());
    write(&server, "new");
    let run = at_weight(&server, 20.0).await;
    refetch(&mut told).await;
    let fifth = having(&server, "new", 1000).await;
    assert!((150..=250).contains(&fifth.len()), "{}", fifth.len());
    let (first, other) = (*fifth.first().unwrap(), (0..1000).find(|number| !fifth.contains(number)).unwrap());
    let shown = environment(&server).await;
    assert_eq!((&shown["arrived"], &shown["coming"]["version"]), (&old, &shown["version"]));
    assert_eq!(shown["version"], version_of(&server, first).await.as_str());
    assert_eq!(old, version_of(&server, other).await.as_str());
    for (number, status) in [(first, 200), (other, 404)] {
        let request = server.http().post(server.url("ofrep/v1/evaluate/flags/only-in-new"));
        let answer = request.json(&json!({ "context": { "targetingKey": format!("user-{number}") } })).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "a flag of the new version only");
    }

    promote(&server, &run, 0).await;
    assert_eq!(at_weight(&server, 60.0).await, run);
    let most = having(&server, "new", 1000).await;
    assert!((540..=660).contains(&most.len()), "{}", most.len());
    assert!(fifth.is_subset(&most), "nobody falls back");

    promote(&server, &run, 1).await;
    at_weight(&server, 100.0).await;
    let nameless = server.post("ofrep/v1/evaluate/flags/sort", JO, json!({})).await;
    assert_eq!((having(&server, "new", 200).await.len(), &nameless["value"]), (200, &json!("new")));
    promote(&server, &run, 2).await;
    let arrived = eventually("it has arrived", LIMIT, async || {
        let shown = environment(&server).await;
        (shown["arrived"] != old).then_some(shown)
    });
    let arrived = arrived.await;
    assert_eq!((&arrived["arrived"], &arrived["coming"]), (&arrived["version"], &Value::Null));
    assert_eq!(server.get(&format!("api/runs/{run}")).await["run"]["document"], "checkout/production");
}

#[tokio::test]
async fn an_alarm_takes_a_flag_back_and_it_stays_back() {
    let fires = jiff::Timestamp::now().as_second() + 10;
    let rules = format!("groups:\n  - name: orders\n    interval: 1s\n    rules:\n      - alert: OrdersFailing\n        expr: vector(time()) > {fires}\n");
    let rest = "strategy: { canary: { percent: 50, interval: 1h } }\n  alarms: [OrdersFailing]";
    let server = serving(settings(rest).document("rules.yaml", &rules)).await;
    write(&server, "new");
    at_weight(&server, 50.0).await;
    assert!(!having(&server, "new", 100).await.is_empty());
    let back = eventually("it is taken back", LIMIT, async || {
        let back = environment(&server).await["taken_back"].clone();
        back.is_object().then_some(back)
    });
    let back = back.await;
    assert!(back["reason"].as_str().unwrap().contains("the alarm OrdersFailing fires"), "{back}");
    assert_eq!(having(&server, "old", 200).await.len(), 200);
    let server = server.kill().start().await;
    assert_eq!(having(&server, "old", 200).await.len(), 200, "and nobody has it for a moment");
    let shown = environment(&server).await;
    assert_eq!((&shown["taken_back"]["version"], &shown["coming"]), (&shown["version"], &Value::Null));
}

#[tokio::test]
async fn everybody_keeps_what_they_have_when_the_server_is_killed() {
    let mut server = serving(settings(STEPS)).await;
    write(&server, "new");
    for (step, percent) in [20.0, 60.0, 100.0].into_iter().enumerate() {
        let run = at_weight(&server, percent).await;
        let before = having(&server, "new", 300).await;
        server = server.kill().start().await;
        assert_eq!(having(&server, "new", 300).await, before, "at {percent} %");
        promote(&server, &run, step).await;
    }
    eventually("it has arrived", LIMIT, async || environment(&server).await["coming"].is_null().then_some(())).await;
    assert_eq!(having(&server, "new", 300).await.len(), 300);
    let shifted = server.get("api/events?type=dev.mainstay.config.shifted").await;
    let weights: Vec<f64> = shifted.as_array().unwrap().iter().filter_map(|event| event["data"]["weight"].as_f64()).collect();
    assert_eq!(BTreeSet::from_iter(weights.iter().map(|weight| *weight as u32)), BTreeSet::from([20, 60, 100]), "and nothing else: {weights:?}");
}

#[tokio::test]
async fn a_validator_that_refuses_stops_a_version_before_anybody_has_it() {
    let server = serving(settings("validators: [{ command: [sh, -c, '! grep -q forbidden'] }]")).await;
    write(&server, "forbidden");
    let back = eventually("it is refused", LIMIT, async || {
        let back = environment(&server).await["taken_back"].clone();
        back.is_object().then_some(back)
    });
    let back = back.await;
    assert!(back["reason"].as_str().unwrap().contains("sh ended with exit status: 1"), "{back}");
    assert_eq!(having(&server, "old", 100).await.len(), 100);
    let shifted = server.get("api/events?type=dev.mainstay.config.shifted").await;
    assert!(shifted.as_array().unwrap().is_empty(), "{shifted}");
    write(&server, "new");
    eventually("the next is everybody's", LIMIT, async || (having(&server, "new", 20).await.len() == 20).then_some(())).await;
}

#[tokio::test]
async fn a_change_midway_goes_out_from_the_last_version_that_arrived() {
    let server = serving(settings(STEPS)).await;
    write(&server, "faulty");
    let first = at_weight(&server, 20.0).await;
    promote(&server, &first, 0).await;
    at_weight(&server, 60.0).await;
    write(&server, "mended");
    let second = at_weight(&server, 20.0).await;
    assert_ne!(first, second);
    assert_eq!(server.get(&format!("api/runs/{first}")).await["run"]["status"], "cancelled");
    let (old, faulty, mended) = (having(&server, "old", 300).await, having(&server, "faulty", 300).await, having(&server, "mended", 300).await);
    assert!(faulty.is_empty() && old.len() + mended.len() == 300 && (35..=90).contains(&mended.len()), "{} {}", old.len(), mended.len());
    let events = server.get("api/events?type=dev.mainstay.config.").await;
    let last = |kind: &str| {
        let told = events.as_array()?.iter().filter(|event| event["type"] == format!("dev.mainstay.config.{kind}"));
        told.filter_map(|event| event["position"].as_i64()).max()
    };
    assert!(last("takenback") < last("began"), "two never overlap: {events}");
}
