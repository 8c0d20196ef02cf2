//! Load generators beside each other: the processor time that each needs for a request, against the same nginx.
//!
//! The time of a run with next to no requests is taken off, so that what a tool needs to start does not count.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::Value;
use tempfile::TempDir;

use super::nginx::{FILES, Nginx};
use super::process::{Process, find, mainstay};
use super::report::{Report, median};
use super::wrk;

/// As the peers' own measurements have it.
const CONNECTIONS: usize = 50;
/// Each tool has a run of each; the middle counts.
const ROUNDS: usize = 3;
const SECONDS: u64 = 5;
/// An arrival rate that the slowest of the peers keeps, too.
const OPEN_RATE: u64 = 200;
/// Requests of one user who stays.
const LOOPS: u64 = 200;

pub async fn run(report: &mut Report) -> anyhow::Result<()> {
    let nginx = Nginx::start("", FILES).await?;
    let place = Place { folder: tempfile::tempdir()?, url: nginx.url.clone() };
    one_request(&place, report)?;
    same_script(&place, report)?;
    waiting_users(&place, report).await?;
    start_to_exit(&place, report)
}

/// Where scripts are written, and what they speak to.
struct Place {
    folder: TempDir,
    url: String,
}

impl Place {
    fn write(&self, name: &str, text: &str) -> anyhow::Result<String> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text.replace("URL", &self.url))?;
        Ok(path.display().to_string())
    }
}

/// What a run used, and what it did.
struct Used {
    cpu_s: f64,
    requests: f64,
}

impl Used {
    fn microseconds(&self, idle: &Self) -> f64 {
        (self.cpu_s - idle.cpu_s) / (self.requests - idle.requests) * 1e6
    }
}

