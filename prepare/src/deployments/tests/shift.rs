//! A shift from outside, each of its states failed: a ledger in memory, a program as the router, a clock that the test
//! moves.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use kernel::ManualClock;
use kernel::table::{Cell, Column, ColumnType, Table};
use ledger::{AlarmInstance, AlarmRecord, AlarmState, Batch, Run, RunStatus, types};
use serde_json::json;
use telemetry::promql::Engine;
use tokio::net::TcpListener;

use super::{Deployments, FROM, VERSION};
use crate::configuration::Rollouts;
use crate::runs::playable::DEPLOYMENT;
use crate::runs::tests::world::{World, user};

const MINUTE: Duration = Duration::from_secs(60);
const LOOK: &str = "---\napiVersion: mainstay.dev/v1\nkind: Runbook\nmetadata: { name: look }\n---\n# Look\n\n```bash\nsleep 600\n```\n";

struct Stage {
    world: World,
    clock: ManualClock,
    weights: PathBuf,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// `environment` is more of it, in YAML; the weights that the router was told are the lines of a file.
    async fn set(strategy: &str, environment: &str) -> Self {
        Self::with_router("echo $MAINSTAY_WEIGHT >> weights", strategy, environment).await
    }

    async fn with_router(script: &str, strategy: &str, environment: &str) -> Self {
        // Clients of HTTP refuse to be made without a provider; a second install changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let document = format!(
            "apiVersion: mainstay.dev/v1
kind: Deployment
metadata: {{ name: rollout }}
spec:
  component: orders
  operators: [oncall]
  environments:
    - name: production
      router: {{ command: {{ set: [sh, -c, 'cd {}; {script}'] }} }}
      strategy: {strategy}
{environment}",
            folder.path().display()
        );
        let (mut world, clock) = World::at_noon(&[("rollout", &document), ("look", LOOK)]).await;
        world.stop().await;
        world.lease_ttl = Duration::from_secs(30 * 24 * 3_600);
        let graph = world.graph.subscribe();
        let rollouts = Rollouts::open(world.ledger.clone(), graph.clone(), world.clock.clone()).await.unwrap();
        let engine = Engine::new(world.queries.clone());
        let deployments = Deployments::new(world.ledger.clone(), graph, engine, world.queries.clone(), world.clock.clone(), world.values.clone(), rollouts);
        world.players.insert(DEPLOYMENT, Arc::new(deployments));
        world.start();
        Self { world, clock, weights: folder.path().join("weights"), _folder: folder }
    }

    async fn deploy(&self) -> Run {
        self.world.request("rollout", &[(VERSION, "2"), (FROM, "1")]).await
    }

    fn weights(&self) -> String {
        std::fs::read_to_string(&self.weights).unwrap_or_default().replace('\n', " ").trim().to_owned()
    }

    /// One second after the other, until the output holds the text.
    async fn seconds_until_output(&self, run: &Run, text: &str) {
        let mut passing = tokio::time::interval(Duration::from_millis(100));
        let shown = self.world.until_output(&run.id, text);
        tokio::pin!(shown);
        loop {
            tokio::select! {
                () = &mut shown => return,
                _ = passing.tick() => self.clock.advance(Duration::from_secs(1)),
            }
        }
    }

    /// One minute after the other, so that everything that waits for one has its turn, until the run is over.
    async fn minutes_until(&self, run: &Run, status: RunStatus) -> Run {
        let mut passing = tokio::time::interval(Duration::from_millis(20));
        let ended = self.world.until(&run.id, status);
        tokio::pin!(ended);
        loop {
            tokio::select! {
                run = &mut ended => return run,
                _ = passing.tick() => self.clock.advance(MINUTE),
            }
        }
    }

    async fn fires(&self, alarm: &str) {
        let now = self.world.clock.now();
        let instance = AlarmInstance {
            labels: Default::default(),
            annotations: Default::default(),
            state: AlarmState::Firing,
            value: 1.0,
            active_at: now,
            fired_at: Some(now),
            resolved_at: None,
            last_true_at: now,
            incident: None,
        };
        let record = AlarmRecord {
            id: format!("orders/{alarm}"),
            group: "orders".to_owned(),
            name: alarm.to_owned(),
            expression: "vector(1)".to_owned(),
            component: None,
            severity: None,
            runbook: None,
            state: AlarmState::Firing,
            since: now,
            error: None,
            instances: vec![instance],
            verdict: None,
        };
        self.world.ledger.commit(Batch::new().alarm(record)).await.unwrap();
    }
}

