//! What the readers of all parts of a script share: where they are, what they may look up, what they say.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::codes;
use crate::diagnostic::{Level, Origin};
use crate::findings::Findings;
use crate::kinds::Reading;
use crate::promql::PromqlCheck;
use crate::schema;
use crate::source::{Node, Span};
use crate::suggest;

use super::given::Given;
use super::model::{Jitter, PAYLOAD_PATH, Unset};

pub struct Reader<'a> {
    pub findings: &'a mut Findings,
    promql: &'a PromqlCheck,
    given: &'a Given,
    folder: &'a Path,
    /// The environment whose settings are being read.
    pub environment: Option<String>,
    /// Whether the script can have JavaScript functions; a script without settings may get them from others.
    pub has_functions: bool,
    unset: Vec<Unset>,
}

impl<'a> Reader<'a> {
    pub fn of(tree: &Node, reading: &'a mut Reading<'_>) -> Self {
        let config = tree.get("config");
        let environments = config.and_then(|config| config.get("environments")).map(Node::entries).unwrap_or_default();
        let has_processor = |config: &Node| config.get("processor").is_some();
        let has_functions = config.is_none_or(|config| has_processor(config) || environments.iter().any(|(_, config)| has_processor(config)));
        let (promql, given, folder) = (reading.promql, reading.given, reading.folder);
        Self { findings: &mut reading.findings, promql, given, folder, environment: None, has_functions, unset: Vec::new() }
    }

    /// The variables without a value so far, which are forgotten here.
    pub fn unset(&mut self) -> Vec<Unset> {
        std::mem::take(&mut self.unset)
    }

