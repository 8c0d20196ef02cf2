//! What an experiment says, typed. Texts marked *template* may hold `${name}`, which a run fills in from the
//! configuration and the secrets.
//!
//! Source: Chaos Toolkit, "An Open API for Chaos Engineering Experiments".

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::diagnostic::Origin;

/// One file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Experiment {
    /// The file's name without its ending.
    pub name: String,
    /// SHA-256 of the file, in hexadecimal.
    pub digest: String,
    /// *Template.*
    pub title: String,
    pub description: String,
    pub tags: Vec<String>,
    /// How much it says about a property of the system, e.g. `reliability`.
    pub contributions: BTreeMap<String, Contribution>,
    /// In order: a probe's value may depend on what stands before it.
    pub configuration: Vec<(String, Setting)>,
    /// Groups of secrets, by the names that providers use.
    pub secrets: Vec<(String, Secret)>,
    pub hypothesis: Option<Hypothesis>,
    pub method: Vec<Step>,
    pub rollbacks: Vec<Step>,
    pub controls: Vec<Control>,
    pub runtime: Runtime,
    pub safety: Safety,
    /// As written, for the journal.
    pub document: Value,
    pub origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Contribution {
    High,
    Medium,
    Low,
    /// Said not to be addressed, which is more than not said.
    None,
}

/// Where a value of the configuration comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Setting {
    Literal(Value),
    Env { key: String, default: Option<Value>, as_type: EnvType },
    /// Its output: what a function returns, the body of an answer, or what a process writes.
    Probe(Box<Activity>),
}

/// What the text of an environment variable becomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EnvType {
    #[default]
    Text,
    Integer,
    Number,
    Boolean,
    Json,
}

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Secret {
    /// Written in the document.
    Literal(Value),
    Env { key: String },
    /// A file: JSON or YAML of which `key` is taken, else its text.
    File { path: String, key: Option<String> },
    /// HashiCorp Vault; everything at the path if there is no `key`.
    Vault { path: String, key: Option<String> },
    /// Our own store.
    Store { name: String },
    Group(Vec<(String, Secret)>),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hypothesis {
    pub title: String,
    /// Activities and references; each has a tolerance.
    pub probes: Vec<HypothesisProbe>,
    pub controls: Vec<Control>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HypothesisProbe {
    pub step: Step,
    pub tolerance: Tolerance,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    Activity(Box<Activity>),
    /// The name of an activity of the method or the hypothesis.
    Ref(String),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Activity {
    pub kind: ActivityKind,
    pub name: String,
    pub provider: Provider,
    /// Whether the next one begins at once.
    pub background: bool,
    pub pauses: Pauses,
    pub controls: Vec<Control>,
    /// Whether a tolerance is written; then a bad answer is for it to judge.
    pub judged: bool,
    /// As written, for the journal.
    pub document: Value,
    pub origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ActivityKind {
    Action,
    Probe,
}

/// Seconds, or a *template* that becomes seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Pauses {
    pub before: Option<Value>,
    pub after: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    Http(HttpCall),
    Process(ProcessCall),
    Python(PythonCall),
    Mainstay(OwnCall),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HttpCall {
    /// *Template.*
    pub url: String,
    /// In capitals.
    pub method: String,
    /// *Templates.*
    pub headers: Map<String, Value>,
    /// *Template*: the query of a GET, the body of anything else.
    pub arguments: Option<Value>,
    /// *Template*: seconds, or `[connect, read]`.
    pub timeout: Option<Value>,
    pub verify_tls: bool,
    /// Of connections that fail.
    pub max_retries: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProcessCall {
    pub path: String,
    /// *Template*: a list; a text for a shell; a mapping of which each key and value come in turn.
    pub arguments: Option<Value>,
    /// *Template*: seconds.
    pub timeout: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PythonCall {
    pub module: String,
    pub func: String,
    /// *Template.*
    pub arguments: Map<String, Value>,
    /// Names of groups; absent if the provider does not say `secrets`.
    pub secrets: Option<Vec<String>>,
    /// Seconds. Our addition.
    pub timeout: Option<Value>,
}

/// Our own provider.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OwnCall {
    /// Plays a script once.
    Scenario { name: String, environment: Option<String> },
    /// *Template*: the value of a query.
    Promql(String),
    /// *Template*: a fault as the fault injector reads it.
    Fault(Value),
}

/// What a probe's value must be.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tolerance {
    /// Text (a *template*), a number or a boolean.
    Scalar(Value),
    /// Two items are bounds, more are choices.
    List(Vec<Value>),
    /// Called with the value as argument `value`.
    Probe(Box<Activity>),
    Regex { pattern: String, target: Option<String> },
    JsonPath { path: String, expect: Option<Value>, count: Option<u64>, target: Option<String> },
    Range { low: f64, high: f64, target: Option<String> },
}

/// What is done before and after a part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Control {
    pub name: String,
    /// Both if absent.
    pub scope: Option<Scope>,
    /// Whether a control of the whole experiment applies to its parts too.
    pub automatic: bool,
    pub carrier: Carrier,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    Before,
    After,
}

/// What carries a control out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Carrier {
    Activity(Box<Activity>),
    /// A Python module of the toolkit's control interface.
    Python { module: String },
    /// A control of the whole experiment.
    Ref(String),
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Runtime {
    pub hypothesis: HypothesisStrategy,
    pub rollbacks: RollbackStrategy,
    /// Between two looks during the method; a second if absent.
    pub frequency: Option<Duration>,
    pub fail_fast: bool,
    /// Percent of looks that must have deviated for that.
    pub fail_fast_ratio: f64,
}

/// When the hypothesis is looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HypothesisStrategy {
    /// Before and after the method.
    #[default]
    Default,
    BeforeMethodOnly,
    AfterMethodOnly,
    DuringMethodOnly,
    /// Before, during and after.
    Continuously,
    Skip,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RollbackStrategy {
    /// Unless the experiment failed or was interrupted.
    #[default]
    Default,
    Always,
    Never,
    Deviated,
}

impl HypothesisStrategy {
    /// The toolkit also reads its own early slip.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "default" => Self::Default,
            "before-method-only" => Self::BeforeMethodOnly,
            "after-method-only" => Self::AfterMethodOnly,
            "during-method-only" => Self::DuringMethodOnly,
            "continuously" | "continously" => Self::Continuously,
            "skip" => Self::Skip,
            _ => return None,
        })
    }
}

