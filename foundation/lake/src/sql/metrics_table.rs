//! `metrics`: a row for each sample.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Float64Builder, RecordBatch, StringViewBuilder, TimestampNanosecondBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::Session;
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::{StreamExt, TryStreamExt, stream};
use kernel::table::{ColumnSchema, ColumnType, TableSchema};
use telemetry::labels::METRIC_NAME;
use telemetry::ports::{MatchOp, Matcher, Series};

use super::source::{Scan, Source};
use crate::metrics::{IndexCache, MetricHead, Selection, labels_json};
use crate::records::{JSON, UTC};
use crate::shelf::Shelf;

const BATCH_ROWS: usize = 8_192;

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("time", DataType::Timestamp(TimeUnit::Nanosecond, Some(UTC.into())), false),
        Field::new("name", DataType::Utf8View, false),
        Field::new("labels", DataType::Utf8View, false).with_metadata([(JSON.to_owned(), String::new())].into()),
        Field::new("job", DataType::Utf8View, true),
        Field::new("instance", DataType::Utf8View, true),
        Field::new("value", DataType::Float64, false),
    ]))
});

pub fn description() -> TableSchema {
    let column = |name: &str, kind, description: &str| ColumnSchema { name: name.to_owned(), kind, description: description.to_owned() };
    TableSchema {
        name: "metrics".to_owned(),
        description: "Samples of metrics, one a row, as PromQL sees them. Give a name and a time range: metric queries are quicker in PromQL.".to_owned(),
        columns: vec![
            column("time", ColumnType::Timestamp, "When the value was measured; UTC, to the millisecond."),
            column("name", ColumnType::Text, "The metric's name in PromQL; it ends in its unit: _seconds, _bytes."),
            column("labels", ColumnType::Json, "The series' other labels, a JSON object: labels->>'http_route'."),
            column("job", ColumnType::Text, "The label job: the service, with its namespace."),
            column("instance", ColumnType::Text, "The label instance."),
            column("value", ColumnType::Float, "In the unit that the name says; counters count from their start."),
        ],
    }
}

pub struct MetricsTable {
    shelf: Arc<Shelf<MetricHead>>,
    indexes: Arc<IndexCache>,
    samples_max: usize,
}

impl MetricsTable {
    pub fn new(shelf: Arc<Shelf<MetricHead>>, indexes: Arc<IndexCache>, samples_max: usize) -> Self {
        Self { shelf, indexes, samples_max }
    }
}

impl fmt::Debug for MetricsTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetricsTable")
    }
}

impl Source for MetricsTable {
    fn schema(&self) -> SchemaRef {
        SCHEMA.clone()
    }

    /// Names and times leave samples out.
    fn plan(&self, _state: &dyn Session, scan: Scan<'_>) -> Result<Arc<dyn ExecutionPlan>> {
        let selection = Selection {
            view: self.shelf.view(),
            store: self.shelf.store().clone(),
            cache: self.indexes.clone(),
            window_ms: window_ms(scan.filters),
            samples_max: self.samples_max,
        };
        let matchers = scan.filters.iter().filter_map(matcher).collect();
        let samples = Arc::new(Samples { selection, matchers });
        Ok(Arc::new(StreamingTableExec::try_new(SCHEMA.clone(), vec![samples], scan.columns, [], false, scan.limit)?))
    }
}

struct Samples {
    selection: Selection,
    matchers: Arc<[Matcher]>,
}

impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let matchers = self.matchers.iter().map(|matcher| format!("{}: {}", matcher.name, matcher.value)).collect::<Vec<_>>();
        write!(f, "Samples({matchers:?}, {:?})", self.selection.window_ms)
    }
}

impl PartitionStream for Samples {
    fn schema(&self) -> &SchemaRef {
        &SCHEMA
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (selection, matchers) = (self.selection.clone(), self.matchers.clone());
        let series = async move { selection.select(matchers).await.map_err(|error| DataFusionError::External(Box::new(error))) };
        let batches = stream::once(series).map_ok(batches).try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(SCHEMA.clone(), batches))
    }
}

/// A few series at a time become rows.
fn batches(series: Vec<Series>) -> impl futures::Stream<Item = Result<RecordBatch>> {
    let mut series = series.into_iter();
    stream::iter(std::iter::from_fn(move || {
        let mut rows = Rows::new();
        while rows.count < BATCH_ROWS
            && let Some(series) = series.next()
        {
            rows.push(&series);
        }
        (rows.count > 0).then(|| rows.finish())
    }))
    .boxed()
}

