//! Scenarios, and `before` and `after`: what one virtual user does.

use crate::codes;
use crate::source::Node;
use crate::suggest;

use super::flow;
use super::model::{Engine, Journey};
use super::reader::Reader;

/// Nothing if the journey is played by an engine that we do not have, which is said.
pub fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Journey> {
    let engine = engine(node, reader)?;
    Some(Journey {
        name: node.owned("name"),
        weight: weight(node, reader),
        engine,
        flow: flow::read(node.get("flow"), engine, reader),
        before_scenario: reader.functions(node, "beforeScenario"),
        after_scenario: reader.functions(node, "afterScenario"),
        before_request: reader.functions(node, "beforeRequest"),
        after_response: reader.functions(node, "afterResponse"),
        on_error: reader.functions(node, "onError"),
        origin: reader.origin(node.span),
    })
}

fn engine(node: &Node, reader: &mut Reader<'_>) -> Option<Engine> {
    const OURS: [&str; 4] = ["http", "ws", "grpc", "browser"];
    let Some(written) = node.get("engine") else { return Some(Engine::Http) };
    let (message, mend) = match written.text().unwrap_or_default() {
        "http" => return Some(Engine::Http),
        "ws" | "websocket" => return Some(Engine::Ws),
        "grpc" => return Some(Engine::Grpc),
        "browser" => return Some(Engine::Browser),
        "playwright" => (
            "Playwright's files are not read".to_owned(),
            Some("write it as engine: browser, with the steps goto, click, fill, wait, expect and screenshot".to_owned()),
        ),
        "socketio" | "socketio-v3" => {
            ("Mainstay has no engine for Socket.IO".to_owned(), Some("plain WebSockets are played by engine: ws".to_owned()))
        }
        other => (format!("there is no engine `{other}`"), suggest::mend(other, OURS, "there are")),
    };
    reader.error(codes::UNSUPPORTED, written.span, message, mend);
    None
}

fn weight(node: &Node, reader: &mut Reader<'_>) -> f64 {
    let weight = reader.number(node, "weight").unwrap_or(1.0);
    if weight > 0.0 {
        return weight;
    }
    let span = node.get("weight").map_or(node.span, |weight| weight.span);
    let mend = "take the scenario away if it is never to be played".to_owned();
    reader.error(codes::WRONG_VALUE, span, format!("`weight` is {weight}; it must be more than 0"), mend);
    1.0
}
