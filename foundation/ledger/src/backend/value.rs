//! Values to a statement and from a row.

use kernel::Timestamp;
use serde::Serialize;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _};

use super::{Result, Sql};
use crate::LedgerError;
use crate::limits::KEY_BYTES_MAX;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Integer(Option<i64>),
    Text(Option<String>),
}

impl Value {
    pub fn integer(number: impl Into<Option<i64>>) -> Self {
        Self::Integer(number.into())
    }

    /// Nanoseconds since the epoch, for order only: instants beyond the year 2262 count as that year.
    pub fn time(time: impl Into<Option<Timestamp>>) -> Self {
        Self::Integer(time.into().map(|time| i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX)))
    }

    /// Text that is searched for, and so fits an index of either database.
    pub fn key(what: &str, text: &str) -> Result<Self> {
        if text.contains('\0') {
            return Err(LedgerError::Invalid(format!("{what} holds a zero character: leave it out")));
        }
        if text.len() > KEY_BYTES_MAX {
            return Err(LedgerError::TooLarge {
                what: what.to_owned(),
                size_bytes: text.len(),
                limit_bytes: KEY_BYTES_MAX,
            });
        }
        Ok(Self::Text(Some(text.to_owned())))
    }

    pub fn optional_key(what: &str, text: Option<&str>) -> Result<Self> {
        text.map_or(Ok(Self::Text(None)), |text| Self::key(what, text))
    }

    /// Text of this crate's own making: ids, labels, times.
    pub fn own(text: impl ToString) -> Self {
        Self::Text(Some(text.to_string()))
    }

    pub fn optional_own(text: Option<impl ToString>) -> Self {
        Self::Text(text.map(|text| text.to_string()))
    }

    /// As JSON text, which never holds a zero character.
    pub fn json(what: &str, value: &impl Serialize) -> Result<Self> {
        serde_json::to_string(value)
            .map(|text| Self::Text(Some(text)))
            .map_err(|error| LedgerError::Invalid(format!("{what} cannot be written as JSON: {error}")))
    }

    pub fn size_bytes(&self) -> usize {
        match self {
            Self::Integer(_) => 8,
            Self::Text(text) => text.as_ref().map_or(0, String::len),
        }
    }
}

/// The name of an enum's variant as JSON shows it.
pub(crate) fn label(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        other => unreachable!("a unit variant is written as a string, not as {other:?}"),
    }
}

pub(super) fn sqlite_query(sql: Sql, values: Vec<Value>) -> Query<'static, sqlx::Sqlite, SqliteArguments> {
    let query = match sql {
        Sql::Borrowed(sql) => sqlx::query(sql),
        Sql::Owned(sql) => sqlx::query(AssertSqlSafe(sql)),
    };
    values.into_iter().fold(query, |query, value| match value {
        Value::Integer(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
    })
}

pub(super) fn postgres_query(sql: Sql, values: Vec<Value>) -> Query<'static, sqlx::Postgres, PgArguments> {
    let query = match sql {
        Sql::Borrowed(sql) => sqlx::query(sql),
        Sql::Owned(sql) => sqlx::query(AssertSqlSafe(sql)),
    };
    values.into_iter().fold(query, |query, value| match value {
        Value::Integer(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
    })
}

pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    pub fn integer(&self, column: usize) -> Result<i64> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub fn optional_integer(&self, column: usize) -> Result<Option<i64>> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub fn text(&self, column: usize) -> Result<String> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub fn optional_text(&self, column: usize) -> Result<Option<String>> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }
}