/// As many requests as a tool can send over 50 connections that stay open.
fn one_request(place: &Place, report: &mut Report) -> anyhow::Result<()> {
    let page = format!("{}/page.html", place.url);
    let closed = |seconds: u64, flow: &str| {
        format!("config: {{ target: 'URL', http: {{ pool: {CONNECTIONS} }}, phases: [{{ duration: {seconds}, concurrency: {CONNECTIONS} }}], plugins: {{ expect: {{}} }} }}\nscenarios: [{{ flow: {flow} }}]")
    };
    let single = "[{ get: { url: /page.html } }]";
    let five = "[{ get: { url: /item.json, capture: { json: $.id, as: id }, expect: [{ statusCode: 200 }] } }, \
        { get: { url: '/page.html?id={{ id }}', expect: [{ statusCode: 200 }] } }, \
        { get: { url: '/page.html?id={{ id }}&u={{ $uuid }}', headers: { x-id: '{{ id }}' }, expect: [{ statusCode: 200 }] } }, \
        { get: { url: /item.json, capture: { json: $.price, as: price }, expect: [{ statusCode: 200 }, { hasProperty: price }] } }, \
        { get: { url: '/page.html?price={{ price }}', expect: [{ statusCode: 200 }] } }]";
    let mut tools: Vec<(&str, Box<dyn Fn(bool) -> anyhow::Result<Used> + '_>)> = Vec::new();
    if let Some(oha) = find("oha") {
        let page = page.clone();
        tools.push(("oha", Box::new(move |idle| {
            let seconds = if idle { "1ms".to_owned() } else { format!("{SECONDS}s") };
            let arguments = ["--no-tui", "--output-format", "json", "-c", &CONNECTIONS.to_string(), "-z", &seconds, &page].map(str::to_owned);
            let (cpu_s, output) = measured(&oha, &arguments)?;
            let answer: Value = serde_json::from_slice(&output.stdout).context("oha prints JSON")?;
            let requests = answer["statusCodeDistribution"].as_object().map_or(0.0, |codes| codes.values().filter_map(Value::as_f64).sum());
            Ok(Used { cpu_s, requests })
        })));
    }
    if let Some(program) = find("wrk") {
        let page = page.clone();
        tools.push(("wrk", Box::new(move |idle| {
            if idle {
                return Ok(Used { cpu_s: 0.0, requests: 0.0 });
            }
            let arguments = ["-t", "2", "-c", &CONNECTIONS.to_string(), "-d", &format!("{SECONDS}s"), &page].map(str::to_owned);
            let (cpu_s, output) = measured(&program, &arguments)?;
            Ok(Used { cpu_s, requests: wrk::read(&String::from_utf8_lossy(&output.stdout))?.requests })
        })));
    }
    for (name, flow) in [("Mainstay, one request", single), ("Mainstay, a flow of five", five)] {
        tools.push((name, Box::new(move |idle| {
            let script = place.write("closed.yaml", &closed(if idle { 0 } else { SECONDS }.max(1), flow))?;
            let script = if idle { place.write("once.yaml", &format!("config: {{ target: 'URL', phases: [{{ duration: 1, arrivalCount: 1 }}] }}\nscenarios: [{{ flow: {single} }}]"))? } else { script };
            ours(&script)
        })));
    }
    if let Some(locust) = find("locust") {
        let file = place.write("locustfile.py", "from locust import FastHttpUser, task, constant\nclass Visitor(FastHttpUser):\n    host = 'URL'\n    wait_time = constant(0)\n    @task\n    def page(self):\n        self.client.get('/page.html')\n")?;
        tools.push(("Locust, fast client", Box::new(move |idle| {
            let (users, seconds) = if idle { (1, 1) } else { (CONNECTIONS as u64, SECONDS) };
            let arguments = ["-f", &file, "--headless", "-u", &users.to_string(), "-r", "1000", "-t", &format!("{seconds}s"), "--json", "--loglevel", "ERROR"].map(str::to_owned);
            let (cpu_s, output) = measured(&locust, &arguments)?;
            let answer: Value = serde_json::from_slice(&output.stdout).context("locust prints JSON")?;
            Ok(Used { cpu_s, requests: answer[0]["num_requests"].as_f64().context("locust tells its requests")? })
        })));
    }
    let rows = compared(&tools)?;
    report.table(&format!("Processor time of a request, {CONNECTIONS} connections that stay open, as fast as each can"), ["tool", "µs a request", "× the first"], rows);
    Ok(())
}

/// One script file, read by both, in two shapes: users who stay on their connections, and users who come and go.
fn same_script(place: &Place, report: &mut Report) -> anyhow::Result<()> {
    let Some(artillery) = find("artillery") else {
        eprintln!("artillery is not installed, so it is left out: npm install -g artillery");
        return Ok(());
    };
    let theirs = |script: &str| {
        let told = place.folder.path().join("artillery.json");
        let arguments = ["run", "--quiet", "--output", &told.display().to_string(), script].map(str::to_owned);
        let (cpu_s, _) = measured(&artillery, &arguments)?;
        let answer: Value = serde_json::from_slice(&std::fs::read(&told)?)?;
        Ok(Used { cpu_s, requests: answer["aggregate"]["counters"]["http.requests"].as_f64().context("artillery tells its requests")? })
    };
    let script = |name: &str, phase: &str, loops: u64| {
        place.write(name, &format!("config: {{ target: 'URL', phases: [{{ {phase} }}] }}\nscenarios: [{{ flow: [{{ loop: [{{ get: {{ url: /page.html }} }}], count: {loops} }}] }}]"))
    };
    let idle = script("idle.yaml", "duration: 1, arrivalRate: 1", 5)?;
    let staying = script("staying.yaml", &format!("duration: 1, arrivalCount: {CONNECTIONS}"), LOOPS)?;
    let coming = script("coming.yaml", &format!("duration: {SECONDS}, arrivalRate: {OPEN_RATE}"), 5)?;
    for (shape, loaded) in [
        (format!("{CONNECTIONS} users, each {LOOPS} requests on one connection"), &staying),
        (format!("{OPEN_RATE} users a second, each five requests on a connection of its own"), &coming),
    ] {
        let tools: Vec<(&str, Box<dyn Fn(bool) -> anyhow::Result<Used> + '_>)> = vec![
            ("Mainstay", Box::new(|is_idle| ours(if is_idle { &idle } else { loaded }))),
            ("Artillery", Box::new(|is_idle| theirs(if is_idle { &idle } else { loaded }))),
        ];
        let rows = compared(&tools)?;
        report.table(&format!("Processor time of a request, the same script file: {shape}"), ["tool", "µs a request", "× the first"], rows);
    }
    Ok(())
}

/// The middle of some rounds in turn, and how many times the first tool's it is.
fn compared(tools: &[(&str, Box<dyn Fn(bool) -> anyhow::Result<Used> + '_>)]) -> anyhow::Result<Vec<[String; 3]>> {
    let mut figures = vec![Vec::new(); tools.len()];
    for _ in 0..ROUNDS {
        for ((name, run), figures) in tools.iter().zip(&mut figures) {
            let idle = run(true).with_context(|| (*name).to_owned())?;
            figures.push(run(false).with_context(|| (*name).to_owned())?.microseconds(&idle));
        }
    }
    let middles: Vec<f64> = figures.into_iter().map(median).collect();
    let first = middles.first().copied().unwrap_or(f64::NAN);
    Ok(tools.iter().zip(&middles).map(|((name, _), middle)| [(*name).to_owned(), format!("{middle:.1}"), format!("{:.2}", middle / first)]).collect())
}

fn ours(script: &str) -> anyhow::Result<Used> {
    let (cpu_s, output) = measured(&mainstay()?, &["load", script, "--format", "json"].map(str::to_owned))?;
    let answer: Value = serde_json::from_slice(&output.stdout).with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    Ok(Used { cpu_s, requests: answer["responses"].as_f64().context("a report tells its answers")? })
}

/// Users who do nothing but wait.
async fn waiting_users(place: &Place, report: &mut Report) -> anyhow::Result<()> {
    const USERS: usize = 10_000;
    let script = place.write(
        "waiting.yaml",
        &format!("config: {{ target: 'URL', phases: [{{ duration: 2, arrivalCount: {USERS} }}] }}\nscenarios: [{{ flow: [{{ think: 6 }}] }}]"),
    )?;
    let process = Process::start(mainstay()?, &["load".to_owned(), script], &place.folder.path().join("log"))?;
    let began = Instant::now();
    let mut most = 0.0_f64;
    while began.elapsed() < Duration::from_secs(5) {
        most = most.max(process.resident_mib());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    report.table("Memory of users who wait", ["users", "resident, MiB"], vec![[USERS.to_string(), format!("{most:.0}")]]);
    Ok(())
}

/// From the start of the process to its exit, with one request.
fn start_to_exit(place: &Place, report: &mut Report) -> anyhow::Result<()> {
    const STARTS: usize = 20;
    let script = place.write("one.yaml", "config: { target: 'URL' }\nscenarios: [{ flow: [{ get: { url: /page.html } }] }]")?;
    let time = |program: &Path, arguments: &[String]| -> anyhow::Result<f64> {
        let mut times = Vec::new();
        for _ in 0..STARTS {
            let began = Instant::now();
            measured(program, arguments)?;
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        Ok(median(times))
    };
    let mut rows = vec![["mainstay run".to_owned(), format!("{:.1}", time(&mainstay()?, &["run".to_owned(), script])?)]];
    if let Some(oha) = find("oha") {
        let arguments = ["--no-tui", "-n", "1", "-c", "1", &format!("{}/page.html", place.url)].map(str::to_owned);
        rows.push(["oha -n 1".to_owned(), format!("{:.1}", time(&oha, &arguments)?)]);
    }
    report.table("One request, from start to exit", ["command", "ms"], rows);
    Ok(())
}

/// Runs to the end; the processor time of it and of its children.
fn measured(program: &Path, arguments: &[String]) -> anyhow::Result<(f64, Output)> {
    let before = children_cpu_s();
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).env_remove("MAINSTAY_SERVER").output();
    let output = output.with_context(|| format!("{} cannot be started", program.display()))?;
    Ok((children_cpu_s() - before, output))
}

/// Of all children that were waited for, and of theirs.
fn children_cpu_s() -> f64 {
    const TICKS_PER_S: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().map(|field| field.parse().unwrap_or_default()).collect();
    fields.get(13..15).map_or(0.0, |times| times.iter().sum::<f64>() / TICKS_PER_S)
}