impl RollbackStrategy {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "default" => Self::Default,
            "always" => Self::Always,
            "never" => Self::Never,
            "deviated" => Self::Deviated,
            _ => return None,
        })
    }
}

/// Our own extension, `{name: mainstay, …}`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Safety {
    pub targets: Targets,
    pub environment: Option<String>,
    /// The method ends once one of these holds.
    pub stop_when: Vec<StopWhen>,
    /// The longest that the method may take.
    pub deadline: Option<Duration>,
}

impl Safety {
    /// Whether somebody must approve before anything is done.
    pub fn is_production(&self) -> bool {
        let environment = self.environment.as_deref().unwrap_or_default().trim();
        ["production", "prod", "live"].iter().any(|name| environment.eq_ignore_ascii_case(name))
    }
}

/// What faults may touch; what is not listed is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Targets {
    /// `host:port`, or `host` for all its ports; `localhost` also permits pressure on this machine.
    pub hosts: Vec<String>,
    /// Fault proxies, by name.
    pub proxies: Vec<String>,
    /// By the exact name of their command.
    pub processes: Vec<String>,
    pub folders: Vec<String>,
    pub devices: Vec<String>,
    /// Programs that faults may start.
    pub commands: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StopWhen {
    /// An alarm of this name fires.
    Alert(String),
    /// The query has a value, as an alarm's condition does.
    Promql(String),
}

impl Experiment {
    /// The activity that a `ref` names: the last one of its name, the hypothesis after the method, as in
    /// the toolkit.
    pub fn activity(&self, name: &str) -> Option<&Activity> {
        let probes = self.hypothesis.iter().flat_map(|hypothesis| hypothesis.probes.iter().map(|probe| &probe.step));
        let steps: Vec<&Step> = self.method.iter().chain(probes).collect();
        steps.into_iter().rev().find_map(|step| match step {
            Step::Activity(activity) if activity.name == name => Some(activity.as_ref()),
            _ => None,
        })
    }
}
