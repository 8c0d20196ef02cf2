//! An environment's settings laid over the script's own.
//!
//! Artillery merges mappings key by key and lists item by item, so that an environment with one phase keeps
//! the script's second. That is done here as well, and said. One thing is different: an environment's
//! phase that says how users arrive replaces how the script's does, where Artillery would let a count win
//! over a rate wherever each was written.
//!
//! Source: Artillery, `checkConfig` in `packages/artillery/lib/util.ts`, and lodash's `merge`.

use crate::codes;
use crate::diagnostic::Level;
use crate::source::node::Content;
use crate::source::{Node, Shape};

use super::phase::ARRIVALS;
use super::reader::Reader;

/// `below` is what the script says, `above` what the environment says.
pub fn lay(below: &Node, above: &Node, reader: &mut Reader<'_>) -> Node {
    let content = match (&below.content, &above.content) {
        (Content::Mapping(script), Content::Mapping(environment)) => Content::Mapping(mappings(script, environment, reader)),
        (Content::Sequence(script), Content::Sequence(environment)) => Content::Sequence(lists(script, environment, reader)),
        (_, content) => content.clone(),
    };
    Node { span: above.span, content }
}

fn mappings(script: &[(Node, Node)], environment: &[(Node, Node)], reader: &mut Reader<'_>) -> Vec<(Node, Node)> {
    let find = |entries: &[(Node, Node)], key: &Node| entries.iter().position(|(name, _)| name.text() == key.text());
    let mut merged: Vec<(Node, Node)> = script.to_vec();
    if let Some((arrival, _)) = environment.iter().find(|(key, _)| is_arrival(key)) {
        let is_rate = arrival.text() == Some("arrivalRate");
        merged.retain(|(key, _)| !is_arrival(key) && (is_rate || key.text() != Some("rampTo")));
        let ramps = |entries: &[(Node, Node)]| entries.iter().any(|(key, _)| key.text() == Some("rampTo"));
        if ramps(&merged) && !ramps(environment) {
            note(arrival, "the script's `rampTo` stays beside this `arrivalRate`".to_owned(), "write `rampTo` here as well", reader);
        }
    }
    for (key, above) in environment {
        match find(&merged, key) {
            Some(index) => {
                let below = merged[index].1.clone();
                note_leftover(key, &below, above, reader);
                merged[index] = (key.clone(), lay(&below, above, reader));
            }
            None => merged.push((key.clone(), above.clone())),
        }
    }
    merged
}

fn lists(script: &[Node], environment: &[Node], reader: &mut Reader<'_>) -> Vec<Node> {
    let longer = script.len().max(environment.len());
    let item = |index: usize| match (script.get(index), environment.get(index)) {
        (Some(below), Some(above)) => Some(lay(below, above, reader)),
        (below, above) => above.or(below).cloned(),
    };
    (0..longer).filter_map(item).collect()
}

fn is_arrival(key: &Node) -> bool {
    key.text().is_some_and(|name| ARRIVALS.contains(&name))
}

fn note_leftover(key: &Node, below: &Node, above: &Node, reader: &mut Reader<'_>) {
    let (script, environment) = (below.items().len(), above.items().len());
    if below.shape() == Shape::Array && above.shape() == Shape::Array && script > environment {
        let name = key.text().unwrap_or_default();
        let message = format!("the script has {script} `{name}` and this environment {environment}; what it has more stays");
        note(key, message, "write as many as the script has, or move the script's own into an environment", reader);
    }
}

fn note(key: &Node, message: String, mend: &str, reader: &mut Reader<'_>) {
    reader.findings.report(Level::Note, codes::LAID_OVER, key.span, message, format!("Artillery does the same; {mend}"));
}
