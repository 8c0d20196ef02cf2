//! Tables between rooms: how the ledger and the catalogue reach SQL, and how SQL answers.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Timestamp;

/// The type of a column, as SQL and JSON see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    Boolean,
    Integer,
    Float,
    Text,
    /// Nanoseconds since the epoch in UTC; RFC 3339 in JSON.
    Timestamp,
    /// An object or array; as JSON text inside SQL.
    Json,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Column {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: ColumnType,
}

/// One value. In JSON it is the plain value (timestamps as RFC 3339).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Cell {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    Timestamp(Timestamp),
    Json(serde_json::Value),
}

/// The answer of a SQL query.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Table {
    pub columns: Vec<Column>,
    /// Row by row, one value for each column.
    #[schema(value_type = Vec<Vec<Option<serde_json::Value>>>)]
    pub rows: Vec<Vec<Cell>>,
    /// Whether rows were left out because of a limit.
    pub truncated: bool,
}

impl Table {
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The rows, with their values by column name.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.rows.iter().map(|row| Record { table: self, row })
    }
}

/// One row of a table. A value that is absent, null or of another type reads as `None`.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    table: &'a Table,
    row: &'a [Cell],
}

impl<'a> Record<'a> {
    pub fn get(self, name: &str) -> Option<&'a Cell> {
        self.row.get(self.table.column(name)?)
    }

    pub fn text(self, name: &str) -> Option<&'a str> {
        match self.get(name)? {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn integer(self, name: &str) -> Option<i64> {
        match *self.get(name)? {
            Cell::Integer(value) => Some(value),
            _ => None,
        }
    }

    /// Floats, and integers as floats.
    pub fn number(self, name: &str) -> Option<f64> {
        match *self.get(name)? {
            Cell::Float(value) => Some(value),
            Cell::Integer(value) => Some(value as f64),
            _ => None,
        }
    }

    pub fn timestamp(self, name: &str) -> Option<Timestamp> {
        match *self.get(name)? {
            Cell::Timestamp(value) => Some(value),
            _ => None,
        }
    }

    /// JSON, or text that holds JSON.
    pub fn json(self, name: &str) -> Option<serde_json::Value> {
        match self.get(name)? {
            Cell::Json(value) => Some(value.clone()),
            Cell::Text(text) => serde_json::from_str(text).ok(),
            _ => None,
        }
    }
}

/// What a table is, for whoever writes a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TableSchema {
    /// With its schema where it has one: `ops.runs`.
    pub name: String,
    pub description: String,
    pub columns: Vec<ColumnSchema>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ColumnSchema {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Meaning and unit.
    pub description: String,
}

/// A room that shows its state as tables of the one SQL surface.
#[async_trait]
pub trait TableSource: Send + Sync {
    fn tables(&self) -> Vec<TableSchema>;

    /// All rows of one of [`tables`](Self::tables), newest first where there is a time.
    async fn rows(&self, table: &str) -> Result<Vec<Vec<Cell>>, Box<dyn crate::Classified>>;
}
