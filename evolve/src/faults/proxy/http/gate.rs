//! Reads the requests of one connection as they pass, and decides what becomes of each.
//!
//! Decides only: no clock, no socket. An answer of ours keeps its place: it waits until the server has
//! answered what was asked before.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use fastrand::Rng;
use tokio::time::Instant;

use super::Route;
use super::framing::{Body, LARGEST_HEAD_BYTES, Parsed, RequestHead, request, response};
use crate::faults::proxy::pipeline::Installed;
use crate::faults::proxy::toxic::Effect;
use crate::faults::proxy::toxics::milliseconds;

#[derive(Debug)]
pub struct Gate {
    /// The toxics that may act on this connection, in the order of their installation.
    rules: Vec<(Arc<Installed>, bool)>,
    input: BytesMut,
    next: Next,
    /// Of the requests that the server has still to answer: whether each asks for a head alone.
    unanswered: VecDeque<bool>,
    answers: Answers,
    rng: Rng,
}

/// What a poll yields.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// For the server.
    Forward(Bytes),
    /// For the client, instead of the server's answer; afterwards the connection closes if it is the last.
    Answer { response: Bytes, last: bool },
}

/// What of the requests comes next.
#[derive(Debug)]
enum Next {
    Head,
    Decided { head: RequestHead, at: Instant, status: Option<(u16, String)> },
    Body { body: Body, forward: bool },
    /// No HTTP, or no longer.
    Anything,
}

/// What of the server's answers comes next.
#[derive(Debug)]
enum Answers {
    Head { read: BytesMut },
    Body(Body),
    /// They cannot be followed any more.
    Anything,
}

impl Gate {
    pub fn new(rng: Rng) -> Self {
        Self {
            rules: Vec::new(),
            input: BytesMut::new(),
            next: Next::Head,
            unanswered: VecDeque::new(),
            answers: Answers::Head { read: BytesMut::new() },
            rng,
        }
    }

    /// Acts as these toxics say from now on.
    pub fn configure(&mut self, toxics: Vec<Arc<Installed>>) {
        let known = std::mem::take(&mut self.rules);
        for toxic in toxics {
            let same = known.iter().find(|(rule, _)| Arc::ptr_eq(rule, &toxic));
            let acts = same.map_or_else(|| self.rng.f64() < toxic.toxic.toxicity, |(_, acts)| *acts);
            self.rules.push((toxic, acts));
        }
    }

    /// Nothing acts, and the connection rests between two requests.
    pub fn is_idle(&self) -> bool {
        self.rules.is_empty() && self.input.is_empty() && matches!(self.next, Next::Head | Next::Anything)
    }

    pub fn accepts(&self) -> bool {
        self.input.len() < LARGEST_HEAD_BYTES
    }

    /// All that the client has sent has been dealt with.
    pub fn is_empty(&self) -> bool {
        self.input.is_empty()
    }

    pub fn from_client(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }

