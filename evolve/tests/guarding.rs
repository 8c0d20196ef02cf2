//! What keeps an experiment from doing harm: what it needs is looked for first, it stops when it must, and
//! nothing that it began stays.

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use kernel::{Classified, Kind, SharedClock, SystemClock};
use mainstay_evolve::experiments::{
    Around, Begun, ExperimentError, Filled, Journal, NoPlatform, Observer, Part, Platform, PlatformError, Row, Sample, Settings, Status, play,
};
use mainstay_evolve::faults::{Bounds, FaultSpec};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// A Mainstay of which a test decides what it answers.
#[derive(Default)]
struct Double {
    firing: Arc<AtomicBool>,
    value: Mutex<Vec<f64>>,
    begun: Arc<Mutex<Vec<String>>>,
    lifted: Arc<Mutex<Vec<String>>>,
    lifting_fails: bool,
    blind: AtomicBool,
    asked: AtomicUsize,
}

struct DoubleFault {
    name: String,
    lifted: Arc<Mutex<Vec<String>>>,
    fails: bool,
}

#[async_trait]
impl Begun for DoubleFault {
    async fn lift(self: Box<Self>) -> Result<(), PlatformError> {
        self.lifted.lock().push(self.name);
        if self.fails { Err(PlatformError::Failed("the proxy does not answer".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl Platform for Double {
    async fn scenario(&self, name: &str, environment: Option<&str>) -> Result<Value, PlatformError> {
        Ok(json!({ "passed": name == "checkout", "environment": environment }))
    }

    async fn promql(&self, _: &str) -> Result<Vec<Sample>, PlatformError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.value.lock().iter().map(|value| Sample { labels: BTreeMap::new(), value: *value }).collect())
    }

    async fn alarm_fires(&self, name: &str) -> Result<bool, PlatformError> {
        let looks = self.asked.fetch_add(1, Ordering::SeqCst);
        if looks > 0 && self.blind.load(Ordering::SeqCst) {
            return Err(PlatformError::Failed("the lake is closed".to_owned()));
        }
        Ok(name == "OrdersFail" && self.firing.load(Ordering::SeqCst))
    }

    async fn begin_fault(&self, spec: &FaultSpec, bounds: &Bounds) -> Result<Box<dyn Begun>, PlatformError> {
        bounds.permit_this_machine().map_err(PlatformError::failed)?;
        self.begun.lock().push(spec.name().to_owned());
        Ok(Box::new(DoubleFault { name: spec.name().to_owned(), lifted: Arc::clone(&self.lifted), fails: self.lifting_fails }))
    }

    async fn secret(&self, name: &str) -> Result<String, PlatformError> {
        Ok(format!("stored-{name}"))
    }

    async fn fill(&self, text: &str) -> Result<Filled, PlatformError> {
        let secret = text.contains("mainstay-secret");
        let filled = text.replace("{{resolve:mainstay-secret:/a}}", "elsewhere-kept").replace("{{resolve:mainstay:/b}}", "open");
        Ok(Filled { text: filled, secret })
    }
}

/// An experiment of these parts, written as a file and read again.
fn experiment(parts: Value) -> documents::experiment::Experiment {
    let mut document = json!({ "title": "A test", "description": "Of what keeps from harm.", "method": [] });
    document.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.json");
    std::fs::write(&file, document.to_string()).unwrap();
    let loaded = documents::experiment::read_file(&file);
    assert!(loaded.diagnostics.iter().all(|problem| problem.level != documents::Level::Error), "{:?}", loaded.diagnostics);
    loaded.graph.experiments["test"].clone()
}

fn process(name: &str, line: &str) -> Value {
    json!({ "type": "action", "name": name, "provider": { "type": "process", "path": "sh", "arguments": ["-c", line] } })
}

fn cpu(name: &str) -> Value {
    json!({ "type": "action", "name": name, "provider": { "type": "mainstay", "fault": { "fault": "cpu", "workers": 1, "duration": "5m" } } })
}

fn mainstay(fields: Value) -> Value {
    let mut extension = json!({ "name": "mainstay" });
    extension.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!([extension])
}

async fn played(parts: Value, settings: &Settings, platform: &dyn Platform, observer: &dyn Observer, cancel: &CancellationToken) -> Result<Journal, ExperimentError> {
    let clock: SharedClock = Arc::new(SystemClock);
    let around = Around { platform, clock: &clock, observer, cancel };
    tokio::time::timeout(Duration::from_secs(20), play(&experiment(parts), settings, around)).await.expect("the experiment ends")
}

async fn simply(parts: Value, platform: &dyn Platform) -> Result<Journal, ExperimentError> {
    played(parts, &Settings::default(), platform, &mainstay_evolve::experiments::Unwatched, &CancellationToken::new()).await
}

fn names(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(Row::name).collect()
}

#[tokio::test]
async fn production_needs_an_approval() {
    let parts = json!({ "extensions": mainstay(json!({ "environment": "Production" })), "method": [process("go", "true")] });
    let error = simply(parts.clone(), &NoPlatform).await.unwrap_err();
    assert!(matches!(&error, ExperimentError::NeedsApproval { environment } if environment == "Production"));
    assert_eq!(error.kind(), Kind::Forbidden);
    let approved = Settings { approved: true, ..Settings::default() };
    let journal = played(parts, &approved, &NoPlatform, &mainstay_evolve::experiments::Unwatched, &CancellationToken::new()).await.unwrap();
    assert_eq!(journal.exit_code(), 0);
}

#[tokio::test]
async fn everything_that_is_missing_is_said_at_once_and_nothing_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let parts = json!({
        "configuration": { "url": { "type": "env", "key": "NO_SUCH_VARIABLE" }, "n": { "type": "env", "key": "HOME", "env_var_type": "int" } },
        "secrets": { "shop": { "token": { "type": "file", "path": "no-such-file" } } },
        "controls": [{ "name": "tracing", "provider": { "type": "python", "module": "chaostracing.control" } }],
        "method": [process("go", &format!("touch {}", mark.display())), { "type": "action", "name": "odd", "provider": { "type": "process", "path": "no-such-program" } },
            { "type": "action", "name": "snake", "provider": { "type": "python", "module": "no_such_module", "func": "f" } }]
    });
    let error = simply(parts, &NoPlatform).await.unwrap_err().to_string();
    for part in ["`url`", "NO_SUCH_VARIABLE", "`n`", "whole number", "no-such-file", "the control `tracing`", "no_such_module"] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    assert!(!mark.exists());
    let python = Settings { python: Some("/no/such/python".into()), ..Settings::default() };
    let snake = json!({ "method": [{ "type": "action", "name": "snake", "provider": { "type": "python", "module": "os", "func": "getpid" } }] });
    let error = played(snake, &python, &NoPlatform, &mainstay_evolve::experiments::Unwatched, &CancellationToken::new()).await.unwrap_err();
    assert!(error.to_string().contains("/no/such/python"));
}

#[tokio::test]
async fn an_alarm_ends_the_method_and_the_faults_lift_before_the_rollbacks() {
    let platform = Double::default();
    let fire = Arc::clone(&platform.firing);
    let begun = Arc::clone(&platform.begun);
    let alarm = async move {
        while begun.lock().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        fire.store(true, Ordering::SeqCst);
    };
    let parts = json!({
        "extensions": mainstay(json!({ "targets": { "hosts": ["localhost"] }, "stopWhen": ["OrdersFail"] })),
        "method": [cpu("busy"), process("wait", "sleep 60"), process("never", "true")],
        "rollbacks": [process("undo", "true")]
    });
    let (journal, ()) = tokio::join!(simply(parts, &platform), alarm);
    let journal = journal.unwrap();
    assert_eq!((journal.status, journal.exit_code()), (Status::Aborted, 1));
    assert_eq!(names(&journal.run), ["busy", "wait"]);
    assert_eq!(journal.run[1].exception.as_ref().unwrap()[0], "aborted: the alarm `OrdersFail` fires\n");
    assert_eq!(names(&journal.rollbacks), ["lift busy", "undo"]);
    assert_eq!(*platform.lifted.lock(), ["cpu"]);
    assert!(journal.steady_states.after.is_none() && journal.verdict.reasons.iter().any(|reason| reason.contains("OrdersFail")));
}

#[tokio::test]
async fn the_deadline_ends_the_method() {
    let parts = json!({ "extensions": mainstay(json!({ "deadline": "300ms" })), "method": [process("wait", "sleep 60")] });
    let journal = simply(parts, &NoPlatform).await.unwrap();
    assert_eq!((journal.status, journal.run[0].fault().as_deref()), (Status::Aborted, Some("aborted: the deadline has passed")));
    assert!(journal.duration < 10.0);
}

#[tokio::test]
async fn a_stop_condition_that_holds_already_or_cannot_be_watched_refuses_the_experiment() {
    let platform = Double::default();
    platform.value.lock().push(3.5);
    let parts = json!({ "extensions": mainstay(json!({ "stopWhen": ["errors > 1"] })), "method": [process("go", "true")] });
    let error = simply(parts.clone(), &platform).await.unwrap_err().to_string();
    assert!(error.contains("`errors > 1` has the value 3.5"), "{error}");
    let error = simply(parts, &NoPlatform).await.unwrap_err().to_string();
    assert!(error.contains("play the experiment with a server"), "{error}");
}

#[tokio::test]
async fn nobody_goes_on_blindly() {
    let platform = Double { blind: AtomicBool::new(true), ..Double::default() };
    let parts = json!({ "extensions": mainstay(json!({ "stopWhen": ["OrdersFail"] })), "method": [process("wait", "sleep 60")] });
    let journal = simply(parts, &platform).await.unwrap();
    assert_eq!(journal.status, Status::Aborted);
    assert!(journal.verdict.reasons.iter().any(|reason| reason.contains("the lake is closed")), "{:?}", journal.verdict);
}

#[tokio::test]
async fn a_fault_touches_only_what_is_listed_and_is_lifted_at_the_end() {
    let platform = Double::default();
    let parts = json!({ "method": [cpu("busy")] });
    let journal = simply(parts.clone(), &platform).await.unwrap();
    assert_eq!((journal.status, journal.run[0].fault().is_some_and(|why| why.contains("hosts"))), (Status::Failed, true));
    let listed = json!({ "method": [cpu("busy"), cpu("busier")], "extensions": mainstay(json!({ "targets": { "hosts": ["localhost"] } })),
        "runtime": { "rollbacks": { "strategy": "never" } }, "rollbacks": [process("never", "true")] });
    let journal = simply(listed.clone(), &platform).await.unwrap();
    assert_eq!((journal.exit_code(), journal.run[0].output.clone()), (0, json!({ "fault": "cpu", "duration": "5m" })));
    assert_eq!(names(&journal.rollbacks), ["lift busier", "lift busy"], "the latest first, whatever the strategy");
    let stuck = Double { lifting_fails: true, ..Double::default() };
    let journal = simply(listed, &stuck).await.unwrap();
    assert_eq!((journal.status, journal.exit_code()), (Status::Failed, 1), "a fault that stays is no success");
}

#[tokio::test]
async fn a_fault_that_cannot_be_read_is_found_before_anything_is_done() {
    let fault = json!({ "type": "action", "name": "odd", "provider": { "type": "mainstay", "fault": { "fault": "cpu", "worker": 1 } } });
    let error = simply(json!({ "method": [process("go", "true"), fault] }), &Double::default()).await.unwrap_err().to_string();
    assert!(error.contains("`odd`: the fault cannot be read"), "{error}");
}

#[tokio::test]
async fn an_interruption_leaves_no_process_behind() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { folder: folder.path().to_owned(), ..Settings::default() };
    let cancel = CancellationToken::new();
    let parts = json!({
        "extensions": mainstay(json!({ "targets": { "hosts": ["localhost"] } })),
        "method": [cpu("busy"), process("wait", "echo $$ > pid; sleep 61 & wait"), process("never", "true")],
        "rollbacks": [process("undo", "true")]
    });
    let platform = Double::default();
    let pid = folder.path().join("pid");
    let interrupt = async {
        while std::fs::read_to_string(&pid).unwrap_or_default().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        cancel.cancel();
    };
    let (journal, ()) = tokio::join!(played(parts, &settings, &platform, &mainstay_evolve::experiments::Unwatched, &cancel), interrupt);
    let journal = journal.unwrap();
    assert_eq!((journal.status, names(&journal.run)), (Status::Interrupted, vec!["busy", "wait"]));
    assert_eq!(names(&journal.rollbacks), ["lift busy"], "faults lift, rollbacks are not played");
    let group = std::fs::read_to_string(&pid).unwrap().trim().to_owned();
    assert!(group.parse::<u32>().is_ok(), "{group}");
    let ended = async {
        while members(&group) > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), ended).await.expect("the group has ended");
}

