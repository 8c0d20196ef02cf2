//! `mainstay promql 'EXPR'`

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::{Format, ServerArgs};
use crate::print::{self, Answer};
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// e.g. 'sum by (job) (rate(http_server_request_duration_seconds_count[5m]))'
    expression: String,

    /// Begin of a range, RFC 3339 or seconds since the epoch; with --end and --step
    #[arg(long, requires = "step")]
    start: Option<String>,

    /// End of the range, or the instant; now if absent
    #[arg(long)]
    end: Option<String>,

    /// Step of the range, e.g. 15s
    #[arg(long, requires = "start")]
    step: Option<String>,

    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,

    #[command(flatten)]
    server: ServerArgs,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let session = Session::open(&args.server).await?;
    let mut query = vec![("query", args.expression)];
    let path = match (args.start, args.step) {
        (Some(start), Some(step)) => {
            query.extend([("start", start), ("end", args.end.unwrap_or_else(|| jiff::Timestamp::now().to_string())), ("step", step)]);
            "prometheus/api/v1/query_range"
        }
        _ => {
            query.extend(args.end.map(|end| ("time", end)));
            "prometheus/api/v1/query"
        }
    };
    let envelope: Value = session.client.get(path, &query).await?;
    match args.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&envelope["data"])?),
        format => print::table(&rows(&envelope["data"]), format)?,
    }
    for warning in envelope["warnings"].as_array().into_iter().flatten().chain(envelope["infos"].as_array().into_iter().flatten()) {
        eprintln!("{}", warning.as_str().unwrap_or_default());
    }
    session.close().await;
    Ok(ExitCode::SUCCESS)
}

/// One row per sample: series, time, value.
fn rows(data: &Value) -> Answer {
    let mut rows = Vec::new();
    let mut push = |series: &str, sample: &Value| rows.push(vec![json!(series), json!(time(&sample[0])), sample[1].clone()]);
    match data["resultType"].as_str() {
        Some("scalar" | "string") => push("", &data["result"]),
        _ => {
            for series in data["result"].as_array().into_iter().flatten() {
                let name = series_name(&series["metric"]);
                if series["value"].is_array() {
                    push(&name, &series["value"]);
                }
                series["values"].as_array().into_iter().flatten().for_each(|sample| push(&name, sample));
            }
        }
    }
    Answer::new(["series", "time", "value"], rows)
}

fn series_name(metric: &Value) -> String {
    let pairs = metric.as_object().into_iter().flatten();
    telemetry::Labels::from_pairs(pairs.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()))).to_string()
}

fn time(seconds: &Value) -> String {
    let ms = (seconds.as_f64().unwrap_or_default() * 1e3).round() as i64;
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}
