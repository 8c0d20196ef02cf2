//! A configuration against the JSON Schema that its author wrote: the keywords that drafts 4 to 2020-12 have in common,
//! with the places of what does not fit. A keyword that is not read makes the schema unusable rather than weaker.
//!
//! Small, and our own: the kept crates (jsonschema, boon) change the features of what the query engine is built from.

mod keywords;
mod validate;

use serde_json::Value;

use super::content::text_of;
use crate::codes;
use crate::kinds::Reading;
use crate::source::{Node, Span};

/// A schema whose keywords, references and patterns are all known.
pub struct Compiled {
    schema: Value,
}

pub struct Wrong {
    pub span: Span,
    pub message: String,
}

/// So many misfits of one content are told.
const TOLD_MAX: usize = 20;

pub fn compile(node: &Node, file: &str, reading: &mut Reading<'_>) -> Option<Compiled> {
    let text = text_of(node, file, reading)?;
    let read = serde_json::from_str(&text).map_err(|error| format!("it is not JSON: {error}"));
    match read.and_then(|schema| keywords::check(&schema).map(|()| schema)) {
        Ok(schema) => Some(Compiled { schema }),
        Err(wrong) => {
            let mend = "docs/diagnostics.md lists the keywords that are read".to_owned();
            reading.findings.error(codes::JSON_SCHEMA, node.span, format!("{file} cannot be used: {wrong}"), mend);
            None
        }
    }
}

pub fn check(schema: &Compiled, tree: &Node) -> Vec<Wrong> {
    let misfits = validate::misfits(&schema.schema, &tree.to_json());
    let wrong = |misfit: validate::Misfit| Wrong { span: tree.span_of(&misfit.path), message: misfit.message };
    misfits.into_iter().take(TOLD_MAX).map(wrong).collect()
}
