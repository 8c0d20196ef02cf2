//! What is only true on a machine that has time: loads that keep their rate, percentiles, limits.
//!
//! These tests are left out of an ordinary run, in which others take the processors; `cargo xtask test` runs them
//! by themselves, one after the other.

use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::eventually;
use crate::fixture::server::ServerSettings;
use crate::fixture::target::Target;
use crate::scenario::{mainstay, said, shop};

const ACTOR: &str = "user:default/test";

#[tokio::test]
#[ignore = "runs alone"]
async fn a_load_is_measured_and_recorded_on_a_server() {
    let target = Target::start(1.0).await;
    let server = ServerSettings::new().document("shop.yaml", &shop(&target, 201)).start().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shop.yaml"), shop(&target, 201)).unwrap();
    let output = mainstay(folder.path(), &["load", "shop.yaml", "--format", "json", "--html", "report.html", "--server", &server.url("")]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["asked_count"], &report["delivered_count"], &report["requests"]), (&json!(60), &json!(60), &json!(120)));
    assert_eq!(target.requests(), 60);
    for quantile in ["p50", "p90", "p95", "p99", "p999", "max"] {
        assert!(report["latency_ms"]["first_byte"][quantile].as_f64().unwrap() <= report["latency_ms"]["last_byte"][quantile].as_f64().unwrap());
    }
    let html = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(html.contains("<svg") && !html.contains("<script src") && !html.contains("hush-hush"));

    let runs = server.get("api/scenarios/shop").await["runs"].clone();
    assert_eq!((&runs[0]["status"], &runs[0]["parameters"]["mode"]), (&json!("succeeded"), &json!("load")));
    let figures = server.get_with("prometheus/api/v1/query", &[("query", "max_over_time(scenario_requests_total{scenario='shop'}[1m])")]).await;
    assert_eq!(figures["data"]["result"][0]["value"][1], "120");
}

#[tokio::test]
#[ignore = "runs alone"]
async fn a_server_plays_a_test_and_a_load() {
    let target = Target::start(1.0).await;
    let server = ServerSettings::new().document("shop.yaml", &shop(&target, 201)).start().await;
    for mode in ["test", "load"] {
        let run = server.post("api/runs", ACTOR, json!({ "document": "shop", "parameters": { "mode": mode } })).await;
        let path = format!("api/runs/{}", run["id"].as_str().unwrap());
        let ended = eventually("the run's end", Duration::from_secs(30), async || {
            let run = server.get(&path).await["run"].clone();
            ["succeeded", "failed"].contains(&run["status"].as_str()?).then_some(run)
        })
        .await;
        assert_eq!(ended["status"], "succeeded", "{ended}");
        let output = server.get(&format!("{path}/output")).await;
        let chunks = output["chunks"].as_array().unwrap();
        let report = chunks.iter().rfind(|chunk| chunk["kind"] == "report").unwrap()["data"].as_str().unwrap();
        let report: Value = serde_json::from_str(report).unwrap();
        assert_eq!(report["report"], mode);
        if mode == "load" {
            let trace = report["slowest"][0]["trace_id"].as_str().unwrap().to_owned();
            let status = server.sql(&format!("SELECT http_status_code FROM spans WHERE service = 'mainstay-scenario' AND trace_id = '{trace}'")).await;
            assert!(status == [[json!(200)]] || status == [[json!(201)]], "the slowest request leads to its span: {status:?}");
        }
        assert!(!output.to_string().contains("hush-hush"));
    }
    assert_eq!(target.requests(), 61);
}

/// The precision of the search is 2 percent, and a trial is noticed to break when 1 percent is refused.
#[tokio::test]
#[ignore = "runs alone"]
async fn the_limit_is_found_and_its_absence_is_told() {
    const LIMIT: f64 = 300.0;
    let target = Target::start(LIMIT).await;
    let folder = tempfile::tempdir().unwrap();
    let script = format!("config: {{ target: '{}' }}\nscenarios: [{{ flow: [{{ get: {{ url: /limited }} }}] }}]\n", target.url);
    std::fs::write(folder.path().join("limited.yaml"), script).unwrap();
    let search = ["load", "limited.yaml", "--find-limit", "--format", "json", "--trial", "1s", "--start-rate"];
    let found = mainstay(folder.path(), &[&search[..], &["250"]].concat()).await;
    let result: Value = serde_json::from_slice(&found.stdout).unwrap_or_else(|_| panic!("{}", said(&found)));
    let (held, broke) = (result["finding"]["held"].as_f64().unwrap(), result["finding"]["broke"].as_f64().unwrap());
    assert!(held <= broke && (held / LIMIT - 1.0).abs() < 0.05 && (broke / LIMIT - 1.0).abs() < 0.05, "{held} to {broke}");

    let absent = mainstay(folder.path(), &[&search[..], &["20", "--max-rate", "40"]].concat()).await;
    let result: Value = serde_json::from_slice(&absent.stdout).unwrap_or_else(|_| panic!("{}", said(&absent)));
    assert_eq!(result["finding"]["found"], "no_limit_within_reach");
}

/// 200 requests a second for 10 s, at a server that stands still for 2 s: a fifth of the requests waits, evenly
/// from 0 to 2 s. So the truth is about 1.0 s at p90, 1.5 s at p95 and 1.9 s at p99, whoever sends them; the server
/// itself tells it to the millisecond, whatever else the machine does.
#[tokio::test]
#[ignore = "runs alone"]
async fn a_stall_is_measured_as_users_would_feel_it() {
    let arrivals = "config: { target: 'URL', phases: [{ duration: 10, arrivalRate: 200 }] }
scenarios: [{ flow: [{ get: { url: /stalls } }] }]";
    let loops = "config: { target: 'URL', phases: [{ duration: 0.4, arrivalCount: 80 }] }
scenarios: [{ flow: [{ loop: [{ get: { url: /stalls } }, { think: 0.4 }], count: 25 }] }]";
    for script in [arrivals, loops] {
        let target = Target::start(1.0).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("stall.yaml"), script.replace("URL", &target.url)).unwrap();
        let output = mainstay(folder.path(), &["load", "stall.yaml", "--format", "json"]).await;
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
        let waits = target.waits(Duration::from_millis(5));
        assert_eq!(waits.len(), 2_000);
        for (quantile, rank, about) in [("p90", 1_800, 1.0), ("p95", 1_900, 1.5), ("p99", 1_980, 1.9)] {
            let truth = waits[rank - 1].as_secs_f64();
            assert!((truth / about - 1.0).abs() < 0.2, "the server stood still for 2 s: {quantile} is {truth} s");
            let measured = report["latency_ms"]["last_byte"][quantile].as_f64().unwrap() / 1_000.0;
            assert!((measured / truth - 1.0).abs() < 0.05, "{script}: {quantile} is {measured} s, in truth {truth} s");
        }
    }
}
