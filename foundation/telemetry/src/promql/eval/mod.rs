//! Evaluates a plan, one series over all its steps at a time.
//!
//! Operators hand their rows on one by one ([`Evaluation::each`]), so that `sum by (job) (rate(x[5m]))`
//! never holds all of `rate(x[5m])`. Those that must see all rows at once collect them.

mod aggregate;
mod binary;
mod histogram;
mod labels;
mod matching;
mod math;
mod order;
mod over;
mod pick;
pub(crate) mod row;
mod scalar;
mod selector;
pub(crate) mod sum;

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use promql_parser::parser::value::ValueType;

use self::row::{Row, merge, same_labelset, without_name};
use super::annotations::Annotations;
use super::engine::Limits;
use super::fetch::{Frame, Grid};
use super::plan::{Binary, BinaryOp, Function, Grouping, Node, OneSide, Plan};
use super::{QueryError, Value};
use crate::labels::METRIC_NAME;
use crate::ports::{Sample, Series, SourceError};

pub(crate) struct Evaluation {
    frame: Frame,
    /// By selector id.
    data: Vec<Arc<Vec<Series>>>,
    plan: Plan,
    limits: Limits,
    cancelled: Arc<AtomicBool>,
    annotations: RefCell<Annotations>,
}

type Sink<'a> = dyn FnMut(Row) -> Result<(), QueryError> + 'a;

impl Evaluation {
    pub fn new(plan: Plan, frame: Frame, data: Vec<Arc<Vec<Series>>>, limits: Limits, cancelled: Arc<AtomicBool>) -> Self {
        Self { frame, data, plan, limits, cancelled, annotations: RefCell::default() }
    }

    /// Warnings and hints.
    pub fn into_annotations(self) -> (Vec<String>, Vec<String>) {
        self.annotations.into_inner().into_lists()
    }

    /// The value at the only step.
    pub fn instant(&self) -> Result<Value, QueryError> {
        let grid = self.frame.outer;
        let time_ms = grid.start_ms;
        Ok(match self.plan.kind {
            ValueType::Scalar => Value::Scalar(Sample { time_ms, value: self.scalar(&self.plan.root, &grid)?.at(0) }),
            ValueType::String => Value::String { time_ms, value: text(&self.plan.root).to_owned() },
            ValueType::Matrix => Value::Matrix(self.raw(&self.plan.root, &grid)?),
            ValueType::Vector => {
                let rows = self.ordered(&self.plan.root, &grid)?;
                Value::Vector(rows.into_iter().filter_map(|row| Some((row.labels, Sample { time_ms, value: row.cells.get(0)? }))).collect())
            }
        })
    }

    /// The values at all steps, sorted by labels.
    pub fn range(&self) -> Result<Value, QueryError> {
        let grid = self.frame.outer;
        let mut rows = self.finished(self.rows(&self.plan.root, &grid)?)?;
        rows.sort_by(|a, b| a.labels.cmp(&b.labels));
        let series = rows.into_iter().map(|row| Series {
            samples: row.cells.iter().map(|(step, value)| Sample { time_ms: grid.time(step), value }).collect(),
            labels: row.labels,
        });
        Ok(Value::Matrix(series.filter(|series| !series.samples.is_empty()).collect()))
    }

    /// Drops the names whose dropping was put off, and makes sure that no label set occurs twice.
    fn finished(&self, mut rows: Vec<Row>) -> Result<Vec<Row>, QueryError> {
        for row in rows.iter_mut().filter(|row| row.drop_name) {
            row.labels = without_name(&row.labels);
        }
        merge(rows, same_labelset)
    }

    fn rows(&self, node: &Node, grid: &Grid) -> Result<Vec<Row>, QueryError> {
        let mut rows = Vec::new();
        self.each(node, grid, &mut |row| {
            rows.push(row);
            self.check_size(rows.len(), grid)
        })?;
        Ok(rows)
    }

    /// Hands on the rows of a vector (or the single row of a scalar). No two of them have both the
    /// same labels and a value at the same step.
    fn each(&self, node: &Node, grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        self.check_cancelled()?;
        if node.is_scalar() {
            let cells = self.scalar(node, grid)?.into_cells(grid.len);
            return sink(Row::new(Default::default(), cells));
        }
        match node {
            Node::Instant(selector) => self.instant_values(selector, grid, &|sample| sample.value, sink),
            Node::Negate(inner) => self.map(inner, grid, sink, |_, value| Some(-value)),
            Node::Binary(binary) => self.binary(binary, grid, sink),
            Node::Aggregate(aggregate) => self.aggregate(aggregate, grid, sink),
            Node::Call(function, args) => self.call(function, args, grid, sink),
            Node::Number(_) | Node::Text(_) | Node::Range(..) | Node::Subquery(_) => Err(QueryError::Execution("not an instant vector".to_owned())),
        }
    }

