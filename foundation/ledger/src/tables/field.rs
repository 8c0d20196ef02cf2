//! A table as a list of fields: each with its name, type, meaning, and how a record fills it.

use kernel::Timestamp;
use kernel::table::{Cell, ColumnSchema, ColumnType, TableSchema};
use serde::Serialize;

pub(super) struct Sheet<T: 'static> {
    pub name: &'static str,
    pub description: &'static str,
    pub fields: &'static [Field<T>],
}

pub(super) struct Field<T> {
    name: &'static str,
    kind: ColumnType,
    description: &'static str,
    cell: fn(&T) -> Cell,
}

pub(super) const fn field<T>(
    name: &'static str,
    kind: ColumnType,
    description: &'static str,
    cell: fn(&T) -> Cell,
) -> Field<T> {
    Field { name, kind, description, cell }
}

impl<T> Sheet<T> {
    pub fn schema(&self) -> TableSchema {
        let columns = self.fields.iter().map(|field| ColumnSchema {
            name: field.name.to_owned(),
            kind: field.kind,
            description: field.description.to_owned(),
        });
        TableSchema {
            name: self.name.to_owned(),
            description: self.description.to_owned(),
            columns: columns.collect(),
        }
    }

    pub fn rows(&self, records: &[T]) -> Vec<Vec<Cell>> {
        records.iter().map(|record| self.fields.iter().map(|field| (field.cell)(record)).collect()).collect()
    }
}

pub(super) fn text(value: impl ToString) -> Cell {
    Cell::Text(value.to_string())
}

pub(super) fn optional_text(value: Option<&(impl ToString + ?Sized)>) -> Cell {
    value.map_or(Cell::Null, |value| Cell::Text(value.to_string()))
}

/// The name of an enum's variant, as JSON shows it.
pub(super) fn label(value: &impl Serialize) -> Cell {
    Cell::Text(crate::backend::label(value))
}

pub(super) fn integer(value: impl Into<i64>) -> Cell {
    Cell::Integer(value.into())
}

pub(super) fn time(value: impl Into<Option<Timestamp>>) -> Cell {
    value.into().map_or(Cell::Null, Cell::Timestamp)
}

pub(super) fn json(value: &impl Serialize) -> Cell {
    serde_json::to_value(value).map_or(Cell::Null, Cell::Json)
}

/// From one instant to another in seconds; null until both are known.
pub(super) fn seconds(from: impl Into<Option<Timestamp>>, to: impl Into<Option<Timestamp>>) -> Cell {
    match (from.into(), to.into()) {
        (Some(from), Some(to)) => Cell::Float(to.duration_since(from).as_secs_f64()),
        _ => Cell::Null,
    }
}
