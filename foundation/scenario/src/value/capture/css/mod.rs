//! CSS selectors over HTML.
//!
//! Understood are names, `*`, `#id`, `.class`, `[attribute]` with every operator and the flag `i`, the four
//! combinators, lists, `:not`, `:is`, `:has`, `:contains`, `:empty`, and the children by place: `:first-child`,
//! `:nth-child(2n+1)`, `:nth-of-type(3)` and their like. Any other pseudo-class is refused by name.

mod html;
mod matching;
mod parse;

use documents::script::Pick;
use serde_json::Value;

use html::Html;

/// A selector, and what is taken of which element.
#[derive(Debug, Clone)]
pub(super) struct Css {
    selectors: Vec<Complex>,
    /// The element's text if none.
    attribute: Option<String>,
    pick: Pick,
}

/// `a > b c`: the last part, and what must stand before it, from right to left.
#[derive(Debug, Clone)]
struct Complex {
    last: Compound,
    before: Vec<(Combinator, Compound)>,
}

/// `a#b.c[d]:e`: what one element must be.
#[derive(Debug, Clone, Default)]
struct Compound {
    tests: Vec<Test>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Combinator {
    Within,
    Child,
    After,
    Next,
}

#[derive(Debug, Clone)]
enum Test {
    Name(String),
    Attribute { name: String, operator: Operator, value: String, any_case: bool },
    /// Counted among its siblings, from 1; of its own name only if `same_name`.
    Place { nth: Nth, from_end: bool, same_name: bool },
    Only { same_name: bool },
    Empty,
    Contains(String),
    Any { of: Vec<Complex>, negated: bool },
    Has(Vec<Complex>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Present,
    Equals,
    /// One of the words.
    Word,
    /// The value, or the value and a hyphen at the beginning.
    Language,
    Begins,
    Ends,
    Holds,
}

/// `an+b`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Nth {
    every: i64,
    offset: i64,
}

impl Css {
    pub(super) fn parse(text: &str, attribute: Option<String>, pick: Pick) -> Result<Self, String> {
        let attribute = attribute.map(|name| name.to_ascii_lowercase());
        Ok(Self { selectors: parse::list(text)?, attribute, pick })
    }

    pub(super) fn find(&self, body: &str) -> Result<Value, String> {
        let html = Html::parse(body);
        let elements: Vec<usize> = html.elements().filter(|element| html.is_any(*element, &self.selectors)).collect();
        let index = match self.pick {
            _ if elements.is_empty() => return Err("found nothing".to_owned()),
            Pick::First => 0,
            Pick::Last => elements.len() - 1,
            Pick::Random => fastrand::usize(..elements.len()),
            // A negative one counts from the end.
            Pick::Index(index) if index < 0 => usize::try_from(elements.len() as i64 + index).unwrap_or(usize::MAX),
            Pick::Index(index) => usize::try_from(index).unwrap_or(usize::MAX),
        };
        let Some(element) = elements.get(index) else {
            return Err(format!("found {} elements, and none at its index", elements.len()));
        };
        match &self.attribute {
            None => Ok(html.text(*element).trim().into()),
            Some(name) => match html.attribute(*element, name) {
                Some(value) => Ok(value.into()),
                None => Err(format!("found an element without the attribute `{name}`")),
            },
        }
    }
}

#[cfg(test)]
mod tests;
