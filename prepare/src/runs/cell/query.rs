//! `sql` and `promql` cells: their answer as a table or a chart, one row of it also as outputs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kernel::table::{Cell, Column, ColumnType, Table};
use kernel::{Classified, Timestamp, parse_duration};
use ledger::{OutputKind, Run, Step};
use serde_json::json;
use telemetry::SqlSource;
use telemetry::ports::Series;
use telemetry::promql::{Engine, Value};

use super::substitute::{Language, substitute};
use crate::runs::change::StepResult;
use crate::runs::output::Output;
use crate::runs::plan::CellPlan;

const MAX_ROWS: usize = 1000;
/// A table or chart above this is shortened.
const MAX_ANSWER_BYTES: usize = 512 * 1024;
/// Longer values are for reading, not for handing on.
const MAX_OUTPUT_BYTES: usize = 16 * 1024;
const DEFAULT_WINDOW: Duration = Duration::from_secs(30 * 60);
/// A chart has about this many points, unless the cell says its `step`.
const POINTS: u32 = 120;

/// Runs a query cell. `window` and `step` of a chart come from the cell's `env`, else from the run's
/// parameters; the window ends now.
pub async fn run_query(run: &Run, step: &Step, cell: &CellPlan, engine: &Engine, sql: &dyn SqlSource, output: &Output, now: Timestamp) -> StepResult {
    let language = if step.language == "sql" { Language::Sql } else { Language::Promql };
    let query = match substitute(step.source.trim(), language, &[&run.parameters, &run.outputs, &cell.env]) {
        Ok(query) => query,
        Err(error) => return StepResult::failed(error.to_string()),
    };
    let answered = match (language, cell.chart) {
        (Language::Sql, _) => table_of_sql(sql, &query).await,
        (Language::Promql, false) => table_of_promql(engine, &query, now).await,
        (Language::Promql, true) => chart(run, cell, engine, &query, output, step.index, now).await.map(|()| None),
    };
    match answered {
        Ok(Some(table)) => {
            let mut outputs = single_row(&table);
            if language == Language::Promql {
                // Whoever sends metrics chooses their labels; what becomes a variable of later cells is
                // for the runbook to say.
                outputs.retain(|name, _| name == "value" || names(&step.source, name));
            }
            output.write(step.index, OutputKind::Table, table_json(table)).await;
            StepResult { outputs, ..StepResult::default() }
        }
        Ok(None) => StepResult::default(),
        Err(error) => StepResult::failed(error),
    }
}

async fn table_of_sql(sql: &dyn SqlSource, query: &str) -> Result<Option<Table>, String> {
    sql.sql(query, MAX_ROWS).await.map(Some).map_err(explain)
}

async fn table_of_promql(engine: &Engine, expression: &str, now: Timestamp) -> Result<Option<Table>, String> {
    let answer = engine.instant(expression, now.as_millisecond()).await.map_err(explain)?;
    Ok(Some(value_table(answer.value)))
}

async fn chart(run: &Run, cell: &CellPlan, engine: &Engine, expression: &str, output: &Output, step: u32, now: Timestamp) -> Result<(), String> {
    let setting = |name: &str| {
        let text = cell.env.get(name).or(run.parameters.get(name));
        text.map(|text| parse_duration(text)).transpose().map_err(|error| format!("{name}: {error}"))
    };
    let window = setting("window")?.unwrap_or(DEFAULT_WINDOW);
    let resolution = setting("step")?.unwrap_or(window / POINTS).max(Duration::from_secs(1));
    let start = now.checked_sub(window).map_err(|error| error.to_string())?;
    let answer = engine
        .range(expression, start.as_millisecond(), now.as_millisecond(), resolution.as_millis() as i64)
        .await
        .map_err(explain)?;
    let Value::Matrix(series) = answer.value else { return Err("a range query must answer with series".to_owned()) };
    output.write(step, OutputKind::Chart, chart_json(expression, start, now, resolution, &series)).await;
    if series.is_empty() {
        output.note(step, "the query returned no series in this window").await;
    }
    Ok(())
}

