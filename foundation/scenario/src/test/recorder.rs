//! Writes down each step of a journey.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use documents::diagnostic::Origin;
use http::header::HeaderMap;
use serde_json::Value;

use super::report::{Failure, ResponseBeginning, ScenarioReport, StepReport};
use crate::program::Program;
use crate::redact::{CUT, HIDDEN, Redactor, looks_secret};
use crate::user::{Ended, Exchange, Witness};
use crate::value::{CaptureError, Emitted, Mismatch, Response};

pub(super) struct Recorder {
    program: Arc<Program>,
    steps: RefCell<Vec<StepReport>>,
    printed: RefCell<Vec<String>>,
    metrics: RefCell<BTreeMap<String, f64>>,
    redactor: RefCell<Redactor>,
}

/// A journey that loops long is told by its first steps, and by those that failed.
const STEPS_MAX: usize = 1000;
const PRINTED_MAX: usize = 1000;
/// A script can make up names while it runs.
const METRICS_MAX: usize = 200;
const VALUE_CHARS_MAX: usize = 200;

impl Recorder {
    pub fn new(program: Arc<Program>, redactor: Redactor) -> Self {
        Self { program, steps: RefCell::default(), printed: RefCell::default(), metrics: RefCell::default(), redactor: RefCell::new(redactor) }
    }

    /// Secrets that were captured late may stand in what was written early, so all is looked through again.
    pub fn report(&self, name: &str, took: Duration, error: Option<String>) -> ScenarioReport {
        let redactor = self.redactor.borrow();
        let hide = |text: &mut String| *text = redactor.redacted_cut(text);
        let mut report = ScenarioReport {
            name: name.to_owned(),
            duration_ms: took.as_secs_f64() * 1000.0,
            steps: self.steps.take(),
            error,
            printed: self.printed.take(),
            metrics: self.metrics.take(),
            attachments: Vec::new(),
        };
        report.error.iter_mut().chain(&mut report.printed).for_each(hide);
        for step in &mut report.steps {
            hide(&mut step.url);
            step.captures.values_mut().for_each(hide);
            for failure in &mut step.failures {
                hide(&mut failure.message);
                failure.expected.iter_mut().chain(&mut failure.actual).for_each(hide);
            }
            if let Some(response) = &mut step.response {
                hide(&mut response.body);
                response.headers.iter_mut().for_each(|(_, value)| hide(value));
            }
        }
        report
    }

    pub fn redactor(&self) -> Redactor {
        self.redactor.borrow().clone()
    }

    fn add(&self, step: StepReport) {
        let mut steps = self.steps.borrow_mut();
        if steps.len() < STEPS_MAX {
            steps.push(step);
        } else if let Some(last) = steps.last_mut() {
            *last = step;
        }
    }

    /// The latest step of a request, since steps in parallel are told as they end.
    fn with_step(&self, number: usize, change: impl FnOnce(&mut StepReport)) {
        let name = &self.program.endpoints[number].shown;
        let mut steps = self.steps.borrow_mut();
        if let Some(step) = steps.iter_mut().rev().find(|step| step.name == *name) {
            change(step);
        }
    }
}

impl Witness for Recorder {
    fn unanswered(&self, number: usize, method: &str, url: &dyn Display) {
        self.add(StepReport {
            name: self.program.endpoints[number].shown.clone(),
            method: method.to_owned(),
            url: url.to_string(),
            ..StepReport::default()
        });
    }

    fn exchanged(&self, exchange: &Exchange<'_>) {
        let mut step = StepReport {
            name: self.program.endpoints[exchange.number].shown.clone(),
            method: exchange.method.to_owned(),
            url: exchange.url.to_string(),
            trace_id: exchange.trace.map(|trace| format!("{:032x}", trace.trace_id)),
            ..StepReport::default()
        };
        match &exchange.result {
            Ok(answer) => {
                step.status = answer.status;
                step.first_byte_ms = ms(answer.first_byte - exchange.sent);
                step.last_byte_ms = ms(answer.last_byte - exchange.sent);
                step.body_bytes = answer.body_bytes;
                if let Some(connected) = answer.connected {
                    step.resolve_ms = Some(ms(connected.resolve));
                    step.connect_ms = Some(ms(connected.connect));
                    step.tls_ms = connected.tls.map(ms);
                }
            }
            Err(ended) => step.failures.push(Failure {
                what: ended.code().to_owned(),
                message: ended.to_string(),
                expected: None,
                actual: None,
                place: None,
                strict: true,
            }),
        }
        self.add(step);
    }

    fn captured(&self, number: usize, name: &str, value: &Value) {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if looks_secret(name) {
            self.redactor.borrow_mut().learn(&text);
        }
        let shown = if looks_secret(name) { HIDDEN.to_owned() } else { shortened(&text) };
        self.with_step(number, |step| drop(step.captures.insert(name.to_owned(), shown)));
    }

    fn not_captured(&self, number: usize, error: &CaptureError, strict: bool) {
        let failure = Failure {
            what: "capture".to_owned(),
            message: error.to_string(),
            expected: None,
            actual: None,
            place: Some(place(&error.origin)),
            strict,
        };
        self.with_step(number, |step| step.failures.push(failure));
    }

    fn met(&self, number: usize) {
        self.with_step(number, |step| step.expectations_met += 1);
    }

    fn unmet(&self, number: usize, mismatch: &Mismatch, response: &Response) {
        let failure = Failure {
            what: mismatch.what.clone(),
            message: shortened(&mismatch.to_string()),
            expected: Some(shortened(&mismatch.expected)),
            actual: Some(shortened(&mismatch.actual)),
            place: Some(place(&mismatch.origin)),
            strict: true,
        };
        let beginning = ResponseBeginning { headers: headers(&response.headers), body: response.beginning() };
        self.with_step(number, |step| {
            step.failures.push(failure);
            step.response = Some(beginning);
        });
    }

    fn logged(&self, line: &str) {
        let mut printed = self.printed.borrow_mut();
        if printed.len() < PRINTED_MAX {
            printed.push(line.to_owned());
        }
    }

    fn emitted(&self, emitted: Emitted) {
        let mut metrics = self.metrics.borrow_mut();
        let (Emitted::Counter { name, .. } | Emitted::Histogram { name, .. } | Emitted::Rate { name }) = &emitted;
        if metrics.len() >= METRICS_MAX && !metrics.contains_key(name) {
            return;
        }
        match emitted {
            Emitted::Counter { name, value } => *metrics.entry(name).or_default() += value,
            Emitted::Histogram { name, value } => drop(metrics.insert(name, value)),
            Emitted::Rate { name } => *metrics.entry(name).or_default() += 1.0,
        }
    }

    fn failed(&self, ended: &Ended) {
        self.logged(&format!("onError: {ended}"));
    }
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let shown = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        let value = match looks_secret(name.as_str()) {
            true => HIDDEN.to_owned(),
            false => shortened(&String::from_utf8_lossy(value.as_bytes())),
        };
        (name.to_string(), value)
    };
    headers.iter().map(shown).collect()
}

fn place(origin: &Origin) -> String {
    format!("{}:{}", origin.path, origin.line)
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}{CUT}", &text[..end]),
        None => text.to_owned(),
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
