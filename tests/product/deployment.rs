//! A new version goes out in steps, with a program as its router, and comes back by itself.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::fixture::deployments::{JO, ORDERS, ended};
use crate::fixture::server::{Server, ServerSettings};
use crate::fixture::{eventually, python};

/// The weight is a line in a file, as a configuration would be.
fn deployment(weights: &Path, strategy: &str, more: &str) -> String {
    format!(
        "apiVersion: mainstay.dev/v1
kind: Deployment
metadata: {{ name: orders-rollout }}
spec:
  component: orders
  environments:
    - name: production
      router: {{ command: {{ set: [sh, -c, 'echo $MAINSTAY_OLD_VERSION $MAINSTAY_VERSION $MAINSTAY_WEIGHT >> {}'] }} }}
      strategy: {strategy}
{more}",
        weights.display()
    )
}

fn lines(weights: &Path) -> Vec<String> {
    std::fs::read_to_string(weights).unwrap_or_default().lines().map(str::to_owned).collect()
}

async fn deploy(server: &Server, version: &str) -> String {
    let request = json!({ "document": "orders-rollout", "parameters": { "version": version, "from": "1" } });
    server.post("api/runs", JO, request).await["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_version_arrives_in_steps_and_the_next_starts_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("weights");
    let strategy = "{ steps: [{ percent: 10, hold: 200ms }, { percent: 50, hold: 200ms }] }";
    let server = ServerSettings::new().document("catalog.yaml", ORDERS).document("rollout.yaml", &deployment(&weights, strategy, "")).start().await;
    let run = deploy(&server, "2").await;
    assert_eq!(ended(&server, &run).await["status"], "succeeded");
    assert_eq!(lines(&weights), ["1 2 10", "1 2 50", "1 2 100"]);
    let environment = server.get("api/deployments").await[0]["environments"][0].clone();
    assert_eq!((&environment["version"], &environment["arrived_by"]), (&json!("2"), &json!(run)));

    ended(&server, &deploy(&server, "3").await).await;
    assert_eq!(lines(&weights)[3..], ["2 3 10", "2 3 50", "2 3 100"]);
}

#[tokio::test]
async fn a_hook_that_fails_takes_the_version_back() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("weights");
    let hooks = "      hooks: { eachStep: [{ runbook: look }] }\n";
    let runbook = "---\napiVersion: mainstay.dev/v1\nkind: Runbook\nmetadata: { name: look }\n---\n# Look\n\n```bash\necho not good; exit 1\n```\n";
    let document = deployment(&weights, "{ canary: { percent: 10, interval: 100ms } }", hooks);
    let server = ServerSettings::new().document("catalog.yaml", ORDERS).document("rollout.yaml", &document).document("look.md", runbook).start().await;
    let run = ended(&server, &deploy(&server, "2").await).await;
    assert_eq!(run["status"], "failed");
    assert!(run["error"].as_str().unwrap().contains("rolled back: the hook look failed"), "{run}");
    assert_eq!(lines(&weights), ["1 2 10", "1 2 0"]);
    let reasons = server.get("api/events?type=dev.mainstay.deployment.rollingback").await;
    assert_eq!(reasons[0]["data"]["reason"]["kind"], "hook");
}

/// The condition of the alarm is the weight itself, as if the new version failed from its first request on.
#[tokio::test]
async fn an_alarm_takes_the_version_back_within_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("weights");
    let rules = "groups:\n  - name: orders\n    interval: 1s\n    rules:\n      - alert: OrdersFailing\n        expr: mainstay_never or on() (time() > FIRES)\n";
    let document = deployment(&weights, "{ canary: { percent: 10, interval: 1h } }", "      alarms: [OrdersFailing]\n");
    let fires = jiff::Timestamp::now().as_second() + 6;
    let server = ServerSettings::new()
        .document("catalog.yaml", ORDERS)
        .document("rollout.yaml", &document)
        .document("rules.yaml", &rules.replace("mainstay_never or on() (time() > FIRES)", &format!("vector(time()) > {fires}")))
        .start()
        .await;
    let run = deploy(&server, "2").await;
    eventually("the first step", Duration::from_secs(5), async || (lines(&weights) == ["1 2 10"]).then_some(())).await;
    let run = ended(&server, &run).await;
    let late_s = jiff::Timestamp::now().as_second() - fires;
    assert!(late_s < 5, "{late_s} s after the alarm's condition");
    assert!(run["error"].as_str().unwrap().contains("the alarm OrdersFailing fires"), "{run}");
    assert_eq!(lines(&weights), ["1 2 10", "1 2 0"]);
}