/// `{expression, start, end, step, result}`: RFC 3339 times, seconds, and series as Prometheus writes
/// them. Series that do not fit are left out and counted in `left_out`.
fn chart_json(expression: &str, start: Timestamp, end: Timestamp, step: Duration, series: &[Series]) -> String {
    let mut size = 0;
    let mut result = Vec::new();
    for series in series {
        let metric: BTreeMap<&str, &str> = series.labels.iter().collect();
        let values: Vec<_> = series.samples.iter().map(|sample| json!([sample.time_ms as f64 / 1e3, number(sample.value)])).collect();
        let one = json!({ "metric": metric, "values": values });
        size += one.to_string().len();
        if size > MAX_ANSWER_BYTES {
            break;
        }
        result.push(one);
    }
    let left_out = series.len() - result.len();
    json!({ "expression": expression, "start": start, "end": end, "step": step.as_secs_f64(), "result": result, "left_out": left_out }).to_string()
}

/// One row for each series: its labels in order of name, then `value`.
fn value_table(value: Value) -> Table {
    let column = |name: &str, kind| Column { name: name.to_owned(), kind };
    let rows: Vec<(BTreeMap<String, String>, Cell)> = match value {
        Value::Scalar(sample) => vec![(BTreeMap::new(), Cell::Float(sample.value))],
        Value::String { value, .. } => vec![(BTreeMap::new(), Cell::Text(value))],
        Value::Vector(vector) => vector.into_iter().map(|(labels, sample)| (owned(&labels), Cell::Float(sample.value))).collect(),
        Value::Matrix(series) => series.into_iter().map(|series| last_of(&series)).collect(),
    };
    let names: BTreeSet<String> = rows.iter().flat_map(|(labels, _)| labels.keys().cloned()).collect();
    let value_type = match rows.first() {
        Some((_, Cell::Text(_))) => ColumnType::Text,
        _ => ColumnType::Float,
    };
    let columns = names.iter().map(|name| column(name, ColumnType::Text)).chain([column("value", value_type)]).collect();
    let truncated = rows.len() > MAX_ROWS;
    let cells = |(mut labels, value): (BTreeMap<String, String>, Cell)| {
        names.iter().map(|name| labels.remove(name).map_or(Cell::Null, Cell::Text)).chain([value]).collect()
    };
    Table { columns, rows: rows.into_iter().take(MAX_ROWS).map(cells).collect(), truncated }
}

fn last_of(series: &Series) -> (BTreeMap<String, String>, Cell) {
    (owned(&series.labels), series.samples.last().map_or(Cell::Null, |sample| Cell::Float(sample.value)))
}

fn owned(labels: &telemetry::Labels) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The values of the only row, by column.
fn single_row(table: &Table) -> BTreeMap<String, String> {
    let [row] = table.rows.as_slice() else { return BTreeMap::new() };
    let named = table.columns.iter().zip(row);
    named.map(|(column, cell)| (column.name.clone(), text(cell))).filter(|(_, value)| value.len() <= MAX_OUTPUT_BYTES && !value.contains('\0')).collect()
}

/// Whether a query says a label's name.
fn names(query: &str, label: &str) -> bool {
    query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == label)
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Boolean(value) => value.to_string(),
        Cell::Integer(value) => value.to_string(),
        Cell::Float(value) => number(*value),
        Cell::Text(value) => value.clone(),
        Cell::Timestamp(value) => value.to_string(),
        Cell::Json(value) => value.to_string(),
    }
}

/// As Prometheus writes it.
fn number(value: f64) -> String {
    match value {
        value if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value => value.to_string(),
    }
}

fn table_json(mut table: Table) -> String {
    loop {
        let text = json!(table).to_string();
        if text.len() <= MAX_ANSWER_BYTES || table.rows.is_empty() {
            return text;
        }
        table.rows.truncate(table.rows.len() / 2);
        table.truncated = true;
    }
}

/// What the caller may see, with the causes that help to mend the query.
fn explain<E: Classified>(error: E) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    text
}
