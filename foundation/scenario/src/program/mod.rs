//! A script made ready to be played: templates parsed, selectors compiled, files read, functions found.
//!
//! What can be wrong with a script is found here, before the first request.

mod browser;
mod compile;
mod grpc;
mod inspection;
mod journey;
mod payload;
mod request;
pub(crate) mod ws;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use documents::diagnostic::Origin;
use documents::script::{BrowserSettings, Engine, Ensure, ExpectSettings, MetricsByEndpoint, Phase, Script};
use serde_json::Value;

use crate::client::{Address, ClientSettings};
use crate::grpc::Schema;
use crate::load::Plan;
use crate::value::{Base, Processor, Scope, Surroundings};

pub(crate) use browser::{BrowserAction, BrowserStep, Seen};
pub(crate) use grpc::{Call, messages};
pub(crate) use inspection::Inspection;
pub(crate) use journey::{Action, Guard, Journey, Loop, Step, Think, Times};
pub(crate) use payload::Payload;
pub(crate) use request::{Body, Part, PartContent, Request, USER_AGENT};

/// What a script is played with, besides what it says itself.
#[derive(Debug, Clone, Default)]
pub struct CompileOptions {
    /// The script's folder; its files are named relative to it.
    pub folder: PathBuf,
    /// One of `config.environments`.
    pub environment: Option<String>,
    /// Instead of `config.target`.
    pub target: Option<String>,
    /// Over those of the script.
    pub variables: BTreeMap<String, Value>,
    /// `$env` besides this process's environment, and over it.
    pub process: BTreeMap<String, String>,
    /// What must not be shown of all this.
    pub secrets: Vec<String>,
    /// Decides random arrivals; drawn if none.
    pub seed: Option<u64>,
    /// `$testId`; drawn if none.
    pub test_id: Option<String>,
}

/// Why a script cannot be played, with its place and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{}:{}: {message}", origin.path, origin.line, origin.column)]
pub struct CompileError {
    pub origin: Origin,
    pub message: String,
    pub mend: Option<String>,
    /// Whether the script asks for what Mainstay does not have, rather than being wrong.
    pub unsupported: bool,
}

/// A script that can be played. Shared by all virtual users; changes no more, and is cheap to clone.
#[derive(Debug, Clone)]
pub struct Program {
    pub name: String,
    /// SHA-256 of the script's file.
    pub digest: String,
    pub environment: Option<String>,
    pub test_id: String,
    pub seed: u64,
    pub phases: Vec<Phase>,
    pub ensure: Ensure,
    pub apdex: Option<Duration>,
    pub(crate) target: Option<Address>,
    pub(crate) client: ClientSettings,
    pub(crate) settings: Settings,
    pub(crate) journeys: Arc<[Journey]>,
    pub(crate) before: Option<Arc<Journey>>,
    pub(crate) after: Option<Arc<Journey>>,
    /// What metrics call each request, message, call or step of a page, by its number.
    pub(crate) endpoints: Arc<[EndpointName]>,
    /// How many `think` steps there are; each has a number.
    pub(crate) thinks: usize,
    pub(crate) processor: Option<Arc<Processor>>,
    pub(crate) schema: Arc<Schema>,
    pub(crate) payloads: Arc<[Payload]>,
    surroundings: Arc<Surroundings>,
    variables: Arc<BTreeMap<String, Value>>,
    secrets: Arc<[String]>,
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Whether requests go over HTTP/2.
    pub http2: bool,
    /// Of one request, to the last byte.
    pub timeout: Duration,
    pub redirects_max: u32,
    /// Of a WebSocket's messages; a limit of the client's own if none.
    pub message_bytes_max: Option<usize>,
    pub strict_capture: bool,
    /// Whether requests carry a trace context.
    pub tracing: bool,
    pub expect: ExpectSettings,
    pub by_endpoint: Option<MetricsByEndpoint>,
    pub browser: BrowserSettings,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EndpointName {
    pub engine: Engine,
    /// Its name in the script, else its method and address as written there.
    pub shown: String,
    pub named: bool,
}

impl Program {
    /// Every fault is told, not only the first.
    pub fn compile(script: &Script, options: &CompileOptions) -> Result<Self, Vec<CompileError>> {
        compile::compile(script, options)
    }

    /// The highest rate of arrivals of its phases, a second. Users of a closed workload count once.
    pub fn peak_rate(&self) -> f64 {
        Plan::new(&self.phases, self.seed).peak_rate()
    }

    /// The variables that every virtual user begins with; `found` is what the journey before all has captured.
    pub(crate) fn base(&self, found: &[(String, Value)]) -> Arc<Base> {
        let mut base = Base::new((*self.surroundings).clone(), (*self.variables).clone());
        for payload in self.payloads.iter() {
            if let Some((name, rows)) = payload.whole() {
                base.share(name, rows);
            }
        }
        for (name, value) in found {
            base.share(name, value.clone());
        }
        Arc::new(base)
    }

    /// The variables of the virtual user of this number: each CSV file gives it a row.
    pub(crate) fn scope(&self, base: &Arc<Base>, number: u64) -> Scope {
        let mut scope = Scope::new(base.clone());
        for payload in self.payloads.iter() {
            payload.lay_row(&mut scope, number);
        }
        scope
    }

    /// Draws a journey by weight.
    pub(crate) fn draw_journey(&self) -> usize {
        let total: f64 = self.journeys.iter().map(|journey| journey.weight).sum();
        let mut left = fastrand::f64() * total;
        for (index, journey) in self.journeys.iter().enumerate() {
            left -= journey.weight;
            if left < 0.0 {
                return index;
            }
        }
        self.journeys.len().saturating_sub(1)
    }

    /// Whether any of its users need a browser.
    pub(crate) fn needs_browser(&self) -> bool {
        self.journeys.iter().any(Journey::needs_browser)
    }

    /// The environment of the process, as scripts see it.
    pub(crate) fn process(&self) -> impl Iterator<Item = (&str, &str)> {
        self.surroundings.process.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(String::as_str)
    }

    /// The names of the scenarios, in order.
    pub fn scenarios(&self) -> impl Iterator<Item = &str> {
        self.journeys.iter().map(|journey| journey.name.as_str())
    }
}
