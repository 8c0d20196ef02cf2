//! Versions share the traffic of Mainstay's own proxy: what their users feel while one goes out, and comes back.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::fixture::deployments::{JO, ORDERS, ended};
use crate::fixture::server::{Server, ServerSettings};
use crate::fixture::{client, eventually, program};

const LIMIT: Duration = Duration::from_secs(60);
const USERS: usize = 200;

/// Accuses the version whose requests fail.
const RULES: &str = r#"groups:
  - name: orders
    interval: 1s
    rules:
      - alert: OrdersFailing
        expr: |
          sum by (service_version) (rate(http_server_request_duration_seconds_count{job="orders-proxy", http_response_status_code=~"5.."}[5s]))
            / sum by (service_version) (rate(http_server_request_duration_seconds_count{job="orders-proxy"}[5s])) > 0.1
"#;

#[tokio::test]
async fn a_version_that_fails_is_taken_back_and_few_users_were_harmed() {
    a_failing_version_comes_back().await;
}

mod timed {
    #[tokio::test]
    #[ignore = "runs alone"]
    async fn a_version_that_fails_is_back_within_five_seconds() {
        let took = super::a_failing_version_comes_back().await;
        assert!(took.as_secs_f64() < 5.0, "{took:#}");
    }
}

/// From the first bad answer to the weight at zero.
async fn a_failing_version_comes_back() -> SignedDuration {
    let world = World::start(|number| if number.is_multiple_of(2) { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }).await;
    world.deployment("{ canary: { percent: 10, interval: 1h } }", "").await;
    let users = Users::come(&world.proxy.url);
    let run = world.deploy().await;
    let run = ended(&world.server, &run).await;
    assert!(run["error"].as_str().unwrap().contains("the alarm OrdersFailing fires on version 2"), "{run}");
    let felt = users.go().await;

    let back = &world.server.get("api/events?type=dev.mainstay.deployment.rolledback").await[0];
    let back: Timestamp = back["time"].as_str().unwrap().parse().unwrap();
    let first = felt.failures.iter().map(|failure| failure.answered).min().expect("the version failed");
    let last = felt.failures.iter().map(|failure| failure.asked).max().expect("the version failed");
    let harmed: BTreeSet<usize> = felt.failures.iter().map(|failure| failure.user).collect();
    let took = back.duration_since(first);
    println!("from the first bad answer to the weight at zero: {took:#}; {} of {USERS} users harmed", harmed.len());
    assert!(last <= back, "who asks once the traffic is back gets the old version; {last} is after {back}");
    assert!(harmed.len() < USERS / 5, "a tenth of the users were to see the version, and {} did", harmed.len());
    assert_eq!(world.proxy.get("shares").await["weight"], 0.0);
    took
}

#[tokio::test]
async fn a_good_version_arrives_and_no_request_fails() {
    let world = World::start(|_| StatusCode::OK).await;
    world.deployment("{ steps: [{ percent: 10, hold: 1s }, { percent: 50, hold: 1s }], bake: 1s }", "").await;
    let users = Users::come(&world.proxy.url);
    let run = world.deploy().await;
    assert_eq!(ended(&world.server, &run).await["status"], "succeeded");
    let felt = users.go().await;
    assert!(felt.answers > 2 * USERS, "{}", felt.answers);
    assert_eq!(felt.failures, [], "of {}", felt.answers);
    let shares = world.proxy.get("shares").await;
    assert_eq!((&shares["weight"], &shares["new"]), (&json!(100.0), &json!("2")));
    // What each version did is told apart.
    let counted = r#"sum by (service_version) (http_server_request_duration_seconds_count{job="orders-proxy"})"#;
    let told = world.server.get_with("prometheus/api/v1/query", &[("query", counted)]).await;
    let versions: BTreeSet<&str> = told["data"]["result"].as_array().unwrap().iter().filter_map(|one| one["metric"]["service_version"].as_str()).collect();
    assert_eq!(versions, BTreeSet::from(["1", "2"]));
}

