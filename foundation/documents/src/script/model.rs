//! What a script says, typed. Texts marked *template* may hold `{{ … }}`, which the engine fills in for
//! each virtual user.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::diagnostic::Origin;

/// One file: how it is played, and the journeys of its virtual users.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Script {
    /// The file's name without its ending.
    pub name: String,
    /// SHA-256 of the file, in hexadecimal.
    pub digest: String,
    /// As written, without an environment.
    pub config: Config,
    /// For each environment, `config` with the environment's own keys laid over it.
    pub environments: BTreeMap<String, Config>,
    /// Once before all virtual users; what it captures, they all have.
    pub before: Option<Journey>,
    pub after: Option<Journey>,
    pub scenarios: Vec<Journey>,
    pub origin: Origin,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Config {
    /// *Template*; relative URLs of steps are joined to it.
    pub target: Option<String>,
    pub phases: Vec<Phase>,
    /// A list means that each virtual user takes one of it at random.
    pub variables: BTreeMap<String, Value>,
    pub payloads: Vec<Payload>,
    pub http: HttpSettings,
    pub tls: TlsSettings,
    pub ws: WsSettings,
    pub grpc: GrpcSettings,
    pub browser: BrowserSettings,
    /// The JavaScript file of the functions, relative to the script.
    pub processor: Option<String>,
    pub plugins: Plugins,
    pub ensure: Ensure,
    /// The threshold of "satisfied"; four times of it is "tolerating".
    pub apdex: Option<Duration>,
    /// What numbers of this configuration ask for and nobody gave: `arrivalRate: "{{ $env.RATE }}"` without
    /// that variable. What needs them is left out, so nothing can be played while there are any.
    pub unset: Vec<Unset>,
}

/// What an [`Unset`] is called if it is the file of a payload, which the command line may name.
pub const PAYLOAD_PATH: &str = "payload.path";

/// A variable that a number or a switch of the configuration needs and that has no value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unset {
    /// As in the template: `$env.RATE`.
    pub variable: String,
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Phase {
    pub name: Option<String>,
    pub arrivals: Arrivals,
    /// At most this many virtual users at once; an arrival beyond it is counted as skipped.
    pub max_vusers: Option<u64>,
    pub origin: Origin,
}

/// Rates are virtual users a second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Arrivals {
    Pause { duration: Duration },
    Rate { duration: Duration, from: f64, to: f64, spread: Spread },
    Count { duration: Duration, count: u64 },
    /// A closed workload: `users` at once, each begins anew when it ends. Our addition: `concurrency`.
    Users { duration: Duration, users: u64 },
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Spread {
    #[default]
    Uniform,
    Poisson,
}

