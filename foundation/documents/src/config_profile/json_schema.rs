//! A configuration against the JSON Schema that its author wrote, with the places of what does not fit.

use jsonschema::{Retrieve, Uri, Validator};
use serde_json::Value;

use super::content::text_of;
use crate::codes;
use crate::kinds::Reading;
use crate::source::{Node, Span};

pub struct Wrong {
    pub span: Span,
    pub message: String,
}

/// So many misfits of one content are told.
const TOLD_MAX: usize = 20;
/// A misfit that repeats more of the content than this tells its place only.
const MESSAGE_MAX: usize = 300;

/// Where a reference leads that does not stay within the file.
struct Nowhere;

impl Retrieve for Nowhere {
    fn retrieve(&self, _: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err("nothing is fetched; references lead within the file".into())
    }
}

pub fn compile(node: &Node, file: &str, reading: &mut Reading<'_>) -> Option<Validator> {
    let text = text_of(node, file, reading)?;
    let read = serde_json::from_str(&text).map_err(|error| format!("it is not JSON: {error}"));
    let compiled = read.and_then(|schema| {
        jsonschema::options().with_retriever(Nowhere).build(&schema).map_err(|error| match error.instance_path().as_str() {
            "" => error.to_string(),
            place => format!("at {place}, {error}"),
        })
    });
    compiled
        .map_err(|wrong| {
            let mend = "docs/diagnostics.md says what a schema may hold".to_owned();
            reading.findings.error(codes::JSON_SCHEMA, node.span, format!("{file} cannot be used: {wrong}"), mend);
        })
        .ok()
}

pub fn check(schema: &Validator, tree: &Node) -> Vec<Wrong> {
    let value = tree.to_json();
    let wrong = |error: jsonschema::ValidationError<'_>| {
        let path: Vec<String> = error.instance_path().segments().map(|segment| segment.to_string()).collect();
        let message = error.to_string();
        let message = if message.len() > MESSAGE_MAX { error.masked().to_string() } else { message };
        Wrong { span: tree.span_of(&path), message }
    };
    schema.iter_errors(&value).take(TOLD_MAX).map(wrong).collect()
}
