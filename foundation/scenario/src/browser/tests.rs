//! Journeys in real Chromium, against pages of our own.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::process::PROFILE_PREFIX;
use crate::load::{self, LoadOptions, Report, Unobserved};
use crate::test::{self, ScenarioReport, TestOptions, TestReport};
use crate::{CompileError, CompileOptions, Program};

const SHOP: &str = r#"<!doctype html><title>Shop</title><link rel="icon" href="data:,"><h1>Shoes</h1>
  <script src="/app.js"></script>
  <form action="/thanks"><input name="name" id="name"><input type="password" name="password" id="password">
    <select id="size"><option value="s">Small<option value="l">Large</select>
    <input type="checkbox" id="gift"><button id="buy">Buy now</button></form>
  <button id="off" disabled>Sold out</button>
  <div style="position:relative"><button id="under">Under</button><div class="veil" style="position:absolute;inset:0"></div></div>
  <p id="late"></p><a href="/broken?token=t0psecret">Help</a>
  <script>setTimeout(() => { late.innerHTML = '<b class="ready">In stock</b>' }, 200); console.error('no stock service')</script>"#;

/// What came, as `PATH traceparent?`.
type Asked = Arc<Mutex<Vec<String>>>;

struct Shop {
    address: String,
    asked: Asked,
}

impl Shop {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Asked::default();
        let told = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let told = told.clone();
                std::thread::spawn(move || answer(stream, &told));
            }
        });
        Self { address, asked }
    }

    fn program(&self, scenarios: &str) -> Result<Program, Vec<CompileError>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.yaml");
        let config = format!("config: {{ target: '{}', http: {{ timeout: 2 }}, phases: [{{ duration: 1, arrivalCount: 2 }}] }}", self.address);
        std::fs::write(&path, format!("{config}\nscenarios:\n{scenarios}")).unwrap();
        let (script, diagnostics) = documents::script::read_file(&path);
        let script = script.unwrap_or_else(|| panic!("{diagnostics:?}"));
        Program::compile(&script, &CompileOptions { folder: folder.path().to_owned(), ..CompileOptions::default() })
    }
}

fn answer(mut stream: TcpStream, asked: &Asked) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    while let Some(first) = lines.next() {
        let headers: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
        let traced = headers.iter().any(|header| header.starts_with("traceparent: 00-"));
        let target = first.split(' ').nth(1).unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        asked.lock().unwrap().push(format!("{path}{}", if traced { " traced" } else { "" }));
        let (status, kind, body) = match path {
            "/" => ("200 OK", "text/html", SHOP.to_owned()),
            "/app.js" => ("200 OK", "text/javascript", String::new()),
            "/thanks" => {
                let name = target.split("name=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default();
                ("200 OK", "text/html", format!("<title>Thanks</title><h1>Thank you, {name}</h1><a href='/'>Back</a>"))
            }
            "/broken" => ("500 Internal Server Error", "text/html", "<h1>Sorry</h1>".to_owned()),
            "/stuck" => ("200 OK", "text/html", "<title>Stuck</title><img src='/never.png'>".to_owned()),
            // The connection stays open, and nothing comes.
            "/never.png" => continue,
            _ => ("404 Not Found", "text/plain", String::new()),
        };
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nSet-Cookie: a=b\r\n\r\n", body.len());
        if stream.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

/// Browsers are heavy, and what is left of one is told by the number of our process: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The command lines of our browsers' processes.
fn processes() -> Vec<String> {
    let ours = format!("{PROFILE_PREFIX}{}-", std::process::id());
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let commands = all.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    commands.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).filter(|command| command.contains(&ours)).collect()
}

fn profiles() -> usize {
    let ours = format!("{PROFILE_PREFIX}{}-", std::process::id());
    let all = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    all.filter(|entry| entry.file_name().to_string_lossy().starts_with(&ours)).count()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn scenario<'a>(report: &'a TestReport, name: &str) -> &'a ScenarioReport {
    report.scenarios.iter().find(|scenario| scenario.name == name).unwrap()
}

fn failure(report: &TestReport, name: &str) -> String {
    let scenario = scenario(report, name);
    assert!(!scenario.passed(), "{name} should fail");
    let failures = scenario.steps.iter().flat_map(|step| &step.failures).map(|failure| failure.message.clone());
    failures.chain(scenario.error.clone()).next().unwrap_or_default()
}