/// Rows of a CSV file; each virtual user takes one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Payload {
    /// Relative to the script. *Template* where a variable of it has no value yet.
    pub path: String,
    pub fields: Vec<String>,
    pub order: PayloadOrder,
    pub skip_header: bool,
    pub delimiter: char,
    /// Whether numbers and booleans become such.
    pub cast: bool,
    pub skip_empty_lines: bool,
    /// All rows as a list of objects (or of lists, without fields) in the variable of this name.
    pub load_all: Option<String>,
    pub origin: Origin,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PayloadOrder {
    #[default]
    Random,
    Sequence,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HttpSettings {
    /// Of one request, to the last byte.
    pub timeout: Duration,
    /// Connections shared by all virtual users; each has its own if absent.
    pub pool: Option<u32>,
    /// Connections of one virtual user to one host at once.
    pub max_sockets: Option<u32>,
    pub extended_metrics: bool,
    /// Whether requests carry a W3C trace context.
    pub distributed_tracing: bool,
    /// HTTP/2; our addition: `http.version: 2`.
    pub version: HttpVersion,
    pub follow_redirect: bool,
    pub max_redirects: u32,
    /// *Templates.*
    pub headers: BTreeMap<String, String>,
    pub cookies: BTreeMap<String, String>,
    /// Whether a failed capture ends the virtual user.
    pub strict_capture: bool,
    pub think_jitter: Option<Jitter>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub enum HttpVersion {
    #[default]
    Http1,
    /// With prior knowledge over plain text, by ALPN over TLS.
    Http2,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            pool: None,
            max_sockets: None,
            extended_metrics: false,
            distributed_tracing: false,
            version: HttpVersion::default(),
            follow_redirect: true,
            max_redirects: 10,
            headers: BTreeMap::new(),
            cookies: BTreeMap::new(),
            strict_capture: true,
            think_jitter: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Jitter {
    /// Plus or minus, in milliseconds.
    Absolute(f64),
    /// Plus or minus, in percent.
    Percent(f64),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TlsSettings {
    pub reject_unauthorized: bool,
    /// PEM files, relative to the script.
    pub ca: Option<String>,
    pub cert: Option<String>,
    pub key: Option<String>,
    pub server_name: Option<String>,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self { reject_unauthorized: true, ca: None, cert: None, key: None, server_name: None }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WsSettings {
    pub subprotocols: Vec<String>,
    /// *Templates.*
    pub headers: BTreeMap<String, String>,
    /// How long a step waits for its message.
    pub timeout: Duration,
    /// The longest message that is read, in bytes.
    pub max_payload: Option<u64>,
}

impl Default for WsSettings {
    fn default() -> Self {
        Self { subprotocols: Vec::new(), headers: BTreeMap::new(), timeout: Duration::from_secs(10), max_payload: None }
    }
}

/// Our addition.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GrpcSettings {
    /// `.proto` files, relative to the script; the server's reflection is asked if there are none.
    pub protos: Vec<String>,
    pub includes: Vec<String>,
    /// *Templates.*
    pub metadata: BTreeMap<String, String>,
    /// Of a call that has none of its own.
    pub deadline: Option<Duration>,
}

/// Our addition.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct BrowserSettings {
    pub headless: Option<bool>,
    pub width: Option<u32>,
    pub height: Option<u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Plugins {
    pub expect: Option<ExpectSettings>,
    pub metrics_by_endpoint: Option<MetricsByEndpoint>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ExpectSettings {
    pub report_failures_as_errors: bool,
    pub expect_default_200: bool,
    /// Whether reports call a request by its name rather than its URL.
    pub use_only_request_names: bool,
    /// Whether the virtual user goes on after a failed expectation. The default of a run as a test is no.
    pub continue_on_failure: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MetricsByEndpoint {
    pub use_only_request_names: bool,
    pub group_dynamic_urls: bool,
    pub strip_query_string: bool,
    pub ignore_unnamed_requests: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Ensure {
    pub thresholds: Vec<Threshold>,
    pub conditions: Vec<Condition>,
}

/// A metric that must stay at or below a number, e.g. `http.response_time.p99: 250`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Threshold {
    pub metric: String,
    pub max: f64,
    pub origin: Origin,
}

/// An expression over the metrics, e.g. `http.codes.200 > 10 and vusers.failed == 0`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Condition {
    pub expression: String,
    /// Whether it fails the run.
    pub strict: bool,
    pub origin: Origin,
}

/// What one virtual user does, from start to end. Artillery: a scenario.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Journey {
    pub name: Option<String>,
    pub weight: f64,
    pub engine: Engine,
    pub flow: Vec<Step>,
    /// Names of JavaScript functions.
    pub before_scenario: Vec<String>,
    pub after_scenario: Vec<String>,
    /// For every request of the journey.
    pub before_request: Vec<String>,
    pub after_response: Vec<String>,
    /// Called with what ended the journey early.
    pub on_error: Vec<String>,
    pub origin: Origin,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    #[default]
    Http,
    Ws,
    Grpc,
    Browser,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    pub action: Action,
    /// An expression or the name of a JavaScript function; the step is left out unless it is true.
    pub if_true: Option<String>,
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    Request(Box<Request>),
    /// A number is in seconds; a text is read by [`duration`](super::duration) once it is filled in.
    Think { duration: Template, jitter: Option<Jitter> },
    Log { message: Template },
    Function { name: String },
    Loop(Loop),
    /// At most `limit` of them at once; 100 if absent.
    Parallel { steps: Vec<Step>, limit: Option<u32> },
    Ws(WsAction),
    Grpc(Box<GrpcCall>),
    Browser(BrowserAction),
}

/// A text, or any JSON value, that may hold `{{ … }}`.
pub type Template = Value;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Request {
    /// Upper case.
    pub method: String,
    /// *Template.*
    pub url: String,
    /// For metrics and reports.
    pub name: Option<String>,
    /// *Templates*, as all below. In the order written.
    pub headers: Vec<(String, String)>,
    pub cookies: Vec<(String, String)>,
    pub query: Option<Template>,
    pub body: Body,
    pub auth: Option<BasicAuth>,
    pub gzip: bool,
    /// The script's setting if absent.
    pub follow_redirect: Option<bool>,
    /// Percent of the times that the request is sent at all.
    pub probability: Option<f64>,
    pub capture: Vec<Capture>,
    /// Deprecated by Artillery: captured values that must equal `value`.
    pub matches: Vec<Match>,
    pub expect: Vec<Expectation>,
    pub before_request: Vec<String>,
    pub after_response: Vec<String>,
    /// Keys that Mainstay does not have, for the script's JavaScript functions.
    pub extra: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Body {
    None,
    Json(Template),
    Text(Template),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, Template)>),
    /// `multipart/form-data`.
    Multipart(Vec<Part>),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    pub name: String,
    pub content: PartContent,
    pub content_type: Option<String>,
    pub file_name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PartContent {
    Text(Template),
    /// A file, relative to the script. *Template.*
    File(String),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BasicAuth {
    pub user: Template,
    pub password: Template,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Capture {
    pub selector: Selector,
    /// The variable.
    pub variable: String,
    /// The script's `strict_capture` if absent.
    pub strict: Option<bool>,
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Selector {
    /// JSONPath. *Template*, as the others.
    Json(String),
    Header(String),
    Regexp { pattern: String, group: Option<String>, flags: Option<String> },
    XPath(String),
    Css { selector: String, attribute: Option<String>, pick: Pick },
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Pick {
    #[default]
    First,
    Last,
    Random,
    Index(i64),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Match {
    pub selector: Selector,
    pub value: Template,
    pub strict: Option<bool>,
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Expectation {
    pub check: Check,
    /// How reports call it.
    pub description: Option<String>,
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Check {
    /// Any of these.
    StatusCode(Vec<Template>),
    /// None of these.
    NotStatusCode(Vec<Template>),
    ContentType(Template),
    HasProperty(Template),
    NotHasProperty(Template),
    /// All equal to each other.
    Equals(Vec<Template>),
    HasHeader(Template),
    /// Pairs of name and value.
    HeaderEquals(Template, Template),
    MatchesRegexp(Template),
    CdnHit(Template),
    /// Its result is true, or what `equals` says if given: `expect: [{ jmespath: EXPRESSION, equals: VALUE }]`.
    Jmespath { expression: String, equals: Option<Template> },
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Loop {
    pub steps: Vec<Step>,
    pub times: Times,
    /// The name of a JavaScript function, asked after each round. With it, nothing else ends the loop.
    pub while_true: Option<String>,
    /// The variable of the round's element; `$loopElement` if absent.
    pub element: Option<String>,
    /// The variable of the round's number; `$loopCount` if absent.
    pub counter: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Times {
    /// A number, or a template of one.
    Count(Template),
    /// `"1-5"`: rounds numbered 1, 2, 3 and 4, as Artillery counts them.
    Between(u64, u64),
    /// The elements of a list, or of the variable that a text names.
    Over(Template),
    /// As long as `while_true` says; without it, as long as the run lasts.
    Endless,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum WsAction {
    /// Another address, or further settings, than the script's target; or a JavaScript function.
    Connect(Template),
    /// Waits for an answer only if something is captured, matched or expected.
    Send { payload: Template, binary: bool, answer: Answer },
    /// Waits for a message.
    Wait { answer: Answer },
}

/// What is done with the message that a step waits for.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Answer {
    /// Of the whole step, for metrics and reports.
    pub name: Option<String>,
    /// The setting of the script if absent.
    pub timeout: Option<Duration>,
    pub capture: Vec<Capture>,
    pub matches: Vec<Match>,
    pub expect: Vec<Expectation>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GrpcCall {
    /// `package.Service`.
    pub service: String,
    pub method: String,
    pub name: Option<String>,
    /// One message, or a list of them for a client stream.
    pub message: Template,
    pub metadata: Vec<(String, String)>,
    pub deadline: Option<Duration>,
    pub capture: Vec<Capture>,
    pub expect: Vec<Expectation>,
}

/// Selectors are CSS; or `text=` and a text that stands on the element. All are *templates*.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum BrowserAction {
    Goto { url: String },
    Click { selector: String },
    Fill { selector: String, value: Template },
    Press { key: String },
    /// Until an element is there, or for a time.
    Wait { selector: Option<String>, text: Option<String>, timeout: Duration },
    Expect {
        selector: Option<String>,
        text: Option<String>,
        url: Option<String>,
        title: Option<String>,
        /// Of the page's own answer.
        status: Option<u16>,
    },
    Screenshot { name: String },
}