const TEN_MINUTES: &str = "{ steps: [{ percent: 10, hold: 10m }] }";

#[tokio::test]
async fn a_step_is_not_cut_short_when_the_clock_jumps_ahead() {
    let stage = Stage::set(TEN_MINUTES, "").await;
    let run = stage.deploy().await;
    stage.world.until_output(&run.id, "10 % of the traffic goes to 2").await;
    stage.clock.jump(SignedDuration::from_hours(1));
    stage.seconds_until_output(&run, "watches the step from its beginning: the clock jumped by 1h").await;
    assert_eq!(stage.weights(), "10");
    let run = stage.minutes_until(&run, RunStatus::Succeeded).await;
    assert_eq!(stage.weights(), "10 100");
    let shifted: Vec<_> = stage.world.events(&run.id).await.into_iter().filter(|event| event.kind == types::DEPLOYMENT_SHIFTED).collect();
    assert!(shifted[1].time.duration_since(shifted[0].time) >= SignedDuration::from_mins(70), "an hour of the jump and ten minutes of watching");
}

/// By the clock's new time the alarm began before the deployment did; it is the new version's all the same.
#[tokio::test]
async fn an_alarm_accuses_although_the_clock_jumped_back() {
    let stage = Stage::set(TEN_MINUTES, "      alarms: [Failing]\n").await;
    let run = stage.deploy().await;
    stage.world.until_output(&run.id, "10 % of the traffic goes to 2").await;
    stage.clock.jump(SignedDuration::from_hours(-1));
    stage.seconds_until_output(&run, "the clock jumped by 1h ago").await;
    stage.fires("Failing").await;
    let run = stage.minutes_until(&run, RunStatus::Failed).await;
    assert!(run.error.unwrap().contains("rolled back: the alarm Failing fires"));
    assert_eq!(stage.weights(), "10 0");
}

#[tokio::test]
async fn a_step_is_watched_from_its_beginning_by_a_server_that_starts_again() {
    let mut stage = Stage::set(TEN_MINUTES, "").await;
    let run = stage.deploy().await;
    stage.world.until_output(&run.id, "10 % of the traffic goes to 2").await;
    stage.world.crash().await;
    stage.clock.advance(60 * MINUTE);
    stage.world.start();
    stage.world.until_output(&run.id, "watches the step from its beginning: the server was started again").await;
    assert_eq!(stage.weights(), "10");
    stage.minutes_until(&run, RunStatus::Succeeded).await;
    assert_eq!(stage.weights(), "10 100");
}

#[tokio::test]
async fn a_runbook_that_is_silent_takes_the_version_back() {
    let stage = Stage::set(TEN_MINUTES, "      hooks: { eachStep: [{ runbook: look, timeout: 5m }] }\n").await;
    let run = stage.deploy().await;
    stage.world.until_output(&run.id, "10 % of the traffic goes to 2").await;
    let run = stage.minutes_until(&run, RunStatus::Failed).await;
    assert_eq!(run.error.unwrap(), "the step \"production: steps\" failed: rolled back: the hook look was silent for 5m");
    assert_eq!(stage.weights(), "10 0");
}

#[tokio::test]
async fn a_webhook_that_is_silent_keeps_the_version_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let stage = Stage::set(TEN_MINUTES, &format!("      hooks: {{ beforeAllowTraffic: [{{ webhook: '{url}', timeout: 5m }}] }}\n")).await;
    let run = stage.deploy().await;
    stage.world.until_output(&run.id, "asks http://127.0.0.1").await;
    let asked = listener.accept().await.unwrap();
    let run = stage.minutes_until(&run, RunStatus::Failed).await;
    assert!(run.error.unwrap().contains("was silent for 5m"));
    assert_eq!(stage.weights(), "0", "no traffic, and the router is told so");
    drop(asked);
}

