//! AWS, as moto plays it: master keys of KMS, references to Systems Manager and Secrets Manager, aliases of Lambda.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::deployments::{JO, promote};
use crate::fixture::server::ServerSettings;
use crate::fixture::{Server, eventually, python, repository};

const LIMIT: Duration = Duration::from_secs(60);

const DOCUMENTS: &str = "
apiVersion: mainstay.dev/v1
kind: Workload
metadata: { name: shop }
spec: { secrets: [{ path: /shop, readers: [\"user:jo\"] }] }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: jo }
spec: { memberOf: [] }
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: orders }
spec: { type: service, lifecycle: production, owner: user:jo }
---
apiVersion: mainstay.dev/v1
kind: Deployment
metadata: { name: orders-rollout }
spec:
  component: orders
  environments:
    - name: production
      router: { lambdaAlias: { function: orders, alias: live } }
      strategy: { steps: [{ percent: 10, hold: 1h }], bake: 1h }
";

/// Of a function that nobody has made.
const MISSING: &str = "
apiVersion: mainstay.dev/v1
kind: Deployment
metadata: { name: missing-rollout }
spec:
  component: orders
  environments:
    - { name: production, router: { lambdaAlias: { function: nowhere, alias: live } } }
";

const RUNBOOK: &str = "---
apiVersion: mainstay.dev/v1
kind: Runbook
metadata: { name: use }
env:
  TIMEOUT: \"{{resolve:ssm:/shop/timeout:1}}\"
  TOKEN: \"{{resolve:ssm-secure:/shop/token}}\"
  DB: \"{{resolve:secretsmanager:shop/db:SecretString:password}}\"
---
```bash
test \"$TIMEOUT/$TOKEN/$DB\" = 5s/ssm-hidden/db-hidden && echo \"$TIMEOUT $TOKEN $DB\"
```
";

/// Ended when dropped.
struct Moto {
    child: Child,
    url: String,
    /// Of a key that it holds.
    key: String,
}

impl Moto {
    /// On a free port, with a key, two parameters and a secret.
    fn start() -> Self {
        let mut child = Command::new(python())
            .arg("-u")
            .arg(repository("tests/python/aws.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout is piped")).read_line(&mut line).expect("it tells what it holds");
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let text = |name: &str| told[name].as_str().expect(name).to_owned();
        Self { child, url: text("url"), key: text("key") }
    }

    fn settings(&self) -> ServerSettings {
        self.settings_without_key().argument("--master-key").argument(&format!("kms:{}", self.key))
    }

    /// Another server on the ledger of the first, whose key lies in a file of its own.
    fn settings_with_file(&self, ledger: &str) -> ServerSettings {
        let settings = self.settings_without_key();
        let file = settings.repository().join("master.key");
        std::fs::write(&file, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n").expect("a key file");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("a mode");
        let (old, new) = (format!("kms:{}", self.key), format!("file:{}", file.display()));
        ["--master-key", new.as_str(), "--old-master-key", old.as_str(), "--ledger", ledger].into_iter().fold(settings, ServerSettings::argument)
    }

    fn settings_without_key(&self) -> ServerSettings {
        self.settings_of_nobody().variable("AWS_REGION", "eu-central-1").variable("AWS_ACCESS_KEY_ID", "test").variable("AWS_SECRET_ACCESS_KEY", "test")
    }

    fn settings_of_nobody(&self) -> ServerSettings {
        ServerSettings::new().document("shop.yaml", DOCUMENTS).document("use.md", RUNBOOK).variable("AWS_ENDPOINT_URL", &self.url)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn put(server: &Server, path: &str, value: &str) {
    let answer = server.http().put(server.url("api/secrets")).header("x-mainstay-actor", JO).json(&json!({ "path": path, "value": value })).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

async fn read(server: &Server, path: &str) -> Value {
    server.post("api/secrets/read", JO, json!({ "path": path, "why": "a test" })).await["value"].clone()
}

#[tokio::test]
async fn kms_wraps_the_data_keys_until_another_master_key_does() {
    let moto = tokio::task::spawn_blocking(Moto::start).await.unwrap();
    let server = moto.settings().start().await;
    put(&server, "/shop/a", "hunter22").await;
    assert_eq!(read(&server, "/shop/a").await, "hunter22");
    let detail = server.get_with("api/secrets/detail", &[("path", "/shop/a")]).await;
    assert_eq!(detail["versions"][0]["key"], format!("kms:{}", moto.key));
    assert!(!server.data().join("master.key").exists());
    // The same ledger with a key in a file: what KMS wrapped is wrapped anew, and KMS is not asked again.
    let url = format!("sqlite:{}", server.data().join("ledger.sqlite").display());
    let moved = moto.settings_with_file(&url).start().await;
    let rewrapped = moved.post("api/secrets/rewrap", JO, json!({})).await;
    assert_eq!(rewrapped["count"], 1, "{rewrapped}");
    assert_eq!(read(&moved, "/shop/a").await, "hunter22");
    drop(moto);
    assert_eq!(read(&moved, "/shop/a").await, "hunter22");
}

#[tokio::test]
async fn references_to_aws_are_filled_in() {
    let moto = tokio::task::spawn_blocking(Moto::start).await.unwrap();
    references_are_filled_in(&moto.settings().start().await).await;
}

async fn references_are_filled_in(server: &Server) {
    let run = server.post("api/runs", JO, json!({ "document": "use" })).await;
    let path = format!("api/runs/{}", run["id"].as_str().unwrap());
    let run = eventually("the run's end", LIMIT, async || {
        let run = server.get(&path).await["run"].clone();
        ["succeeded", "failed"].contains(&run["status"].as_str()?).then_some(run)
    })
    .await;
    let output = server.get(&format!("{path}/output")).await.to_string();
    assert_eq!(run["status"], "succeeded", "{run} {output}");
    assert!(output.contains("5s ••• •••"), "{output}");
}

/// Region and credentials of a server that has none in its variables.
const PROFILE: &str = "[profile shop]\nregion = eu-central-1\ncredential_process = cat CREDENTIALS\n";

#[tokio::test]
async fn a_profile_names_the_region_and_who_prints_the_credentials() {
    let moto = tokio::task::spawn_blocking(Moto::start).await.unwrap();
    let settings = moto.settings_of_nobody();
    let [config, printed] = ["config", "printed.json"].map(|name| settings.repository().join(name));
    std::fs::write(&printed, json!({ "Version": 1, "AccessKeyId": "test", "SecretAccessKey": "test" }).to_string()).unwrap();
    std::fs::write(&config, PROFILE.replace("CREDENTIALS", &printed.display().to_string())).unwrap();
    let server = settings.variable("AWS_CONFIG_FILE", &config.display().to_string()).variable("AWS_PROFILE", "shop").start().await;
    references_are_filled_in(&server).await;
    deploy(&server, "2").await;
    shared(&moto, "1", json!({ "2": 0.1 })).await;
}

#[tokio::test]
async fn whoever_runs_in_a_container_has_its_role_until_it_expires() {
    let moto = tokio::task::spawn_blocking(Moto::start).await.unwrap();
    let role = Role::serve().await;
    let settings = moto.settings_of_nobody().variable("AWS_REGION", "eu-central-1");
    let server = settings.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", &role.url).start().await;
    references_are_filled_in(&server).await;
    let asked = role.asked.load(Relaxed);
    // Those that it got were about to expire; these last.
    assert!(asked > 1, "asked {asked} times");
    role.expires_in_s.store(3600, Relaxed);
    references_are_filled_in(&server).await;
    let asked = role.asked.load(Relaxed);
    references_are_filled_in(&server).await;
    assert_eq!(role.asked.load(Relaxed), asked);
}

/// Gives credentials to whoever runs in the container.
struct Role {
    url: String,
    asked: Arc<AtomicUsize>,
    expires_in_s: Arc<AtomicI64>,
}

impl Role {
    async fn serve() -> Self {
        let (asked, expires_in_s) = (Arc::<AtomicUsize>::default(), Arc::new(AtomicI64::new(30)));
        let (counter, seconds) = (asked.clone(), expires_in_s.clone());
        let answer = move || async move {
            counter.fetch_add(1, Relaxed);
            let end = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds.load(Relaxed));
            axum::Json(json!({ "AccessKeyId": "test", "SecretAccessKey": "test", "Token": "token", "Expiration": end.to_string() }))
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/role", listener.local_addr().unwrap());
        let router = axum::Router::new().route("/role", axum::routing::get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, asked, expires_in_s }
    }
}

/// How the calls of the function are shared: the version of most, and the share of another.
async fn shares(moto: &Moto) -> (String, Value) {
    let request = crate::fixture::client().get(format!("{}/2015-03-31/functions/orders/aliases/live", moto.url));
    let named = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/lambda/aws4_request, SignedHeaders=host, Signature=none";
    let alias: Value = request.header("authorization", named).send().await.unwrap().json().await.unwrap();
    (alias["FunctionVersion"].as_str().unwrap().to_owned(), alias["RoutingConfig"]["AdditionalVersionWeights"].clone())
}

async fn shared(moto: &Moto, main: &str, others: Value) {
    eventually(&format!("{main} and {others}"), LIMIT, async || {
        let (version, weights) = shares(moto).await;
        let none = others == json!({}) && weights.is_null();
        (version == main && (weights == others || none)).then_some(())
    })
    .await;
}

async fn deploy(server: &Server, version: &str) -> String {
    let run = server.post("api/runs", JO, json!({ "document": "orders-rollout", "parameters": { "version": version } })).await;
    run["id"].as_str().unwrap_or_else(|| panic!("{run}")).to_owned()
}

#[tokio::test]
async fn an_alias_of_lambda_shares_its_calls_between_two_versions() {
    let moto = tokio::task::spawn_blocking(Moto::start).await.unwrap();
    let server = moto.settings_without_key().start().await;
    let run = deploy(&server, "2").await;
    shared(&moto, "1", json!({ "2": 0.1 })).await;
    promote(&server, &run, 0).await;
    shared(&moto, "2", json!({})).await;
    promote(&server, &run, 1).await;
    eventually("the deployment's end", LIMIT, async || (server.get(&format!("api/runs/{run}")).await["run"]["status"] == "succeeded").then_some(())).await;
    // Another is taken back from its first step.
    let run = deploy(&server, "3").await;
    shared(&moto, "2", json!({ "3": 0.1 })).await;
    server.post(&format!("api/runs/{run}/cancel"), JO, json!({})).await;
    shared(&moto, "2", json!({})).await;
}

#[tokio::test]
async fn a_function_that_nobody_has_made_is_told_in_lambdas_words() {
    let moto = tokio::task::spawn_blocking(Moto::start).await.unwrap();
    let server = moto.settings_without_key().document("missing.yaml", MISSING).start().await;
    let run = server.post("api/runs", JO, json!({ "document": "missing-rollout", "parameters": { "version": "2" } })).await;
    let path = format!("api/events?type=dev.mainstay.deployment.rollingback&run={}", run["id"].as_str().unwrap());
    let reason = eventually("the reason", LIMIT, async || Some(server.get(&path).await.as_array()?.first()?["data"]["reason"].to_string())).await;
    assert!(reason.contains("nowhere:live of Lambda refused") && reason.contains("ResourceNotFound"), "{reason}");
}