    /// Follows what the server answers.
    pub fn from_server(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            // What comes unasked belongs to a request from before this gate.
            let Some(answers_head) = self.unanswered.front() else { return };
            match &mut self.answers {
                Answers::Anything => return,
                Answers::Body(body) => {
                    let (passed, ended) = body.pass(bytes);
                    bytes = &bytes[passed..];
                    if ended {
                        self.answered();
                    }
                }
                Answers::Head { read } => {
                    let before = read.len();
                    read.extend_from_slice(bytes);
                    match response(read, *answers_head) {
                        Parsed::Incomplete => return,
                        Parsed::Other => self.lose_track(),
                        Parsed::Head(head) => {
                            bytes = &bytes[head.length.saturating_sub(before)..];
                            self.answer_began(head.status, head.body);
                        }
                    }
                }
            }
        }
    }

    /// What happens next, if it may at `now`.
    pub fn poll(&mut self, now: Instant) -> Option<Outcome> {
        while !self.input.is_empty() {
            match &mut self.next {
                Next::Anything => return Some(Outcome::Forward(self.input.split().freeze())),
                Next::Body { body, forward } => {
                    let (passed, ended) = body.pass(&self.input);
                    let forward = *forward;
                    if ended {
                        self.next = Next::Head;
                    }
                    let bytes = self.input.split_to(passed).freeze();
                    if forward && !bytes.is_empty() {
                        return Some(Outcome::Forward(bytes));
                    }
                }
                Next::Head => match request(&self.input) {
                    Parsed::Incomplete => return None,
                    Parsed::Other => self.next = Next::Anything,
                    Parsed::Head(head) => self.decide(head, now),
                },
                Next::Decided { at, status, .. } => {
                    if *at > now || (status.is_some() && !self.unanswered.is_empty()) {
                        return None;
                    }
                    return self.carry_out();
                }
            }
        }
        None
    }

    /// When a request has waited long enough.
    pub fn next_due(&self) -> Option<Instant> {
        match &self.next {
            // Past instants wait for the server, not for the clock.
            Next::Decided { at, status, .. } if status.is_none() || self.unanswered.is_empty() => Some(*at),
            _ => None,
        }
    }

    fn decide(&mut self, head: RequestHead, now: Instant) {
        let (mut at, mut answer) = (now, None);
        for (rule, acts) in &self.rules {
            let route = match &rule.toxic.effect {
                Effect::HttpDelay(delay) => &delay.route,
                Effect::HttpStatus(status) => &status.route,
                _ => continue,
            };
            if !acts || !meant(route, &head, &mut self.rng) {
                continue;
            }
            match &rule.toxic.effect {
                Effect::HttpDelay(delay) => {
                    let off = if delay.jitter > 0 { self.rng.i64(-delay.jitter..delay.jitter) } else { 0 };
                    at += milliseconds(delay.delay.saturating_add(off));
                }
                Effect::HttpStatus(status) if answer.is_none() => answer = Some((status.status, rule.toxic.name.clone())),
                _ => {}
            }
        }
        self.next = Next::Decided { head, at, status: answer };
    }

    fn carry_out(&mut self) -> Option<Outcome> {
        let Next::Decided { head, status, .. } = std::mem::replace(&mut self.next, Next::Head) else { return None };
        let bytes = self.input.split_to(head.length).freeze();
        if head.body != Body::Length(0) {
            self.next = Next::Body { body: head.body.clone(), forward: status.is_none() };
        }
        match status {
            Some((status, name)) => Some(Outcome::Answer { response: answer(status, &name, &head), last: head.last }),
            None => {
                if head.method == "CONNECT" {
                    self.next = Next::Anything;
                }
                if !matches!(self.answers, Answers::Anything) {
                    self.unanswered.push_back(head.method == "HEAD");
                }
                Some(Outcome::Forward(bytes))
            }
        }
    }

    fn answer_began(&mut self, status: u16, body: Body) {
        self.answers = Answers::Head { read: BytesMut::new() };
        match (status, body) {
            (101, _) => {
                self.next = Next::Anything;
                self.lose_track();
            }
            // The answer proper is still to come.
            (100..200, _) => {}
            (_, Body::Length(0)) => self.answered(),
            (_, body) => self.answers = Answers::Body(body),
        }
    }

    fn answered(&mut self) {
        self.unanswered.pop_front();
        self.answers = Answers::Head { read: BytesMut::new() };
    }

    fn lose_track(&mut self) {
        self.unanswered.clear();
        self.answers = Answers::Anything;
    }
}

fn meant(route: &Route, head: &RequestHead, rng: &mut Rng) -> bool {
    route.matches(&head.method, &head.target) && rng.f64() < route.probability
}