#[tokio::test]
async fn a_proxy_out_of_reach_is_asked_until_the_traffic_is_back() {
    let mut world = World::start(|_| StatusCode::OK).await;
    world.deployment("{ canary: { percent: 10, interval: 1h } }", "").await;
    world.proxy.kill();
    let run = world.deploy().await;
    let output = format!("api/runs/{run}/output");
    let tries = eventually("a word of the router", LIMIT, async || {
        let said = world.server.get(&output).await.to_string();
        said.contains("tries again to take the traffic back").then_some(said)
    });
    let said = tries.await;
    assert!(said.contains("cannot be reached") && said.contains("Connection refused"), "{said}");
    world.proxy.start_again().await;
    let run = ended(&world.server, &run).await;
    assert!(run["error"].as_str().unwrap().contains("rolled back: the router"), "{run}");
    assert_eq!(world.proxy.get("shares").await["weight"], 0.0);
}

#[tokio::test]
async fn a_webhook_shows_who_asks_and_nothing_tells_its_secret() {
    let world = World::start(|_| StatusCode::OK).await;
    let asked = Arc::new(std::sync::Mutex::new(Vec::<(String, Value)>::new()));
    let heard = asked.clone();
    let hook = serve(axum::routing::post(async move |headers: axum::http::HeaderMap, axum::Json(body): axum::Json<Value>| {
        let shown = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let known = shown == "Bearer correct-horse-battery";
        heard.lock().unwrap().push((shown, body));
        if known { StatusCode::OK } else { StatusCode::UNAUTHORIZED }
    }))
    .await;
    let hooks = format!("      hooks: {{ beforeAllowTraffic: [{{ webhook: '{hook}/', headers: {{ Authorization: 'Bearer {{{{resolve:env:HOOK_PASSWORD}}}}' }} }}] }}\n");
    world.deployment("AllAtOnce", &hooks).await;
    let run = world.deploy().await;
    let run = ended(&world.server, &run).await;
    assert_eq!(run["status"], "succeeded", "{run}");
    let (shown, body) = asked.lock().unwrap()[0].clone();
    assert_eq!((shown.as_str(), &body["version"], &body["old_version"]), ("Bearer correct-horse-battery", &json!("2"), &json!("1")));
    let told = world.server.get(&format!("api/runs/{}/output", run["id"].as_str().unwrap())).await.to_string() + &world.server.get("api/events").await.to_string() + &world.server.log();
    assert!(!told.contains("correct-horse"), "{told}");
}

/// Two versions of a service, a proxy before them, and a server that deploys.
struct World {
    server: Server,
    proxy: ProxyProcess,
}

impl World {
    /// Version 1 always answers 200; of version 2, its requests are counted from 0.
    async fn start(second: impl Fn(u64) -> StatusCode + Clone + Send + Sync + 'static) -> Self {
        let counter = Arc::new(AtomicU64::new(0));
        let one = serve(axum::routing::get(async || StatusCode::OK)).await;
        let two = serve(axum::routing::get(async move || second(counter.fetch_add(1, Ordering::Relaxed)))).await;
        let server = ServerSettings::new().document("catalog.yaml", ORDERS).document("rules.yaml", RULES).variable("HOOK_PASSWORD", "correct-horse-battery").start().await;
        let proxy = ProxyProcess::start(&one, &two, &server.addresses.otlp_http).await;
        Self { server, proxy }
    }

    /// Returns when the server knows it.
    async fn deployment(&self, strategy: &str, more: &str) {
        let text = format!(
            "apiVersion: mainstay.dev/v1
kind: Deployment
metadata: {{ name: orders-rollout }}
spec:
  component: orders
  environments:
    - name: production
      router: {{ proxy: {{ control: '{}' }} }}
      strategy: {strategy}
      alarms: [OrdersFailing]
{more}",
            self.proxy.control
        );
        std::fs::write(self.server.ops().join("rollout.yaml"), text).unwrap();
        eventually("the deployment is known", LIMIT, async || (self.server.get("api/deployments").await != json!([])).then_some(())).await;
    }

    async fn deploy(&self) -> String {
        let request = json!({ "document": "orders-rollout", "parameters": { "version": "2", "from": "1" } });
        self.server.post("api/runs", JO, request).await["id"].as_str().unwrap().to_owned()
    }
}

