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
    let before_request = around_requests(node, "beforeRequest", engine, reader);
    let after_response = around_requests(node, "afterResponse", engine, reader);
    Some(Journey {
        name: node.owned("name"),
        weight: weight(node, reader),
        engine,
        flow: flow::read(node.get("flow"), engine, reader),
        before_scenario: reader.functions(node, "beforeScenario"),
        after_scenario: reader.functions(node, "afterScenario"),
        before_request,
        after_response,
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

/// Functions around requests belong to HTTP. The other engines would never call them.
fn around_requests(node: &Node, field: &str, engine: Engine, reader: &mut Reader<'_>) -> Vec<String> {
    let mend = match engine {
        Engine::Http => return reader.functions(node, field),
        Engine::Ws => "set variables in a `function` step before the message; how it connects, `connect: { function: NAME }` changes",
        Engine::Grpc | Engine::Browser => "set variables in a `function` step, and use them in the steps after it",
    };
    if let Some((key, _)) = node.entry(field) {
        let message = format!("`{field}` is called for HTTP requests, and engine {} sends none", flow::name_of(engine));
        reader.error(codes::WRONG_VALUE, key.span, message, mend.to_owned());
    }
    Vec::new()
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
