//! A team practises: a fault, an alarm, a rule that mends it, people on the incident, figures and a report.

use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::fixture::server::ServerSettings;
use crate::fixture::{Server, eventually};

const JO: &str = "user:default/jo";
const KIM: &str = "user:default/kim";
const LIMIT: Duration = Duration::from_secs(60);

/// A page that is broken as long as a file `fault` lies in its folder.
struct Shop {
    folder: tempfile::TempDir,
    url: String,
}

impl Shop {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fault = folder.path().join("fault");
        let answer = async move || if fault.exists() { (StatusCode::INTERNAL_SERVER_ERROR, "no") } else { (StatusCode::OK, "welcome") };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/", get(answer))).await });
        Self { folder, url }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn server(&self, day: &str) -> ServerSettings {
        let fault = self.file("fault");
        ServerSettings::new()
            .document("catalog.yaml", CATALOG)
            .document("watch.yaml", &watch(&self.url))
            .document("mend.md", &mend(&fault))
            .document("experiments/lost-page.yaml", &lost_page(&self.url, &fault, &self.file("seen")))
            .document("day.yaml", day)
    }
}

const CATALOG: &str = "
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: jo }
spec: { memberOf: [] }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: kim }
spec: { memberOf: [] }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: lou }
spec: { memberOf: [] }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: shop, title: The shop }
spec: { type: service, lifecycle: production, owner: user:jo }
---
apiVersion: mainstay.dev/v1
kind: Workload
metadata: { name: test }
spec: { evaluationInterval: 1s }
";

