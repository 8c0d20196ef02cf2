//! Columns under construction.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Builder, StringViewBuilder, TimestampNanosecondBuilder};
use arrow::datatypes::{DataType, Field, TimeUnit};
use kernel::table::{ColumnSchema, ColumnType};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use telemetry::otlp::rows::push_hex;
use telemetry::otlp::value::{find, push_json_object};

pub const UTC: &str = "+00:00";

/// A column as users read of it, and its type in Arrow.
pub struct Column {
    pub name: &'static str,
    pub kind: ColumnType,
    pub nullable: bool,
    pub description: &'static str,
}

impl Column {
    pub fn field(&self) -> Field {
        let kind = match self.kind {
            ColumnType::Boolean => DataType::Boolean,
            ColumnType::Integer => DataType::Int64,
            ColumnType::Float => DataType::Float64,
            ColumnType::Text | ColumnType::Json => DataType::Utf8View,
            ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Nanosecond, Some(UTC.into())),
        };
        let field = Field::new(self.name, kind, self.nullable);
        match self.kind {
            ColumnType::Json => field.with_metadata([(JSON.to_owned(), String::new())].into()),
            _ => field,
        }
    }

    pub fn schema(&self) -> ColumnSchema {
        ColumnSchema { name: self.name.to_owned(), kind: self.kind, description: self.description.to_owned() }
    }
}

/// Marks fields whose text is JSON.
pub const JSON: &str = "json";

pub fn times() -> TimestampNanosecondBuilder {
    TimestampNanosecondBuilder::new().with_timezone(UTC)
}

/// Text that repeats from row to row is kept once.
pub fn repeating() -> StringViewBuilder {
    StringViewBuilder::new().with_fixed_block_size(1 << 10).with_deduplicate_strings()
}

pub fn text(rows: usize) -> StringViewBuilder {
    StringViewBuilder::with_capacity(rows).with_fixed_block_size(if rows < 32 { 1 << 10 } else { 16 << 10 })
}

/// Empty text counts as absent.
pub fn push_text(column: &mut StringViewBuilder, text: &str) {
    column.append_option((!text.is_empty()).then_some(text));
}

/// Lower-case hexadecimal.
pub fn push_id(column: &mut StringViewBuilder, id: Option<&[u8]>, scratch: &mut String) {
    let Some(id) = id else { return column.append_null() };
    scratch.clear();
    push_hex(scratch, id);
    column.append_value(&scratch);
}

pub fn push_attributes(column: &mut StringViewBuilder, attributes: &[KeyValue], scratch: &mut String) {
    scratch.clear();
    push_json_object(scratch, attributes);
    column.append_value(&scratch);
}

/// The text of the first of these attributes that has one.
pub fn promoted_text<'a>(attributes: &'a [KeyValue], keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| match find(attributes, key) {
        Some(Value::StringValue(text)) => Some(text.as_str()),
        _ => None,
    })
}

/// The number of the first of these attributes that has one.
pub fn promoted_integer(attributes: &[KeyValue], keys: &[&str]) -> Option<i64> {
    keys.iter().find_map(|key| match find(attributes, key) {
        Some(Value::IntValue(number)) => Some(*number),
        Some(Value::StringValue(text)) => text.parse().ok(),
        _ => None,
    })
}

pub fn integers(mut column: Int64Builder) -> ArrayRef {
    Arc::new(column.finish())
}

pub fn strings(mut column: StringViewBuilder) -> ArrayRef {
    Arc::new(column.finish())
}

pub fn timestamps(mut column: TimestampNanosecondBuilder) -> ArrayRef {
    Arc::new(column.finish())
}
