//! The text of a definition → a value in which everything remembers its place. JSON is YAML 1.2, so both come
//! the same way.

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Mark, StrInput};
use serde_json::{Map, Number, Value};

use crate::fault::Fault;

/// A definition beyond this is refused.
pub const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Trees are walked recursively.
const DEPTH_MAX: usize = 64;
/// How many values one definition may come to.
const NODES_MAX: usize = 200_000;

/// Line and column count from 1, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: u32,
    pub column: u32,
}

impl Place {
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub place: Place,
    pub content: Content,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Null,
    Bool(bool),
    Number(Number),
    /// With the number of characters between the node's place and the text's own first character, if the text
    /// stands in the source as it is.
    Text(String, Written),
    List(Vec<Node>),
    Object(Vec<Entry>),
}

/// How a text was written, to find a place inside of it.
#[derive(Debug, Clone)]
pub(crate) enum Written {
    /// On one line, after so many opening characters.
    Plain { opening: u32 },
    /// In double quotes on one line, with escapes: the column of each character, counted from the node's place.
    Escaped(Vec<u32>),
    /// In any other way.
    Folded,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub key: String,
    pub place: Place,
    pub value: Node,
}

impl Node {
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    pub fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Object(entries) => entries,
            _ => &[],
        }
    }

    pub fn items(&self) -> &[Node] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text, _) => Some(text),
            _ => None,
        }
    }

    pub fn bool(&self) -> Option<bool> {
        match self.content {
            Content::Bool(value) => Some(value),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.content, Content::Null)
    }

    pub fn is_object(&self) -> bool {
        matches!(self.content, Content::Object(_))
    }

    /// In the words of JSON, with an article.
    pub fn kind(&self) -> &'static str {
        match self.content {
            Content::Null => "null",
            Content::Bool(_) => "a boolean",
            Content::Number(_) => "a number",
            Content::Text(..) => "a string",
            Content::List(_) => "an array",
            Content::Object(_) => "an object",
        }
    }

    pub fn to_json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(number) => Value::Number(number.clone()),
            Content::Text(text, _) => Value::String(text.clone()),
            Content::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Content::Object(entries) => {
                Value::Object(entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect::<Map<_, _>>())
            }
        }
    }

    /// Where the character `index` of a text stands; where the text begins if that cannot be told.
    pub fn place_inside(&self, index: usize) -> Place {
        let after = match &self.content {
            Content::Text(_, Written::Plain { opening }) => u32::try_from(index).map_or(0, |index| index.saturating_add(*opening)),
            Content::Text(_, Written::Escaped(columns)) => columns.get(index).or(columns.last()).copied().unwrap_or(0),
            _ => 0,
        };
        Place { line: self.place.line, column: self.place.column.saturating_add(after) }
    }
}

pub(crate) fn parse(bytes: &[u8]) -> Result<Node, Fault> {
    if bytes.len() > BYTES_MAX {
        let mend = "split it into several profiles".to_owned();
        return Err(Fault::new(Place::START, format!("the definition is larger than {BYTES_MAX} bytes"), mend));
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(Fault::new(Place::START, "the definition is not UTF-8 text", None));
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder { lines: text.lines().collect(), open: Vec::new(), root: None, nodes: 0 };
    let mut parser = Parser::new(StrInput::new(text));
    while let Some(next) = parser.next_event() {
        match next {
            Ok((Event::StreamEnd, _)) => break,
            Ok((event, mark)) => builder.take(event, mark)?,
            Err(error) => {
                let place = place(*error.marker());
                return Err(Fault::new(place, format!("neither JSON nor YAML: {}", error.info()), None));
            }
        }
    }
    builder.root.ok_or_else(|| Fault::new(Place::START, "the definition is empty", None))
}

struct Builder<'t> {
    lines: Vec<&'t str>,
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
}

