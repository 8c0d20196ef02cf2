//! Leaving out what cannot hold a matching row, by its first and last time.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, TimestampNanosecondArray};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;

use crate::records::UTC;

/// All filters as one predicate over the table.
pub fn predicate(state: &dyn Session, filters: &[Expr], schema: &SchemaRef) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    let Some(filter) = conjunction(filters.to_vec()) else { return Ok(None) };
    let schema = DFSchema::try_from(schema.clone())?;
    state.create_physical_expr(filter, &schema).map(Some)
}

/// For each pair of first and last times, in nanoseconds, whether rows between them can match.
pub fn by_time(predicate: Option<&Arc<dyn PhysicalExpr>>, schema: &SchemaRef, time: &'static str, bounds: &[(i64, i64)]) -> Vec<bool> {
    let all = || vec![true; bounds.len()];
    let Some(predicate) = predicate else { return all() };
    let built = PruningPredicateBuilder::new().with_file_schema(schema.clone()).try_build(predicate.clone());
    // A predicate that cannot be judged by times alone prunes nothing.
    built.and_then(|pruning| pruning.prune(&Bounds { time, bounds })).unwrap_or_else(|_| all())
}

struct Bounds<'a> {
    time: &'static str,
    bounds: &'a [(i64, i64)],
}

impl Bounds<'_> {
    fn column(&self, column: &Column, pick: impl Fn(&(i64, i64)) -> i64) -> Option<ArrayRef> {
        let times = || TimestampNanosecondArray::from_iter_values(self.bounds.iter().map(pick)).with_timezone(UTC);
        (column.name == self.time).then(|| Arc::new(times()) as ArrayRef)
    }
}

impl PruningStatistics for Bounds<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.column(column, |bounds| bounds.0)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.column(column, |bounds| bounds.1)
    }

    fn num_containers(&self) -> usize {
        self.bounds.len()
    }

    fn null_counts(&self, _column: &Column) -> Option<ArrayRef> {
        None
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        None
    }

    fn contained(&self, _column: &Column, _values: &std::collections::HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
