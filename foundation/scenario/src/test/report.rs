//! What a test has found, without secrets.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::browser::Attachment;
use crate::program::Program;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TestReport {
    pub name: String,
    pub environment: Option<String>,
    pub test_id: String,
    pub target: Option<String>,
    pub duration_ms: f64,
    /// The journeys before and after all are among them, as `before` and `after`.
    pub scenarios: Vec<ScenarioReport>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ScenarioReport {
    pub name: String,
    pub duration_ms: f64,
    pub steps: Vec<StepReport>,
    /// Why it ended early.
    pub error: Option<String>,
    /// Lines of `log` steps and of functions.
    pub printed: Vec<String>,
    /// What the script and the browser have emitted: sums of counters, the latest value of others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// Pictures and records. Who asked for the test stores them.
    #[serde(skip)]
    pub attachments: Vec<Attachment>,
}

/// One request, message, call or step of a page, and its answer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StepReport {
    /// As metrics call it.
    pub name: String,
    pub method: String,
    pub url: String,
    /// None without an answer, and where answers have none.
    pub status: Option<u16>,
    pub first_byte_ms: f64,
    pub last_byte_ms: f64,
    /// Of the connection, if one was opened for it.
    pub resolve_ms: Option<f64>,
    pub connect_ms: Option<f64>,
    pub tls_ms: Option<f64>,
    pub body_bytes: u64,
    pub captures: BTreeMap<String, String>,
    pub expectations_met: u64,
    pub failures: Vec<Failure>,
    /// If anything failed.
    pub response: Option<ResponseBeginning>,
    pub trace_id: Option<String>,
}

/// What was not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// An expectation's name, `capture`, or the code of an error.
    pub what: String,
    pub message: String,
    pub expected: Option<String>,
    pub actual: Option<String>,
    /// Of the script: `path:line`.
    pub place: Option<String>,
    /// Whether the test fails by it.
    pub strict: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseBeginning {
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl TestReport {
    pub(super) fn of(program: &Program) -> Self {
        Self {
            name: program.name.clone(),
            environment: program.environment.clone(),
            test_id: program.test_id.clone(),
            target: program.target.as_ref().map(|target| target.endpoint().to_string()),
            duration_ms: 0.0,
            scenarios: Vec::new(),
        }
    }

    pub fn passed(&self) -> bool {
        self.scenarios.iter().all(ScenarioReport::passed)
    }

    /// In one line, what failed first and how much else.
    pub fn failure(&self) -> Option<String> {
        let failed: Vec<&ScenarioReport> = self.scenarios.iter().filter(|scenario| !scenario.passed()).collect();
        let first = failed.first()?;
        let count = self.scenarios.len();
        let of = if count > 1 { format!("{} of {count} scenarios failed; ", failed.len()) } else { String::new() };
        Some(format!("{of}{}: {}", first.name, first.failure()))
    }

    /// For people, one step a line.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for scenario in &self.scenarios {
            scenario.write(&mut lines);
        }
        let passed = self.scenarios.iter().filter(|scenario| scenario.passed()).count();
        lines.push(format!("{passed} of {} scenarios passed in {:.0} ms", self.scenarios.len(), self.duration_ms));
        lines
    }
}

impl ScenarioReport {
    pub(super) fn unplayed(reason: &str) -> Self {
        let (name, error) = ("test".to_owned(), Some(reason.to_owned()));
        Self { name, error, ..Self::default() }
    }

    pub fn passed(&self) -> bool {
        self.error.is_none() && self.steps.iter().all(StepReport::passed)
    }

    fn failure(&self) -> String {
        let step = self.steps.iter().find(|step| !step.passed());
        let failure = step.and_then(|step| Some((step, step.failures.iter().find(|failure| failure.strict)?)));
        match (failure, &self.error) {
            (Some((step, failure)), _) => format!("{}: {}", step.name, failure.message),
            (None, Some(error)) => error.clone(),
            (None, None) => String::new(),
        }
    }

    fn write(&self, lines: &mut Vec<String>) {
        lines.push(format!("{} {}", mark(self.passed()), self.name));
        for step in &self.steps {
            step.write(lines);
        }
        lines.extend(self.printed.iter().map(|line| format!("    | {line}")));
        let told = self.steps.iter().any(|step| !step.passed());
        lines.extend(self.error.as_ref().filter(|_| !told).map(|error| format!("    {error}")));
    }
}

impl StepReport {
    pub fn passed(&self) -> bool {
        self.failures.iter().all(|failure| !failure.strict)
    }

    fn write(&self, lines: &mut Vec<String>) {
        let mut line = format!("  {} {} {}", mark(self.passed()), self.method, self.url);
        // Writing to a string does not fail.
        match self.status {
            Some(status) => write!(line, "  {status}, {:.1} ms", self.last_byte_ms).unwrap_or_default(),
            None if self.last_byte_ms > 0.0 => write!(line, "  {:.1} ms", self.last_byte_ms).unwrap_or_default(),
            None => {}
        }
        if !self.captures.is_empty() {
            let captures: Vec<_> = self.captures.iter().map(|(name, value)| format!("{name}={value}")).collect();
            write!(line, "  ({})", captures.join(", ")).unwrap_or_default();
        }
        lines.push(line);
        for failure in &self.failures {
            let place = failure.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
            lines.push(format!("      {}{place}", failure.message));
        }
        if let Some(response) = self.response.as_ref().filter(|response| !response.body.is_empty()) {
            lines.push(format!("      the answer begins: {}", response.body.replace('\n', " ")));
        }
    }
}

fn mark(passed: bool) -> char {
    if passed { '✓' } else { '✗' }
}
