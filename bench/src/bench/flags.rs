//! Feature flags: evaluations a second on one core, and requests a second through HTTP.

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;
use flags::{Ask, Context as Who, FlagSet};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::peer::{Mainstay, client};
use super::process::find;
use super::report::{Report, median};
use super::wrk;

const ROUNDS: usize = 5;
const CONNECTIONS: usize = 50;
const SECONDS: u64 = 5;
/// So many different users ask.
const USERS: usize = 1000;

const SPLIT: &str = r#"{"state": "ENABLED", "variants": {"a": 1, "b": 2}, "defaultVariant": "a", "targeting": {"fractional": [["a", 50], ["b", 50]]}}"#;
const TARGETED: &str = r#"{"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": {"if": [{"and": [{"ends_with": [{"var": "email"}, "@shop.example"]}, {"sem_ver": [{"var": "app"}, ">=", "2.1.0"]}, {"in": [{"var": "country"}, ["NZ", "AU", "DE"]]}]}, "on", "off"]}}"#;

pub async fn run(report: &mut Report) -> anyhow::Result<()> {
    in_process(report)?;
    over_http(report).await
}

fn in_process(report: &mut Report) -> anyhow::Result<()> {
    let flagd = format!(r#"{{"flags": {{"plain": {{"state": "ENABLED", "variants": {{"on": true}}, "defaultVariant": "on"}}, "split": {SPLIT}, "targeted": {TARGETED}}}}}"#);
    let appconfig = json!({
        "version": "1",
        "flags": {"variants": {"name": "Variants"}},
        "values": {"variants": {"_variants": [
            {"name": "staff", "enabled": true, "rule": "(and (ends_with $email \"@shop.example\") (in $country [\"FR\", \"IT\"]))"},
            {"name": "some", "enabled": true, "rule": "(split pct::20 by::$targetingKey)"},
            {"name": "others", "enabled": false}
        ]}}
    });
    let (flagd, appconfig) = (compiled(&flagd)?, compiled(&appconfig.to_string())?);
    let users: Vec<Who> = (0..USERS).map(user).collect();
    let row = |name: &str, set: &FlagSet, key: &str| {
        let rates = (0..ROUNDS).map(|_| rate(set, key, &users)).collect();
        [name.to_owned(), format!("{:.0}", median(rates))]
    };
    report.table(
        &format!("Evaluations a second on one core, median of {ROUNDS}"),
        ["flag", "evaluations per second"],
        vec![
            row("flagd, without rules", &flagd, "plain"),
            row("flagd, fractional", &flagd, "split"),
            row("flagd, ends_with and sem_ver and in", &flagd, "targeted"),
            row("AppConfig, three variants, split", &appconfig, "variants"),
        ],
    );
    Ok(())
}

fn rate(set: &FlagSet, key: &str, users: &[Who]) -> f64 {
    const TIME: Duration = Duration::from_millis(300);
    let (begun, mut count) = (Instant::now(), 0_usize);
    while begun.elapsed() < TIME {
        for context in users {
            let _ = black_box(set.evaluate(black_box(key), Ask { context, now: Timestamp::UNIX_EPOCH }));
        }
        count += users.len();
    }
    count as f64 / begun.elapsed().as_secs_f64()
}

/// OFREP, one flag a request, over connections that stay open; the sender shares the machine.
async fn over_http(report: &mut Report) -> anyhow::Result<()> {
    let client = client()?;
    let mainstay = Mainstay::start(&client).await?;
    let ops = mainstay.data().join("ops");
    std::fs::write(ops.join("catalog.yaml"), "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: { name: orders }\nspec: { type: service, lifecycle: production, owner: user:jo }\n---\napiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: { name: jo }\n")?;
    std::fs::write(ops.join("flags.json"), format!(r#"{{"flags": {{"split": {SPLIT}}}}}"#))?;
    std::fs::write(ops.join("profile.yaml"), "apiVersion: mainstay.dev/v1\nkind: ConfigProfile\nmetadata: { name: bench }\nspec: { component: orders, type: flags, file: flags.json, environments: [{ name: production }] }\n")?;
    let url = format!("{}/ofrep/v1/evaluate/flags/split", mainstay.http);
    let body = json!({"context": {"targetingKey": "user-1"}}).to_string();
    let begun = Instant::now();
    while !client.post(&url).body(body.clone()).send().await?.status().is_success() {
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(20), "the flag is not served");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let before = mainstay.process.cpu_s();
    let (tool, requests, seconds) = tokio::task::spawn_blocking(move || pressed(&url, &body)).await??;
    let used = mainstay.process.cpu_s() - before;
    report.table(
        &format!("OFREP over HTTP, {CONNECTIONS} connections that stay open"),
        ["sender", "requests per second", "requests per second of the server's processor time"],
        vec![[tool.to_owned(), format!("{:.0}", requests / seconds), format!("{:.0}", requests / used)]],
    );
    Ok(())
}

/// The sender, what it sent, and in which time.
fn pressed(url: &str, body: &str) -> anyhow::Result<(&'static str, f64, f64)> {
    if let Some(program) = find("wrk") {
        let script = tempfile::NamedTempFile::new()?;
        std::fs::write(script.path(), format!("wrk.method = 'POST'\nwrk.body = '{body}'\nwrk.headers['Content-Type'] = 'application/json'\n"))?;
        let arguments = ["-t", "1", "-c", &CONNECTIONS.to_string(), "-d", &format!("{SECONDS}s"), "-s", &script.path().display().to_string(), url].map(str::to_owned);
        let told = wrk::read(&String::from_utf8_lossy(&Command::new(program).args(arguments).output()?.stdout))?;
        return Ok(("wrk", told.requests, told.seconds));
    }
    let oha = find("oha").context("neither wrk nor oha is installed: apt-get install wrk")?;
    let arguments = ["--no-tui", "--output-format", "json", "-m", "POST", "-d", body, "-T", "application/json", "-c", &CONNECTIONS.to_string(), "-z", &format!("{SECONDS}s"), url].map(str::to_owned);
    let answer: Value = serde_json::from_slice(&Command::new(oha).args(arguments).output()?.stdout).context("oha prints JSON")?;
    let requests = answer["statusCodeDistribution"]["200"].as_f64().context("oha tells its requests")?;
    Ok(("oha", requests, SECONDS as f64))
}

fn compiled(definition: &str) -> anyhow::Result<FlagSet> {
    FlagSet::compile(definition.as_bytes(), None).map_err(|faults| anyhow::anyhow!("{faults:?}"))
}

fn user(number: usize) -> Who {
    let user = json!({"targetingKey": format!("user-{number}"), "email": format!("user-{number}@shop.example"), "app": "2.4.1", "country": "NZ"});
    user.as_object().cloned().unwrap_or_default()
}
