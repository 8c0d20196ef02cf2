//! Tables of other rooms.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringViewArray, TimestampNanosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::Session;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::stream;
use kernel::table::{Cell, ColumnType, TableSchema, TableSource};

use super::source::{Scan, Source};
use crate::records::{JSON, UTC};

#[derive(Clone)]
pub struct OpsTable {
    description: TableSchema,
    schema: SchemaRef,
    source: Arc<dyn TableSource>,
}

impl OpsTable {
    pub fn new(description: TableSchema, source: Arc<dyn TableSource>) -> Self {
        let fields: Vec<_> = description.columns.iter().map(|column| field(&column.name, column.kind)).collect();
        Self { description, schema: Arc::new(Schema::new(fields)), source }
    }

    async fn rows(self) -> Result<RecordBatch> {
        let rows = self.source.rows(&self.description.name).await.map_err(|error| DataFusionError::External(error.to_string().into()))?;
        let columns = self.description.columns.iter().enumerate();
        let columns = columns.map(|(i, column)| array(column.kind, rows.iter().map(|row| row.get(i).unwrap_or(&Cell::Null)))).collect();
        Ok(RecordBatch::try_new(self.schema, columns)?)
    }
}

impl fmt::Debug for OpsTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpsTable({})", self.description.name)
    }
}

impl Source for OpsTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn plan(&self, _state: &dyn Session, scan: Scan<'_>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(StreamingTableExec::try_new(self.schema.clone(), vec![Arc::new(self.clone())], scan.columns, [], false, scan.limit)?))
    }
}

impl PartitionStream for OpsTable {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), stream::once(self.clone().rows())))
    }
}

fn field(name: &str, kind: ColumnType) -> Field {
    let field = |kind| Field::new(name, kind, true);
    match kind {
        ColumnType::Boolean => field(DataType::Boolean),
        ColumnType::Integer => field(DataType::Int64),
        ColumnType::Float => field(DataType::Float64),
        ColumnType::Text => field(DataType::Utf8View),
        ColumnType::Timestamp => field(DataType::Timestamp(TimeUnit::Nanosecond, Some(UTC.into()))),
        ColumnType::Json => field(DataType::Utf8View).with_metadata([(JSON.to_owned(), String::new())].into()),
    }
}

/// Cells of another type than the column's become null.
fn array<'a>(kind: ColumnType, cells: impl Iterator<Item = &'a Cell>) -> ArrayRef {
    match kind {
        ColumnType::Boolean => Arc::new(cells.map(|cell| if let Cell::Boolean(value) = cell { Some(*value) } else { None }).collect::<BooleanArray>()),
        ColumnType::Integer => Arc::new(cells.map(|cell| if let Cell::Integer(value) = cell { Some(*value) } else { None }).collect::<Int64Array>()),
        ColumnType::Float => Arc::new(cells.map(float).collect::<Float64Array>()),
        ColumnType::Timestamp => Arc::new(cells.map(nanoseconds).collect::<TimestampNanosecondArray>().with_timezone(UTC)),
        ColumnType::Text | ColumnType::Json => Arc::new(cells.map(text).collect::<StringViewArray>()),
    }
}

fn float(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Float(value) => Some(*value),
        Cell::Integer(value) => Some(*value as f64),
        _ => None,
    }
}

fn nanoseconds(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Timestamp(time) => i64::try_from(time.as_nanosecond()).ok(),
        _ => None,
    }
}

fn text(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Text(text) => Some(text.clone()),
        Cell::Json(value) => Some(value.to_string()),
        _ => None,
    }
}
