//! Experiments: what they find, and what is left when whoever plays them is killed.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::fixture::server::ServerSettings;
use crate::fixture::target::Target;
use crate::fixture::{Server, eventually};

const ACTOR: &str = "user:default/test";

/// A process to be disturbed.
struct Sleeper(Child);

impl Sleeper {
    fn start() -> Self {
        Self(Command::new("sleep").arg("120").stdin(Stdio::null()).spawn().expect("sleep is everywhere"))
    }

    /// As `/proc` has it: `S` sleeps, `T` is stopped.
    fn state(&self) -> String {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap_or_default();
        stat.rsplit(") ").next().and_then(|rest| rest.split(' ').next()).unwrap_or_default().to_owned()
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn experiment(sleeper: &Sleeper, target: &Target, expected: u16, pause_s: u32) -> String {
    json!({
        "title": "The page answers while its neighbour is frozen",
        "description": "Nothing depends on the neighbour.",
        "steady-state-hypothesis": {
            "title": "The page answers",
            "probes": [{
                "type": "probe", "name": "the page", "tolerance": expected,
                "provider": { "type": "http", "url": format!("{}/item", target.url) }
            }]
        },
        "method": [{
            "type": "action", "name": "freeze the neighbour", "pauses": { "after": pause_s },
            "provider": { "type": "mainstay", "fault": { "fault": "pause", "process": { "pid": sleeper.0.id() }, "duration": "60s" } }
        }],
        "rollbacks": [],
        "extensions": [{ "name": "mainstay", "targets": { "processes": ["sleep"] } }]
    })
    .to_string()
}

async fn begin(server: &Server) -> String {
    let run = server.post("api/runs", ACTOR, json!({ "document": "frozen" })).await;
    format!("api/runs/{}", run["id"].as_str().unwrap())
}

#[tokio::test]
async fn an_experiment_is_played_and_judged() {
    let (sleeper, target) = (Sleeper::start(), Target::start(1.0).await);
    for (expected, status) in [(200, "succeeded"), (204, "failed")] {
        let server = ServerSettings::new().document("frozen.json", &experiment(&sleeper, &target, expected, 0)).start().await;
        let path = begin(&server).await;
        let run = eventually("the run's end", Duration::from_secs(20), async || {
            let run = server.get(&path).await["run"].clone();
            ["succeeded", "failed"].contains(&run["status"].as_str()?).then_some(run)
        })
        .await;
        assert_eq!(run["status"], status, "{run}");
        assert_eq!(sleeper.state(), "S", "the fault is lifted");
        let journal = server.get(&format!("{path}/output")).await;
        assert!(journal.to_string().contains("steady_states"), "{journal}");
    }
}

#[tokio::test]
async fn a_fault_lifts_when_the_server_is_killed() {
    let (sleeper, target) = (Sleeper::start(), Target::start(1.0).await);
    let server = ServerSettings::new().document("frozen.json", &experiment(&sleeper, &target, 200, 60)).start().await;
    let path = begin(&server).await;
    eventually("the fault", Duration::from_secs(20), async || (sleeper.state() == "T").then_some(())).await;
    let settings = server.kill();
    eventually("the fault's end", Duration::from_secs(5), async || (sleeper.state() == "S").then_some(())).await;

    let again = settings.start().await;
    let run = eventually("the run's end", Duration::from_secs(20), async || {
        let run = again.get(&path).await["run"].clone();
        ["failed", "interrupted"].contains(&run["status"].as_str()?).then_some(run)
    })
    .await;
    assert_eq!(run["status"], "failed", "nobody begins an experiment again unasked: {run}");
    assert_eq!(sleeper.state(), "S");
}