    pub fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>, mend: impl Into<Option<String>>) {
        self.findings.error(code, span, message, mend);
    }

    pub fn origin(&self, span: Span) -> Origin {
        self.findings.origin(span)
    }

    /// Checks what only the reader can tell apart.
    pub fn check_part(&mut self, part: &str, node: &Node, subject: &str) {
        schema::SCRIPT.check_part(part, node, subject, self.findings, self.promql);
    }

    pub fn number(&mut self, node: &Node, key: &str) -> Option<f64> {
        let value = node.get(key)?;
        let text = self.known(value)?;
        self.come_to(value, "a number", text.trim().parse().ok().filter(|number: &f64| number.is_finite()))
    }

    /// A number that must be at least `least`; `whole` numbers only if said so.
    pub fn number_from(&mut self, node: &Node, key: &str, least: f64, whole: bool) -> Option<f64> {
        let number = self.number(node, key)?;
        if number >= least && (!whole || number.fract() == 0.0) {
            return Some(number);
        }
        let what = if whole { "a whole number" } else { "a number" };
        let span = node.get(key)?.span;
        self.error(codes::WRONG_VALUE, span, format!("`{key}` must be {what}, at least {least}"), None);
        None
    }

    pub fn flag(&mut self, node: &Node, key: &str) -> Option<bool> {
        let value = node.get(key)?;
        let text = self.known(value)?.to_lowercase();
        self.come_to(value, "true or false", text.trim().parse().ok())
    }

    pub fn time(&mut self, node: &Node, key: &str) -> Option<Duration> {
        let value = node.get(key)?;
        let text = self.known(value)?;
        self.come_to(value, "a duration", super::duration_of(&text))
    }

    pub fn jitter(&mut self, node: &Node) -> Option<Jitter> {
        let value = node.get("jitter")?;
        let text = self.known(value)?;
        let percent = text.trim().strip_suffix('%');
        let number = percent.unwrap_or(&text).trim().parse().ok();
        let number = self.come_to(value, "a number or a percentage", number)?;
        Some(if percent.is_some() { Jitter::Percent(number) } else { Jitter::Absolute(number) })
    }

    /// The path of a file beside the script, which must be there unless a virtual user's variable is part of it.
    pub fn file(&mut self, value: &Node, what: &str) -> Option<String> {
        let filled = self.given.fill(value.text()?, self.environment.as_deref());
        let Value::String(path) = filled.value else { return value.text().map(str::to_owned) };
        if !path.contains("{{") {
            let place = self.folder.join(&path);
            if !place.exists() {
                let message = format!("{what} is not there: {}", place.display());
                let mend = "paths are relative to the script".to_owned();
                self.error(codes::MISSING_FILE, value.span, message, mend);
            }
        }
        Some(path)
    }

    /// The CSV file of a payload without a `path` of its own. Without one, the script lacks a value.
    pub fn given_payload(&mut self, span: Span) -> Option<String> {
        if self.given.payload.is_none() {
            let mend = "add `path`: the CSV file, relative to the script; or give it by --payload FILE".to_owned();
            self.findings.report(Level::Warning, codes::UNSET_VARIABLE, span, "the payload names no file", mend);
            self.unset.push(Unset { variable: PAYLOAD_PATH.to_owned(), origin: self.findings.origin(span) });
        }
        self.given.payload.clone()
    }

    pub fn files(&mut self, node: &Node, key: &str, what: &str) -> Vec<String> {
        let values = node.get(key).map(Node::items).unwrap_or_default();
        values.iter().filter_map(|value| self.file(value, what)).collect()
    }

    /// One name or a list of them.
    pub fn functions(&mut self, node: &Node, key: &str) -> Vec<String> {
        let Some((at, value)) = node.entry(key) else { return Vec::new() };
        let names: Vec<String> = one_or_list(value).iter().filter_map(|name| name.text().map(str::to_owned)).collect();
        if let Some(name) = names.first() {
            self.needs_functions(at.span, name);
        }
        names
    }

    pub fn needs_functions(&mut self, span: Span, name: &str) {
        if !self.has_functions {
            let message = format!("`{name}` is a JavaScript function, and the script has no file of functions");
            self.error(codes::MISSING_FIELD, span, message, "name the file in `config.processor`".to_owned());
        }
    }

    /// Whether a mapping has known fields only: then what it lacks is no slip, and worth a word.
    pub fn knows_all(&self, part: &str, node: &Node) -> bool {
        node.entries().iter().all(|(key, _)| fields(part).any(|field| key.text() == Some(field)))
    }

    /// A key that neither the format nor, if there are any, the script's functions know.
    pub fn unknown(&mut self, subject: &str, key: &Node, part: &str, for_functions: bool) {
        let name = key.text().unwrap_or_default();
        let near = suggest::nearest(name, fields(part)).map(|near| format!("did you mean `{near}`?"));
        if for_functions && near.is_none() {
            let message = format!("`{name}` in {subject} is kept for the script's functions");
            return self.findings.report(Level::Note, codes::UNKNOWN_FIELD, key.span, message, None);
        }
        self.error(codes::UNKNOWN_FIELD, key.span, format!("{subject} has no field `{name}`"), near);
    }

    /// The text of a scalar with its templates filled in; nothing if a variable has no value, which is kept.
    fn known(&mut self, value: &Node) -> Option<String> {
        let text = value.text()?;
        if !text.contains("{{") {
            return Some(text.to_owned());
        }
        let filled = self.given.fill(text, self.environment.as_deref());
        for variable in &filled.missing {
            let message = format!("`{variable}` has no value");
            let mend = match variable.split_once('.') {
                Some(("$env" | "$processEnvironment", name)) => format!("set the environment variable {name}"),
                _ => "give the variable on the command line, or write the value here".to_owned(),
            };
            self.findings.report(Level::Warning, codes::UNSET_VARIABLE, value.span, message, mend);
            self.unset.push(Unset { variable: variable.clone(), origin: self.findings.origin(value.span) });
        }
        let text = match filled.value {
            Value::String(text) => text,
            value => value.to_string(),
        };
        filled.missing.is_empty().then_some(text)
    }

    /// Reports a template that comes to something else; what is wrong as it is written, the schema reports.
    /// The value is not shown, because it may be a secret that stands in the wrong place.
    fn come_to<T>(&mut self, value: &Node, wanted: &str, read: Option<T>) -> Option<T> {
        let text = value.text().unwrap_or_default();
        if read.is_none() && text.contains("{{") {
            self.error(codes::WRONG_TYPE, value.span, format!("`{text}` does not come to {wanted}"), None);
        }
        read
    }
}

/// The fields of a part of a script, as the schema has them.
fn fields(part: &str) -> impl Iterator<Item = &'static str> {
    let fields = schema::SCRIPT.value()["$defs"][part]["properties"].as_object();
    fields.into_iter().flat_map(|fields| fields.keys().map(String::as_str))
}

/// Many fields take one thing or a list of them.
pub fn one_or_list(value: &Node) -> &[Node] {
    match &value.content {
        crate::source::node::Content::Sequence(items) => items,
        _ => std::slice::from_ref(value),
    }
}

/// Names and texts in the order written.
pub fn pairs(node: &Node, key: &str) -> Vec<(String, String)> {
    let entries = node.get(key).map(Node::entries).unwrap_or_default();
    entries.iter().filter_map(|(name, value)| Some((name.text()?.to_owned(), value.text()?.to_owned()))).collect()
}