/// Processes of a group that are not zombies.
fn members(group: &str) -> usize {
    let is_member = |path: &Path| {
        let stat = std::fs::read_to_string(path.join("stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        fields.get(2) == Some(&group) && fields.first() != Some(&"Z")
    };
    std::fs::read_dir("/proc").unwrap().filter(|entry| is_member(&entry.as_ref().unwrap().path())).count()
}

#[tokio::test]
async fn what_a_process_leaves_behind_on_purpose_stays() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { folder: folder.path().to_owned(), ..Settings::default() };
    let parts = json!({ "method": [process("start", "echo $$ > pid; sleep 62 >/dev/null 2>&1 &")], "rollbacks": [process("stop", "kill -- -$(cat pid)")] });
    let unwatched = &mainstay_evolve::experiments::Unwatched;
    let journal = played(parts, &settings, &NoPlatform, unwatched, &CancellationToken::new()).await.unwrap();
    assert_eq!(journal.exit_code(), 0, "the rollback found it: {:?}", journal.verdict);
}

#[tokio::test]
async fn our_own_provider_plays_scenarios_and_asks_for_values() {
    let platform = Double::default();
    platform.value.lock().push(0.25);
    let probe = |name: &str, tolerance: Value, provider: Value| json!({ "type": "probe", "name": name, "tolerance": tolerance, "provider": provider });
    let hypothesis = |scenario: &str| {
        json!({ "title": "Orders are taken", "probes": [
            probe("journey", json!(true), json!({ "type": "mainstay", "scenario": scenario, "environment": "${where}" })),
            probe("ratio", json!([0, 0.5]), json!({ "type": "mainstay", "promql": "errors" })),
            probe("exact", json!({ "type": "range", "range": [0.2, 0.3] }), json!({ "type": "mainstay", "promql": "errors" }))
        ] })
    };
    let parts = |scenario: &str| json!({ "configuration": { "where": "staging" }, "steady-state-hypothesis": hypothesis(scenario) });
    let journal = simply(parts("checkout"), &platform).await.unwrap();
    assert_eq!(journal.exit_code(), 0, "{:?}", journal.verdict);
    let before = journal.steady_states.before.unwrap();
    assert_eq!((&before.probes[0].output["environment"], &before.probes[1].output), (&json!("staging"), &json!(0.25)));
    let journal = simply(parts("refund"), &platform).await.unwrap();
    assert_eq!((journal.status, journal.exit_code()), (Status::Failed, 1));
}

#[tokio::test]
async fn secrets_never_stand_in_a_journal() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secrets.yaml"), "key: from-a-file\n").unwrap();
    let settings = Settings { folder: folder.path().to_owned(), ..Settings::default() };
    let parts = json!({
        "title": "With ${stored}",
        "secrets": { "shop": { "inline": "written-here", "kept": { "type": "file", "path": "secrets.yaml", "key": "key" }, "stored": { "type": "mainstay", "name": "token" } } },
        "method": [
            { "type": "action", "name": "say", "provider": { "type": "process", "path": "echo", "arguments": ["${inline}", "${kept}", "${stored}"] } },
            { "type": "action", "name": "raise", "provider": { "type": "process", "path": "no-${kept}-program" } }
        ]
    });
    let error = played(parts.clone(), &settings, &Double::default(), &mainstay_evolve::experiments::Unwatched, &CancellationToken::new()).await.unwrap_err();
    assert!(error.to_string().contains("`no-***-program`"), "{error}");
    let mut parts = parts;
    parts["method"].as_array_mut().unwrap().pop();
    let journal = played(parts, &settings, &Double::default(), &mainstay_evolve::experiments::Unwatched, &CancellationToken::new()).await.unwrap();
    assert_eq!(journal.run[0].output["stdout"], "*** *** ***\n");
    let text = serde_json::to_string(&journal).unwrap();
    assert!(["written-here", "from-a-file", "stored-token"].iter().all(|secret| !text.contains(secret)), "{text}");
}

