//! Who is told what virtual users do: a load run counts it, a test writes it down.

use std::fmt::Display;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::ended::Ended;
use crate::client::{Answer, Connected, Message, Opened};
use crate::trace::TraceContext;
use crate::value::{CaptureError, Emitted, Mismatch, Response};

/// One request, or a step of another engine, and what came of it.
pub(crate) struct Exchange<'a> {
    /// The request's number among all of the script; metrics know its name.
    pub number: usize,
    /// An HTTP method, or what the step does.
    pub method: &'a str,
    pub url: &'a dyn Display,
    /// From when its latency counts.
    pub intended: Instant,
    pub sent: Instant,
    pub trace: Option<TraceContext>,
    pub result: Result<Answered, &'a Ended>,
}

/// What is measured of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered {
    /// If it has one.
    pub status: Option<u16>,
    pub first_byte: Instant,
    pub last_byte: Instant,
    /// As sent.
    pub body_bytes: u64,
    /// If a connection was opened for it.
    pub connected: Option<Connected>,
}

impl From<&Answer> for Answered {
    fn from(answer: &Answer) -> Self {
        Self {
            status: Some(answer.status.as_u16()),
            first_byte: answer.first_byte,
            last_byte: answer.last_byte,
            body_bytes: answer.body_bytes,
            connected: answer.connected,
        }
    }
}

impl From<&Opened> for Answered {
    fn from(opened: &Opened) -> Self {
        Self {
            status: Some(opened.status.as_u16()),
            first_byte: opened.at,
            last_byte: opened.at,
            body_bytes: 0,
            connected: Some(opened.connected),
        }
    }
}

impl From<&Message> for Answered {
    fn from(message: &Message) -> Self {
        let (first_byte, body_bytes) = (message.at, message.data.len() as u64);
        Self { status: None, first_byte, last_byte: message.at, body_bytes, connected: None }
    }
}

/// All methods are called on the user's own thread, and must be quick. Requests go by their numbers.
pub(crate) trait Witness {
    fn sent(&self, _number: usize) {}
    /// It was sent, and nobody waits for an answer.
    fn unanswered(&self, _number: usize, _method: &str, _url: &dyn Display) {}
    fn exchanged(&self, _exchange: &Exchange<'_>) {}
    fn captured(&self, _number: usize, _name: &str, _value: &Value) {}
    /// A capture that found nothing; `strict` ends the journey.
    fn not_captured(&self, _number: usize, _error: &CaptureError, _strict: bool) {}
    fn met(&self, _number: usize) {}
    fn unmet(&self, _number: usize, _mismatch: &Mismatch, _response: &Response) {}
    fn logged(&self, _line: &str) {}
    fn emitted(&self, _emitted: Emitted) {}
    /// A function of `onError` has failed itself.
    fn failed(&self, _ended: &Ended) {}
    /// A user that slept until an instant woke up this much later.
    fn woke_late(&self, _by: Duration) {}
}