const JOURNEYS: &str = r##"
- name: buys
  engine: browser
  flow:
    - goto: /
    - expect: { selector: "text=shoes", title: Shop, url: /, status: 200 }
    - wait: .ready
    - fill: { selector: "#name", value: "Ada {{ $randomNumber(7, 7) }}" }
    - fill: { selector: "#password", value: hunter2hunter2 }
    - fill: { selector: "#size", value: Large }
    - fill: { selector: "#gift", value: true }
    - screenshot: before/buying
    - click: 'text="Buy now"'
    - expect: { selector: h1, text: "Thank you, Ada+7", url: "name=Ada+7" }
    - click: text=Back
    - fill: { selector: "#name", value: Bob }
    - press: Enter
    - wait: { text: "Thank you, Bob", timeout: 5s }
- { name: misspells, engine: browser, flow: [{ goto: / }, { click: "#byu" }] }
- { name: is early, engine: browser, flow: [{ goto: / }, { click: "#off" }] }
- { name: is covered, engine: browser, flow: [{ goto: / }, { click: "#under" }] }
- { name: expects too much, engine: browser, flow: [{ goto: / }, { expect: { selector: "#late", text: Sold out } }] }
- { name: gets an error, engine: browser, flow: [{ goto: / }, { click: text=Help }, { expect: { status: 200 } }] }
- { name: waits for ever, engine: browser, flow: [{ goto: /stuck }] }
- { name: goes nowhere, engine: browser, flow: [{ goto: "http://127.0.0.1:1/" }] }
- { name: cannot select, engine: browser, flow: [{ goto: / }, { click: "#1x" }] }
"##;

#[test]
fn journeys_pass_and_fail_for_the_right_reasons() {
    let _alone = alone();
    let shop = Shop::open();
    let program = shop.program(JOURNEYS).unwrap();
    let options = TestOptions { traced: true, ..TestOptions::default() };
    let report = runtime().block_on(test::play_with(&program, &options, CancellationToken::new()));

    let buys = scenario(&report, "buys");
    assert!(buys.passed(), "{:#?}", report.lines());
    let (load, click) = (&buys.steps[0], buys.steps.iter().find(|step| step.name.contains("Buy now")).unwrap());
    assert_eq!((load.method.as_str(), load.status, click.status), ("goto", Some(200), Some(200)));
    assert!(0.0 < load.first_byte_ms && load.first_byte_ms <= load.last_byte_ms, "{load:?}");
    assert!(click.url.contains("/thanks?name=Ada+7"), "{}", click.url);
    assert!(load.trace_id.is_some() && shop.asked.lock().unwrap().contains(&"/ traced".to_owned()));
    assert!(shop.asked.lock().unwrap().contains(&"/app.js".to_owned()), "only the page itself is traced");

    let near = failure(&report, "misspells");
    assert!(near.starts_with("no `#byu` within 2000 ms; did you mean `#buy`?; the page is “Shop”, http://"), "{near}");
    assert!(near.ends_with("its console says: no stock service"), "{near}");
    assert!(failure(&report, "is early").starts_with("`#off` was disabled for 2000 ms"));
    assert!(failure(&report, "is covered").contains("`#under` was covered by <div.veil>"));
    let text = failure(&report, "expects too much");
    assert!(text.contains("the text “Sold out”") && text.contains("“In stock”"), "{text}");
    let status = failure(&report, "gets an error");
    assert!(status.contains("status") && status.contains("500"), "{status}");
    let stuck = failure(&report, "waits for ever");
    assert!(stuck.contains("still waits for") && stuck.contains("/never.png, within 2000 ms"), "{stuck}");
    let nowhere = failure(&report, "goes nowhere");
    assert!(nowhere.contains("could not be opened"), "{nowhere}");
    assert!(failure(&report, "cannot select").contains("`#1x` is no selector"));

    evidence(&report);
    vitals(&report, &shop);
    assert_eq!((processes(), profiles()), (Vec::new(), 0), "nothing is left");
}

