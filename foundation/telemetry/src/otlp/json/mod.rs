//! OTLP/JSON, read field by field.
//!
//! Source: OpenTelemetry Protocol, "JSON Protobuf Encoding"; Protocol Buffers, "ProtoJSON Format".
//! Keys are lowerCamelCase; unknown keys are ignored; `null` and absent mean the default; 64-bit
//! integers are numbers or strings; enums are integers; trace and span ids are hex, other bytes
//! Base64; `NaN`, `Infinity` and `-Infinity` are strings.

mod logs;
mod metrics;
mod node;
mod trace;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::resource::v1::Resource;

use crate::{ExportBody, Signal};
pub use node::JsonError;
use node::Node;

/// Reads one export request. The error names the place and what belongs there.
pub fn decode(signal: Signal, json: &[u8]) -> Result<ExportBody, JsonError> {
    let value = serde_json::from_slice(json).map_err(JsonError::syntax)?;
    let root = Node::root(&value);
    Ok(match signal {
        Signal::Logs => ExportBody::Logs(logs::request(&root)?),
        Signal::Spans => ExportBody::Spans(trace::request(&root)?),
        Signal::Metrics => ExportBody::Metrics(metrics::request(&root)?),
    })
}

fn resource(node: &Node) -> Result<Resource, JsonError> {
    Ok(Resource {
        attributes: node.list("attributes", key_value)?,
        dropped_attributes_count: node.u32("droppedAttributesCount")?,
        entity_refs: node.list("entityRefs", entity_ref)?,
    })
}

fn scope(node: &Node) -> Result<InstrumentationScope, JsonError> {
    Ok(InstrumentationScope {
        name: node.string("name")?,
        version: node.string("version")?,
        attributes: node.list("attributes", key_value)?,
        dropped_attributes_count: node.u32("droppedAttributesCount")?,
    })
}

fn entity_ref(node: &Node) -> Result<EntityRef, JsonError> {
    Ok(EntityRef {
        schema_url: node.string("schemaUrl")?,
        r#type: node.string("type")?,
        id_keys: node.list("idKeys", |item| item.as_string())?,
        description_keys: node.list("descriptionKeys", |item| item.as_string())?,
    })
}

fn key_value(node: &Node) -> Result<KeyValue, JsonError> {
    Ok(KeyValue { key: node.string("key")?, value: node.message("value", any_value)?, ..KeyValue::default() })
}

fn any_value(node: &Node) -> Result<AnyValue, JsonError> {
    let value = if let Some(text) = node.get("stringValue")? {
        Some(Value::StringValue(text.as_string()?))
    } else if let Some(bool) = node.get("boolValue")? {
        Some(Value::BoolValue(bool.as_bool()?))
    } else if let Some(int) = node.get("intValue")? {
        Some(Value::IntValue(int.as_i64()?))
    } else if let Some(double) = node.get("doubleValue")? {
        Some(Value::DoubleValue(double.as_f64()?))
    } else if let Some(bytes) = node.get("bytesValue")? {
        Some(Value::BytesValue(bytes.as_base64()?))
    } else if let Some(array) = node.get("arrayValue")? {
        Some(Value::ArrayValue(ArrayValue { values: array.list("values", any_value)? }))
    } else if let Some(list) = node.get("kvlistValue")? {
        Some(Value::KvlistValue(KeyValueList { values: list.list("values", key_value)? }))
    } else {
        None
    };
    Ok(AnyValue { value })
}
