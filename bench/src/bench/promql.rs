//! PromQL range queries on the same data; the answers must agree.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::ensure;
use serde_json::Value;

use super::load::{METRIC, Metrics};
use super::peer::Pair;
use super::report::{Report, median};

const STEPS: i64 = 463;
const ROUNDS: usize = 5;

pub async fn run(servers: &Pair, load: &Metrics, report: &mut Report) -> anyhow::Result<()> {
    let queries = [
        format!("sum by (job) (rate({METRIC}[5m]))"),
        format!("avg_over_time({METRIC}{{path=\"/p1\", job=~\"job-[0-6]\"}}[1h])"),
        format!("count({METRIC})"),
        format!("{METRIC}{{host=~\"host-1[0-9]\"}}"),
    ];
    let mut rows = Vec::new();
    for query in queries {
        let (mut ours_ms, mut theirs_ms, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (ours, ours_in_ms) = ask(servers, &format!("{}/prometheus/api/v1/query_range", servers.mainstay.http), &query, load).await?;
            let (theirs, theirs_in_ms) = ask(servers, &format!("{}/api/v1/query_range", servers.prometheus.http), &query, load).await?;
            agree(&query, &ours, &theirs)?;
            ours_ms.push(ours_in_ms);
            theirs_ms.push(theirs_in_ms);
            ratios.push(ours_in_ms / theirs_in_ms);
        }
        rows.push([format!("`{query}`"), format!("{:.0}", median(ours_ms)), format!("{:.0}", median(theirs_ms)), format!("{:.2}", median(ratios))]);
    }
    report.table(
        &format!("PromQL range queries, {STEPS} steps over {} series, median of {ROUNDS} in turn, answers compared", load.series),
        ["", "Mainstay, ms", "Prometheus, ms", "ratio"],
        rows,
    );
    Ok(())
}

type Answer = BTreeMap<String, Vec<(f64, f64)>>;

async fn ask(servers: &Pair, url: &str, query: &str, load: &Metrics) -> anyhow::Result<(Answer, f64)> {
    let step_s = (load.end_ms() - load.start_ms) as f64 / 1e3 / STEPS as f64;
    // Beside the samples' own instants: before version 3, Prometheus counted a sample at the far end of a range, too.
    let (start, end) = (load.start_ms as f64 / 1e3 + 1.0, load.end_ms() as f64 / 1e3);
    let parameters = [("query", query.to_owned()), ("start", start.to_string()), ("end", end.to_string()), ("step", step_s.floor().to_string())];
    let begun = Instant::now();
    let response = servers.client.get(url).query(&parameters).send().await?;
    let bytes = response.bytes().await?;
    let took_ms = begun.elapsed().as_secs_f64() * 1e3;
    let envelope: Value = serde_json::from_slice(&bytes)?;
    ensure!(envelope["status"] == "success", "{url}: {envelope}");
    Ok((answer(&envelope), took_ms))
}

/// By the labels that both sides know.
fn answer(envelope: &Value) -> Answer {
    const SHARED: [&str; 3] = ["job", "host", "path"];
    let series = envelope["data"]["result"].as_array().into_iter().flatten();
    let name = |metric: &Value| SHARED.map(|label| metric[label].as_str().unwrap_or_default().to_owned()).join(" ");
    let point = |value: &Value| Some((value[0].as_f64()?, value[1].as_str()?.parse().ok()?));
    let points = |values: &Value| values.as_array().into_iter().flatten().filter_map(point).collect();
    series.map(|series| (name(&series["metric"]), points(&series["values"]))).collect()
}

fn agree(query: &str, ours: &Answer, theirs: &Answer) -> anyhow::Result<()> {
    ensure!(ours.keys().eq(theirs.keys()), "{query}: {} series here, {} there", ours.len(), theirs.len());
    for (name, ours) in ours {
        let theirs = &theirs[name];
        ensure!(ours.len() == theirs.len(), "{query}: {name}: {} points here, {} there", ours.len(), theirs.len());
        for ((at, our), (_, their)) in ours.iter().zip(theirs) {
            ensure!((our - their).abs() <= their.abs() * 1e-9 + 1e-9, "{query}: {name} at {at}: {our} here, {their} there");
        }
    }
    Ok(())
}