#[tokio::test]
async fn a_cancelled_deployment_is_taken_back_and_a_stopped_one_stands_still() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("weights");
    let document = deployment(&weights, "{ canary: { percent: 10, interval: 1h } }", "");
    let server = ServerSettings::new().document("catalog.yaml", ORDERS).document("rollout.yaml", &document).start().await;
    server.post("api/deployments/switch", JO, json!({ "stopped": true, "reason": "an incident" })).await;
    let run = deploy(&server, "2").await;
    let waits = eventually("a word of the stop", Duration::from_secs(10), async || {
        let output = server.get(&format!("api/runs/{run}/output")).await.to_string();
        output.contains("all deployments are stopped: an incident").then_some(())
    });
    waits.await;
    assert!(lines(&weights).is_empty());
    server.post("api/deployments/switch", JO, json!({ "stopped": false })).await;
    eventually("the first step", Duration::from_secs(10), async || (lines(&weights) == ["1 2 10"]).then_some(())).await;
    server.post(&format!("api/runs/{run}/cancel"), JO, json!({})).await;
    assert_eq!(ended(&server, &run).await["status"], "cancelled");
    eventually("the old weight", Duration::from_secs(10), async || (lines(&weights) == ["1 2 10", "1 2 0"]).then_some(())).await;
}

#[tokio::test]
async fn only_operators_may_steer_a_deployment() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("weights");
    let document = deployment(&weights, "{ canary: { percent: 10, interval: 1h } }", "  operators: [user:default/ann]\n");
    let people = ORDERS.to_owned() + "---\napiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: { name: ann }\n";
    let server = ServerSettings::new().document("catalog.yaml", &people).document("rollout.yaml", &document).start().await;
    let run = deploy(&server, "2").await;
    eventually("the first step", Duration::from_secs(10), async || (lines(&weights) == ["1 2 10"]).then_some(())).await;
    let asks = async |path: String, actor: &str, body| {
        let answer = server.http().post(server.url(&path)).header("x-mainstay-actor", actor).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (action, cancel) = (format!("api/deployments/runs/{run}/action"), format!("api/runs/{run}/cancel"));
    for (path, body) in [(&action, json!("promote")), (&action, json!("pause")), (&cancel, json!({}))] {
        let (status, said) = asks(path.clone(), JO, body).await;
        assert_eq!(status, 403, "{said}");
        assert!(said.contains("user:default/jo is not among the operators") && said.contains("user:default/ann"), "{said}");
    }
    assert_eq!(lines(&weights), ["1 2 10"]);
    assert_eq!(asks(cancel, "user:default/ann", json!({})).await.0, 200);
    assert_eq!(ended(&server, &run).await["status"], "cancelled");
}

#[tokio::test]
async fn a_deployment_survives_kill_9_at_any_instant() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("weights");
    let strategy = "{ steps: [{ percent: 10, hold: 300ms }, { percent: 50, hold: 300ms }] }";
    let mut server = ServerSettings::new().document("catalog.yaml", ORDERS).document("rollout.yaml", &deployment(&weights, strategy, "")).start().await;
    let run = deploy(&server, "2").await;
    for step in 1..=3 {
        let distinct = || lines(&weights).into_iter().collect::<BTreeSet<_>>().len();
        eventually("the next weight", Duration::from_secs(30), async || (distinct() >= step).then_some(())).await;
        server = server.kill().start().await;
    }
    assert_eq!(ended(&server, &run).await["status"], "succeeded");
    let mut taken = lines(&weights);
    taken.dedup();
    assert_eq!(taken, ["1 2 10", "1 2 50", "1 2 100"], "a weight may be set twice, but none is left out or goes back");
    let recorded = server.get("api/events?type=dev.mainstay.deployment.shifting").await;
    assert_eq!(recorded.as_array().unwrap().len(), 3);
}

/// Somebody holds the database for longer than a write waits for it. Whatever comes of the deployment, the weight that
/// the router has is on record.
#[tokio::test]
async fn a_locked_database_leaves_no_weight_that_is_not_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("weights");
    let strategy = "{ steps: [{ percent: 10, hold: 1s }, { percent: 50, hold: 1s }] }";
    let server = ServerSettings::new().document("catalog.yaml", ORDERS).document("rollout.yaml", &deployment(&weights, strategy, "")).start().await;
    let run = deploy(&server, "2").await;
    eventually("the first step", Duration::from_secs(30), async || lines(&weights).first().map(drop)).await;
    let lock = Lock::hold(&server.data().join("ledger.sqlite"));
    let refused = server.http().post(server.url("api/incidents")).json(&json!({ "title": "locked out", "severity": "sev3" })).send().await.unwrap();
    assert_eq!(refused.status(), 503, "{}", refused.text().await.unwrap());
    drop(lock);
    let status = ended(&server, &run).await["status"].clone();
    let expected = if status == "succeeded" { "1 2 100" } else { "1 2 0" };
    eventually("the traffic is where the record has it", Duration::from_secs(30), async || (lines(&weights).last()? == expected).then_some(())).await;
    for weight in lines(&weights).iter().filter_map(|line| line.strip_prefix("1 2 ")?.parse::<f64>().ok()).filter(|weight| *weight > 0.0) {
        let recorded = server.get("api/events?type=dev.mainstay.deployment.shifting").await;
        assert!(recorded.as_array().unwrap().iter().any(|event| event["data"]["weight"] == weight), "{weight} is not on record: {recorded}");
    }
}

/// Another program's write transaction, for as long as this lives.
struct Lock(Child);

impl Lock {
    fn hold(database: &Path) -> Self {
        let script = "import sqlite3, sys; held = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30); held.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read()";
        let mut child = Command::new(python()).args(["-c", script]).arg(database).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout is piped")).read_line(&mut line).expect("it says when it holds it");
        assert_eq!(line, "held\n");
        Self(child)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
