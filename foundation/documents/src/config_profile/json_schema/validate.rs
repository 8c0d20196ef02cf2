//! A value against a schema whose keywords are known.
//!
//! Source: JSON Schema validation, drafts 4 to 2020-12; where they differ (`exclusiveMinimum`, a list of `items`) both
//! forms are read.

use std::cell::Cell;

use fancy_regex::Regex;
use serde_json::{Map, Value};

/// What does not fit, and where: keys and indices from the root.
pub struct Misfit {
    pub path: Vec<String>,
    pub message: String,
}

/// Schemas that refer to themselves end here, in depth and in number.
const DEPTH_MAX: usize = 128;
const STEPS_MAX: usize = 1_000_000;

pub fn misfits(root: &Value, value: &Value) -> Vec<Misfit> {
    let steps = Cell::new(0);
    let mut validation = Validation { root, path: Vec::new(), found: Vec::new(), depth: 0, steps: &steps };
    validation.check(root, value);
    validation.found
}

struct Validation<'s> {
    root: &'s Value,
    path: Vec<String>,
    found: Vec<Misfit>,
    depth: usize,
    /// Of this validation and those within it.
    steps: &'s Cell<usize>,
}

impl<'s> Validation<'s> {
    fn check(&mut self, schema: &'s Value, value: &Value) {
        let fields = match schema {
            Value::Bool(false) => return self.tell("nothing may stand here".to_owned()),
            Value::Object(fields) => fields,
            _ => return,
        };
        self.steps.set(self.steps.get() + 1);
        if self.depth >= DEPTH_MAX || self.steps.get() > STEPS_MAX {
            return self.tell("the schema refers to itself without end".to_owned());
        }
        self.depth += 1;
        if let Some(target) = fields.get("$ref").and_then(|reference| self.root.pointer(reference.as_str()?.trim_start_matches('#'))) {
            self.check(target, value);
        }
        self.kind(fields, value);
        self.combined(fields, value);
        match value {
            Value::Object(object) => self.object(fields, object),
            Value::Array(items) => self.array(fields, items),
            Value::String(text) => self.text(fields, text),
            Value::Number(number) => self.number(fields, number.as_f64().unwrap_or_default()),
            _ => {}
        }
        self.depth -= 1;
    }

    fn kind(&mut self, fields: &Map<String, Value>, value: &Value) {
        if let Some(wanted) = fields.get("type") {
            let names = wanted.as_array().map_or(std::slice::from_ref(wanted), Vec::as_slice);
            if !names.iter().filter_map(Value::as_str).any(|name| is(name, value)) {
                let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
                self.tell(format!("{value} is not of the type {}", names.join(" or ")));
            }
        }
        if let Some(Value::Array(allowed)) = fields.get("enum")
            && !allowed.iter().any(|allowed| same(allowed, value))
        {
            self.tell(format!("{value} is none of {}", Value::from(allowed.clone())));
        }
        if let Some(only) = fields.get("const").filter(|only| !same(only, value)) {
            self.tell(format!("{value} is not {only}"));
        }
    }

    fn combined(&mut self, fields: &'s Map<String, Value>, value: &Value) {
        for schema in list(fields, "allOf") {
            self.check(schema, value);
        }
        let any = list(fields, "anyOf");
        if !any.is_empty() && !any.iter().any(|schema| self.fits(schema, value)) {
            self.tell(format!("{value} fits none of `anyOf`"));
        }
        let one = list(fields, "oneOf");
        let fitting = one.iter().filter(|schema| self.fits(schema, value)).count();
        if !one.is_empty() && fitting != 1 {
            self.tell(format!("{value} fits {fitting} of `oneOf`, and not one"));
        }
        if fields.get("not").is_some_and(|schema| self.fits(schema, value)) {
            self.tell(format!("{value} is what `not` excludes"));
        }
        if let Some(condition) = fields.get("if") {
            let branch = if self.fits(condition, value) { "then" } else { "else" };
            if let Some(schema) = fields.get(branch) {
                self.check(schema, value);
            }
        }
    }

