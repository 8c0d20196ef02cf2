//! Steps of engine ws: WebSockets.

use crate::codes;
use crate::source::{Node, Shape};

use super::config::no_proxy;
use super::model::{Answer, WsAction};
use super::reader::Reader;
use super::{capture, expect};

pub const STEPS: [&str; 4] = ["connect", "send", "sendBytes", "wait"];
/// What makes a mapping more than a message.
const ANSWERED: [&str; 4] = ["capture", "match", "expect", "timeout"];

pub fn read(name: &str, node: &Node, reader: &mut Reader<'_>) -> Option<WsAction> {
    match name {
        "connect" => {
            if let Some((key, _)) = node.entry("proxy") {
                no_proxy(key, reader);
            }
            if let Some((key, name)) = node.entry("function").and_then(|(key, name)| Some((key, name.text()?))) {
                reader.needs_functions(key.span, name);
            }
            Some(WsAction::Connect(node.to_json()))
        }
        "send" | "sendBytes" => send(name, node, reader),
        _ => {
            reader.check_part("answer", node, "wait");
            Some(WsAction::Wait { answer: answer(node, reader) })
        }
    }
}

/// A mapping is a message itself, unless it says what its answer is used for.
fn send(name: &str, node: &Node, reader: &mut Reader<'_>) -> Option<WsAction> {
    let binary = name == "sendBytes";
    if !ANSWERED.iter().any(|field| node.entry(field).is_some()) {
        return Some(WsAction::Send { payload: node.to_json(), binary, answer: Answer::default() });
    }
    reader.check_part("answer", node, name);
    let Some(payload) = node.get("payload") else {
        let span = node.entries().first().map_or(node.span, |(key, _)| key.span);
        reader.error(codes::MISSING_FIELD, span, format!("`{name}` lacks `payload`"), "add `payload`: the message; or write `wait`".to_owned());
        return None;
    };
    Some(WsAction::Send { payload: payload.to_json(), binary, answer: answer(node, reader) })
}

fn answer(node: &Node, reader: &mut Reader<'_>) -> Answer {
    Answer {
        name: node.owned("name"),
        timeout: reader.time(node, "timeout"),
        capture: capture::read(node, reader),
        matches: capture::matches(node, reader),
        expect: expect::read(node, reader),
    }
}

/// The connection is there before the first step, so that a later `connect` would do nothing.
pub fn connect_is_first(step: &Node, reader: &mut Reader<'_>) {
    if let Some((key, value)) = step.entry("connect")
        && value.shape() != Shape::Null
    {
        let mend = "make it the first step of the flow".to_owned();
        reader.error(codes::WRONG_VALUE, key.span, "`connect` must be the first step", mend);
    }
}