#[tokio::test]
async fn references_are_filled_in_and_secrets_stay_out_of_the_configuration() {
    let parts = json!({
        "configuration": { "open": "{{resolve:mainstay:/b}}" },
        "secrets": { "shop": { "token": "a-{{resolve:mainstay-secret:/a}}" } },
        "method": [{ "type": "action", "name": "say", "provider": { "type": "process", "path": "echo", "arguments": ["${open}", "${token}"] } }]
    });
    let play = async |parts| {
        let settings = Settings::default();
        played(parts, &settings, &Double::default(), &mainstay_evolve::experiments::Unwatched, &CancellationToken::new()).await
    };
    let journal = play(parts.clone()).await.unwrap();
    assert_eq!(journal.run[0].output["stdout"], "open ***\n");
    assert!(!serde_json::to_string(&journal).unwrap().contains("elsewhere-kept"));
    let mut shown = parts;
    shown["configuration"]["open"] = json!("{{resolve:mainstay-secret:/a}}");
    let error = play(shown).await.unwrap_err().to_string();
    assert!(error.contains("put it under `secrets`") && !error.contains("elsewhere-kept"), "{error}");
}

#[derive(Default)]
struct Watching {
    heard: Mutex<Vec<String>>,
}

impl Observer for Watching {
    fn part_began(&self, part: Part) {
        self.heard.lock().push(part.name().to_owned());
    }

