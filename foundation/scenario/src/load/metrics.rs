//! What was measured, by the names that Artillery gives it: `http.response_time.p99`, `vusers.failed`. Engines
//! that Artillery does not have are named alike: `grpc.response_time.p99`, `grpc.codes.5`.

use documents::script::Engine;

use super::distribution::Distribution;
use super::measured::Endpoint;
use super::outcome::Outcome;
use crate::program::Program;

/// None if there is no such metric, or nothing was measured.
pub(super) fn metric(program: &Program, outcome: &Outcome, name: &str) -> Option<f64> {
    let measured = &outcome.measured;
    let errors = || measured.errors.values().map(|failures| failures.count).sum::<u64>();
    let unmet = || measured.expectations_unmet.values().map(|failures| failures.count).sum::<u64>();
    let count = match name {
        "http.downloaded_bytes" => measured.downloaded_bytes,
        "vusers.created" => measured.vusers.created,
        "vusers.completed" => measured.vusers.completed,
        "vusers.failed" => measured.vusers.failed,
        "vusers.skipped" => measured.vusers.skipped,
        "plugins.expect.ok" => measured.expectations_met,
        "plugins.expect.failed" => unmet(),
        "errors" => errors(),
        "maxErrorRate" => return Some(100.0 * errors() as f64 / measured.requests.max(1) as f64),
        _ => return composed(program, outcome, name),
    };
    Some(count as f64)
}

fn composed(program: &Program, outcome: &Outcome, name: &str) -> Option<f64> {
    let measured = &outcome.measured;
    if let Some(code) = name.strip_prefix("errors.") {
        return Some(measured.errors.get(code).map_or(0, |failures| failures.count) as f64);
    }
    if let Some((class, value)) = name.strip_prefix("http.response_time.").and_then(|rest| rest.split_once("xx.")) {
        return of(measured.classes.get(&class.parse().ok()?)?, value);
    }
    if let Some(rest) = name.strip_prefix("vusers.session_length.") {
        return of(&measured.sessions, rest);
    }
    if let Some(rest) = name.strip_prefix("plugins.metrics-by-endpoint.") {
        return by_endpoint(program, outcome, rest);
    }
    if let Some(value) = measured.counters.get(name) {
        return Some(*value);
    }
    if let Some(value) = by_engine(program, outcome, name) {
        return Some(value);
    }
    match name.rsplit_once('.') {
        Some((histogram, value)) => of(measured.histograms.get(histogram)?, value),
        // Artillery's older way of writing thresholds.
        None => of(&measured.latency.first_byte, name),
    }
}

/// Over all that one engine asked.
fn by_engine(program: &Program, outcome: &Outcome, name: &str) -> Option<f64> {
    let (engine, rest) = name.split_once('.')?;
    let engine = match engine {
        "http" => Engine::Http,
        "websocket" => Engine::Ws,
        "grpc" => Engine::Grpc,
        "browser" => Engine::Browser,
        _ => return None,
    };
    let mut whole = Endpoint::default();
    let asked = program.endpoints.iter().zip(&outcome.measured.endpoints);
    asked.filter(|(name, _)| name.engine == engine).for_each(|(_, endpoint)| whole.merge(endpoint));
    let counted = |name: &str| outcome.measured.counters.get(name).copied().unwrap_or(0.0) as u64;
    match rest {
        "requests" => Some(whole.requests as f64),
        "responses" => Some(whole.latency.last_byte.count() as f64),
        "request_rate" => Some(per_second(whole.requests, outcome)),
        "send_rate" => Some(per_second(counted("websocket.messages_sent"), outcome)),
        "receive_rate" => Some(per_second(counted("websocket.messages_received"), outcome)),
        _ => match rest.strip_prefix("codes.") {
            Some(code) => Some(whole.codes.sorted().get(&code.parse().ok()?).copied().unwrap_or(0) as f64),
            None => of(&whole.latency.first_byte, rest.strip_prefix("response_time.")?),
        },
    }
}

/// `response_time.NAME.p99` and `NAME.codes.200`.
fn by_endpoint(program: &Program, outcome: &Outcome, rest: &str) -> Option<f64> {
    let endpoint = |name: &str| {
        let number = program.endpoints.iter().position(|known| known.shown == name)?;
        outcome.measured.endpoints.get(number)
    };
    if let Some((name, value)) = rest.strip_prefix("response_time.").and_then(|rest| rest.rsplit_once('.')) {
        return of(&endpoint(name)?.latency.first_byte, value);
    }
    let (name, code) = rest.split_once(".codes.")?;
    let codes = endpoint(name)?.codes.sorted();
    Some(codes.get(&code.parse().ok()?).copied().unwrap_or(0) as f64)
}

fn of(distribution: &Distribution, value: &str) -> Option<f64> {
    (!distribution.is_empty()).then(|| distribution.summary().named(value)).flatten()
}

pub(super) fn per_second(count: u64, outcome: &Outcome) -> f64 {
    count as f64 / outcome.elapsed.as_secs_f64().max(0.001)
}
