//! The steps of a journey: one action each.

use serde_json::Value;

use crate::codes;
use crate::diagnostic::Level;
use crate::source::{Node, Shape, Span};

use super::model::{Action, Engine, Loop, Step, Times};
use super::reader::Reader;
use super::{browser, grpc, request, ws};

const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];
/// Steps that every engine has.
const COMMON: [&str; 5] = ["think", "log", "function", "loop", "parallel"];
/// Fields that stand beside an action, and which.
const BESIDE: [(&str, &str); 7] = [
    ("jitter", "think"), ("count", "loop"), ("over", "loop"), ("whileTrue", "loop"), ("loopValue", "loop"), ("loopElement", "loop"),
    ("limit", "parallel"),
];

pub fn read(flow: Option<&Node>, engine: Engine, reader: &mut Reader<'_>) -> Vec<Step> {
    let nodes = flow.map(Node::items).unwrap_or_default();
    for node in nodes.iter().skip(1) {
        ws::connect_is_first(node, reader);
    }
    steps(nodes, engine, reader)
}

fn steps(nodes: &[Node], engine: Engine, reader: &mut Reader<'_>) -> Vec<Step> {
    nodes.iter().filter_map(|node| step(node, engine, reader)).collect()
}

fn step(node: &Node, engine: Engine, reader: &mut Reader<'_>) -> Option<Step> {
    let (key, value) = only_action(node, engine, reader)?;
    let name = key.text().unwrap_or_default();
    check_beside(node, name, engine, reader);
    let action = match name {
        _ if METHODS.contains(&name) => Action::Request(Box::new(request::read(name, key.span, value, reader)?)),
        "think" => Action::Think { duration: value.to_json(), jitter: reader.jitter(node) },
        "log" => Action::Log { message: value.to_json() },
        "function" => {
            let name = value.text()?.to_owned();
            reader.needs_functions(key.span, &name);
            Action::Function { name }
        }
        "loop" => Action::Loop(repeat(node, key.span, value, engine, reader)?),
        "parallel" => {
            let limit = reader.number_from(node, "limit", 1.0, true).map(|limit| limit as u32);
            Action::Parallel { steps: steps(value.items(), engine, reader), limit }
        }
        "call" => Action::Grpc(Box::new(grpc::read(value, reader)?)),
        _ if engine == Engine::Ws => Action::Ws(ws::read(name, value, reader)?),
        _ => Action::Browser(browser::read(name, key.span, value, reader)?),
    };
    let inner = METHODS.contains(&name).then(|| value.owned("ifTrue")).flatten();
    Some(Step { action, if_true: inner.or(node.owned("ifTrue")), origin: reader.origin(node.span) })
}

/// The step's action, if it has one and the journey's engine plays it.
fn only_action<'n>(node: &'n Node, engine: Engine, reader: &mut Reader<'_>) -> Option<&'n (Node, Node)> {
    let is_action = |name: &str| COMMON.contains(&name) || engines_of(name).next().is_some();
    let given: Vec<&(Node, Node)> = node
        .entries()
        .iter()
        .filter(|(key, value)| key.text().is_some_and(is_action) && value.shape() != Shape::Null)
        .collect();
    // `expect` is a step of the browser's; beside a request it is a slip of the indentation.
    let given: Vec<_> = match given.iter().find(|(key, _)| is_request(key)) {
        Some(request) => given.iter().filter(|(key, _)| key == &request.0 || !is_field_of_request(key)).copied().collect(),
        None => given,
    };
    match given[..] {
        [only] => {
            let name = only.0.text().unwrap_or_default();
            if COMMON.contains(&name) || engines_of(name).any(|of| of == engine) {
                return Some(only);
            }
            let theirs: Vec<_> = engines_of(name).map(name_of).collect();
            let mend = format!("write `engine: {}` on the scenario, or another step", theirs.join(" or "));
            reader.error(codes::WRONG_VALUE, only.0.span, format!("engine {} has no step `{name}`", name_of(engine)), mend);
        }
        [] => {
            // What stands there instead is an unknown field, unless only what belongs to an action is there.
            let span = node.entries().first().map_or(node.span, |(key, _)| key.span);
            check_beside(node, "", engine, reader);
            if node.shape() == Shape::Object && node.entries().iter().all(|(key, _)| is_beside(key)) {
                let mend = "write one of get, post, think, log, function, loop and the others".to_owned();
                reader.error(codes::MISSING_FIELD, span, "the step has no action", mend);
            }
        }
        [first, second, ..] => {
            let names = (first.0.text().unwrap_or_default(), second.0.text().unwrap_or_default());
            let message = format!("a step has one action, and this has `{}` and `{}`", names.0, names.1);
            reader.error(codes::WRONG_VALUE, second.0.span, message, "write one list item for each".to_owned());
        }
    }
    None
}