/// The page is looked at, and who is on call is a rule.
fn watch(url: &str) -> String {
    format!(
        "apiVersion: mainstay.dev/v1
kind: Canary
metadata: {{ name: page }}
spec: {{ component: shop, http: {{ url: '{url}' }}, every: 1s, alarm: {{ failures: 1, of: 2 }} }}
---
groups:
  - name: limits
    interval: 1s
    rules:
      - {{ alert: ShopLost, expr: \"probe_success{{canary='page'}} == 0\", labels: {{ component: shop, severity: page }} }}
---
apiVersion: mainstay.dev/v1
kind: EventRule
metadata: {{ name: on-call }}
spec:
  pattern: {{ type: [dev.mainstay.alarm.firing], data: {{ alert: [CanaryFailing] }} }}
  targets:
    - incident: {{ title: The page is lost }}
    - run: {{ document: mend }}
"
    )
}

fn mend(fault: &Path) -> String {
    format!(
        "---\napiVersion: mainstay.dev/v1\nkind: Runbook\nmetadata: {{ name: mend }}\n---\n# Mend\n\n```bash {{ name=mend }}\nrm -f '{}'\n```\n",
        fault.display()
    )
}

/// Waits until somebody has taken the fault away, and the test has seen what it wants to see.
fn lost_page(url: &str, fault: &Path, seen: &Path) -> String {
    let (fault, seen) = (fault.display(), seen.display());
    format!(
        "title: The page comes back
description: Somebody or something brings the page back.
tags: [errors]
steady-state-hypothesis:
  title: The page is there
  probes:
    - {{ type: probe, name: the page, tolerance: 200, provider: {{ type: http, url: '{url}', timeout: 5 }} }}
method:
  - {{ type: action, name: lose the page, provider: {{ type: process, path: touch, arguments: ['{fault}'] }} }}
  - type: action
    name: wait for help
    provider: {{ type: process, path: bash, arguments: [-c, 'while [ -e {fault} ] || [ ! -e {seen} ]; do sleep 0.05; done'], timeout: 60 }}
rollbacks:
  - {{ type: action, name: the page is back, provider: {{ type: process, path: rm, arguments: [-f, '{fault}'] }} }}
"
    )
}

const DAY: &str = "
apiVersion: mainstay.dev/v1
kind: GameDay
metadata: { name: first-day, title: The first day }
spec:
  goal: The page is back within a minute
  components: [shop]
  hypotheses:
    - An experiment comes to its end
    - { text: An alarm tells us soon, experiment: lost-page, detectWithin: 50s }
    - { text: Nobody waits, mitigateWithin: 1ms }
  experiments: [lost-page]
  participants: [{ user: jo, role: commander }, { user: kim, role: scribe }, { user: lou, role: observer }]
  severity: sev2
";

async fn start(server: &Server, day: &str) -> String {
    let run = server.post("api/runs", JO, json!({ "document": day })).await;
    assert_eq!(run["kind"], "gameday", "{run}");
    run["id"].as_str().unwrap().to_owned()
}

async fn incident_with(server: &Server, kind: &str) -> Value {
    eventually(kind, LIMIT, async || {
        let events = server.get(&format!("api/events?type={kind}")).await;
        events.as_array()?.iter().find(|event| event["incident"].is_string()).cloned()
    })
    .await["incident"]
        .clone()
}

async fn outcome(server: &Server, day: &str) -> Value {
    eventually("the end of the game day", LIMIT, async || {
        let day = server.get(&format!("api/game-days/{day}")).await;
        day["outcomes"].as_array()?.first().cloned()
    })
    .await
}

async fn ended(server: &Server, run: &str) -> Value {
    eventually("the end of the run", LIMIT, async || {
        let detail = server.get(&format!("api/runs/{run}")).await;
        detail["run"]["finished_at"].is_string().then(|| detail["run"].clone())
    })
    .await
}

/// The last report on the run's page.
async fn report(server: &Server, run: &str) -> Value {
    eventually("the report of the run", LIMIT, async || {
        let output = server.get(&format!("api/runs/{run}/output")).await;
        let chunks = output["chunks"].as_array()?.iter().rev();
        chunks
            .filter(|chunk| chunk["kind"] == "report")
            .find_map(|chunk| serde_json::from_str::<Value>(chunk["data"].as_str()?).ok().filter(|report| report["finished"] == true))
    })
    .await
}

async fn acknowledge(server: &Server, incident: &str) {
    let request = server.http().patch(server.url(&format!("api/incidents/{incident}"))).header("x-mainstay-actor", JO);
    assert!(request.json(&json!({ "status": "acknowledged" })).send().await.unwrap().status().is_success());
}

#[tokio::test]
async fn a_game_day_is_played_measured_and_reported() {
    let shop = Shop::open().await;
    let server = shop.server(DAY).start().await;
    let run = start(&server, "first-day").await;
    let incident = incident_with(&server, "dev.mainstay.incident.attached").await;
    let incident = incident.as_str().unwrap();
    acknowledge(&server, incident).await;
    server.post(&format!("api/incidents/{incident}/notes"), KIM, json!({ "text": "the page was away" })).await;
    std::fs::write(shop.file("seen"), "").unwrap();
    let ended = ended(&server, &run).await;
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    let outcome = outcome(&server, "first-day").await;
    the_figures_are_split_by_who_did_it(&outcome);
    the_hypotheses_have_verdicts(&outcome);
    the_incident_was_practice(&server, incident).await;
    taking_part_is_training(&server, &run, &outcome).await;
    the_report_tells_it(&server, &run, &outcome).await;
    the_coverage_has_a_field_more(&server).await;
}

fn the_figures_are_split_by_who_did_it(outcome: &Value) {
    assert_eq!(outcome["result"], "played", "{outcome:#}");
    let played = &outcome["experiments"][0];
    assert_eq!((&played["trial"], &played["modes"]), (&json!("held"), &json!(["errors"])), "{played:#}");
    let measures = &played["measures"];
    let alarm = measures["detect"]["automation"]["who"].as_str().unwrap();
    assert!(["CanaryFailing", "ShopLost"].contains(&alarm), "{measures:#}");
    assert_eq!(measures["detect"]["people"]["who"], KIM);
    assert_eq!(measures["acknowledge"]["automation"]["who"], "rule:on-call");
    assert_eq!(measures["acknowledge"]["people"]["who"], JO);
    assert_eq!(measures["mitigate"]["automation"]["who"], "rule:on-call");
    assert_eq!((&measures["mitigate"]["people"], &measures["undone"]), (&Value::Null, &Value::Null));
    let after = |phase: &str| measures[phase]["automation"]["after_s"].as_f64().unwrap();
    assert!(0.0 < after("detect") && after("detect") <= after("acknowledge") && after("acknowledge") < after("mitigate"), "{measures:#}");
}

fn the_hypotheses_have_verdicts(outcome: &Value) {
    let verdicts: Vec<&Value> = outcome["hypotheses"].as_array().unwrap().iter().map(|one| &one["verdict"]).collect();
    assert_eq!(verdicts, ["held", "held", "broken"], "{:#}", outcome["hypotheses"]);
    assert!(outcome["hypotheses"][2]["because"].as_str().unwrap().contains("later than 1ms"), "{outcome:#}");
}

async fn the_incident_was_practice(server: &Server, incident: &str) {
    let detail = server.get(&format!("api/incidents/{incident}")).await;
    let record = &detail["incident"];
    assert_eq!((&record["practice"], &record["severity"], &record["commander"]), (&json!(true), &json!("sev2"), &json!(JO)));
    assert_eq!((&record["roles"]["scribe"], &record["status"]), (&json!(KIM), &json!("resolved")));
    assert_eq!(server.get("api/incidents?practice=false").await, json!([]), "the alarm opened no real one");
    assert_eq!(server.count("SELECT count(*) FROM ops.incidents WHERE NOT practice").await, 0);
    assert_eq!(server.get("api/overview").await["incidents"], json!([]));
}

/// Lou was invited and not seen, and says so afterwards.
async fn taking_part_is_training(server: &Server, run: &str, outcome: &Value) {
    let took_part: Vec<&Value> = outcome["participants"].as_array().unwrap().iter().map(|one| &one["took_part"]).collect();
    assert_eq!(took_part, [&json!(true), &json!(true), &json!(false)]);
    let of = async |user: &str| server.get_with("api/trainings", &[("user", user)]).await;
    let trainings = of(JO).await;
    assert_eq!((&trainings[0]["role"], &trainings[0]["game_day"]), (&json!("commander"), &json!("first-day")), "{trainings:#}");
    let lou = "user:default/lou";
    assert_eq!(of(lou).await, json!([]));
    let joined = server.http().post(server.url(&format!("api/game-days/runs/{run}/join"))).header("x-mainstay-actor", lou).send().await.unwrap();
    assert_eq!(joined.status(), 204);
    assert_eq!(of(lou).await[0]["role"], "observer");
    assert_eq!(of(JO).await.as_array().unwrap().len(), 1, "nothing is proved twice");
    let word = json!({ "hypothesis": 2, "verdict": "held", "because": "nobody was waiting" });
    let judged = server.http().post(server.url(&format!("api/game-days/runs/{run}/verdicts"))).header("x-mainstay-actor", KIM).json(&word).send().await.unwrap();
    assert_eq!(judged.status(), 204);
    let revised = &server.get("api/game-days/first-day").await["outcomes"][0];
    assert_eq!((&revised["hypotheses"][2]["verdict"], &revised["hypotheses"][2]["judged_by"]), (&json!("held"), &json!(KIM)));
}

async fn the_report_tells_it(server: &Server, run: &str, outcome: &Value) {
    let told = report(server, run).await;
    assert_eq!((&told["report"], &told["path"], &told["goal"]), (&json!("game_day"), &outcome["report"], &outcome["goal"]), "{told:#}");
    let incident = outcome["incident"].as_str().unwrap();
    let postmortem = server.get(&format!("api/postmortems/{incident}")).await;
    assert_eq!(postmortem["postmortem"]["path"], told["path"]);
    let markdown = postmortem["markdown"].as_str().unwrap();
    for part in ["# Game day: The first day", "practice: true", "| An alarm tells us soon | held |", "| Nobody waits | held | nobody was waiting |", "## Figures", "rule:on-call", "the page was away", "## Timeline", "## Findings", "## Actions"] {
        assert!(markdown.contains(part), "{part} is not in\n{markdown}");
    }
}

async fn the_coverage_has_a_field_more(server: &Server) {
    let coverage = server.get("api/game-days/coverage").await;
    let cell = |mode: &str| coverage["cells"].as_array().unwrap().iter().find(|cell| cell["mode"] == mode).cloned().unwrap();
    assert_eq!((&cell("errors")["last"]["trial"], &cell("errors")["experiments"]), (&json!("held"), &json!(["lost-page"])));
    assert_eq!((&cell("disk")["last"], &cell("disk")["experiments"]), (&Value::Null, &json!([])), "never tried");
}

const STOPPED: &str = "
apiVersion: mainstay.dev/v1
kind: GameDay
metadata: { name: stopped }
spec:
  goal: We know when to stop
  experiments: [lost-page, lost-page]
  participants: [{ user: jo, role: commander }]
";

#[tokio::test]
async fn an_alarm_ends_a_game_day_at_once() {
    let shop = Shop::open().await;
    let server = shop.server(&format!("{STOPPED}  abortWhen: [ShopLost]\n")).start().await;
    let run = start(&server, "stopped").await;
    let ended = ended(&server, &run).await;
    assert_eq!((&ended["status"], ended["error"].as_str().unwrap().contains("the alarm ShopLost fires")), (&json!("failed"), true), "{ended:#}");
    assert!(!shop.file("fault").exists(), "the experiment put everything back");
    let outcome = outcome(&server, "stopped").await;
    assert_eq!((&outcome["result"], &outcome["reason"]), (&json!("aborted"), &json!("the alarm ShopLost fires")));
    let trials: Vec<&Value> = outcome["experiments"].as_array().unwrap().iter().map(|one| &one["trial"]).collect();
    assert_eq!(trials, ["aborted", "skipped"]);
    assert!(outcome["report"].is_string(), "{outcome:#}");
}

#[tokio::test]
async fn a_person_ends_a_game_day_at_once() {
    let shop = Shop::open().await;
    let server = shop.server(STOPPED).start().await;
    let run = start(&server, "stopped").await;
    eventually("the fault", LIMIT, async || shop.file("fault").exists().then_some(())).await;
    server.post(&format!("api/runs/{run}/cancel"), KIM, json!({})).await;
    let outcome = outcome(&server, "stopped").await;
    assert_eq!((&outcome["result"], &outcome["reason"]), (&json!("aborted"), &json!(format!("cancelled by {KIM}"))), "{outcome:#}");
    assert!(!shop.file("fault").exists(), "the experiment put everything back");
    let incident = server.get(&format!("api/incidents/{}", outcome["incident"].as_str().unwrap())).await;
    assert_eq!(incident["incident"]["status"], "resolved");
    assert_eq!(report(&server, &run).await["result"], "aborted");
}

#[tokio::test]
async fn a_game_day_goes_on_after_a_crash() {
    let shop = Shop::open().await;
    let server = shop.server(STOPPED).start().await;
    let run = start(&server, "stopped").await;
    eventually("the fault", LIMIT, async || shop.file("fault").exists().then_some(())).await;
    let settings = server.kill();
    std::fs::remove_file(shop.file("fault")).unwrap();
    std::fs::write(shop.file("seen"), "").unwrap();
    let server = settings.start().await;
    let outcome = outcome(&server, "stopped").await;
    let trials: Vec<&Value> = outcome["experiments"].as_array().unwrap().iter().map(|one| &one["trial"]).collect();
    assert_eq!(trials[0], "aborted", "nobody knows what the first one did when the server died: {outcome:#}");
    assert_eq!(outcome["run"], json!(run));
    let opened = server.get("api/events?type=dev.mainstay.gameday.began").await;
    assert_eq!(opened.as_array().unwrap().len(), 1, "it did not begin twice");
}

/// It is announced, begins at its hour without a person, and still moves nothing in production before somebody has said
/// yes: once to the day, once to the experiment.
#[tokio::test]
async fn an_appointment_in_production_begins_by_itself_and_waits_for_approvals() {
    let shop = Shop::open().await;
    let (fault, seen) = (shop.file("fault"), shop.file("seen"));
    let production = lost_page(&shop.url, &fault, &seen) + "extensions:\n  - { name: mainstay, environment: production }\n";
    let server = shop.server(STOPPED).document("experiments/lost-page.yaml", &production).start().await;
    // Only now, since a day is announced as long as it is ahead.
    let start = jiff::Timestamp::now().checked_add(Duration::from_secs(5)).unwrap();
    let day = format!("{STOPPED}  schedule: {{ start: '{start}', duration: 1h, automatic: true }}\n").replace("[lost-page, lost-page]", "[lost-page]");
    std::fs::write(server.ops().join("day.yaml"), day).unwrap();
    let announced = eventually("the announcement", LIMIT, async || {
        server.get("api/events?type=dev.mainstay.gameday.announced").await.as_array()?.first().cloned()
    });
    assert_eq!(announced.await["data"]["automatic"], true);

    let day = waiting(&server, "stopped").await;
    assert!(jiff::Timestamp::now() >= start);
    approve(&server, &day).await;
    let experiment = waiting(&server, "lost-page").await;
    assert!(!fault.exists(), "nobody has approved the experiment yet");
    approve(&server, &experiment).await;
    eventually("the fault", LIMIT, async || fault.exists().then_some(())).await;
    std::fs::write(&seen, "").unwrap();
    assert_eq!(ended(&server, &day).await["status"], "succeeded");
    assert_eq!(outcome(&server, "stopped").await["experiments"][0]["trial"], "held");
}

/// The run of a document that waits for people.
async fn waiting(server: &Server, document: &str) -> String {
    eventually("a run that waits", LIMIT, async || {
        let runs = server.get("api/runs?status=waiting").await;
        let run = runs.as_array()?.iter().find(|run| run["document"] == document)?;
        Some(run["id"].as_str()?.to_owned())
    })
    .await
}

async fn approve(server: &Server, run: &str) {
    let detail = server.get(&format!("api/runs/{run}")).await;
    let step = detail["steps"].as_array().unwrap().iter().find(|step| step["status"] == "waiting").unwrap();
    let approval = json!({ "step": step["index"], "digest": step["approval"]["digest"] });
    server.post(&format!("api/runs/{run}/approve"), KIM, approval).await;
}