struct Rows {
    count: usize,
    time: TimestampNanosecondBuilder,
    name: StringViewBuilder,
    labels: StringViewBuilder,
    job: StringViewBuilder,
    instance: StringViewBuilder,
    value: Float64Builder,
}

impl Rows {
    fn new() -> Self {
        let text = || StringViewBuilder::new().with_deduplicate_strings();
        let time = TimestampNanosecondBuilder::new().with_timezone(UTC);
        Self { count: 0, time, name: text(), labels: text(), job: text(), instance: text(), value: Float64Builder::new() }
    }

    fn push(&mut self, series: &Series) {
        let labels = labels_json(&series.labels);
        let name = series.labels.metric_name().unwrap_or_default();
        for sample in &series.samples {
            self.time.append_value(sample.time_ms.saturating_mul(1_000_000));
            self.name.append_value(name);
            self.labels.append_value(&labels);
            self.job.append_option(series.labels.get("job"));
            self.instance.append_option(series.labels.get("instance"));
            self.value.append_value(sample.value);
        }
        self.count += series.samples.len();
    }

    fn finish(mut self) -> Result<RecordBatch> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.time.finish()),
            Arc::new(self.name.finish()),
            Arc::new(self.labels.finish()),
            Arc::new(self.job.finish()),
            Arc::new(self.instance.finish()),
            Arc::new(self.value.finish()),
        ];
        Ok(RecordBatch::try_new(SCHEMA.clone(), columns)?)
    }
}

/// The times that the filters leave, in whole milliseconds, rather too many than too few.
fn window_ms(filters: &[Expr]) -> RangeInclusive<i64> {
    let (mut from, mut to) = (i64::MIN, i64::MAX);
    let mut bound = |operator: Operator, ns: i64| {
        let ms = ns.div_euclid(1_000_000);
        match operator {
            Operator::Gt | Operator::GtEq => from = from.max(ms),
            Operator::Lt | Operator::LtEq => to = to.min(ms),
            Operator::Eq => (from, to) = (from.max(ms), to.min(ms)),
            _ => {}
        }
    };
    for filter in filters {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (time_literal(left, right), time_literal(right, left)) {
                (Some(ns), _) => bound(*op, ns),
                (_, Some(ns)) => bound(op.swap().unwrap_or(Operator::NotEq), ns),
                _ => {}
            },
            Expr::Between(between) if !between.negated => {
                if let Some(ns) = time_literal(&between.expr, &between.low) {
                    bound(Operator::GtEq, ns);
                }
                if let Some(ns) = time_literal(&between.expr, &between.high) {
                    bound(Operator::LtEq, ns);
                }
            }
            _ => {}
        }
    }
    from..=to
}

fn time_literal(column: &Expr, literal: &Expr) -> Option<i64> {
    match (column, literal) {
        (Expr::Column(column), Expr::Literal(ScalarValue::TimestampNanosecond(Some(ns), _), _)) if column.name == "time" => Some(*ns),
        _ => None,
    }
}

/// What a filter says of a label.
fn matcher(filter: &Expr) -> Option<Matcher> {
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => equal(left, right).or_else(|| equal(right, left)),
        Expr::InList(list) if !list.negated => {
            let name = label_of(&list.expr)?;
            let values = list.list.iter().map(|value| text_literal(value).map(regex::escape)).collect::<Option<Vec<_>>>()?;
            let value = values.join("|");
            let regex = regex::Regex::new(&format!("^(?:{value})$")).ok()?;
            Some(Matcher { name: name.to_owned(), op: MatchOp::Regex(regex), value })
        }
        _ => None,
    }
}

fn equal(column: &Expr, literal: &Expr) -> Option<Matcher> {
    Some(Matcher::equal(label_of(column)?, text_literal(literal)?))
}

/// The label that a column shows.
fn label_of(column: &Expr) -> Option<&'static str> {
    let Expr::Column(column) = column else { return None };
    match column.name.as_str() {
        "name" => Some(METRIC_NAME),
        "job" => Some("job"),
        "instance" => Some("instance"),
        _ => None,
    }
}

fn text_literal(literal: &Expr) -> Option<&str> {
    let Expr::Literal(value, _) = literal else { return None };
    value.try_as_str().flatten()
}