    fn activity_began(&self, _: Part, index: usize, activity: &documents::experiment::Activity) {
        self.heard.lock().push(format!("{index} {} begins", activity.name));
    }

    fn activity_ended(&self, _: Part, index: usize, row: &Row) {
        self.heard.lock().push(format!("{index} {} ends", row.name()));
    }

    fn noted(&self, text: &str) {
        self.heard.lock().push(text.to_owned());
    }
}

#[tokio::test]
async fn who_watches_hears_everything_in_order() {
    let parts = json!({ "method": [process("one", "true"), process("two", "true")], "rollbacks": [process("undo", "true")] });
    let watching = Watching::default();
    played(parts, &Settings::default(), &NoPlatform, &watching, &CancellationToken::new()).await.unwrap();
    let heard = ["method", "0 one begins", "0 one ends", "1 two begins", "1 two ends", "rollbacks", "0 undo begins", "0 undo ends"];
    assert_eq!(*watching.heard.lock(), heard);
}

#[tokio::test]
async fn controls_stand_around_each_part_and_never_fail_it() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { folder: folder.path().to_owned(), ..Settings::default() };
    let write = json!({ "type": "process", "path": "sh", "arguments": ["-c", "echo $CHAOS_SCOPE $CHAOS_LEVEL $CHAOS_CONTEXT >> log"] });
    let parts = json!({
        "controls": [
            { "name": "log", "provider": write },
            { "name": "quiet", "automatic": false, "scope": "before", "provider": write },
            { "name": "absent", "scope": "after", "automatic": false, "provider": { "type": "http", "url": "http://127.0.0.1:1/" } }
        ],
        "method": [{ "type": "probe", "name": "look", "provider": { "type": "process", "path": "true" }, "controls": [{ "ref": "quiet" }] }]
    });
    let watching = Watching::default();
    support::shop().await;
    let journal = played(parts, &settings, &NoPlatform, &watching, &CancellationToken::new()).await.unwrap();
    assert_eq!(journal.exit_code(), 0);
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    let expected = [
        "before experiment A test",
        "before experiment A test",
        "before method A test",
        "before activity look",
        "before activity look",
        "after activity look",
        "after method A test",
        "after experiment A test",
    ];
    assert_eq!(log.lines().collect::<Vec<_>>(), expected);
    assert!(watching.heard.lock().iter().any(|text| text.starts_with("the control `absent` failed after the experiment")));
}