    fn object(&mut self, fields: &'s Map<String, Value>, object: &Map<String, Value>) {
        for required in list(fields, "required").iter().filter_map(Value::as_str).filter(|name| !object.contains_key(*name)) {
            self.tell(format!("`{required}` is missing"));
        }
        self.count(fields, "minProperties", "maxProperties", object.len(), "keys");
        let properties = fields.get("properties").and_then(Value::as_object);
        let patterns: Vec<(Regex, &'s Value)> = fields.get("patternProperties").and_then(Value::as_object).into_iter().flatten()
            .filter_map(|(pattern, schema)| Some((Regex::new(pattern).ok()?, schema)))
            .collect();
        for (key, value) in object {
            self.path.push(key.clone());
            if let Some(schema) = fields.get("propertyNames") {
                self.check(schema, &Value::from(key.as_str()));
            }
            let mut known = false;
            if let Some(schema) = properties.and_then(|properties| properties.get(key)) {
                known = true;
                self.check(schema, value);
            }
            for (_, schema) in patterns.iter().filter(|(pattern, _)| pattern.is_match(key).unwrap_or(false)) {
                known = true;
                self.check(schema, value);
            }
            match fields.get("additionalProperties").filter(|_| !known) {
                Some(Value::Bool(false)) => self.tell(format!("there is no `{key}` here")),
                Some(schema) => self.check(schema, value),
                None => {}
            }
            self.path.pop();
        }
    }

    fn array(&mut self, fields: &'s Map<String, Value>, items: &[Value]) {
        self.count(fields, "minItems", "maxItems", items.len(), "items");
        if fields.get("uniqueItems") == Some(&Value::Bool(true)) {
            let twice = items.iter().enumerate().find(|(index, item)| items[..*index].iter().any(|before| same(before, item)));
            if let Some((_, item)) = twice {
                self.tell(format!("{item} stands here twice"));
            }
        }
        if let Some(schema) = fields.get("contains")
            && !items.iter().any(|item| self.fits(schema, item))
        {
            self.tell("no item is what `contains` asks for".to_owned());
        }
        let schema = |index: usize| match fields.get("items")? {
            Value::Array(each) => each.get(index),
            every => Some(every),
        };
        for (index, item) in items.iter().enumerate() {
            if let Some(schema) = schema(index) {
                self.path.push(index.to_string());
                self.check(schema, item);
                self.path.pop();
            }
        }
    }

    fn text(&mut self, fields: &Map<String, Value>, text: &str) {
        self.count(fields, "minLength", "maxLength", text.chars().count(), "characters");
        let pattern = fields.get("pattern").and_then(Value::as_str);
        if let Some(pattern) = pattern.filter(|pattern| !Regex::new(pattern).is_ok_and(|regex| regex.is_match(text).unwrap_or(false))) {
            self.tell(format!("\"{text}\" does not match {pattern}"));
        }
    }

    fn number(&mut self, fields: &Map<String, Value>, number: f64) {
        let bound = |name: &str| fields.get(name).and_then(Value::as_f64);
        // Draft 4 says by a boolean that the bound itself is excluded.
        let excluded = |name: &str| fields.get(name) == Some(&Value::Bool(true));
        let below = bound("minimum").is_some_and(|least| number < least || (number == least && excluded("exclusiveMinimum")));
        let above = bound("maximum").is_some_and(|most| number > most || (number == most && excluded("exclusiveMaximum")));
        let outside = bound("exclusiveMinimum").is_some_and(|least| number <= least) || bound("exclusiveMaximum").is_some_and(|most| number >= most);
        if below || above || outside {
            self.tell(format!("{number} is outside the bounds"));
        }
        if let Some(step) = bound("multipleOf").filter(|step| *step > 0.0 && ((number / step) - (number / step).round()).abs() > 1e-9) {
            self.tell(format!("{number} is not a multiple of {step}"));
        }
    }

    fn count(&mut self, fields: &Map<String, Value>, least: &str, most: &str, count: usize, of: &str) {
        let bound = |name: &str| fields.get(name).and_then(Value::as_u64);
        if let Some(least) = bound(least).filter(|least| (count as u64) < *least) {
            self.tell(format!("there must be at least {least} {of}, and there are {count}"));
        }
        if let Some(most) = bound(most).filter(|most| (count as u64) > *most) {
            self.tell(format!("there must be at most {most} {of}, and there are {count}"));
        }
    }

    fn fits(&self, schema: &'s Value, value: &Value) -> bool {
        let mut inner = Self { root: self.root, path: Vec::new(), found: Vec::new(), depth: self.depth, steps: self.steps };
        inner.check(schema, value);
        inner.found.is_empty()
    }

    fn tell(&mut self, message: String) {
        self.found.push(Misfit { path: self.path.clone(), message });
    }
}

fn list<'s>(fields: &'s Map<String, Value>, name: &str) -> &'s [Value] {
    fields.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn is(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        _ => value.is_object(),
    }
}