    fn call(&self, function: &Function, args: &[Node], grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        match function {
            Function::Over(over) => self.over(*over, args, grid, sink),
            Function::AbsentOverTime => self.absent_over_time(&args[0], grid, sink),
            Function::Absent => self.absent(&args[0], grid, sink),
            Function::Math(f) => self.map(&args[0], grid, sink, |_, value| Some(f(value))),
            Function::Date(date) => self.date(*date, args.first(), grid, sink),
            Function::Round => self.round(args, grid, sink),
            Function::Clamp => self.clamp(args, grid, sink),
            Function::ClampMin => self.clamp_min(args, grid, sink),
            Function::ClampMax => self.clamp_max(args, grid, sink),
            Function::Timestamp => self.timestamp(&args[0], grid, sink),
            Function::Vector => sink(Row::new(Default::default(), self.scalar(&args[0], grid)?.into_cells(grid.len))),
            Function::NativeHistogramOnly => Ok(()),
            Function::HistogramQuantile => self.histogram_quantile(args, grid, sink),
            Function::HistogramQuantiles => self.histogram_quantiles(args, grid, sink),
            Function::HistogramFraction => self.histogram_fraction(args, grid, sink),
            Function::LabelReplace => self.label_replace(args, grid, sink),
            Function::LabelJoin => self.label_join(args, grid, sink),
            // The order of a vector means something only at the end of an instant query.
            Function::Sort { .. } | Function::SortByLabel { .. } => self.each(&args[0], grid, sink),
            Function::Scalar | Function::Time | Function::Start | Function::End | Function::Range | Function::Step | Function::Pi | Function::MaxOf | Function::MinOf => {
                Err(QueryError::Execution("a scalar is not a vector".to_owned()))
            }
        }
    }

    /// Replaces every value, and drops the name of the metric, which the result no longer is.
    fn map(&self, inner: &Node, grid: &Grid, sink: &mut Sink, f: impl Fn(usize, f64) -> Option<f64>) -> Result<(), QueryError> {
        self.nameless(distinct_without_name(inner), sink, &mut |sink| {
            self.each(inner, grid, &mut |mut row| {
                row.cells.update(&f);
                sink(row)
            })
        })
    }

    /// Drops the names of what `produce` hands on: at once if the rows stay distinct (`distinct`), after
    /// a check if they may not, or at the end of the query if that is wanted.
    fn nameless(&self, distinct: bool, sink: &mut Sink, produce: &mut dyn FnMut(&mut Sink) -> Result<(), QueryError>) -> Result<(), QueryError> {
        if self.limits.delayed_name_removal {
            return produce(&mut |mut row| {
                row.drop_name = true;
                sink(row)
            });
        }
        if distinct {
            return produce(&mut |mut row| {
                row.labels = without_name(&row.labels);
                sink(row)
            });
        }
        let mut rows = Vec::new();
        produce(&mut |mut row| {
            row.labels = without_name(&row.labels);
            rows.push(row);
            Ok(())
        })?;
        merge(rows, same_labelset)?.into_iter().try_for_each(sink)
    }

    fn check_cancelled(&self) -> Result<(), QueryError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(QueryError::Execution("the query was cancelled".to_owned()));
        }
        Ok(())
    }

    fn check_size(&self, rows: usize, grid: &Grid) -> Result<(), QueryError> {
        let limit = self.limits.max_samples;
        if rows.saturating_mul(grid.len) > limit {
            return Err(SourceError::TooManySamples { limit }.into());
        }
        self.check_cancelled()
    }

    fn warn(&self, message: String) {
        self.annotations.borrow_mut().warn(message);
    }

    fn inform(&self, message: String) {
        self.annotations.borrow_mut().info(message);
    }
}

/// Whether the node's rows still differ when their names are taken away.
fn distinct_without_name(node: &Node) -> bool {
    match node {
        Node::Instant(selector) | Node::Range(selector, _) => selector.one_name,
        Node::Subquery(subquery) => distinct_without_name(&subquery.inner),
        Node::Number(_) | Node::Text(_) | Node::Negate(_) => true,
        Node::Aggregate(aggregate) => match &aggregate.grouping {
            _ if aggregate.op.keeps_series() => distinct_without_name(&aggregate.inner),
            Grouping::By(labels) => !labels.iter().any(|label| label == METRIC_NAME),
            Grouping::Without(_) => true,
        },
        Node::Binary(binary) => distinct_operation(binary),
        Node::Call(function, args) => match function {
            Function::Over(over) if over.keeps_name() => args.iter().all(distinct_without_name),
            Function::Sort { .. } | Function::SortByLabel { .. } => distinct_without_name(&args[0]),
            _ => true,
        },
    }
}

fn distinct_operation(binary: &Binary) -> bool {
    match binary.op {
        BinaryOp::Arithmetic(_) | BinaryOp::Compare(_, true) => true,
        BinaryOp::And | BinaryOp::Unless => distinct_without_name(&binary.left),
        BinaryOp::Compare(..) => binary.matching.side == OneSide::Both && distinct_without_name(&binary.left) && distinct_without_name(&binary.right),
        BinaryOp::Or => false,
    }
}

/// The text of a string literal; the parser has checked that it is one.
fn text(node: &Node) -> &str {
    match node {
        Node::Text(text) => text,
        _ => "",
    }
}
