//! JSONPath as Artillery has it, from the jsonpath-plus library.
//!
//! Understood are names (also with hyphens, also without the leading `$`), indices (also from the end), `*`, `..`,
//! slices, several names in one pair of brackets, `[(@.length-1)]`, `.length` of a list or a text, and filters
//! with comparisons, `&&`, `||`, `!`, existence, `@.length`, `.match(/…/)` and the functions of RFC 9535. Parents
//! (`^`), property names (`~`), types (`@string()`) and other JavaScript are refused by name.

mod filter;
mod parse;

use std::borrow::Cow;

use serde_json::Value;

use crate::value::path;

#[derive(Debug, Clone)]
pub struct JsonPath {
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
enum Step {
    /// A field, or an item of a list if it is a number; from the end if it is negative.
    Name(Box<str>),
    All,
    /// This value and everything in it.
    Within,
    Slice { start: Option<i64>, end: Option<i64>, step: usize },
    Several(Vec<Step>),
    Filter(Box<serde_json_path::JsonPath>),
}

impl JsonPath {
    /// An error says what is wrong, after the path's text: "is …".
    pub fn parse(text: &str) -> Result<Self, String> {
        Ok(Self { steps: parse::steps(text)? })
    }

    /// All values it leads to.
    pub fn query<'a>(&self, document: &'a Value) -> Vec<Cow<'a, Value>> {
        let mut found = Vec::new();
        follow(document, &self.steps, &mut found);
        found
    }

    /// The one value, or one of several, drawn at random.
    pub(super) fn pick(&self, document: &Value) -> Result<Value, String> {
        let mut found = self.query(document);
        match found.len() {
            0 => Err("found nothing".to_owned()),
            1 => Ok(found.swap_remove(0).into_owned()),
            several => Ok(found.swap_remove(fastrand::usize(..several)).into_owned()),
        }
    }
}

fn follow<'a>(value: &'a Value, steps: &[Step], found: &mut Vec<Cow<'a, Value>>) {
    let Some((step, rest)) = steps.split_first() else {
        found.push(Cow::Borrowed(value));
        return;
    };
    match step {
        Step::Name(name) => match child(value, name) {
            Some(child) => follow(child, rest, found),
            None if &**name == "length" && rest.is_empty() => found.extend(path::length(value).map(Cow::Owned)),
            None => {}
        },
        Step::All => children(value).for_each(|child| follow(child, rest, found)),
        Step::Within => {
            follow(value, rest, found);
            let deeper = children(value).filter(|child| child.is_array() || child.is_object());
            deeper.for_each(|child| follow(child, steps, found));
        }
        Step::Slice { start, end, step } => {
            let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let place = |bound: i64| if bound < 0 { items.len().saturating_add_signed(bound as isize) } else { bound as usize };
            // As in the library, an end of 0 is none.
            let end = end.filter(|end| *end != 0).map_or(items.len(), |end| if end < 0 && end.unsigned_abs() as usize > items.len() { 0 } else { place(end) });
            let start = start.map_or(0, |start| if start < 0 && start.unsigned_abs() as usize > items.len() { 0 } else { place(start) });
            let items = items.iter().take(end).skip(start).step_by(*step);
            items.for_each(|item| follow(item, rest, found));
        }
        Step::Several(several) => {
            for step in several {
                let mut here = vec![step.clone()];
                here.extend_from_slice(rest);
                follow(value, &here, found);
            }
        }
        Step::Filter(filter) => filter.query(value).all().into_iter().for_each(|child| follow(child, rest, found)),
    }
}

fn child<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(name),
        Value::Array(items) => match name.strip_prefix('-') {
            Some(back) => items.len().checked_sub(back.parse().ok()?).and_then(|index| items.get(index)),
            None => items.get(name.parse::<usize>().ok()?),
        },
        _ => None,
    }
}

fn children(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Object(fields) => Box::new(fields.values()),
        Value::Array(items) => Box::new(items.iter()),
        _ => Box::new(std::iter::empty()),
    }
}

#[cfg(test)]
mod tests;
