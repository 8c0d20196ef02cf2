//! The proxy beside nginx: the same backend (nginx, a file of 1 KiB), the same load (wrk), one after the other in
//! turns. Prints Markdown, and with `--json` JSON. Needs `nginx` and `wrk`.
//!
//! `cargo run --release -p mainstay-proxy --example proxy_bench -- [--json] [--seconds 2] [--rounds 7] [--workers 1]`

use std::fmt::Write as _;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use proxy::{Config, Proxy, Shares};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

const CONNECTIONS: usize = 50;
const TICKS_PER_S: f64 = 100.0;

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: usize| arguments.iter().position(|argument| argument == name).and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(default);
    let workers = number("--workers", 1);
    if let Some(at) = arguments.iter().position(|argument| argument == "--serve") {
        return serve(arguments[at + 1].parse()?, &arguments[at + 2], workers);
    }
    let (seconds, rounds) = (number("--seconds", 2), number("--rounds", 7));
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("index.html"), "a".repeat(1024))?;

    let (backend, nginx_at, proxy_at) = (free_address()?, free_address()?, free_address()?);
    let _backend = nginx(folder.path(), "backend", &format!("server {{ listen {backend}; root {}; }}", folder.path().display()), 1, backend)?;
    let upstream = format!(
        "upstream u {{ server {backend}; keepalive 128; keepalive_requests 100000000; }} server {{ listen {nginx_at}; location / {{ proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection \"\"; \
         proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Host $host; proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header Via \"1.1 nginx\"; }} }}"
    );
    let nginx = nginx(folder.path(), "proxy", &upstream, workers, nginx_at)?;
    let ours = Running(Command::new(std::env::current_exe()?).args(["--serve", &proxy_at.to_string(), &format!("http://{backend}"), "--workers", &workers.to_string()]).spawn()?);
    wait_for(proxy_at)?;

    let mut rows: Vec<Row> = [("no proxy", backend, None), ("nginx", nginx_at, Some(&nginx)), ("mainstay", proxy_at, Some(&ours))].map(|(name, address, process)| Row { name, address, process, runs: Vec::new() }).into();
    for _ in 0..rounds {
        for row in &mut rows {
            row.measure(seconds)?;
        }
    }
    report(&rows, workers, arguments.iter().any(|argument| argument == "--json"))
}

fn serve(listen: SocketAddr, backend: &str, workers: usize) -> Fallible<()> {
    let mut config = Config::new(listen, [("1".to_owned(), vec![backend.to_owned()]), ("2".to_owned(), vec![backend.to_owned()])].into());
    config.shares = Some(Shares { old: Some("1".to_owned()), new: "2".to_owned(), weight: 10.0 });
    config.workers = Some(workers);
    let _proxy = Proxy::start(config, None)?;
    loop {
        std::thread::park();
    }
}

struct Row<'a> {
    name: &'static str,
    address: SocketAddr,
    process: Option<&'a Running>,
    runs: Vec<Run>,
}

struct Run {
    per_s: f64,
    /// None without a proxy.
    per_cpu_s: Option<f64>,
    median_ms: f64,
    p99_ms: f64,
    /// With one connection, so that nothing waits for anything else.
    median_alone_ms: f64,
    errors: u64,
}