/// A collection whose end has not come yet.
struct Open {
    place: Place,
    mapping: bool,
    items: Vec<Node>,
    entries: Vec<Entry>,
    key: Option<(String, Place)>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, mark: Mark) -> Result<(), Fault> {
        match event {
            Event::Scalar(text, style, _, tag) => {
                let as_text = style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                let content = if as_text { Content::Text(text.clone().into_owned(), self.written(&text, style, mark)) } else { plain(&text) };
                self.push(Node { place: place(mark.start), content })
            }
            Event::SequenceStart(..) => self.open(mark, false),
            Event::MappingStart(..) => self.open(mark, true),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let content = if open.mapping { Content::Object(open.entries) } else { Content::List(open.items) };
                self.push(Node { place: open.place, content })
            }
            Event::Alias(_) => {
                let mend = "flagd shares rules by `$evaluators` and `$ref`".to_owned();
                Err(Fault::new(place(mark.start), "aliases are not read in flag definitions", mend))
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, mark: Mark, mapping: bool) -> Result<(), Fault> {
        if self.open.len() >= DEPTH_MAX {
            return Err(Fault::new(place(mark.start), format!("nested deeper than {DEPTH_MAX} levels"), None));
        }
        self.open.push(Open { place: place(mark.start), mapping, items: Vec::new(), entries: Vec::new(), key: None });
        Ok(())
    }

    fn push(&mut self, node: Node) -> Result<(), Fault> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(Fault::new(node.place, format!("more than {NODES_MAX} values"), None));
        }
        let Some(parent) = self.open.last_mut() else {
            // Of several YAML documents, the first is the definition.
            self.root.get_or_insert(node);
            return Ok(());
        };
        if !parent.mapping {
            parent.items.push(node);
        } else if let Some((key, place)) = parent.key.take() {
            if parent.entries.iter().any(|entry| entry.key == key) {
                return Err(Fault::new(place, format!("`{key}` stands here a second time"), "keep one of the two".to_owned()));
            }
            parent.entries.push(Entry { key, place, value: node });
        } else {
            parent.key = Some((key_text(&node)?, node.place));
        }
        Ok(())
    }

    fn written(&self, text: &str, style: ScalarStyle, mark: Mark) -> Written {
        if mark.start.line() != mark.end.line() {
            return Written::Folded;
        }
        let source = self.lines.get(mark.start.line().saturating_sub(1)).copied().unwrap_or_default();
        match style {
            ScalarStyle::DoubleQuoted => {
                let columns = escaped(source.chars().skip(mark.start.col()));
                if columns.len() == text.chars().count() + 1 { Written::Escaped(columns) } else { Written::Folded }
            }
            ScalarStyle::SingleQuoted => Written::Plain { opening: 1 },
            _ => Written::Plain { opening: 0 },
        }
    }
}

/// The column of each character of a double-quoted text and of its closing quote, counted from its opening one.
fn escaped(mut source: impl Iterator<Item = char>) -> Vec<u32> {
    let mut columns = Vec::new();
    let mut column = 0;
    source.next();
    while let Some(character) = source.next() {
        column += 1;
        columns.push(column);
        match character {
            '"' => return columns,
            '\\' => {
                let digits = match source.next() {
                    Some('u') => 4,
                    Some('U') => 8,
                    Some('x') => 2,
                    _ => 0,
                };
                for _ in 0..digits {
                    source.next();
                }
                column += 1 + digits;
            }
            _ => {}
        }
    }
    columns
}

fn key_text(node: &Node) -> Result<String, Fault> {
    match &node.content {
        Content::Text(text, _) => Ok(text.clone()),
        Content::Bool(value) => Ok(value.to_string()),
        Content::Number(number) => Ok(number.to_string()),
        _ => Err(Fault::new(node.place, format!("a key must be text, and this is {}", node.kind()), None)),
    }
}

/// The core schema of YAML 1.2, which JSON is part of.
fn plain(text: &str) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Content::Null,
        "true" | "True" | "TRUE" => return Content::Bool(true),
        "false" | "False" | "FALSE" => return Content::Bool(false),
        _ => {}
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Content::Number(whole.into());
    }
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) && text.bytes().any(|byte| byte.is_ascii_digit());
    let number = if numeric { text.parse().ok().and_then(Number::from_f64) } else { None };
    number.map_or_else(|| Content::Text(text.to_owned(), Written::Plain { opening: 0 }), Content::Number)
}

fn place(marker: saphyr_parser::Marker) -> Place {
    Place { line: marker.line() as u32, column: marker.col() as u32 + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, column: u32) -> Place {
        Place { line, column }
    }

    #[test]
    fn a_place_inside_a_text_is_found_past_escapes() {
        let root = parse(br#"{"rule": "(eq $a \"x\" oops)"}"#).unwrap();
        let rule = root.get("rule").unwrap();
        let index = rule.text().unwrap().find("oops").unwrap();
        assert_eq!(rule.place_inside(index), at(1, 24));
        let root = parse(b"a:\n  rule: '(eq $a)'").unwrap();
        assert_eq!(root.get("a").unwrap().get("rule").unwrap().place_inside(1), at(2, 11));
    }

    #[test]
    fn what_is_no_definition_is_refused_at_its_place() {
        assert_eq!(parse(b"").unwrap_err().message, "the definition is empty");
        assert_eq!(parse(br#"{"a": 1, "a": 2}"#).unwrap_err().place, at(1, 10));
        assert!(parse("[".repeat(100).as_bytes()).unwrap_err().message.contains("deeper"));
        assert!(parse(b"a: &b [1]\nc: *b").unwrap_err().message.contains("aliases"));
        assert!(parse(&[0xff]).is_err());
    }
}
