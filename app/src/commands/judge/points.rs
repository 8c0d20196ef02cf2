//! Where the points come from. What is not a number is missing, and stands as NaN.

use std::path::Path;

use anyhow::{Context, bail};
use serde_json::Value;

use super::Args;
use crate::session::Session;

/// The control's and the canary's, in the order of time.
pub async fn read(args: &Args) -> anyhow::Result<(Vec<f64>, Vec<f64>)> {
    let session = match (&args.control_query, &args.canary_query) {
        (None, None) => None,
        _ => Some(Session::open(&args.server).await?),
    };
    let control = one(args, session.as_ref(), args.control.as_deref(), args.control_query.as_deref()).await?;
    let canary = one(args, session.as_ref(), args.canary.as_deref(), args.canary_query.as_deref()).await?;
    if let Some(session) = session {
        session.close().await;
    }
    Ok((control, canary))
}

async fn one(args: &Args, session: Option<&Session>, file: Option<&Path>, query: Option<&str>) -> anyhow::Result<Vec<f64>> {
    match (file, query, session) {
        (Some(file), ..) => from_file(file),
        (None, Some(query), Some(session)) => from_query(args, session, query).await,
        _ => bail!("both versions are needed: a file or a query for each"),
    }
}

async fn from_query(args: &Args, session: &Session, query: &str) -> anyhow::Result<Vec<f64>> {
    let end = args.end.clone().unwrap_or_else(|| jiff::Timestamp::now().to_string());
    let (start, step) = (args.start.clone().unwrap_or_default(), args.step.clone().unwrap_or_default());
    let envelope: Value = session.client.get("prometheus/api/v1/query_range", &[("query", query.to_owned()), ("start", start), ("end", end), ("step", step)]).await?;
    let series = envelope["data"]["result"].as_array().context("the answer has no series")?;
    match series.as_slice() {
        [] => Ok(Vec::new()),
        [one] => Ok(one["values"].as_array().into_iter().flatten().map(|sample| number(sample[1].as_str().unwrap_or_default())).collect()),
        many => bail!("{query}: {} series; put them together with sum, max or the like, as one series is judged", many.len()),
    }
}

fn from_file(path: &Path) -> anyhow::Result<Vec<f64>> {
    let text = path.to_string_lossy();
    let (file, column) = match text.rsplit_once('#') {
        Some((file, column)) if !path.exists() => (Path::new(file), Some(column)),
        _ => (path, None),
    };
    let content = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let points = match column {
        Some(column) => from_csv(&content, column),
        None if content.trim_start().starts_with('[') => from_json(&content),
        None => from_lines(&content),
    };
    points.with_context(|| file.display().to_string())
}

fn from_json(content: &str) -> anyhow::Result<Vec<f64>> {
    let values: Vec<Value> = serde_json::from_str(content)?;
    values
        .iter()
        .enumerate()
        .map(|(index, value)| match value {
            Value::Number(number) => Ok(number.as_f64().unwrap_or(f64::NAN)),
            Value::Null => Ok(f64::NAN),
            Value::String(text) if is_missing(text) => Ok(f64::NAN),
            other => bail!("value {}: {other} is not a number; null is a missing point", index + 1),
        })
        .collect()
}

/// A first line that is no number is a heading.
fn from_lines(content: &str) -> anyhow::Result<Vec<f64>> {
    let mut points = Vec::new();
    for (index, line) in content.lines().enumerate() {
        let line = line.trim().trim_end_matches(',');
        if line.contains([',', ';', '\t']) {
            bail!("line {}: several columns; name one as FILE#COLUMN", index + 1);
        }
        match line.parse() {
            Ok(point) => points.push(point),
            Err(_) if is_missing(line) => points.push(f64::NAN),
            Err(_) if index == 0 => {}
            Err(_) => bail!("line {}: {line:?} is not a number; an empty line or NaN is a missing point", index + 1),
        }
    }
    Ok(points)
}

fn from_csv(content: &str, column: &str) -> anyhow::Result<Vec<f64>> {
    let mut lines = content.lines().map(|line| line.split([',', ';', '\t']).map(|cell| cell.trim().trim_matches('"')));
    let heading: Vec<&str> = lines.next().context("the file is empty")?.collect();
    let position = heading.iter().position(|name| *name == column).with_context(|| format!("no column {column:?}; there are {}", heading.join(", ")))?;
    lines
        .enumerate()
        .map(|(index, mut cells)| match cells.nth(position) {
            None => Ok(f64::NAN),
            Some(cell) if is_missing(cell) => Ok(f64::NAN),
            Some(cell) => cell.parse().with_context(|| format!("line {}: {cell:?} is not a number", index + 2)),
        })
        .collect()
}

fn is_missing(text: &str) -> bool {
    ["", "nan", "null", "-"].contains(&text.to_ascii_lowercase().as_str())
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}