/// Which engines have a step of their own by this name.
fn engines_of(name: &str) -> impl Iterator<Item = Engine> + use<> {
    let all = [
        (Engine::Http, METHODS.contains(&name)),
        (Engine::Ws, ws::STEPS.contains(&name)),
        (Engine::Grpc, name == "call"),
        (Engine::Browser, browser::STEPS.contains(&name)),
    ];
    all.into_iter().filter(|(_, has)| *has).map(|(engine, _)| engine)
}

pub fn name_of(engine: Engine) -> &'static str {
    match engine {
        Engine::Http => "http",
        Engine::Ws => "ws",
        Engine::Grpc => "grpc",
        Engine::Browser => "browser",
    }
}

/// Fields beside the action: those that belong to it, those that belong inside it, and those that nobody knows.
fn check_beside(node: &Node, action: &str, engine: Engine, reader: &mut Reader<'_>) {
    for (key, _) in node.entries().iter().filter(|(key, _)| key.text().is_some_and(|name| name != action)) {
        let name = key.text().unwrap_or_default();
        let of = BESIDE.iter().find(|(field, _)| *field == name).map(|(_, of)| *of);
        if METHODS.contains(&action) && is_field_of_request(key) {
            let message = format!("`{name}` stands beside `{action}` and not in it");
            reader.error(codes::UNKNOWN_FIELD, key.span, message, format!("indent it below `{action}`"));
        } else if let Some(of) = of.filter(|of| *of != action && !action.is_empty()) {
            let message = format!("`{name}` belongs to `{of}`, and this step is `{action}`");
            reader.error(codes::UNKNOWN_FIELD, key.span, message, format!("take it away, or move it to a step with `{of}`"));
        } else if of.is_none() && name != "ifTrue" && !COMMON.contains(&name) && engines_of(name).next().is_none() {
            let subject = format!("a step of engine {}", name_of(engine));
            reader.unknown(&subject, key, "step", false);
        }
    }
}

fn is_beside(key: &Node) -> bool {
    key.text().is_some_and(|name| {
        let belongs = name == "ifTrue" || BESIDE.iter().any(|(field, _)| *field == name);
        belongs || COMMON.contains(&name) || engines_of(name).next().is_some()
    })
}

fn is_request(key: &Node) -> bool {
    key.text().is_some_and(|name| METHODS.contains(&name))
}

fn is_field_of_request(key: &Node) -> bool {
    key.text().is_some_and(|name| name != "ifTrue" && request::has_field(name))
}

fn repeat(node: &Node, span: Span, value: &Node, engine: Engine, reader: &mut Reader<'_>) -> Option<Loop> {
    let while_true = node.owned("whileTrue");
    if let (Some(name), Some((key, _))) = (&while_true, node.entry("whileTrue")) {
        reader.needs_functions(key.span, name);
    }
    let steps = steps(value.items(), engine, reader);
    let times = times(node, span, while_true.is_some(), reader)?;
    Some(Loop { steps, times, while_true, element: node.owned("loopElement"), counter: node.owned("loopValue") })
}

fn times(node: &Node, span: Span, asks: bool, reader: &mut Reader<'_>) -> Option<Times> {
    match (node.get("count"), node.get("over")) {
        (Some(_), Some(_)) => {
            let span = node.entry("over").map_or(span, |(key, _)| key.span);
            reader.error(codes::WRONG_VALUE, span, "a loop cannot have both `count` and `over`", "keep one of the two".to_owned());
            None
        }
        (Some(count), None) => counted(count, reader),
        (None, Some(over)) => Some(Times::Over(over.to_json())),
        (None, None) if asks => Some(Times::Endless),
        (None, None) => {
            let mend = "add `count`, `over` or `whileTrue`; `count: -1` says the same".to_owned();
            let message = "the loop does not say how often, and never ends";
            reader.findings.report(Level::Warning, codes::MISSING_FIELD, span, message, mend);
            Some(Times::Endless)
        }
    }
}

/// `5`, `"5"`, `"1-5"`, `-1` for ever, or a template.
fn counted(count: &Node, reader: &mut Reader<'_>) -> Option<Times> {
    let text = count.text()?.trim();
    if text.contains("{{") {
        return Some(Times::Count(Value::from(text)));
    }
    match text.parse::<i64>() {
        Ok(-1) => return Some(Times::Endless),
        Ok(number @ 0..) => return Some(Times::Count(Value::from(number))),
        _ => {}
    }
    let range = text.split_once('-').and_then(|(from, to)| Some((from.trim().parse().ok()?, to.trim().parse().ok()?)));
    if let Some((from, to)) = range.filter(|(from, to): &(u64, u64)| from < to) {
        return Some(Times::Between(from, to));
    }
    let mend = "write for example 5, or 1-5 for the rounds 1, 2, 3 and 4".to_owned();
    reader.error(codes::WRONG_VALUE, count.span, format!("`{text}` does not say how often"), mend);
    None
}