impl Row<'_> {
    fn measure(&mut self, seconds: usize) -> Fallible<()> {
        let before = self.process.map(Running::ticks).transpose()?;
        let load = wrk(self.address, CONNECTIONS, seconds)?;
        let after = self.process.map(Running::ticks).transpose()?;
        let alone = wrk(self.address, 1, 2)?;
        let per_cpu_s = before.zip(after).map(|(before, after)| load.requests / ((after - before) / TICKS_PER_S));
        self.runs.push(Run { per_s: load.requests / load.seconds, per_cpu_s, median_ms: load.median_ms, p99_ms: load.p99_ms, median_alone_ms: alone.median_ms, errors: load.errors });
        Ok(())
    }

    fn median(&self, value: impl Fn(&Run) -> f64) -> f64 {
        median(self.runs.iter().map(value).collect())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn report(rows: &[Row<'_>], workers: usize, json: bool) -> Fallible<()> {
    let [direct, nginx, _] = rows else { return Err("three rows".into()) };
    let per_cpu_s = |row: &Row<'_>| row.median(|run| run.per_cpu_s.unwrap_or(f64::NAN));
    // Turn by turn, as whatever else the machine does weighs on neighbours alike.
    let of_nginx = |row: &Row<'_>| median(row.runs.iter().zip(&nginx.runs).map(|(run, nginx)| run.per_cpu_s.unwrap_or(f64::NAN) / nginx.per_cpu_s.unwrap_or(f64::NAN)).collect());
    let added_ms = |row: &Row<'_>| row.median(|run| run.median_alone_ms) - direct.median(|run| run.median_alone_ms);
    if json {
        let values: Vec<serde_json::Value> = rows
            .iter()
            .map(|row| {
                serde_json::json!({
                    "name": row.name, "requestsPerS": row.median(|run| run.per_s), "requestsPerCpuS": per_cpu_s(row), "ofNginx": of_nginx(row),
                    "medianMs": row.median(|run| run.median_ms), "p99Ms": row.median(|run| run.p99_ms), "addedMedianMs": added_ms(row), "errors": row.runs.iter().map(|run| run.errors).sum::<u64>(),
                })
            })
            .collect();
        println!("{}", serde_json::json!({ "connections": CONNECTIONS, "workers": workers, "rows": values }));
        return Ok(());
    }
    let mut text = format!("Reverse proxies at {CONNECTIONS} connections, {workers} worker(s), 1 KiB, medians of the rounds\n\n| | requests/s | requests/CPU-s | of nginx | median | p99 | added at the median, one connection | errors |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for row in rows {
        let share = of_nginx(row) * 100.0;
        let errors: u64 = row.runs.iter().map(|run| run.errors).sum();
        writeln!(
            text,
            "| {} | {:.0} | {:.0} | {share:.0} % | {:.2} ms | {:.2} ms | {:.3} ms | {errors} |",
            row.name,
            row.median(|run| run.per_s),
            per_cpu_s(row),
            row.median(|run| run.median_ms),
            row.median(|run| run.p99_ms),
            added_ms(row)
        )?;
    }
    println!("{}", text.replace("NaN", "–").replace("– %", "–"));
    Ok(())
}

struct Load {
    requests: f64,
    seconds: f64,
    median_ms: f64,
    p99_ms: f64,
    errors: u64,
}

fn wrk(address: SocketAddr, connections: usize, seconds: usize) -> Fallible<Load> {
    let output = Command::new("wrk").args(["-t1", &format!("-c{connections}"), &format!("-d{seconds}"), "--latency", &format!("http://{address}/")]).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let after = |label: &str| text.lines().find_map(|line| line.trim().strip_prefix(label)).map(|rest| rest.trim().to_owned()).ok_or(format!("wrk says no {label}: {text}"));
    let counted = text.lines().find(|line| line.contains("requests in")).ok_or("wrk counted nothing")?;
    let mut words = counted.split_whitespace();
    let requests = words.next().unwrap_or_default().parse()?;
    let seconds = ms(words.nth(2).unwrap_or_default().trim_end_matches(','))? / 1000.0;
    let errors = text.lines().filter(|line| line.contains("Socket errors") || line.contains("Non-2xx")).flat_map(|line| line.split([' ', ','])).filter_map(|word| word.parse::<u64>().ok()).sum();
    Ok(Load { requests, seconds, median_ms: ms(&after("50%")?)?, p99_ms: ms(&after("99%")?)?, errors })
}

fn ms(text: &str) -> Fallible<f64> {
    let (digits, unit) = text.split_at(text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(text.len()));
    let factor = match unit {
        "us" => 0.001,
        "ms" => 1.0,
        "s" => 1000.0,
        _ => return Err(format!("{text} is no time of wrk").into()),
    };
    Ok(digits.parse::<f64>()? * factor)
}

/// Ended when dropped, with its children.
struct Running(Child);

impl Running {
    /// Of processor time, of the process and of its children.
    fn ticks(&self) -> Fallible<f64> {
        let mut pids = vec![self.0.id()];
        let mut children = String::new();
        std::fs::File::open(format!("/proc/{0}/task/{0}/children", self.0.id()))?.read_to_string(&mut children)?;
        pids.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        pids.into_iter()
            .map(|pid| {
                let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
                let fields: Vec<&str> = stat.rsplit_once(')').ok_or("stat")?.1.split_whitespace().collect();
                Ok(fields[11].parse::<f64>()? + fields[12].parse::<f64>()?)
            })
            .sum()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // nginx's master ends its workers on SIGTERM, of which a kill would make orphans.
        Command::new("kill").arg(self.0.id().to_string()).status().ok();
        self.0.wait().ok();
    }
}

fn nginx(folder: &Path, name: &str, servers: &str, workers: usize, address: SocketAddr) -> Fallible<Running> {
    let folder = folder.display();
    let text = format!(
        "worker_processes {workers}; daemon off; pid {folder}/{name}.pid; error_log {folder}/{name}.log; events {{ worker_connections 4096; }}\n\
         http {{ access_log off; keepalive_requests 100000000; open_file_cache max=10; client_body_temp_path {folder}/{name}-c; proxy_temp_path {folder}/{name}-p; fastcgi_temp_path {folder}/{name}-f; \
         uwsgi_temp_path {folder}/{name}-u; scgi_temp_path {folder}/{name}-s; {servers} }}"
    );
    let path = format!("{folder}/{name}.conf");
    std::fs::write(&path, text)?;
    // As root its workers would be another user's, who may not read the folder.
    let user = format!("user {};", std::env::var("USER").unwrap_or_else(|_| "root".to_owned()));
    let child = Command::new("nginx").args(["-c", &path, "-g", &user]).stderr(Stdio::null()).spawn()?;
    let running = Running(child);
    wait_for(address)?;
    Ok(running)
}

fn free_address() -> Fallible<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn wait_for(address: SocketAddr) -> Fallible<()> {
    let began = Instant::now();
    while TcpStream::connect(address).is_err() {
        if began.elapsed() > Duration::from_secs(10) {
            return Err(format!("nothing listens on {address}").into());
        }
        std::thread::yield_now();
    }
    Ok(())
}
