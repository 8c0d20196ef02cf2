//! The demo plays its story, and the API tells the same; then a browser looks at every page of it.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::fixture::{client, eventually, program, repository};

struct Demo {
    process: Child,
    base: String,
    client: reqwest::Client,
}

impl Demo {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ready = folder.path().join("ready.json");
        let process = Command::new(program("mainstay"))
            .args(["demo", "--fast", "--ready-file"])
            .arg(&ready)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let addresses = eventually("the demo's server", Duration::from_secs(60), async || {
            serde_json::from_slice::<Value>(&std::fs::read(&ready).ok()?).ok()
        })
        .await;
        let base = format!("http://{}", addresses["http"].as_str().unwrap());
        Self { process, base, client: client() }
    }

    async fn get(&self, path: &str) -> Value {
        let response = self.client.get(format!("{}/api/{path}", self.base)).send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        response.json().await.unwrap()
    }

    async fn event(&self, kind: &str) -> Vec<Value> {
        self.get(&format!("events?type={kind}")).await.as_array().unwrap().clone()
    }
}

impl Drop for Demo {
    /// As Ctrl-C would end it, so that it ends its own processes.
    fn drop(&mut self) {
        if let Some(process) = rustix::process::Pid::from_raw(self.process.id() as i32) {
            let _ = rustix::process::kill_process(process, rustix::process::Signal::INT);
        }
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_goes_once_around_the_loop() {
    let demo = Demo::start().await;
    eventually("the end of the story", Duration::from_secs(400), async || {
        let rollout = demo.get("runs?document=web-flags/production").await[0]["status"].clone();
        ["succeeded", "failed"].contains(&rollout.as_str()?).then_some(())
    })
    .await;
    the_alarm_went_through_its_states(&demo).await;
    the_incident_was_led_and_ended(&demo).await;
    the_playbook_found_the_cause(&demo).await;
    the_remediation_was_approved_by_another(&demo).await;
    the_postmortem_tells_it(&demo).await;
    the_game_day_found_the_weakness(&demo).await;
    the_limit_was_searched(&demo).await;
    the_bad_release_was_taken_back(&demo).await;
    the_bad_flag_was_taken_back(&demo).await;
    the_browser_sees_it(&demo).await;
}

async fn the_alarm_went_through_its_states(demo: &Demo) {
    let mut positions = Vec::new();
    for state in ["pending", "firing", "resolved"] {
        let events = demo.event(&format!("dev.mainstay.alarm.{state}")).await;
        let event = events.iter().find(|event| event["data"]["alert"] == "OrdersErrors").unwrap_or_else(|| panic!("{state}: {events:?}"));
        assert!(event["data"]["evidence"]["query"].is_string(), "{event}");
        positions.push(event["position"].as_i64().unwrap());
    }
    assert!(positions.is_sorted(), "{positions:?}");
}

async fn the_incident_was_led_and_ended(demo: &Demo) {
    let incident = &demo.get("incidents/INC-1").await["incident"];
    let orders = demo.get("entities/component/default/orders").await;
    let severity = match orders["summary"]["impact"].as_str().unwrap() {
        "critical" => "sev1",
        "high" => "sev2",
        "medium" => "sev3",
        _ => "sev4",
    };
    assert_eq!(incident["severity"], severity, "from the component's business impact");
    assert_eq!(incident["commander"], orders["commander"], "from its owning team");
    assert_eq!(incident["status"], "resolved");
    assert!(incident["components"].as_array().unwrap().contains(&orders["summary"]["reference"]));
}

async fn the_playbook_found_the_cause(demo: &Demo) {
    let run = &demo.get("runs?incident=INC-1&document=diagnose-errors").await[0];
    assert_eq!(run["status"], "succeeded");
    assert_eq!(run["outputs"]["service"], "orders", "{run}");
    assert!(!run["outputs"]["span"].as_str().unwrap().is_empty(), "{run}");
}

async fn the_remediation_was_approved_by_another(demo: &Demo) {
    let run = &demo.get("runs?incident=INC-1&document=restore-payments").await[0];
    assert_eq!(run["status"], "succeeded");
    let detail = demo.get(&format!("runs/{}", run["id"].as_str().unwrap())).await;
    let approval = detail["steps"].as_array().unwrap().iter().find(|step| step["approval"].is_object()).expect("a gate");
    let approved_by = approval["approval"]["approved_by"].as_array().unwrap();
    assert!(!approved_by.is_empty() && !approved_by.contains(&run["initiator"]), "{approval}");
}

async fn the_postmortem_tells_it(demo: &Demo) {
    let detail = demo.get("postmortems/INC-1").await;
    let markdown = detail["markdown"].as_str().unwrap();
    for mention in ["orders", "OrdersErrors", "## Timeline", "Restore payments", "requests failed"] {
        assert!(markdown.contains(mention), "{mention} in:\n{markdown}");
    }
    let charts = detail["charts"].as_array().unwrap();
    assert!(!charts.is_empty());
    for chart in charts {
        assert!(chart["svg"].as_str().unwrap().contains("<path") || chart["svg"].as_str().unwrap().contains("<polyline"), "{chart}");
        assert!(markdown.contains(chart["name"].as_str().unwrap()));
    }
}

/// Web waits for orders without a time limit; the alarm on slow orders tells of it.
async fn the_game_day_found_the_weakness(demo: &Demo) {
    let outcome = &demo.get("game-days/slow-payments-day").await["last_outcome"];
    let verdicts: Vec<&str> = outcome["hypotheses"].as_array().unwrap().iter().map(|hypothesis| hypothesis["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts[0], "broken", "{outcome}");
    let practice = demo.get(&format!("incidents/{}", outcome["incident"].as_str().unwrap())).await;
    assert_eq!((&practice["incident"]["practice"], &practice["incident"]["status"]), (&true.into(), &"resolved".into()), "{practice}");
}

async fn the_limit_was_searched(demo: &Demo) {
    let runs = demo.get("runs?document=checkout").await;
    let search = runs.as_array().unwrap().iter().find(|run| run["parameters"]["mode"] == "limit").expect("a search");
    assert_eq!(search["status"], "succeeded", "{search}");
}

/// Its hook found nothing; the alarm on its own answers did, within seconds and at a tenth of the traffic.
async fn the_bad_release_was_taken_back(demo: &Demo) {
    let run = &demo.get("runs?document=orders-rollout").await[0];
    assert_eq!(run["status"], "failed", "{run}");
    let hook = &demo.get("runs?document=one-cup").await[0];
    assert_eq!(hook["status"], "succeeded", "{hook}");
    let events = demo.get(&format!("events?type=dev.mainstay.deployment.&run={}", run["id"].as_str().unwrap())).await;
    let of = |kind: &str| events.as_array().unwrap().iter().filter(|event| event["type"] == format!("dev.mainstay.deployment.{kind}")).cloned().collect::<Vec<_>>();
    assert_eq!(of("shifted").len(), 1, "only the first step: {events}");
    let kind = &of("rollingback")[0]["data"]["reason"]["kind"];
    assert!(kind == "alarm" || kind == "judge", "{events}");
    assert_eq!(of("rolledback").len(), 1, "{events}");
}

/// Those who had it failed, and its alarm looks at them alone.
async fn the_bad_flag_was_taken_back(demo: &Demo) {
    let taken_back = eventually("the flag is nobody's", Duration::from_secs(30), async || {
        let profile = demo.get("config-profiles/web-flags").await;
        let production = profile["environments"][0].clone();
        (production["coming"].is_null() && production["taken_back"].is_object()).then_some(production)
    })
    .await;
    assert_ne!(taken_back["arrived"], taken_back["version"], "the folder still says that it is on: {taken_back}");
    assert!(taken_back["taken_back"]["reason"].as_str().unwrap().contains("GiftWrapErrors"), "{taken_back}");
    let run = taken_back["taken_back"]["run"].as_str().unwrap();
    let shifted = demo.get(&format!("events?type=dev.mainstay.config.shifted&run={run}")).await;
    let highest = shifted.as_array().unwrap().iter().filter_map(|event| event["data"]["weight"].as_f64()).fold(0.0, f64::max);
    assert_eq!(highest, 10.0, "only the first step: {shifted}");
}

/// The page's own tests, in Chromium, on this very story.
async fn the_browser_sees_it(demo: &Demo) {
    let mut npm = Command::new("npm");
    npm.args(["run", "e2e"]).current_dir(repository("ui")).env("MAINSTAY_URL", &demo.base);
    if let Some(chromium) = std::env::var_os("MAINSTAY_CHROMIUM") {
        npm.env("CHROMIUM", chromium);
    }
    let status = tokio::task::spawn_blocking(move || npm.status()).await.unwrap().expect("npm runs");
    assert!(status.success(), "the page's browser tests failed; their screenshots are in ui/test-results");
}
