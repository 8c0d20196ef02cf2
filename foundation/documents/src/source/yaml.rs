//! YAML text → trees with positions. JSON is YAML 1.2, so it comes the same way.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Mark, StrInput};

use super::node::{Content, Node, Place, Scalar, Span};

/// Nesting beyond this is refused: no document of ours comes near, and trees are walked recursively.
const DEPTH_MAX: usize = 64;
/// How many nodes one file may come to once its aliases are written out.
const NODES_MAX: usize = 200_000;

/// What a text holds, as far as it could be read.
#[derive(Debug, Default)]
pub struct Yaml {
    /// One tree for each YAML document.
    pub roots: Vec<Node>,
    /// A key that stands twice in one mapping: its text, first place and second place.
    pub duplicates: Vec<(String, Span, Span)>,
    pub fault: Option<Fault>,
}

/// Why reading stopped.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    pub span: Span,
    pub message: String,
    /// Well-formed, but past a limit.
    pub limit: bool,
}

/// `line` is the number of lines before the text in its file.
pub fn parse(text: &str, line: u32) -> Yaml {
    let mut builder = Builder { line, ..Builder::default() };
    let mut parser = Parser::new(StrInput::new(text));
    while let Some(next) = parser.next_event() {
        let step = match next {
            Ok((Event::StreamEnd, _)) => break,
            Ok((event, mark)) => builder.take(event, mark),
            Err(error) => {
                let marker = error.marker();
                let span = Span::at(line + marker.line() as u32, marker.col() as u32 + 1, 1);
                Err(Fault { span, message: error.info().to_owned(), limit: false })
            }
        };
        if let Err(fault) = step {
            builder.yaml.fault = Some(fault);
            break;
        }
    }
    builder.yaml
}

#[derive(Default)]
struct Builder {
    line: u32,
    yaml: Yaml,
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
}

/// A collection whose end has not come yet.
struct Open {
    start: Mark,
    anchor: usize,
    mapping: bool,
    /// Keys and values in turn, if it is a mapping.
    children: Vec<Node>,
    /// The node count when it began, to know its size at its end.
    nodes_before: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, mark: Mark) -> Result<(), Fault> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1, mark)?;
                let plain = style == ScalarStyle::Plain && !tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                let content = Content::Scalar(Scalar { text: text.into_owned(), plain });
                let node = Node { span: self.span(mark), content };
                self.keep(anchor, &node, 1);
                self.push(node);
            }
            Event::SequenceStart(anchor, _) => self.open(mark, anchor, false)?,
            Event::MappingStart(anchor, _) => self.open(mark, anchor, true)?,
            Event::SequenceEnd | Event::MappingEnd => self.close(mark),
            Event::Alias(anchor) => {
                // An anchor that is still open would hold itself.
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    let message = "an alias cannot stand inside the value that it repeats".to_owned();
                    return Err(Fault { span: self.span(mark), message, limit: false });
                };
                self.count(size, mark)?;
                let span = self.span(mark);
                self.push(moved(node, span));
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, start: Mark, anchor: usize, mapping: bool) -> Result<(), Fault> {
        self.count(1, start)?;
        if self.open.len() >= DEPTH_MAX {
            let message = format!("nested deeper than {DEPTH_MAX} levels");
            return Err(Fault { span: self.span(start), message, limit: true });
        }
        self.open.push(Open { start, anchor, mapping, children: Vec::new(), nodes_before: self.nodes - 1 });
        Ok(())
    }

    fn close(&mut self, end: Mark) {
        let Some(open) = self.open.pop() else { return };
        let mut span = self.span(open.start);
        span.end = self.place(end.end);
        let content = if open.mapping {
            Content::Mapping(self.pairs(open.children))
        } else {
            Content::Sequence(open.children)
        };
        let node = Node { span, content };
        self.keep(open.anchor, &node, self.nodes - open.nodes_before);
        self.push(node);
    }

    fn push(&mut self, node: Node) {
        match self.open.last_mut() {
            Some(parent) => parent.children.push(node),
            None => self.yaml.roots.push(node),
        }
    }

    fn keep(&mut self, anchor: usize, node: &Node, size: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
    }

    fn count(&mut self, nodes: usize, mark: Mark) -> Result<(), Fault> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        let message = format!("more than {NODES_MAX} values once aliases are written out");
        Err(Fault { span: self.span(mark), message, limit: true })
    }

    /// Pairs keys with values; reports keys written twice; spreads `<<` where the mapping has no such key.
    fn pairs(&mut self, children: Vec<Node>) -> Vec<(Node, Node)> {
        let mut entries: Vec<(Node, Node)> = Vec::with_capacity(children.len() / 2);
        let mut merged = Vec::new();
        let mut places: HashMap<String, Span> = HashMap::new();
        let mut children = children.into_iter();
        while let (Some(key), Some(value)) = (children.next(), children.next()) {
            let text = key.text().map(str::to_owned);
            match text {
                Some(text) if text == "<<" => merged.push(value),
                Some(text) => match places.get(&text) {
                    Some(first) => self.yaml.duplicates.push((text, *first, key.span)),
                    None => {
                        places.insert(text, key.span);
                        entries.push((key, value));
                    }
                },
                None => entries.push((key, value)),
            }
        }
        let mut known: HashSet<String> = places.into_keys().collect();
        for entry in merged.into_iter().flat_map(mappings) {
            if entry.0.text().is_some_and(|text| known.insert(text.to_owned())) {
                entries.push(entry);
            }
        }
        entries
    }

    fn span(&self, mark: Mark) -> Span {
        let start = self.place(mark.start);
        let end = self.place(mark.end);
        let length = if start.line == end.line { end.column.saturating_sub(start.column).max(1) } else { 1 };
        Span { start, end, length }
    }

    fn place(&self, marker: saphyr_parser::Marker) -> Place {
        Place { line: self.line + marker.line() as u32, column: marker.col() as u32 + 1 }
    }
}