/// At `/`; the URL.
async fn serve(route: axum::routing::MethodRouter) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().route("/", route)).await });
    url
}

/// `mainstay proxy`, killed when dropped.
struct ProxyProcess {
    child: Child,
    folder: tempfile::TempDir,
    otlp: String,
    url: String,
    control: String,
}

impl ProxyProcess {
    async fn start(one: &str, two: &str, otlp: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = json!({
            "listen": "127.0.0.1:0",
            "versions": { "1": [one], "2": [two] },
            "shares": { "old": "1", "new": "2", "weight": 0 },
            "state": folder.path().join("state.json"),
            "control": { "listen": "127.0.0.1:0" },
            "telemetry": { "service": "orders-proxy", "every": "500ms" },
            "sticky": { "header": { "name": "x-user" } },
            "workers": 1
        });
        std::fs::write(folder.path().join("proxy.json"), config.to_string()).unwrap();
        let (child, listen, control) = run(&folder.path().to_owned(), otlp).await;
        Self { child, folder, otlp: otlp.to_owned(), url: format!("http://{listen}"), control: format!("http://{control}") }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// At the addresses that it had.
    async fn start_again(&mut self) {
        let file = self.folder.path().join("proxy.json");
        let mut config: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        config["listen"] = json!(self.url.trim_start_matches("http://"));
        config["control"]["listen"] = json!(self.control.trim_start_matches("http://"));
        std::fs::write(&file, config.to_string()).unwrap();
        self.child = run(&self.folder.path().to_owned(), &self.otlp).await.0;
    }

    async fn get(&self, path: &str) -> Value {
        client().get(format!("{}/{path}", self.control)).send().await.unwrap().json().await.unwrap()
    }
}

impl Drop for ProxyProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process, and where it listens and takes orders.
async fn run(folder: &PathBuf, otlp: &str) -> (Child, String, String) {
    let ready = folder.join("ready.json");
    let _ = std::fs::remove_file(&ready);
    let child = Command::new(program("mainstay"))
        .args(["proxy".as_ref(), "--config".as_ref(), folder.join("proxy.json").as_os_str()])
        .args(["--otlp".as_ref(), format!("http://{otlp}").as_ref(), "--ready-file".as_ref(), ready.as_os_str()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the proxy starts");
    let addresses: Value = eventually("the proxy accepts", LIMIT, async || serde_json::from_slice(&std::fs::read(&ready).ok()?).ok()).await;
    let address = |name: &str| addresses[name].as_str().unwrap().to_owned();
    (child, address("listen"), address("control"))
}

/// People who come back and back, each at their own pace.
struct Users {
    tasks: JoinSet<Felt>,
    leaving: Arc<AtomicBool>,
}

#[derive(Default)]
struct Felt {
    answers: usize,
    failures: Vec<Failure>,
}

#[derive(Debug, PartialEq)]
struct Failure {
    user: usize,
    asked: Timestamp,
    answered: Timestamp,
}

impl Users {
    fn come(url: &str) -> Self {
        let leaving = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        let client = client();
        for user in 0..USERS {
            let (client, url, leaving) = (client.clone(), url.to_owned(), leaving.clone());
            tasks.spawn(async move {
                let mut felt = Felt::default();
                let mut pace = tokio::time::interval(Duration::from_millis(400 + user as u64));
                while !leaving.load(Ordering::Relaxed) {
                    pace.tick().await;
                    let asked = Timestamp::now();
                    let answer = client.get(&url).header("x-user", user.to_string()).send().await;
                    felt.answers += 1;
                    if !answer.is_ok_and(|answer| answer.status().is_success()) {
                        felt.failures.push(Failure { user, asked, answered: Timestamp::now() });
                    }
                }
                felt
            });
        }
        Self { tasks, leaving }
    }

    async fn go(self) -> Felt {
        self.leaving.store(true, Ordering::Relaxed);
        self.tasks.join_all().await.into_iter().fold(Felt::default(), |mut all, one| {
            all.answers += one.answers;
            all.failures.extend(one.failures);
            all
        })
    }
}