/// 1 and 1.0 are the same number.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right)),
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len() && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| same(value, other)))
        }
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::keywords;
    use super::*;

    /// Where each misfit stands, as a JSON pointer.
    fn places(schema: &Value, value: &Value) -> Vec<String> {
        assert_eq!(keywords::check(schema), Ok(()));
        misfits(schema, value).iter().map(|misfit| misfit.path.iter().map(|step| format!("/{step}")).collect()).collect()
    }

    #[test]
    fn every_keyword_takes_what_fits_and_tells_what_does_not() {
        for (schema, fits, misfit) in [
            (json!({"type": "integer"}), json!(2.0), json!(2.5)),
            (json!({"type": ["null", "string"]}), json!(null), json!(1)),
            (json!({"enum": [1, "a"]}), json!(1.0), json!("b")),
            (json!({"const": {"a": [1]}}), json!({"a": [1.0]}), json!({"a": []})),
            (json!({"required": ["a"]}), json!({"a": null}), json!({})),
            (json!({"maxProperties": 1}), json!({"a": 1}), json!({"a": 1, "b": 2})),
            (json!({"additionalProperties": {"type": "number"}, "properties": {"a": true}}), json!({"a": "", "b": 1}), json!({"b": ""})),
            (json!({"additionalProperties": false, "patternProperties": {"^x-": {}}}), json!({"x-a": 1}), json!({"a": 1})),
            (json!({"propertyNames": {"maxLength": 2}}), json!({"ab": 1}), json!({"abc": 1})),
            (json!({"items": {"type": "string"}}), json!(["a"]), json!([1])),
            (json!({"items": [{"type": "string"}, {"type": "number"}]}), json!(["a", 1, []]), json!(["a", "b"])),
            (json!({"uniqueItems": true}), json!([1, 2]), json!([1, 1.0])),
            (json!({"contains": {"const": 1}}), json!([0, 1]), json!([0])),
            (json!({"minLength": 2}), json!("né"), json!("n")),
            (json!({"pattern": "^a+$"}), json!("aa"), json!("ab")),
            (json!({"minimum": 1, "exclusiveMinimum": true}), json!(2), json!(1)),
            (json!({"exclusiveMaximum": 5}), json!(4.9), json!(5)),
            (json!({"multipleOf": 0.1}), json!(0.3), json!(0.35)),
            (json!({"allOf": [{"minimum": 1}, {"maximum": 2}]}), json!(1.5), json!(3)),
            (json!({"anyOf": [{"type": "string"}, {"minimum": 5}]}), json!("a"), json!(4)),
            (json!({"oneOf": [{"minimum": 1}, {"maximum": 2}]}), json!(3), json!(1.5)),
            (json!({"not": {"type": "null"}}), json!(1), json!(null)),
            (json!({"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"maxProperties": 0}}), json!({"a": 1, "b": 1}), json!({"a": 1})),
            (json!({"$ref": "#/definitions/n", "definitions": {"n": {"type": "number"}}}), json!(1), json!("1")),
            (json!(false), json!(1), json!(1)),
        ] {
            assert!(schema == json!(false) || places(&schema, &fits).is_empty(), "{schema} {fits}");
            assert!(!places(&schema, &misfit).is_empty(), "{schema} {misfit}");
        }
    }

    #[test]
    fn a_misfit_knows_its_place() {
        let schema = json!({"properties": {"list": {"items": {"properties": {"n": {"type": "integer"}}, "required": ["m"]}}}});
        let told = places(&schema, &json!({"list": [{"n": 1, "m": 1}, {"n": "x"}]}));
        assert_eq!(told, ["/list/1", "/list/1/n"]);
    }

    #[test]
    fn schemas_that_say_more_than_is_read_are_refused() {
        for schema in [json!({"unevaluatedProperties": false}), json!({"type": "objekt"}), json!({"$ref": "other.json"}), json!({"items": {"pattern": "("}}), json!([])] {
            assert!(keywords::check(&schema).is_err(), "{schema}");
        }
        assert!(!places(&json!({"$ref": "#"}), &json!(1)).is_empty());
        assert!(!places(&json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}), &json!(1)).is_empty());
    }
}
