//! The reverse proxy beside nginx, before the same nginx, in turns.

use std::process::Command;

use anyhow::Context;
use serde_json::json;
use tokio::net::TcpListener;

use super::nginx::{FILES, Nginx, PAGE};
use super::process::{Process, find, mainstay};
use super::report::{Report, median};
use super::wrk;

const CONNECTIONS: usize = 50;
const SECONDS: u64 = 3;
const ROUNDS: usize = 7;

/// Which cores the programs run on.
struct Cores {
    title: &'static str,
    proxies: String,
    others: String,
}

impl Cores {
    /// Where the scheduler likes; and, with more than one core, the proxies on the last and what surrounds them on the
    /// rest, so that neither empties the caches of the other.
    fn placements() -> Vec<Self> {
        let last = std::thread::available_parallelism().map_or(0, |cores| cores.get() - 1);
        let all = format!("0-{last}");
        let shared = Self { title: "cores shared with client and backend", proxies: all.clone(), others: all };
        let apart = (last > 0).then(|| Self { title: "on a core apart from client and backend", proxies: last.to_string(), others: format!("0-{}", last - 1) });
        [shared].into_iter().chain(apart).collect()
    }
}

pub async fn run(report: &mut Report) -> anyhow::Result<()> {
    let backend = Nginx::start("", FILES).await?;
    let address = backend.url.trim_start_matches("http://");
    // It sends the same headers on.
    let upstream = format!("upstream backend {{ server {address}; keepalive 128; keepalive_requests 100000000; }}");
    let nginx = Nginx::start(
        &upstream,
        r#"location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
             proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Host $host; proxy_set_header X-Forwarded-Proto $scheme; }"#,
    )
    .await?;
    let ours = Ours::start(&backend.url).await?;
    for cores in Cores::placements() {
        backend.process.keep_to(&cores.others)?;
        let rows = [("no proxy", &backend.url, None), ("nginx", &nginx.url, Some(&nginx.process)), ("mainstay proxy", &ours.url, Some(&ours.process))];
        let mut rows = rows.map(|(name, url, process)| Row::new(name, url, process));
        for process in rows.iter().filter_map(|row| row.process) {
            process.keep_to(&cores.proxies)?;
        }
        for _ in 0..ROUNDS {
            for row in &mut rows {
                row.measure(&cores)?;
            }
        }
        tell(report, &cores, &rows);
    }
    Ok(())
}

fn tell(report: &mut Report, cores: &Cores, rows: &[Row<'_>; 3]) {
    let [direct, theirs, _] = rows;
    let shown = |row: &Row<'_>| {
        // Turn by turn, as whatever else the machine does weighs on neighbours alike.
        let share = row.turns.iter().zip(&theirs.turns).map(|(turn, theirs)| turn.per_cpu_s / theirs.per_cpu_s * 100.0).collect();
        let added_ms = row.median(|turn| turn.median_ms) - direct.median(|turn| turn.median_ms);
        let figures = [format!("{:.0}", row.median(|turn| turn.per_s)), format!("{:.0}", row.median(|turn| turn.per_cpu_s)), format!("{:.0} %", median(share)), format!("{added_ms:.3}")];
        let [per_s, per_cpu_s, share, added] = figures.map(|figure| figure.replace("NaN %", "–").replace("NaN", "–"));
        [row.name.to_owned(), per_s, per_cpu_s, share, added]
    };
    report.table(
        &format!("Reverse proxies, one thread each, {}, 1 KiB, {CONNECTIONS} connections that stay open, median of {ROUNDS}", cores.title),
        ["proxy", "requests per second", "requests per second of its processor time", "of nginx", "ms added at the median, one connection"],
        rows.iter().map(shown).collect(),
    );
}

/// `mainstay proxy` with two versions that share the traffic.
struct Ours {
    url: String,
    process: Process,
    _folder: tempfile::TempDir,
}

impl Ours {
    async fn start(backend: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let listen = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        let config = json!({ "listen": listen, "versions": { "1": [backend], "2": [backend] }, "shares": { "old": "1", "new": "2", "weight": 10 }, "workers": 1 });
        let file = folder.path().join("proxy.json");
        std::fs::write(&file, config.to_string())?;
        let mut process = Process::start(mainstay()?, &["proxy".to_owned(), "--config".to_owned(), file.display().to_string()], &folder.path().join("log"))?;
        let (url, client) = (format!("http://{listen}"), super::peer::client()?);
        process.ready(async || client.get(format!("{url}/{PAGE}")).send().await.is_ok_and(|answer| answer.status().is_success())).await?;
        Ok(Self { url, process, _folder: folder })
    }
}

struct Row<'a> {
    name: &'static str,
    url: String,
    process: Option<&'a Process>,
    turns: Vec<Turn>,
}

struct Turn {
    per_s: f64,
    /// Not a number without a proxy.
    per_cpu_s: f64,
    /// With one connection, so that nothing waits for anything else.
    median_ms: f64,
}

impl<'a> Row<'a> {
    fn new(name: &'static str, url: &str, process: Option<&'a Process>) -> Self {
        Self { name, url: format!("{url}/{PAGE}"), process, turns: Vec::new() }
    }

    fn measure(&mut self, cores: &Cores) -> anyhow::Result<()> {
        let cpu_s = || self.process.map_or(f64::NAN, Process::cpu_s);
        let before = cpu_s();
        let loaded = self.wrk(cores, CONNECTIONS, SECONDS)?;
        let used_s = cpu_s() - before;
        let alone = self.wrk(cores, 1, 1)?;
        self.turns.push(Turn { per_s: loaded.requests / loaded.seconds, per_cpu_s: loaded.requests / used_s, median_ms: alone.median_ms.context("wrk tells the median")? });
        Ok(())
    }

    fn wrk(&self, cores: &Cores, connections: usize, seconds: u64) -> anyhow::Result<wrk::Told> {
        let program = find("wrk").context("wrk is not installed: apt-get install wrk")?;
        let output = Command::new("taskset").args(["-c", &cores.others]).arg(program).args(["-t", "1", "-c", &connections.to_string(), "-d", &format!("{seconds}s"), "--latency", &self.url]).output()?;
        wrk::read(&String::from_utf8_lossy(&output.stdout))
    }

    fn median(&self, value: impl Fn(&Turn) -> f64) -> f64 {
        median(self.turns.iter().map(value).collect())
    }
}
