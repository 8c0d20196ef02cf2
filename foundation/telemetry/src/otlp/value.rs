//! Attribute values as text and as JSON.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

/// The value of a key, if it is there and not empty.
pub fn find<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()
}

/// The value of a key, if it is text.
pub fn find_str<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    match find(attributes, key)? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

/// Appends a value as people read it: text as it is, bytes in Base64, lists and maps as JSON.
///
/// Source: OpenTelemetry, "AnyValue representation for non-OTLP protocols".
pub fn push_text(out: &mut String, value: Option<&Value>) {
    match value {
        None => {}
        Some(Value::StringValue(text)) => out.push_str(text),
        Some(Value::BytesValue(bytes)) => STANDARD.encode_string(bytes, out),
        Some(Value::DoubleValue(double)) if !double.is_finite() => out.push_str(non_finite(*double)),
        Some(other) => push_json(out, Some(other)),
    }
}

/// Appends a value as JSON. What JSON has no number for (`NaN`, `Infinity`) becomes a string.
pub fn push_json(out: &mut String, value: Option<&Value>) {
    match value {
        None | Some(Value::StringValueStrindex(_)) => out.push_str("null"),
        Some(Value::StringValue(text)) => push_json_string(out, text),
        Some(Value::BoolValue(bool)) => out.push_str(if *bool { "true" } else { "false" }),
        Some(Value::IntValue(int)) => drop(write!(out, "{int}")),
        Some(Value::DoubleValue(double)) => push_json_double(out, *double),
        Some(Value::BytesValue(bytes)) => {
            out.push('"');
            STANDARD.encode_string(bytes, out);
            out.push('"');
        }
        Some(Value::ArrayValue(array)) => push_json_array(out, &array.values),
        Some(Value::KvlistValue(list)) => push_json_object(out, &list.values),
    }
}

/// Appends attributes as a JSON object, in the order in which they came; of a key that comes twice,
/// the last.
pub fn push_json_object(out: &mut String, attributes: &[KeyValue]) {
    out.push('{');
    let mut first = true;
    for (i, attribute) in attributes.iter().enumerate() {
        if attributes[i + 1..].iter().any(|later| later.key == attribute.key) {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        push_json_string(out, &attribute.key);
        out.push(':');
        push_json(out, attribute.value.as_ref().and_then(|value| value.value.as_ref()));
    }
    out.push('}');
}

pub fn json_object(attributes: &[KeyValue]) -> String {
    let mut out = String::new();
    push_json_object(&mut out, attributes);
    out
}

pub fn push_json_string(out: &mut String, text: &str) {
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escaped = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x00..=0x1f => "",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        out.push_str(escaped);
        if escaped.is_empty() {
            let _ = write!(out, "\\u{byte:04x}");
        }
        from = at + 1;
    }
    out.push_str(&text[from..]);
    out.push('"');
}

fn push_json_array(out: &mut String, values: &[AnyValue]) {
    out.push('[');
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        push_json(out, value.value.as_ref());
    }
    out.push(']');
}

/// Without an exponent between 1e-6 and 1e21, as JavaScript and Go's JSON write numbers.
fn push_json_double(out: &mut String, double: f64) {
    let size = double.abs();
    if !double.is_finite() {
        let _ = write!(out, "\"{}\"", non_finite(double));
    } else if size == 0.0 || (1e-6..1e21).contains(&size) {
        let _ = write!(out, "{double}");
    } else {
        let _ = write!(out, "{double:e}");
    }
}

fn non_finite(double: f64) -> &'static str {
    match (double.is_nan(), double > 0.0) {
        (true, _) => "NaN",
        (false, true) => "Infinity",
        (false, false) => "-Infinity",
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValueList};

    use super::*;

    fn attribute(key: &str, value: Value) -> KeyValue {
        KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
    }

    #[test]
    fn attributes_become_valid_json_whatever_they_hold() {
        let attributes = [
            attribute("twice", Value::IntValue(1)),
            attribute("text", Value::StringValue("a \"b\"\n\u{1}ü\\".to_owned())),
            attribute("bytes", Value::BytesValue(vec![0, 255])),
            attribute("not a number", Value::DoubleValue(f64::NAN)),
            attribute("large", Value::DoubleValue(1e300)),
            attribute("twice", Value::IntValue(2)),
            attribute("list", Value::ArrayValue(ArrayValue { values: vec![AnyValue { value: None }, AnyValue { value: Some(Value::BoolValue(true)) }] })),
            attribute("map", Value::KvlistValue(KeyValueList { values: vec![attribute("x", Value::DoubleValue(0.5))] })),
        ];
        let json: serde_json::Value = serde_json::from_str(&json_object(&attributes)).expect("valid JSON");
        assert_eq!(
            json,
            serde_json::json!({
                "text": "a \"b\"\n\u{1}ü\\", "bytes": "AP8=", "not a number": "NaN", "large": 1e300, "twice": 2,
                "list": [null, true], "map": {"x": 0.5},
            })
        );
    }

    #[test]
    fn text_stays_text() {
        let mut out = String::new();
        push_text(&mut out, Some(&Value::StringValue("plain".to_owned())));
        push_text(&mut out, Some(&Value::DoubleValue(2.0)));
        push_text(&mut out, None);
        assert_eq!(out, "plain2");
    }
}
