//! kill -9 at random instants: what was acknowledged is there afterwards, once.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::fixture::server::ServerSettings;
use crate::fixture::{Server, eventually, otlp};

const KILLS: u64 = 50;
const LIMIT: Duration = Duration::from_secs(60);
const ACTOR: &str = "user:default/test";

const RUNBOOK: &str = r#"---
apiVersion: mainstay.dev/v1
kind: Runbook
metadata:
  name: three-steps
---
# Three steps

```bash { name=one repeatable=true }
sleep 0.02
```

```bash { name=two repeatable=true }
sleep 0.02
```

```bash { name=three repeatable=true }
echo done
```
"#;

/// What senders were told is safe.
#[derive(Default)]
struct Acknowledged {
    logs: BTreeSet<u64>,
    spans: BTreeSet<u64>,
    samples: BTreeSet<u64>,
    notes: BTreeSet<u64>,
    runs: BTreeSet<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_by_fifty_kills() {
    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    let next = Arc::new(AtomicU64::new(1));
    let seed = jiff::Timestamp::now().as_nanosecond() as u64;
    println!("seed {seed}");
    let mut random = seed;
    let mut server = Arc::new(ServerSettings::new().document("three-steps.md", RUNBOOK).start().await);
    let incident = server.post("api/incidents", ACTOR, json!({"title": "crashes", "severity": "sev3"})).await["id"].clone();
    let (mut notes, mut runs) = (0, 0);
    for _ in 0..KILLS {
        let senders: Vec<_> = SENDERS.map(|sender| tokio::spawn(send(sender, server.clone(), incident.clone(), next.clone(), acknowledged.clone()))).into();
        // What slow machines reach as well: a number of things acknowledged, and then any instant.
        notes += 1 + below(3, &mut random);
        runs += below(3, &mut random);
        eventually("the acknowledgements before a kill", LIMIT, async || {
            let acknowledged = acknowledged.lock().await;
            (acknowledged.notes.len() >= notes && acknowledged.runs.len() >= runs).then_some(())
        })
        .await;
        tokio::time::sleep(Duration::from_millis(below(60, &mut random) as u64)).await;
        kill(&server);
        for sender in senders {
            sender.await.expect("a sender ends when its server does");
        }
        let settings = Arc::into_inner(server).expect("the senders are done").kill();
        server = Arc::new(settings.start().await);
    }
    let acknowledged = acknowledged.lock().await;
    println!(
        "{} log records, {} spans, {} samples, {} notes, {} runs acknowledged",
        acknowledged.logs.len(),
        acknowledged.spans.len(),
        acknowledged.samples.len(),
        acknowledged.notes.len(),
        acknowledged.runs.len()
    );
    assert!(acknowledged.logs.len() > 100 && acknowledged.spans.len() > 100 && acknowledged.samples.len() > 100);
    assert!(acknowledged.notes.len() > 50 && acknowledged.runs.len() > 20);
    check_signals(&server, &acknowledged).await;
    check_notes(&server, &incident, &acknowledged).await;
    check_runs(&server, &acknowledged).await;
}

mod timed {
    use super::*;

    const READY_WITHIN: Duration = Duration::from_secs(2);

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "runs alone"]
    async fn a_killed_server_is_ready_within_two_seconds() {
        let mut server = Arc::new(ServerSettings::new().document("three-steps.md", RUNBOOK).start().await);
        let incident = server.post("api/incidents", ACTOR, json!({"title": "crashes", "severity": "sev3"})).await["id"].clone();
        let (acknowledged, next) = (Arc::new(Mutex::new(Acknowledged::default())), Arc::new(AtomicU64::new(1)));
        for number in 0..10 {
            let senders: Vec<_> = SENDERS.map(|sender| tokio::spawn(send(sender, server.clone(), incident.clone(), next.clone(), acknowledged.clone()))).into();
            tokio::time::sleep(Duration::from_millis(20 * number)).await;
            kill(&server);
            for sender in senders {
                sender.await.expect("a sender ends when its server does");
            }
            server = Arc::new(Arc::into_inner(server).expect("the senders are done").kill().start().await);
            println!("ready after {:?}", server.ready_after);
            assert!(server.ready_after < READY_WITHIN, "kill {number}: ready after {:?}", server.ready_after);
        }
    }
}

const SENDERS: [Sender; 5] = [Sender::Logs, Sender::Spans, Sender::Samples, Sender::Notes, Sender::Runs];

fn kill(server: &Server) {
    let process = rustix::process::Pid::from_raw(server.process_id() as i32).expect("a process id");
    rustix::process::kill_process(process, rustix::process::Signal::KILL).expect("the server can be killed");
}

/// A number from 0 to `limit` - 1, and the generator's next state.
fn below(limit: usize, random: &mut u64) -> usize {
    *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*random >> 33) as usize % limit
}

