//! Whether a schema says nothing that is not read.

use fancy_regex::Regex;
use serde_json::Value;

/// What a keyword holds.
enum Holds {
    Schema,
    /// One schema, or a list of them.
    Schemas,
    /// Schemas by name.
    Named,
    /// As [`Holds::Named`], the names being patterns.
    Patterns,
    Pattern,
    Reference,
    /// Nothing that must be looked into.
    Plain,
}

/// Deeper schemas are refused: they are walked recursively.
const DEPTH_MAX: usize = 48;

fn holds(keyword: &str) -> Option<Holds> {
    Some(match keyword {
        "additionalProperties" | "propertyNames" | "not" | "contains" | "if" | "then" | "else" => Holds::Schema,
        "items" | "allOf" | "anyOf" | "oneOf" => Holds::Schemas,
        "properties" | "definitions" | "$defs" => Holds::Named,
        "patternProperties" => Holds::Patterns,
        "pattern" => Holds::Pattern,
        "$ref" => Holds::Reference,
        "type" | "enum" | "const" | "required" | "minProperties" | "maxProperties" | "minItems" | "maxItems" | "uniqueItems" | "minLength"
        | "maxLength" | "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => Holds::Plain,
        // These say something to people and editors only.
        "$schema" | "$id" | "id" | "$comment" | "title" | "description" | "default" | "examples" | "example" | "deprecated" | "readOnly"
        | "writeOnly" | "format" => Holds::Plain,
        _ => return None,
    })
}

pub fn check(root: &Value) -> Result<(), String> {
    schema(root, root, 0)
}

fn schema(root: &Value, value: &Value, depth: usize) -> Result<(), String> {
    let fields = match value {
        Value::Bool(_) => return Ok(()),
        Value::Object(fields) if depth < DEPTH_MAX => fields,
        Value::Object(_) => return Err(format!("it is nested deeper than {DEPTH_MAX} levels")),
        other => return Err(format!("a schema is an object, true or false, and not {other}")),
    };
    for (keyword, held) in fields {
        let inner = |value: &Value| schema(root, value, depth + 1);
        match holds(keyword).ok_or_else(|| format!("the keyword `{keyword}` is not read"))? {
            Holds::Schema => inner(held)?,
            Holds::Schemas => match held {
                Value::Array(schemas) => schemas.iter().try_for_each(inner)?,
                one => inner(one)?,
            },
            Holds::Named => named(held, keyword)?.values().try_for_each(inner)?,
            Holds::Patterns => {
                named(held, keyword)?.keys().try_for_each(|text| pattern(text))?;
                named(held, keyword)?.values().try_for_each(inner)?;
            }
            Holds::Pattern => pattern(held.as_str().unwrap_or_default())?,
            Holds::Reference => reference(root, held)?,
            Holds::Plain => types(keyword, held)?,
        }
    }
    Ok(())
}

fn types(keyword: &str, held: &Value) -> Result<(), String> {
    const TYPES: [&str; 7] = ["null", "boolean", "integer", "number", "string", "array", "object"];
    if keyword != "type" {
        return Ok(());
    }
    let names = held.as_array().map_or(std::slice::from_ref(held), Vec::as_slice);
    match names.iter().find(|name| !name.as_str().is_some_and(|name| TYPES.contains(&name))) {
        Some(unknown) => Err(format!("there is no type {unknown}; there are {}", TYPES.join(", "))),
        None => Ok(()),
    }
}

fn named<'v>(held: &'v Value, keyword: &str) -> Result<&'v serde_json::Map<String, Value>, String> {
    held.as_object().ok_or_else(|| format!("`{keyword}` holds an object"))
}

fn pattern(text: &str) -> Result<(), String> {
    Regex::new(text).map(drop).map_err(|_| format!("the pattern `{text}` cannot be compiled"))
}

/// References lead within the file; nothing is fetched.
fn reference(root: &Value, held: &Value) -> Result<(), String> {
    let target = held.as_str().and_then(|text| text.strip_prefix('#')).and_then(|pointer| root.pointer(pointer));
    target.map(drop).ok_or_else(|| format!("the reference {held} leads nowhere in the file"))
}