fn answer(status: u16, toxic: &str, head: &RequestHead) -> Bytes {
    let reason = axum::http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Fault");
    let body = format!("{status} {reason}, by a fault\n");
    let (length, body) = match status {
        204 | 304 => (0, ""),
        _ if head.method == "HEAD" => (body.len(), ""),
        _ => (body.len(), body.as_str()),
    };
    let connection = if head.last { "connection: close\r\n" } else { "" };
    let toxic: String = toxic.chars().filter(|character| character.is_ascii_graphic()).collect();
    let fields = format!("content-type: text/plain; charset=utf-8\r\ncontent-length: {length}\r\nx-fault: {toxic}\r\n{connection}");
    format!("HTTP/1.1 {status} {reason}\r\n{fields}\r\n{body}").into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{HttpDelay, HttpStatus};
    use super::*;
    use crate::faults::proxy::toxic::Toxic;

    fn gate(effects: Vec<Effect>) -> Gate {
        let installed = |(id, effect)| {
            let toxic = Toxic { name: format!("t{id}"), stream: Default::default(), toxicity: 1.0, effect };
            Arc::new(Installed { id, toxic })
        };
        let mut gate = Gate::new(Rng::with_seed(7));
        gate.configure((0..).zip(effects).map(installed).collect());
        gate
    }

    fn status(status: u16, path: &str) -> Effect {
        Effect::HttpStatus(HttpStatus { status, route: Route { path: path.to_owned(), ..Route::default() } })
    }

    /// `>` what is forwarded, `<` what is answered.
    fn all(gate: &mut Gate, now: Instant) -> Vec<String> {
        let first_line = |bytes: &Bytes| String::from_utf8_lossy(bytes).lines().next().unwrap_or_default().to_owned();
        std::iter::from_fn(|| gate.poll(now))
            .map(|outcome| match outcome {
                Outcome::Forward(bytes) => format!("> {}", first_line(&bytes)),
                Outcome::Answer { response, .. } => format!("< {}", first_line(&response)),
            })
            .collect()
    }

    #[test]
    fn a_route_is_answered_and_the_rest_passes() {
        let mut gate = gate(vec![status(503, "/pay")]);
        let now = Instant::now();
        gate.from_client(b"POST /pay HTTP/1.1\r\ncontent-length: 3\r\n\r\nabcGET /a HTTP/1.1\r\n\r\n");
        assert_eq!(all(&mut gate, now), ["< HTTP/1.1 503 Service Unavailable", "> GET /a HTTP/1.1"]);
    }

    #[test]
    fn an_answer_waits_for_those_before_it() {
        let mut gate = gate(vec![status(500, "/b")]);
        let now = Instant::now();
        gate.from_client(b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n");
        assert_eq!(all(&mut gate, now), ["> GET /a HTTP/1.1"]);
        gate.from_server(b"HTTP/1.1 200 OK\r\ncontent-len");
        gate.from_server(b"gth: 2\r\n\r\nh");
        assert_eq!(all(&mut gate, now), [""; 0]);
        gate.from_server(b"i");
        assert_eq!(all(&mut gate, now), ["< HTTP/1.1 500 Internal Server Error"]);
    }

    #[test]
    fn a_delay_holds_the_request_back() {
        let mut gate = gate(vec![Effect::HttpDelay(HttpDelay { delay: 40, ..HttpDelay::default() })]);
        let now = Instant::now();
        gate.from_client(b"GET /a HTTP/1.1\r\n\r\n");
        assert_eq!(all(&mut gate, now), [""; 0]);
        assert_eq!(gate.next_due(), Some(now + Duration::from_millis(40)));
        assert_eq!(all(&mut gate, now + Duration::from_millis(40)), ["> GET /a HTTP/1.1"]);
    }

    #[test]
    fn a_probability_is_of_each_request() {
        let route = Route { probability: 0.25, ..Route::default() };
        let mut gate = gate(vec![Effect::HttpStatus(HttpStatus { status: 500, route })]);
        let mut answered = 0;
        for _ in 0..1000 {
            gate.from_client(b"GET /a HTTP/1.1\r\n\r\n");
            if all(&mut gate, Instant::now())[0].starts_with('<') {
                answered += 1;
            } else {
                gate.from_server(b"HTTP/1.1 204 No Content\r\n\r\n");
            }
        }
        assert!((200..=300).contains(&answered), "{answered}");
    }

    #[test]
    fn what_is_not_http_passes() {
        let mut gate = gate(vec![status(500, "")]);
        gate.from_client(b"\x16\x03\x01 a TLS greeting");
        let Some(Outcome::Forward(bytes)) = gate.poll(Instant::now()) else { panic!("held back") };
        assert_eq!(&bytes[..], b"\x16\x03\x01 a TLS greeting");
    }
}