#[tokio::test]
async fn a_journal_has_the_toolkits_fields() {
    let parts = json!({
        "configuration": { "what": "cache" },
        "title": "Without its ${what}",
        "steady-state-hypothesis": { "title": "x", "probes": [{ "type": "probe", "name": "there", "tolerance": 0, "provider": { "type": "process", "path": "true" } }] },
        "method": [process("fail", "echo no >&2; exit 3")]
    });
    let journal = serde_json::to_value(simply(parts, &NoPlatform).await.unwrap()).unwrap();
    let keys: Vec<_> = journal.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["chaoslib-version", "platform", "node", "experiment", "start", "status", "deviated", "steady_states", "run", "rollbacks", "end", "duration"];
    assert_eq!(keys, expected);
    assert_eq!(journal["experiment"]["title"], "Without its cache");
    let row = &journal["run"][0];
    assert_eq!((&row["status"], &row["exception"], &row["output"]), (&json!("failed"), &json!(["the process returned 3: no\n"]), &json!({ "status": 3, "stdout": "", "stderr": "no\n" })));
    assert!(row.get("tolerance_met").is_none() && row["start"].as_str().unwrap().ends_with("+00:00"));
    assert_eq!(journal["steady_states"]["before"]["probes"][0]["tolerance_met"], true);
}
