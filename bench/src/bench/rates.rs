//! Whether an open load keeps its rate, and whether the search for a limit finds one that is known.

use anyhow::Context;
use serde_json::Value;
use tempfile::TempDir;

use super::nginx::{FILES, Nginx};
use super::process::mainstay;
use super::report::Report;

/// Of the most that the engine can send over connections that stay open.
const SHARES: [f64; 3] = [0.2, 0.5, 0.8];
const SECONDS: u64 = 5;
const SEARCHES: usize = 10;
/// Requests a second that nginx lets pass; the others get a 503.
const LIMIT: f64 = 500.0;

pub async fn run(report: &mut Report) -> anyhow::Result<()> {
    let place = Place { folder: tempfile::tempdir()? };
    keeps_its_rate(&place, report).await?;
    finds_the_limit(&place, report).await
}

struct Place {
    folder: TempDir,
}

impl Place {
    /// What `mainstay load` with these arguments reports of a script.
    fn load(&self, script: &str, arguments: &[&str]) -> anyhow::Result<Value> {
        let path = self.folder.path().join("script.yaml");
        std::fs::write(&path, script)?;
        let output = std::process::Command::new(mainstay()?)
            .arg("load")
            .arg(&path)
            .args(["--format", "json"])
            .args(arguments)
            .env_remove("MAINSTAY_SERVER")
            .output()?;
        serde_json::from_slice(&output.stdout).with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

async fn keeps_its_rate(place: &Place, report: &mut Report) -> anyhow::Result<()> {
    let nginx = Nginx::start("", FILES).await?;
    let script = |phase: String| {
        format!(
            "config: {{ target: '{}', http: {{ pool: 50 }}, phases: [{{ duration: {SECONDS}, {phase} }}] }}\nscenarios: [{{ flow: [{{ get: {{ url: /page.html }} }}] }}]",
            nginx.url
        )
    };
    let figure = |report: &Value, name: &str| report.pointer(name).and_then(Value::as_f64).with_context(|| format!("a report tells {name}"));
    let closed = place.load(&script("concurrency: 50".to_owned()), &[])?;
    let most = figure(&closed, "/request_rate")?;
    let mut rows = vec![["the most, 50 users without a pause".to_owned(), format!("{most:.0}"), String::new(), String::new(), String::new()]];
    for share in SHARES {
        let rate = (most * share).floor();
        let open = place.load(&script(format!("arrivalRate: {rate}")), &[])?;
        let (asked, delivered) = (figure(&open, "/asked_rate")?, figure(&open, "/delivered_rate")?);
        rows.push([
            format!("{:.0} % of it", share * 100.0),
            format!("{asked:.0}"),
            format!("{delivered:.0}"),
            format!("{:.2} %", (delivered / asked - 1.0) * 100.0),
            format!("{:.2} %", figure(&open, "/slip/percent")?),
        ]);
    }
    report.table("An open load keeps its rate: arrivals a second, beside nginx on the same machine", ["load", "asked", "delivered", "difference", "slip"], rows);
    Ok(())
}

async fn finds_the_limit(place: &Place, report: &mut Report) -> anyhow::Result<()> {
    let zone = format!("limit_req_zone $server_port zone=all:1m rate={LIMIT}r/s;");
    let limited = Nginx::start(&zone, &format!("{FILES} location /item.json {{ limit_req zone=all burst=10 nodelay; }}")).await?;
    let script = |url: &str| format!("config: {{ target: '{url}' }}\nscenarios: [{{ flow: [{{ get: {{ url: /item.json }} }}] }}]");
    let mut rows = Vec::new();
    for number in 1..=SEARCHES {
        let found = place.load(&script(&limited.url), &["--find-limit", "--start-rate", "100", "--trial", "2s"])?;
        let bound = |name: &str| found["finding"][name].as_f64().with_context(|| format!("search {number}: {found}"));
        let (held, broke) = (bound("held")?, bound("broke")?);
        let off = [held, broke].map(|rate| (rate / LIMIT - 1.0).abs()).into_iter().fold(0.0, f64::max) * 100.0;
        rows.push([number.to_string(), format!("{held:.0}"), format!("{broke:.0}"), format!("{off:.1} %")]);
    }
    report.table(&format!("The search for a limit that is known, {LIMIT} requests a second"), ["search", "holds", "breaks", "farther from it"], rows);
    let unlimited = Nginx::start("", FILES).await?;
    let absent = place.load(&script(&unlimited.url), &["--find-limit", "--start-rate", "100", "--max-rate", "2000", "--trial", "2s"])?;
    let said = absent["finding"]["found"].as_str().unwrap_or_default().to_owned();
    report.table("The search where no limit is within reach, up to 2,000 a second", ["it says"], vec![[said]]);
    Ok(())
}
