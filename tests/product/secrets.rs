//! Secrets from outside: they reach whoever needs them, and stand in no file, answer or output.

use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, Uri};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::fixture::server::ServerSettings;
use crate::fixture::{Server, eventually, program};

const LIMIT: Duration = Duration::from_secs(40);
const JO: &str = "user:default/jo";
const SECRET: &str = "c0rrect-h0rse/b4ttery";
/// Its Base64 without what depends on its neighbours, and its escaped form.
const FORMS: [&str; 3] = [SECRET, "YzBycmVjdC1oMHJzZS9iNHR0ZXJ", "c0rrect-h0rse%2Fb4ttery"];

const WORKLOAD: &str = "
apiVersion: mainstay.dev/v1
kind: Workload
metadata: { name: shop }
spec:
  secrets:
    - { path: /shop, readers: [\"user:jo\"], documents: [use, visit, tried, rotate, fails, waits] }
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: { name: jo }
spec: { memberOf: [] }
";

fn runbook(name: &str, env: &str, cells: &str) -> String {
    format!("---\napiVersion: mainstay.dev/v1\nkind: Runbook\nmetadata: {{ name: {name} }}\n{env}---\n{cells}\n")
}

/// What a service was asked, with its query and its authorization.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

/// Repeats what it hears, so that answers hold the secret, too.
async fn echo(heard: Heard) -> String {
    let app = Router::new().fallback(async move |uri: Uri, headers: HeaderMap| {
        let said = format!("{uri} {}", headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default());
        heard.0.lock().unwrap().push(said.clone());
        said
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

async fn mainstay(server: &Server, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(program("mainstay"))
        .args(arguments)
        .args(["--server", &server.url(""), "--as", JO])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that refuses its arguments does not read.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    child.wait_with_output().await.unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

async fn put(server: &Server, path: &str, value: &str) {
    let output = mainstay(server, &["secret", "put", path], &format!("{value}\n")).await;
    assert!(output.status.success(), "{}", said(&output));
    assert!(!said(&output).contains(value));
}

async fn read(server: &Server, path: &str) -> String {
    let output = mainstay(server, &["secret", "read", path, "--why", "a test"], "").await;
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

async fn ended(server: &Server, run: &str) -> Value {
    eventually("the run's end", LIMIT, async || {
        let run = server.get(&format!("api/runs/{run}")).await["run"].clone();
        ["succeeded", "failed", "cancelled"].contains(&run["status"].as_str()?).then_some(run)
    })
    .await
}

async fn played(server: &Server, document: &str, parameters: Value) -> (Value, String) {
    let run = server.post("api/runs", JO, json!({ "document": document, "parameters": parameters })).await;
    let id = run["id"].as_str().unwrap();
    let run = ended(server, id).await;
    let output = server.get(&format!("api/runs/{id}/output")).await;
    (run, output.to_string())
}

fn hidden(what: &str, text: &str) {
    for form in FORMS {
        assert!(!text.contains(form), "{what} shows the secret: {text}");
    }
}

/// Every file below a folder, its bytes as they lie.
fn hidden_in_files(folder: &Path) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            count += hidden_in_files(&path);
        } else if let Ok(bytes) = std::fs::read(&path) {
            for form in FORMS {
                assert!(!bytes.windows(form.len()).any(|window| window == form.as_bytes()), "{} holds the secret", path.display());
            }
            count += 1;
        }
    }
    count
}

#[tokio::test]
async fn what_uses_and_echoes_a_secret_leaves_it_nowhere() {
    let heard = Heard::default();
    let url = echo(heard.clone()).await;
    let reference = "{{resolve:mainstay-secret:/shop/token}}";
    let cells = "```bash { name=show }
echo \"plain $TOKEN\"; echo \"$TOKEN\" | base64; printf 'jo:%s' \"$TOKEN\" | base64
for i in $(seq 0 ${#TOKEN}); do printf '%s' \"${TOKEN:$i:1}\"; sleep 0.01; done; echo
echo \"token=$TOKEN\" >> \"$MAINSTAY_OUTPUT\"
exit 3
```";
    let scenario = format!(
        "config:
  target: '{url}'
  phases: [{{ duration: 1, arrivalRate: 5 }}]
  variables: {{ word: '{reference}' }}
  plugins: {{ expect: {{}} }}
scenarios:
  - name: visit
    flow:
      - get: {{ url: '/visit?word={{{{ word }}}}', headers: {{ authorization: 'Bearer {{{{ word }}}}' }}, expect: [{{ hasHeader: x-none }}] }}
      - log: 'went with {{{{ word }}}}'
"
    );
    let experiment = json!({
        "title": "With a secret", "description": "Says it aloud.",
        "configuration": { "name": "{{resolve:mainstay:/shop/name}}" },
        "secrets": { "shop": { "token": { "type": "mainstay", "name": "/shop/token" } } },
        "method": [
            { "type": "action", "name": "say ${token}", "provider": { "type": "process", "path": "echo", "arguments": ["${name}", "${token}"] } },
            { "type": "probe", "name": "visit", "provider": { "type": "http", "url": format!("{url}/tried?word=${{token}}") } }
        ],
        "rollbacks": []
    });
    let settings = ServerSettings::new()
        .document("shop.yaml", WORKLOAD)
        .document("use.md", &runbook("use", &format!("env: {{ TOKEN: \"{reference}\" }}\n"), cells))
        .document("visit.yaml", &scenario)
        .document("tried.json", &experiment.to_string());
    let ops = settings.ops();
    let server = settings.start().await;
    put(&server, "/shop/token", SECRET).await;
    let put = mainstay(&server, &["parameter", "put", "/shop/name", "--label", "prod"], "orders\n").await;
    assert!(put.status.success(), "{}", said(&put));

    let (run, output) = played(&server, "use", json!({})).await;
    assert_eq!((run["status"].as_str(), run["outputs"]["token"].as_str()), (Some("failed"), Some("•••")), "{run}");
    assert!(output.contains("plain •••"), "{output}");
    hidden("the run", &format!("{run} {output}"));

    let (run, output) = played(&server, "visit", json!({})).await;
    assert_eq!(run["status"], "failed", "an expectation was not met");
    assert!(output.contains("•••"), "{output}");
    hidden("the test", &format!("{run} {output}"));
    let (run, output) = played(&server, "visit", json!({ "mode": "load" })).await;
    hidden("the load", &format!("{run} {output}"));
    let (run, output) = played(&server, "tried", json!({})).await;
    assert_eq!(run["status"], "succeeded", "{run}");
    assert!(output.contains("orders"), "{output}");
    hidden("the experiment", &format!("{run} {output}"));
    let heard = heard.0.lock().unwrap().clone();
    assert!(heard.iter().any(|said| said == &format!("/visit?word={SECRET} Bearer {SECRET}")), "{heard:?}");
    assert!(heard.iter().any(|said| said.contains("/tried?word=c0rrect")), "{heard:?}");

    let file = ops.join("visit.yaml");
    let junit = ops.parent().unwrap().join("result.xml");
    let run = mainstay_run(&server, &file, &junit).await;
    assert_eq!(run.status.code(), Some(1), "{}", said(&run));
    hidden("the command line", &said(&run));
    hidden("JUnit", &std::fs::read_to_string(&junit).unwrap());

    let spans = server.count("SELECT count(*) FROM spans WHERE service = 'mainstay-scenario'").await;
    assert!(spans > 0, "the load was traced");
    for table in ["spans", "logs", "ops.events", "ops.runs", "ops.run_output", "ops.run_steps"] {
        let all = server.sql(&format!("SELECT * FROM {table}")).await;
        hidden(table, &serde_json::to_string(&all).unwrap());
    }
    let reads = server.count("SELECT count(*) FROM ops.events WHERE type = 'dev.mainstay.secret.read' AND subject = '/shop/token'").await;
    assert_eq!(reads, 5, "the runbook, the test, the load, the experiment, the command line: each once");
    let (log, data) = (server.log(), server.data());
    hidden("the server's log", &log);
    assert!(hidden_in_files(&data) > 3);
    let settings = server.kill();
    assert!(hidden_in_files(&settings.data()) > 3);
}

async fn mainstay_run(server: &Server, file: &Path, junit: &Path) -> Output {
    Command::new(program("mainstay"))
        .arg("run")
        .arg(file)
        .arg("--junit")
        .arg(junit)
        .env("MAINSTAY_SERVER", server.url(""))
        .env("MAINSTAY_ACTOR", JO)
        .output()
        .await
        .unwrap()
}

#[tokio::test]
async fn only_the_policys_readers_read_and_no_error_repeats_a_value() {
    let server = ServerSettings::new().document("shop.yaml", WORKLOAD).start().await;
    put(&server, "/shop/token", SECRET).await;
    assert_eq!(read(&server, "/shop/token").await, SECRET);
    let refused = server.http().post(server.url("api/secrets/read")).json(&json!({ "path": "/shop/token", "why": "curious" })).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    assert!(refused.text().await.unwrap().contains("user:default/local may not read /shop/token"));
    let kinds = server.sql("SELECT type, actor FROM ops.events WHERE subject = '/shop/token' ORDER BY position").await;
    let kind = |kind: &str, actor: &str| vec![json!(format!("dev.mainstay.secret.{kind}")), json!(actor)];
    assert_eq!(kinds, [kind("written", JO), kind("read", JO), kind("refused", "user:default/local")]);
    for body in [json!({ "path": "/shop/token", "value": [SECRET] }), json!({ "path": "/shop/token", "value": SECRET, "vaule": SECRET }), json!(SECRET)] {
        let refused = server.http().put(server.url("api/secrets")).json(&body).send().await.unwrap();
        assert_eq!(refused.status(), 400);
        hidden("the refusal", &refused.text().await.unwrap());
    }
    let as_argument = mainstay(&server, &["secret", "put", "/shop/token", "--value", SECRET], "").await;
    assert_eq!(as_argument.status.code(), Some(2), "there is no such argument");
    hidden("the log", &server.log());
    let list = server.get("api/secrets").await;
    assert_eq!((list[0]["stages"]["current"].as_i64(), list[0]["last_read"]["by"].as_str()), (Some(1), Some(JO)), "{list}");
    hidden("the list", &list.to_string());
}

#[tokio::test]
async fn a_runbook_rotates_a_secret_or_leaves_it_as_it_was() {
    let uses = "```bash { name=use repeatable=true }
test \"$MAINSTAY_SECRET\" = /shop/db && test \"$MAINSTAY_SECRET_CURRENT\" = old-value-1 && test \"${#MAINSTAY_SECRET_PENDING}\" = 40
```";
    let server = ServerSettings::new()
        .document("shop.yaml", WORKLOAD)
        .document("rotate.md", &runbook("rotate", "", uses))
        .document("fails.md", &runbook("fails", "", "```bash\nexit 1\n```"))
        .start()
        .await;
    put(&server, "/shop/db", "old-value-1").await;
    let failed = mainstay(&server, &["secret", "rotate", "/shop/db", "--runbook", "fails"], "").await;
    assert_eq!(failed.status.code(), Some(1), "{}", said(&failed));
    assert_eq!(read(&server, "/shop/db").await, "old-value-1");
    let rotated = mainstay(&server, &["secret", "rotate", "/shop/db", "--runbook", "rotate", "--length", "40"], "").await;
    assert!(rotated.status.success(), "{}", said(&rotated));
    assert!(said(&rotated).contains("/shop/db: current is version 3, previous is version 1"), "{}", said(&rotated));
    assert_eq!(read(&server, "/shop/db").await.len(), 40);
    let back = mainstay(&server, &["secret", "rollback", "/shop/db"], "").await;
    assert!(back.status.success());
    assert_eq!(read(&server, "/shop/db").await, "old-value-1");
    let anew = mainstay(&server, &["secret", "rewrap", "--new-key"], "").await;
    assert!(said(&anew).contains("2 wrapped anew"), "{}", said(&anew));
    assert_eq!(read(&server, "/shop/db").await, "old-value-1");
}

#[tokio::test]
async fn a_rotation_goes_on_after_its_server_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (begun, open) = (folder.path().join("begun"), folder.path().join("open"));
    let cell = format!("```bash {{ name=wait repeatable=true }}\ntouch '{}'\nuntil test -e '{}'; do sleep 0.05; done\n```", begun.display(), open.display());
    let settings = ServerSettings::new().document("shop.yaml", WORKLOAD).document("waits.md", &runbook("waits", "", &cell));
    let server = settings.start().await;
    put(&server, "/shop/db", "old-value-1").await;
    server.post("api/secrets/rotate", JO, json!({ "path": "/shop/db", "runbook": "waits", "value": "new-value-2" })).await;
    eventually("the cell begins", LIMIT, async || begun.exists().then_some(())).await;
    let server = server.kill().start().await;
    assert_eq!(read(&server, "/shop/db").await, "old-value-1");
    std::fs::write(&open, "").unwrap();
    eventually("the rotation's end", LIMIT, async || {
        let secret = server.get_with("api/secrets/detail", &[("path", "/shop/db")]).await;
        secret["rotation"].is_null().then_some(())
    })
    .await;
    assert_eq!(read(&server, "/shop/db").await, "new-value-2");
}

#[tokio::test]
async fn parameters_are_put_labelled_and_found() {
    let server = ServerSettings::new().start().await;
    let say = async |arguments: &[&str], input: &str| {
        let output = mainstay(&server, &[&["parameter"], arguments].concat(), input).await;
        assert!(output.status.success(), "{}", said(&output));
        said(&output)
    };
    say(&["put", "/shop/orders/timeout", "--label", "prod"], "5s\n").await;
    say(&["put", "/shop/orders/timeout"], "3s").await;
    say(&["put", "/shop/zones", "--kind", "list"], "a\nb\n").await;
    assert_eq!(say(&["get", "/shop/orders/timeout"], "").await, "3s\n");
    assert_eq!(say(&["get", "/shop/orders/timeout", "--label", "prod"], "").await, "5s\n");
    say(&["label", "/shop/orders/timeout", "prod"], "").await;
    assert_eq!(say(&["get", "/shop/orders/timeout", "--label", "prod"], "").await, "3s\n");
    assert_eq!(say(&["get", "/shop/zones"], "").await, "a,b\n");
    let list = say(&["list", "/shop", "--format", "json"], "").await;
    assert!(list.contains("/shop/orders/timeout") && list.contains("/shop/zones"), "{list}");
    assert!(say(&["history", "/shop/orders/timeout", "--format", "csv"], "").await.contains("1,,5s"));
    let refused = mainstay(&server, &["parameter", "put", "/shop/db-password"], "hunter22").await;
    assert!(!refused.status.success() && said(&refused).contains("mainstay secret put"), "{}", said(&refused));
}
