//! Messages: JSON in scripts, Protocol Buffers on the wire.
//!
//! Fields that have their default value are shown all the same, so that a capture finds them; 64-bit numbers are
//! texts, as the JSON mapping says.

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, SerializeOptions};
use serde_json::Value;

use super::error::GrpcError;
use crate::nearest;

pub(crate) fn encode(kind: &MessageDescriptor, value: &Value) -> Result<Bytes, GrpcError> {
    match DynamicMessage::deserialize(kind.clone(), value) {
        Ok(message) => Ok(message.encode_to_vec().into()),
        Err(error) => {
            // A field that nobody knows is told with the one that was meant.
            check(kind, value)?;
            Err(GrpcError::Message {
                what: "the message".to_owned(),
                kind: kind.full_name().to_owned(),
                reason: error.to_string(),
            })
        }
    }
}

pub(crate) fn decode(kind: &MessageDescriptor, bytes: Bytes) -> Result<Value, GrpcError> {
    let faulty = |reason: String| GrpcError::Answer { kind: kind.full_name().to_owned(), reason };
    let message = DynamicMessage::decode(kind.clone(), bytes).map_err(|error| faulty(error.to_string()))?;
    let options = SerializeOptions::new().skip_default_fields(false);
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .map_err(|error| faulty(error.to_string()))
}

/// Whether all fields are known. Templates may stand for any value, so values are not looked at.
pub(crate) fn check(kind: &MessageDescriptor, value: &Value) -> Result<(), GrpcError> {
    check_at(kind, value, "the message")
}

fn check_at(kind: &MessageDescriptor, value: &Value, path: &str) -> Result<(), GrpcError> {
    // Well-known types have forms of their own.
    let Value::Object(fields) = value else { return Ok(()) };
    if kind.full_name().starts_with("google.protobuf.") {
        return Ok(());
    }
    for (name, value) in fields {
        if name.contains("{{") || name.starts_with('[') {
            continue;
        }
        let Some(field) = kind.get_field_by_json_name(name).or_else(|| kind.get_field_by_name(name)) else {
            let known: Vec<String> = kind.fields().map(|field| field.json_name().to_owned()).collect();
            let reason = format!("it has no field `{name}`; {}", nearest::mend(name, &known));
            return Err(GrpcError::Message { what: path.to_owned(), kind: kind.full_name().to_owned(), reason });
        };
        check_field(&field, value, &format!("`{name}`"))?;
    }
    Ok(())
}

fn check_field(field: &FieldDescriptor, value: &Value, path: &str) -> Result<(), GrpcError> {
    let Kind::Message(kind) = field.kind() else { return Ok(()) };
    match value {
        Value::Object(entries) if field.is_map() => {
            let Kind::Message(of) = kind.map_entry_value_field().kind() else { return Ok(()) };
            entries.values().try_for_each(|value| check_at(&of, value, path))
        }
        Value::Array(items) if field.is_list() => items.iter().try_for_each(|item| check_at(&kind, item, path)),
        value => check_at(&kind, value, path),
    }
}