#[derive(Clone, Copy)]
enum Sender {
    Logs,
    Spans,
    Samples,
    Notes,
    Runs,
}

/// Sends one thing after the other until the server is gone, and keeps the numbers of what was acknowledged.
async fn send(sender: Sender, server: Arc<Server>, incident: Value, next: Arc<AtomicU64>, acknowledged: Arc<Mutex<Acknowledged>>) {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        match sender {
            Sender::Logs => {
                if !server.export("logs", &otlp::logs("crash", [number.to_string()])).await {
                    return;
                }
                acknowledged.lock().await.logs.insert(number);
            }
            Sender::Spans => {
                if !server.export("traces", &otlp::spans("crash", [number], false)).await {
                    return;
                }
                acknowledged.lock().await.spans.insert(number);
            }
            Sender::Samples => {
                if !server.export("metrics", &otlp::gauge("crash", "number", [(otlp::now_ns(), number as f64)])).await {
                    return;
                }
                acknowledged.lock().await.samples.insert(number);
                // A series has one sample per millisecond.
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            Sender::Notes => {
                let path = format!("api/incidents/{}/notes", incident.as_str().expect("an id"));
                let Some(_) = try_post(&server, &path, json!({"text": number.to_string()})).await else { return };
                acknowledged.lock().await.notes.insert(number);
            }
            Sender::Runs => {
                let Some(run) = try_post(&server, "api/runs", json!({"document": "three-steps"})).await else { return };
                acknowledged.lock().await.runs.insert(run["id"].as_str().expect("an id").to_owned());
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        }
    }
}

/// The answer, or nothing if the server went away before it was whole.
async fn try_post(server: &Server, path: &str, body: Value) -> Option<Value> {
    let request = server.http().post(server.url(path)).header("x-mainstay-actor", ACTOR).json(&body);
    let response = request.send().await.ok()?;
    assert!(response.status().is_success(), "{path}: {}", response.status());
    response.json().await.ok()
}

async fn check_signals(server: &Server, acknowledged: &Acknowledged) {
    let logs = counts(server, "SELECT body, count(*) FROM logs WHERE service = 'crash' GROUP BY body").await;
    once("log record", &acknowledged.logs, &logs);
    let spans = counts(server, "SELECT replace(name, 'request ', ''), count(*) FROM spans WHERE service = 'crash' GROUP BY name").await;
    once("span", &acknowledged.spans, &spans);
    let samples = counts(server, "SELECT CAST(CAST(value AS BIGINT) AS VARCHAR), count(*) FROM metrics WHERE name = 'number' GROUP BY value").await;
    once("sample", &acknowledged.samples, &samples);
}

async fn check_notes(server: &Server, incident: &Value, acknowledged: &Acknowledged) {
    let detail = server.get(&format!("api/incidents/{}", incident.as_str().expect("an id"))).await;
    let mut notes: HashMap<u64, i64> = HashMap::new();
    for entry in detail["timeline"].as_array().expect("a timeline") {
        if entry["event"]["type"] == "dev.mainstay.incident.note" {
            let number = entry["event"]["data"]["text"].as_str().and_then(|text| text.parse().ok()).expect("the note's number");
            *notes.entry(number).or_default() += 1;
        }
    }
    once("note", &acknowledged.notes, &notes);
}

/// Every run that was promised comes to its end, each step of it once in the record.
async fn check_runs(server: &Server, acknowledged: &Acknowledged) {
    for run in &acknowledged.runs {
        let status = eventually(&format!("run {run} ends"), LIMIT, async || {
            let detail = server.get(&format!("api/runs/{run}")).await;
            let status = detail["run"]["status"].as_str().expect("a status").to_owned();
            ["succeeded", "failed", "cancelled"].contains(&status.as_str()).then_some(status)
        })
        .await;
        assert_eq!(status, "succeeded", "run {run}");
    }
}

async fn counts(server: &Server, sql: &str) -> HashMap<u64, i64> {
    let rows = server.sql(sql).await;
    rows.iter().map(|row| (row[0].as_str().and_then(|text| text.parse().ok()).expect("a number"), row[1].as_i64().expect("a count"))).collect()
}

/// All that was acknowledged is there; what was sent and not acknowledged may be, but nothing twice.
fn once(what: &str, acknowledged: &BTreeSet<u64>, found: &HashMap<u64, i64>) {
    let lost: Vec<_> = acknowledged.iter().filter(|number| !found.contains_key(number)).collect();
    assert!(lost.is_empty(), "{} of {} {what}s lost: {lost:?}", lost.len(), acknowledged.len());
    let doubled: Vec<_> = found.iter().filter(|(_, count)| **count > 1).collect();
    assert!(doubled.is_empty(), "{what}s doubled: {doubled:?}");
}