/// A picture for each that was asked for and for each failure, and the requests of what failed, without secrets.
fn evidence(report: &TestReport) {
    let of = |name: &str| &scenario(report, name).attachments;
    let names = |name: &str| of(name).iter().map(|of| of.name.clone()).collect::<Vec<_>>();
    assert_eq!(names("buys"), ["before-buying.png"]);
    assert_eq!(names("misspells"), ["failed.png", "requests.har"]);
    assert!(of("buys")[0].bytes.starts_with(b"\x89PNG\r\n\x1a\n"));

    let har: Value = serde_json::from_slice(&of("gets an error")[1].bytes).unwrap();
    let entries = har["log"]["entries"].as_array().unwrap();
    let statuses: Vec<u64> = entries.iter().filter_map(|entry| entry["response"]["status"].as_u64()).collect();
    assert_eq!((har["log"]["version"].as_str(), statuses), (Some("1.2"), vec![200, 200, 500]));
    let text = har.to_string();
    assert!(!text.contains("t0psecret") && !text.contains("a=b"), "{text}");
    let json = serde_json::to_string(report).unwrap();
    assert!(!json.contains("hunter2hunter2") && !json.contains("attachments"), "{json}");
}

fn vitals(report: &TestReport, shop: &Shop) {
    let metrics = &scenario(report, "buys").metrics;
    for name in ["FCP", "LCP", "TTFB", "CLS"] {
        let value = metrics.get(&format!("browser.page.{name}.{}/", shop.address));
        assert!(value.is_some_and(|value| (0.0..10_000.0).contains(value)), "{name}: {metrics:?}");
    }
    // A page that is left may have asked for something that it did not get.
    assert!(metrics["browser.page.codes.200"] >= 5.0 && metrics["browser.http_requests"] >= metrics["browser.page.codes.200"]);
}

#[test]
fn a_cancelled_journey_leaves_no_process() {
    let _alone = alone();
    let shop = Shop::open();
    let program = shop.program("- { engine: browser, flow: [{ goto: / }, { wait: 600 }] }").unwrap();
    let cancel = CancellationToken::new();
    let asked = shop.asked.clone();
    let report = runtime().block_on(async {
        let cancelling = cancel.clone();
        let watching = tokio::spawn(async move {
            while !asked.lock().unwrap().contains(&"/".to_owned()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert!(!processes().is_empty());
            cancelling.cancel();
        });
        let report = test::play(&program, cancel).await;
        watching.await.unwrap();
        report
    });
    assert_eq!(report.scenarios[0].error.as_deref(), Some("the test was cancelled"));
    assert_eq!((processes(), profiles()), (Vec::new(), 0));
}

#[test]
fn users_of_a_load_share_a_browser_and_their_vitals_are_counted() {
    let _alone = alone();
    let shop = Shop::open();
    let program = Arc::new(shop.program("- { name: look, engine: browser, flow: [{ goto: / }, { expect: { text: Shoes } }] }").unwrap());
    let began = Instant::now();
    let played = load::run(program.clone(), LoadOptions::default(), Arc::new(Unobserved), CancellationToken::new());
    let outcome = runtime().block_on(played).unwrap();
    let report = Report::new(&program, &outcome, Duration::from_millis(500));
    assert!(began.elapsed() < Duration::from_secs(30));
    assert_eq!((outcome.measured.vusers.completed, outcome.measured.vusers.failed), (2, 0), "{report:?}");
    assert_eq!(outcome.measured.codes.sorted().get(&200), Some(&2));
    let painted = outcome.measured.histograms.get(&format!("browser.page.FCP.{}/", shop.address)).unwrap();
    assert_eq!(painted.count(), 2);
    assert_eq!((processes(), profiles()), (Vec::new(), 0));
}

#[test]
fn what_cannot_be_opened_is_told_before_anything_is_played() {
    let shop = Shop::open();
    let errors = shop.program("- { engine: browser, flow: [{ goto: 'file:///etc/passwd' }] }").unwrap_err();
    assert!(errors[0].message.ends_with("a browser opens only http and https"), "{errors:?}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.yaml");
    std::fs::write(&path, "scenarios: [{ engine: playwright, testFunction: buy, flow: [{ think: 1 }] }]").unwrap();
    let (_, diagnostics) = documents::script::read_file(&path);
    assert!(diagnostics.iter().any(|told| told.message == "Playwright's files are not read"), "{diagnostics:?}");
}