#[tokio::test]
async fn a_router_that_refuses_a_weight_is_asked_three_times() {
    let script = "echo $MAINSTAY_WEIGHT >> weights; test $MAINSTAY_WEIGHT != 50";
    let stage = Stage::with_router(script, "{ steps: [{ percent: 10, hold: 1m }, { percent: 50, hold: 1m }] }", "").await;
    let run = stage.deploy().await;
    let run = stage.minutes_until(&run, RunStatus::Failed).await;
    assert!(run.error.unwrap().contains("rolled back: the router"));
    assert_eq!(stage.weights(), "10 50 50 50 0");
}

#[tokio::test]
async fn without_telemetry_the_judge_says_that_it_cannot_know() {
    let judge = "      judge: { every: 1m, metrics: [{ name: errors, query: 'orders_errors{version=\"$version\"}' }] }\n";
    let stage = Stage::set(TEN_MINUTES, judge).await;
    let run = stage.deploy().await;
    let run = stage.minutes_until(&run, RunStatus::Succeeded).await;
    let judged: Vec<_> = stage.world.events(&run.id).await.into_iter().filter(|event| event.kind == types::DEPLOYMENT_JUDGED).collect();
    assert_eq!(judged.len(), 1, "it is told once");
    assert_eq!(judged[0].data["judgement"]["verdict"], "not_enough_data");
    assert_eq!(stage.weights(), "10 100");
}

/// The new version's values are higher by more than their noise.
#[tokio::test]
async fn what_the_judge_fails_is_taken_back() {
    let judge = "      judge: { every: 1m, metrics: [{ name: latency, query: 'sum(up) * (10 * $version + time() % 7)' }] }\n";
    let stage = Stage::set("{ steps: [{ percent: 10, hold: 2h }] }", judge).await;
    let run = stage.deploy().await;
    let run = stage.minutes_until(&run, RunStatus::Failed).await;
    let error = run.error.clone().unwrap();
    assert!(error.contains("rolled back: latency: "), "{error}");
    assert_eq!(stage.weights(), "10 0");
    let reason = stage.world.events(&run.id).await.into_iter().find(|event| event.kind == types::DEPLOYMENT_ROLLING_BACK).unwrap();
    assert_eq!((&reason.data["reason"]["kind"], &reason.data["reason"]["evidence"]["judgement"]["verdict"]), (&json!("judge"), &json!("fail")));
}

#[tokio::test]
async fn only_operators_steer_a_deployment() {
    let stage = Stage::set(TEN_MINUTES, "").await;
    let run = stage.deploy().await;
    stage.world.until_output(&run.id, "10 % of the traffic goes to 2").await;
    let refused = stage.world.runs.cancel(&run.id, &user("jo")).await.unwrap_err();
    assert_eq!(refused.to_string(), "user:default/jo is not among the operators of the deployment rollout: group:default/oncall");
    stage.world.runs.cancel(&run.id, &user("ann")).await.unwrap();
    stage.world.until(&run.id, RunStatus::Cancelled).await;
    assert!(stage.world.runs.retry(&run.id, &user("jo")).await.is_err());
    stage.world.runs.retry(&run.id, &user("bob")).await.unwrap();
}

#[tokio::test]
async fn what_is_not_ready_is_told_with_its_rows_and_its_mend() {
    let gate = r#"      gates:
        - readiness:
            - name: every alarm names a runbook
              sql: SELECT name FROM ops.alarms WHERE component = '$component' AND runbook IS NULL
              mend: name it in the rule
"#;
    let stage = Stage::set(TEN_MINUTES, gate).await;
    let alarms = |names: &[&str]| Table {
        columns: vec![Column { name: "name".to_owned(), kind: ColumnType::Text }],
        rows: names.iter().map(|name| vec![Cell::Text((*name).to_owned())]).collect(),
        truncated: false,
    };
    *stage.world.queries.table.lock() = Some(alarms(&["OrdersSlow"]));
    let run = stage.deploy().await;
    let run = stage.world.until(&run.id, RunStatus::Failed).await;
    assert!(run.error.unwrap().ends_with("the gate does not open: not so: every alarm names a runbook: OrdersSlow (name it in the rule)"));
    assert_eq!(stage.world.queries.asked.lock()[0], "SELECT name FROM ops.alarms WHERE component = 'component:default/orders' AND runbook IS NULL");

    *stage.world.queries.table.lock() = Some(alarms(&[]));
    let run = stage.deploy().await;
    stage.world.until_output(&run.id, "ready: every alarm names a runbook").await;
    stage.minutes_until(&run, RunStatus::Succeeded).await;
}
