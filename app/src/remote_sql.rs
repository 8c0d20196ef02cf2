//! The SQL of a server that is elsewhere.

use async_trait::async_trait;
use kernel::table::{Cell, Column, Table, TableSchema};
use serde::Deserialize;
use serde_json::Value;
use telemetry::{SqlError, SqlSource};
use wire::explore::SqlQuery;

use crate::client::Client;

pub struct RemoteSql(pub Client);

#[derive(Deserialize)]
struct Answer {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
    truncated: bool,
}

#[async_trait]
impl SqlSource for RemoteSql {
    async fn sql(&self, query: &str, limit: usize) -> Result<Table, SqlError> {
        let query = SqlQuery { sql: query.to_owned(), limit: u32::try_from(limit).ok() };
        let answer: Answer = self.0.post("api/query", &query).await.map_err(|error| SqlError::Execution(error.into()))?;
        let rows = answer.rows.into_iter().map(|row| row.into_iter().map(cell).collect()).collect();
        Ok(Table { columns: answer.columns, rows, truncated: answer.truncated })
    }

    /// Whoever writes a query by hand asks the server itself.
    fn tables(&self) -> Vec<TableSchema> {
        Vec::new()
    }
}

fn cell(value: Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(value) => Cell::Boolean(value),
        Value::Number(number) => number.as_i64().map(Cell::Integer).or(number.as_f64().map(Cell::Float)).unwrap_or(Cell::Null),
        Value::String(text) => Cell::Text(text),
        other => Cell::Json(other),
    }
}
