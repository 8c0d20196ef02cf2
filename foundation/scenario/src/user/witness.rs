//! Who is told what virtual users do: a load run counts it, a test writes it down.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::ended::Ended;
use crate::client::{Address, Answer};
use crate::program::Request;
use crate::trace::TraceContext;
use crate::value::{CaptureError, Emitted, Mismatch, Response};

/// One request and what came of it.
pub(crate) struct Exchange<'a> {
    pub request: &'a Request,
    pub address: &'a Address,
    /// From when its latency counts.
    pub intended: Instant,
    pub sent: Instant,
    pub trace: Option<TraceContext>,
    pub result: Result<&'a Answer, &'a Ended>,
}

/// All methods are called on the user's own thread, and must be quick.
pub(crate) trait Witness {
    fn sent(&self, _request: &Request) {}
    fn exchanged(&self, _exchange: &Exchange<'_>) {}
    fn captured(&self, _request: &Request, _name: &str, _value: &Value) {}
    /// A capture that found nothing; `strict` ends the journey.
    fn not_captured(&self, _request: &Request, _error: &CaptureError, _strict: bool) {}
    fn met(&self, _request: &Request) {}
    fn unmet(&self, _request: &Request, _mismatch: &Mismatch, _response: &Response) {}
    fn logged(&self, _line: &str) {}
    fn emitted(&self, _emitted: Emitted) {}
    /// A function of `onError` has failed itself.
    fn failed(&self, _ended: &Ended) {}
    /// A user that slept until an instant woke up this much later.
    fn woke_late(&self, _by: Duration) {}
}