/// A merge key takes one mapping or a list of them.
fn mappings(node: Node) -> Vec<(Node, Node)> {
    match node.content {
        Content::Mapping(entries) => entries,
        Content::Sequence(items) => items.into_iter().flat_map(mappings).collect(),
        Content::Scalar(_) => Vec::new(),
    }
}

/// A repeated value stands where it is used, so that a problem in it is reported there.
fn moved(node: Node, span: Span) -> Node {
    let content = match node.content {
        Content::Scalar(scalar) => Content::Scalar(scalar),
        Content::Sequence(items) => Content::Sequence(items.into_iter().map(|item| moved(item, span)).collect()),
        Content::Mapping(entries) => {
            Content::Mapping(entries.into_iter().map(|(key, value)| (moved(key, span), moved(value, span))).collect())
        }
    };
    Node { span, content }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Node {
        let mut yaml = parse(text, 0);
        assert_eq!(yaml.fault, None);
        yaml.roots.remove(0)
    }

    #[test]
    fn every_key_and_scalar_knows_its_place() {
        let root = only("a: 1\nlist:\n  - 'été'\n");
        let item = &root.get("list").unwrap().items()[0];
        assert_eq!((item.span.start.line, item.span.start.column, item.span.length), (3, 5, 5));
        let (key, _) = root.entry("list").unwrap();
        assert_eq!((key.span.start.line, key.span.start.column, key.span.length), (2, 1, 4));
    }

    #[test]
    fn quotes_make_text() {
        let root = only("{a: 1, b: '1', c: true, d: 'true', e: 1e3, f: .inf, g: !!str 5}");
        assert_eq!(root.to_json(), serde_json::json!({"a": 1, "b": "1", "c": true, "d": "true", "e": 1000.0, "f": ".inf", "g": "5"}));
    }

    #[test]
    fn merge_keys_fill_in_and_do_not_overwrite() {
        let root = only("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n");
        assert_eq!(root.get("use").unwrap().to_json(), serde_json::json!({"y": 3, "x": 1}));
    }

    #[test]
    fn a_key_written_twice_is_reported_with_both_places() {
        let yaml = parse("a: 1\nb: 2\na: 3\n", 10);
        let (key, first, second) = &yaml.duplicates[0];
        assert_eq!((key.as_str(), first.start.line, second.start.line), ("a", 11, 13));
    }

    #[test]
    fn aliases_cannot_explode() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let below = format!("*a{}, ", level - 1).repeat(10);
            bomb.push_str(&format!("a{level}: &a{level} [{below}]\n"));
        }
        assert!(parse(&bomb, 0).fault.is_some_and(|fault| fault.limit));
        assert!(parse(&"[".repeat(100_000), 0).fault.is_some());
        assert!(parse("a: &a [*a]", 0).fault.is_some());
    }
}
