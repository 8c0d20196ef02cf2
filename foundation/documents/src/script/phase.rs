//! `phases`: how virtual users arrive.

use std::time::Duration;

use crate::codes;
use crate::source::Node;

use super::model::{Arrivals, Phase, Spread};
use super::reader::Reader;

/// What says how users arrive in a phase: exactly one of these. `concurrency` is our own.
pub const ARRIVALS: [&str; 4] = ["pause", "arrivalCount", "arrivalRate", "concurrency"];

pub fn read(config: &Node, reader: &mut Reader<'_>) -> Vec<Phase> {
    let phases = config.get("phases").map(Node::items).unwrap_or_default();
    phases.iter().filter_map(|node| phase(node, reader)).collect()
}

fn phase(node: &Node, reader: &mut Reader<'_>) -> Option<Phase> {
    let max_vusers = reader.number_from(node, "maxVusers", 1.0, true).map(|users| users as u64);
    let arrivals = arrivals(node, reader)?;
    Some(Phase { name: node.owned("name"), arrivals, max_vusers, origin: reader.origin(node.span) })
}

fn arrivals(node: &Node, reader: &mut Reader<'_>) -> Option<Arrivals> {
    match only_kind(node, reader)? {
        "pause" => Some(Arrivals::Pause { duration: lasting(node, "pause", reader)? }),
        "arrivalCount" => {
            let count = reader.number_from(node, "arrivalCount", 0.0, true);
            let duration = lasting(node, "duration", reader)?;
            Some(Arrivals::Count { duration, count: count? as u64 })
        }
        "concurrency" => {
            let users = reader.number_from(node, "concurrency", 1.0, true);
            let duration = lasting(node, "duration", reader)?;
            Some(Arrivals::Users { duration, users: users? as u64 })
        }
        _ => rate(node, reader),
    }
}

/// A rate of nothing is a pause.
fn rate(node: &Node, reader: &mut Reader<'_>) -> Option<Arrivals> {
    let from = reader.number_from(node, "arrivalRate", 0.0, false);
    let ramps = node.get("rampTo").is_some();
    let to = if ramps { reader.number_from(node, "rampTo", 0.0, false) } else { from };
    let duration = lasting(node, "duration", reader)?;
    let spread = match node.get("mode").and_then(Node::text) {
        Some("poisson") => Spread::Poisson,
        _ => Spread::Uniform,
    };
    let (from, to) = (from?, to?);
    Some(if from == 0.0 && to == 0.0 { Arrivals::Pause { duration } } else { Arrivals::Rate { duration, from, to, spread } })
}

fn only_kind(node: &Node, reader: &mut Reader<'_>) -> Option<&'static str> {
    let given: Vec<&'static str> = ARRIVALS.into_iter().filter(|field| node.get(field).is_some()).collect();
    let at = |field: &str| node.entry(field).map_or(node.span, |(key, _)| key.span);
    match given[..] {
        [only] => {
            if only != "arrivalRate" && node.get("rampTo").is_some() {
                let mend = "take one of the two away".to_owned();
                reader.error(codes::WRONG_VALUE, at("rampTo"), format!("`rampTo` changes a rate, and this phase has `{only}`"), mend);
            }
            Some(only)
        }
        [] if node.get("rampTo").is_some() => {
            let mend = "add `arrivalRate`: the rate that the phase begins with, 0 if with nothing".to_owned();
            reader.error(codes::MISSING_FIELD, at("rampTo"), "`rampTo` lacks `arrivalRate`", mend);
            None
        }
        [] => {
            let span = node.entries().first().map_or(node.span, |(key, _)| key.span);
            let mend = "add `arrivalRate`, `arrivalCount`, `concurrency` or `pause`".to_owned();
            if reader.knows_all("phase", node) {
                reader.error(codes::MISSING_FIELD, span, "the phase does not say how users arrive", mend);
            }
            None
        }
        [first, second, ..] => {
            let mend = "write one phase for each".to_owned();
            reader.error(codes::WRONG_VALUE, at(second), format!("a phase cannot have both `{first}` and `{second}`"), mend);
            None
        }
    }
}

/// A time longer than nothing.
fn lasting(node: &Node, key: &str, reader: &mut Reader<'_>) -> Option<Duration> {
    let Some(written) = node.get(key) else {
        let span = node.entries().first().map_or(node.span, |(key, _)| key.span);
        let mend = format!("add `{key}`: seconds, or a text such as 2m");
        reader.error(codes::MISSING_FIELD, span, format!("the phase lacks `{key}`"), mend);
        return None;
    };
    let duration = reader.time(node, key)?;
    if duration.is_zero() {
        reader.error(codes::WRONG_VALUE, written.span, format!("`{key}` must be longer than 0"), None);
        return None;
    }
    Some(duration)
}
