//! `mainstay runner`: loads shared by several processes, and canaries seen from several places.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::server::ServerSettings;
use crate::fixture::target::Target;
use crate::fixture::{Server, eventually, program};

const ACTOR: &str = "user:default/test";
const LIMIT: Duration = Duration::from_secs(40);

/// Killed when dropped.
pub struct Runner {
    child: Child,
    log: PathBuf,
    _folder: tempfile::TempDir,
}

impl Runner {
    fn start(server: &str, ops: &Path, location: &str, token: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let child = Command::new(program("mainstay"))
            .args(["runner", "--server", server, "--location", location, "--ops"])
            .arg(ops)
            .env_remove("MAINSTAY_TOKEN")
            .envs(token.map(|token| ("MAINSTAY_TOKEN", token)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self { child, log, _folder: folder }
    }

    pub fn of(server: &Server, location: &str) -> Self {
        Self::start(&server.url(""), &server.ops(), location, None)
    }

    /// SIGKILL, at once.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn load(target: &Target, seconds: u32, rate: u32) -> String {
    format!(
        "config: {{ target: '{}', phases: [{{ duration: {seconds}, arrivalRate: {rate} }}] }}
scenarios: [{{ flow: [{{ get: {{ url: /item }} }}] }}]
",
        target.url
    )
}

async fn request(server: &Server, workers: u32) -> String {
    let parameters = json!({ "mode": "load", "workers": workers.to_string() });
    let run = server.post("api/runs", ACTOR, json!({ "document": "shop", "parameters": parameters })).await;
    format!("api/runs/{}", run["id"].as_str().unwrap())
}

async fn ended(server: &Server, path: &str) -> Value {
    eventually("the run's end", LIMIT, async || {
        let run = server.get(path).await["run"].clone();
        ["succeeded", "failed", "cancelled"].contains(&run["status"].as_str()?).then_some(run)
    })
    .await
}

/// On a busy machine the generator may be the limit and says so; what it counted is exact all the same.
fn went_through(run: &Value) -> bool {
    run["status"] == "succeeded" || run["error"].as_str().is_some_and(|error| error.starts_with("the step \"shop\" failed: the generator was the limit"))
}

async fn report(server: &Server, path: &str) -> Value {
    let output = server.get(&format!("{path}/output")).await;
    let last = output["chunks"].as_array().unwrap().iter().rfind(|chunk| chunk["kind"] == "report").unwrap_or_else(|| panic!("no report: {output}"))["data"].clone();
    serde_json::from_str(last.as_str().unwrap()).unwrap()
}

async fn playing(server: &Server, count: usize) {
    eventually("the runners play", LIMIT, async || {
        let runners = server.get("api/runners").await;
        (runners.as_array()?.iter().filter(|runner| !runner["plays"].is_null()).count() == count).then_some(())
    })
    .await;
}

/// At least this many requests have reached the target.
async fn reached(target: &Target, requests: u64) {
    eventually("requests", LIMIT, async || (target.requests() >= requests).then_some(())).await;
}

#[tokio::test]
async fn two_runners_share_a_load_and_their_results_merge_exactly() {
    let target = Target::start(1.0).await;
    let server = ServerSettings::new().document("shop.yaml", &load(&target, 3, 61)).start().await;
    let _runners = [Runner::of(&server, "berlin"), Runner::of(&server, "oslo")];
    let path = request(&server, 2).await;
    let run = ended(&server, &path).await;
    assert!(went_through(&run), "{run}");
    let report = report(&server, &path).await;
    assert_eq!((&report["asked_count"], &report["delivered_count"], &report["requests"]), (&json!(183), &json!(183), &json!(183)), "{report}");
    assert_eq!(target.requests(), 183);
    assert_eq!(report["latency_ms"]["last_byte"]["count"], 183);
    let seconds = report["series"].as_array().unwrap();
    assert_eq!(seconds.iter().map(|second| second["responses"].as_u64().unwrap()).sum::<u64>(), 183);
    let shares: Vec<u64> = report["shares"].as_array().unwrap().iter().map(|share| share["delivered"].as_u64().unwrap()).collect();
    assert_eq!(shares, [92, 91]);
    let trace = report["slowest"][0]["trace_id"].as_str().unwrap();
    eventually("the span of the slowest request", LIMIT, async || {
        let spans = server.count(&format!("SELECT count(DISTINCT span_id) FROM spans WHERE service = 'mainstay-scenario' AND trace_id = '{trace}'")).await;
        (spans == 1).then_some(())
    })
    .await;
    let mut locations: Vec<&str> = report["shares"].as_array().unwrap().iter().map(|share| share["location"].as_str().unwrap()).collect();
    locations.sort_unstable();
    assert_eq!(locations, ["berlin", "oslo"]);
    let figures = server.get_with("prometheus/api/v1/query", &[("query", "max_over_time(scenario_requests_total{scenario='shop'}[1m])")]).await;
    assert!(figures["data"]["result"][0]["value"][1].as_str().unwrap().parse::<u64>().unwrap() >= 61, "{figures}");
}

#[tokio::test]
async fn a_load_whose_runner_dies_ends_as_failed_and_says_what_came() {
    let target = Target::start(1.0).await;
    let server = ServerSettings::new().document("shop.yaml", &load(&target, 60, 40)).start().await;
    let (_stays, mut dies) = (Runner::of(&server, "berlin"), Runner::of(&server, "oslo"));
    let path = request(&server, 2).await;
    playing(&server, 2).await;
    reached(&target, 40).await;
    dies.kill();
    let run = ended(&server, &path).await;
    let error = run["error"].as_str().unwrap_or_default();
    assert_eq!(run["status"], "failed", "{run}");
    assert!(error.contains("(oslo) was lost") && error.contains("of 2400 users"), "{error}");
    let report = report(&server, &path).await;
    let lost = report["shares"].as_array().unwrap().iter().find(|share| share["location"] == "oslo").unwrap();
    assert_eq!((&lost["state"], &lost["asked"]), (&json!("lost"), &json!(1200)));
    let (delivered, requests) = (report["delivered_count"].as_u64().unwrap(), report["requests"].as_u64().unwrap());
    assert!(delivered > 20 && delivered < 1200 && requests <= target.requests(), "{delivered} of {}", target.requests());
}

#[tokio::test]
async fn a_load_survives_the_death_of_its_server() {
    let target = Target::start(1.0).await;
    let server = ServerSettings::new().document("shop.yaml", &load(&target, 4, 30)).start().await;
    let runners = [Runner::of(&server, "berlin"), Runner::of(&server, "oslo")];
    let path = request(&server, 2).await;
    playing(&server, 2).await;
    reached(&target, 20).await;
    let address = server.addresses.http.clone();
    let server = server.kill().listening_at(&address).start().await;
    let run = ended(&server, &path).await;
    assert!(went_through(&run), "{run}\n{}\n{}", runners[0].said(), runners[1].said());
    let report = report(&server, &path).await;
    assert_eq!((&report["delivered_count"], &report["requests"]), (&json!(120), &json!(120)), "only the second attempt counts");
    assert!(target.requests() > 120, "{} requests: the first attempt came, too", target.requests());
}

#[tokio::test]
async fn a_load_survives_the_death_of_its_server_and_a_runner_at_once() {
    let target = Target::start(1.0).await;
    let server = ServerSettings::new().document("shop.yaml", &load(&target, 3, 30)).start().await;
    let (_stays, mut dies) = (Runner::of(&server, "berlin"), Runner::of(&server, "oslo"));
    let path = request(&server, 2).await;
    playing(&server, 2).await;
    dies.kill();
    let address = server.addresses.http.clone();
    let server = server.kill().listening_at(&address).start().await;
    let _comes = Runner::of(&server, "lima");
    let run = ended(&server, &path).await;
    assert!(went_through(&run), "{run}");
    let report = report(&server, &path).await;
    assert_eq!((&report["delivered_count"], &report["requests"]), (&json!(90), &json!(90)));
    let mut locations: Vec<&str> = report["shares"].as_array().unwrap().iter().map(|share| share["location"].as_str().unwrap()).collect();
    locations.sort_unstable();
    assert_eq!(locations, ["berlin", "lima"]);
}

#[tokio::test]
async fn what_cannot_be_shared_says_why() {
    let target = Target::start(1.0).await;
    let server = ServerSettings::new().document("shop.yaml", &load(&target, 1, 1)).start().await;
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("shop.yaml"), load(&target, 1, 2)).unwrap();
    let (_current, _outdated) = (Runner::of(&server, "berlin"), Runner::start(&server.url(""), other.path(), "oslo", None));
    let path = request(&server, 2).await;
    let run = ended(&server, &path).await;
    let error = run["error"].as_str().unwrap_or_default();
    assert_eq!(run["status"], "failed", "{run}");
    for said in ["shared by 2 runners", "1 came within 30 s", "berlin", "oslo refused: its shop.yaml is not the server's"] {
        assert!(error.contains(said), "{error}");
    }
    assert_eq!(target.requests(), 0);
}

#[tokio::test]
async fn a_canary_is_seen_from_two_places() {
    const TOKEN: &str = "0123456789abcdef0123";
    let target = Target::start(1.0).await;
    let canaries = format!(
        "apiVersion: mainstay.dev/v1
kind: Canary
metadata: {{ name: item }}
spec: {{ http: {{ url: '{0}/item' }}, every: 1s, locations: [server, berlin] }}
---
apiVersion: mainstay.dev/v1
kind: Canary
metadata: {{ name: journey }}
spec: {{ scenario: shop, every: 1s, locations: [berlin] }}
---
apiVersion: mainstay.dev/v1
kind: Canary
metadata: {{ name: gone }}
spec: {{ tcp: {{ address: '127.0.0.1:1' }}, every: 1s, locations: [berlin], alarm: {{ failures: 2, of: 3 }} }}
---
apiVersion: mainstay.dev/v1
kind: Workload
metadata: {{ name: test }}
spec: {{ evaluationInterval: 1s }}
",
        target.url
    );
    let server = ServerSettings::new().document("canaries.yaml", &canaries).document("shop.yaml", &load(&target, 1, 1)).token(TOKEN).start().await;
    let mut stranger = Runner::start(&server.url(""), &server.ops(), "berlin", None);
    assert_eq!(stranger.child.wait().unwrap().code(), Some(2), "{}", stranger.said());
    let runner = Runner::start(&server.url(""), &server.ops(), "berlin", Some(TOKEN));
    let _second = Runner::start(&server.url(""), &server.ops(), "berlin", Some(TOKEN));
    let value = async |query: &str| {
        let answer = server.get_with("prometheus/api/v1/query", &[("query", query)]).await;
        answer["data"]["result"][0]["value"][1].as_str().map(str::to_owned)
    };
    for query in [
        "probe_success{canary='item', location='server'}",
        "probe_success{canary='item', location='berlin'}",
        "count(probe_http_duration_seconds{canary='item', location='berlin', phase='processing'})",
        "probe_success{canary='journey', location='berlin'}",
    ] {
        eventually(query, LIMIT, async || (value(query).await? == "1").then_some(())).await;
    }
    let alarm = eventually("the alarm", LIMIT, async || {
        let alarms = server.get("prometheus/api/v1/alerts").await;
        alarms["data"]["alerts"].as_array()?.iter().find(|alert| alert["labels"]["canary"] == "gone" && alert["state"] == "firing").cloned()
    })
    .await;
    assert_eq!(alarm["labels"]["location"], "berlin");
    let journey = server.get("api/canaries/journey").await;
    let run = journey["looks"][0]["run"].as_str().unwrap_or_else(|| panic!("{journey}\n{}", runner.said())).to_owned();
    assert_eq!(report(&server, &format!("api/runs/{run}")).await["report"], "test");
    assert!(journey["looks"].as_array().unwrap().iter().all(|look| look["location"] == "berlin"), "{journey}");
    // Enough of them that one who is late and then catches up weighs little.
    let looks = eventually("several looks", LIMIT, async || Some(seconds_of(&server.get("api/canaries/journey").await)).filter(|looks| looks.len() > 12)).await;
    let apart = (looks[0] - looks[looks.len() - 1]) / (looks.len() - 1) as f64;
    assert!(apart > 0.75, "one runner of the two looks, each second: {looks:?}");
    let runners = server.get("api/runners").await;
    assert_eq!(runners.as_array().unwrap().len(), 2);
    assert_eq!((&runners[0]["location"], &runners[0]["canaries"]), (&json!("berlin"), &json!(["gone", "item", "journey"])), "{runners}");
}

/// When a canary was looked at, the newest first.
fn seconds_of(canary: &Value) -> Vec<f64> {
    let time = |look: &Value| look["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond() as f64 / 1e3;
    canary["looks"].as_array().unwrap().iter().map(time).collect()
}
