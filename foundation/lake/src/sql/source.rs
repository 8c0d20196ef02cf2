//! What a table of the lake must say, and the engine's own trait over it.

use std::fmt::Debug;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

/// A table that is only read.
pub trait Source: Debug + Send + Sync + 'static {
    fn schema(&self) -> SchemaRef;

    /// Filters leave out what they can; the plan above applies them again.
    fn plan(&self, state: &dyn Session, scan: Scan<'_>) -> Result<Arc<dyn ExecutionPlan>>;
}

#[derive(Clone, Copy)]
pub struct Scan<'a> {
    /// Of the schema's columns; all if absent.
    pub columns: Option<&'a Vec<usize>>,
    pub filters: &'a [Expr],
    /// The most rows; never with filters, which may leave out any of them.
    pub limit: Option<usize>,
}

#[derive(Debug)]
pub struct Provider<S>(pub S);

impl<S: Source> TableProvider for Provider<S> {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    /// As `async_trait` would write it, but for the future, which holds no filters: that each of the types of an
    /// expression may be sent to another thread takes the compiler seconds to prove
    /// (<https://github.com/apache/datafusion/issues/13814>).
    fn scan<'life0, 'life1, 'life2, 'life3, 'async_trait>(
        &'life0 self,
        state: &'life1 dyn Session,
        columns: Option<&'life2 Vec<usize>>,
        filters: &'life3 [Expr],
        limit: Option<usize>,
    ) -> Pin<Box<dyn Future<Output = Result<Arc<dyn ExecutionPlan>>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        'life2: 'async_trait,
        'life3: 'async_trait,
        Self: 'async_trait,
    {
        let limit = limit.filter(|_| filters.is_empty());
        Box::pin(ready(self.0.plan(state, Scan { columns, filters, limit })))
    }
}
