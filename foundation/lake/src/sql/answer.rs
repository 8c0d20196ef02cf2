//! From Arrow to the table that callers get.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema, TimeUnit, TimestampNanosecondType};
use arrow::util::display::array_value_to_string;
use kernel::Timestamp;
use kernel::table::{Cell, Column, ColumnType, Table};

use crate::records::JSON;

pub fn empty(schema: &Schema) -> Table {
    let columns = schema.fields().iter().map(|field| Column { name: field.name().clone(), kind: kind(field) });
    Table { columns: columns.collect(), rows: Vec::new(), truncated: false }
}

/// Adds rows up to the limit; notes if there are more.
pub fn push(table: &mut Table, batch: &RecordBatch, limit: usize) {
    let left = limit - table.rows.len().min(limit);
    table.truncated = batch.num_rows() > left;
    let rows = batch.num_rows().min(left);
    let columns: Vec<Vec<Cell>> = batch.columns().iter().zip(&table.columns).map(|(array, column)| cells(&array.slice(0, rows), column.kind)).collect();
    let mut columns: Vec<_> = columns.into_iter().map(Vec::into_iter).collect();
    table.rows.extend((0..rows).map(|_| columns.iter_mut().map(|column| column.next().unwrap_or(Cell::Null)).collect()));
}

fn kind(field: &Field) -> ColumnType {
    match field.data_type() {
        DataType::Boolean => ColumnType::Boolean,
        kind if kind.is_integer() => ColumnType::Integer,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => ColumnType::Float,
        kind if kind.is_floating() => ColumnType::Float,
        DataType::Timestamp(..) => ColumnType::Timestamp,
        kind if kind.is_nested() => ColumnType::Json,
        _ if field.metadata().contains_key(JSON) => ColumnType::Json,
        _ => ColumnType::Text,
    }
}

fn cells(array: &ArrayRef, kind: ColumnType) -> Vec<Cell> {
    let cells = match kind {
        ColumnType::Boolean => array.as_boolean_opt().map(|array| array.iter().map(|value| value.map_or(Cell::Null, Cell::Boolean)).collect()),
        ColumnType::Integer => integers(array),
        ColumnType::Float => floats(array),
        ColumnType::Timestamp => timestamps(array),
        ColumnType::Text => texts(array).map(|texts| texts.into_iter().map(|text| text.map_or(Cell::Null, Cell::Text)).collect()),
        ColumnType::Json if array.data_type().is_nested() => Some((0..array.len()).map(|i| nested(array, i)).collect()),
        ColumnType::Json => texts(array).map(|texts| texts.into_iter().map(json).collect()),
    };
    cells.unwrap_or_else(|| (0..array.len()).map(|i| display(array, i)).collect())
}

fn integers(array: &ArrayRef) -> Option<Vec<Cell>> {
    let array = cast(array, &DataType::Int64).ok()?;
    Some(array.as_primitive_opt::<Int64Type>()?.iter().map(|value| value.map_or(Cell::Null, Cell::Integer)).collect())
}

fn floats(array: &ArrayRef) -> Option<Vec<Cell>> {
    let array = cast(array, &DataType::Float64).ok()?;
    Some(array.as_primitive_opt::<Float64Type>()?.iter().map(|value| value.map_or(Cell::Null, Cell::Float)).collect())
}

fn timestamps(array: &ArrayRef) -> Option<Vec<Cell>> {
    let zone = match array.data_type() {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    };
    let array = cast(array, &DataType::Timestamp(TimeUnit::Nanosecond, zone)).ok()?;
    let time = |ns: i64| Timestamp::from_nanosecond(i128::from(ns)).map_or(Cell::Null, Cell::Timestamp);
    Some(array.as_primitive_opt::<TimestampNanosecondType>()?.iter().map(|value| value.map_or(Cell::Null, time)).collect())
}

fn texts(array: &ArrayRef) -> Option<Vec<Option<String>>> {
    let array = cast(array, &DataType::Utf8View).ok()?;
    Some(array.as_string_view_opt()?.iter().map(|text| text.map(str::to_owned)).collect())
}

/// Text that is no JSON stays a JSON string.
fn json(text: Option<String>) -> Cell {
    match text {
        Some(text) => Cell::Json(serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text))),
        None => Cell::Null,
    }
}

fn nested(array: &ArrayRef, i: usize) -> Cell {
    if array.is_null(i) {
        return Cell::Null;
    }
    let list = array.as_list_opt::<i32>().map(|lists| lists.value(i));
    let Some(items) = list else { return display(array, i) };
    let field = Field::new("item", items.data_type().clone(), true);
    let values = cells(&items, kind(&field)).iter().map(|cell| serde_json::to_value(cell).unwrap_or_default()).collect();
    Cell::Json(serde_json::Value::Array(values))
}

fn display(array: &ArrayRef, i: usize) -> Cell {
    if array.is_null(i) {
        return Cell::Null;
    }
    array_value_to_string(array, i).map_or(Cell::Null, Cell::Text)
}
