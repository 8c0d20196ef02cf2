//! `kind: Deployment`: how a new version of a component goes out.

mod window;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kernel::EntityRef;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::codes;
use crate::diagnostic::{Level, Origin};
use crate::findings::Space;
use crate::kinds::{Document, Reading};
use crate::runbook::ApprovalPolicy;
use crate::schema;
use crate::source::{Home, Node};
use crate::strategy::{self, Strategy};
pub use window::Window;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Deployment {
    pub name: String,
    /// SHA-256 of what it says, in hexadecimal.
    pub digest: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub component: EntityRef,
    /// Users and groups who may promote, pause, resume, cancel and retry; empty names everybody.
    pub operators: Vec<EntityRef>,
    /// In the order in which a version passes through them. At least one.
    pub environments: Vec<Environment>,
    pub freezes: Vec<Freeze>,
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Environment {
    pub name: String,
    /// What must hold before a version enters, in this order.
    pub gates: Vec<Gate>,
    pub router: Router,
    pub strategy: Strategy,
    /// Alerts that roll the new version back.
    pub alarms: Vec<String>,
    pub judge: Option<Judge>,
    pub hooks: Hooks,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Gate {
    Approval(ApprovalPolicy),
    /// A scenario that passes.
    Scenario(String),
    /// Each of these; at least one.
    Readiness(Vec<ReadinessCheck>),
    /// None of the environment's alarms fires for so long.
    Quiet(Duration),
    Window(Window),
}

/// A query whose rows are what is missing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReadinessCheck {
    pub name: String,
    /// SQL over the lake and the ledger, with `$component` and `$version` for what goes out.
    pub sql: String,
    /// What to do about rows.
    pub mend: Option<String>,
}

impl Gate {
    /// For people, in few words.
    pub fn title(&self) -> String {
        match self {
            Self::Approval(_) => "approval".to_owned(),
            Self::Scenario(name) => name.clone(),
            Self::Readiness(checks) => format!("{} readiness {}", checks.len(), if checks.len() == 1 { "check" } else { "checks" }),
            Self::Quiet(quiet) => format!("quiet for {}", kernel::format_duration(*quiet)),
            Self::Window(window) => format!("from {:.5} to {:.5}", window.from.to_string(), window.to.to_string()),
        }
    }
}

/// What sends the traffic.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Router {
    Command(CommandRouter),
    Proxy(ProxyRouter),
    LambdaAlias(LambdaAliasRouter),
    /// Of a configuration; no document says it.
    Profile(ProfileRouter),
}

/// A program that sets a weight.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CommandRouter {
    /// With its arguments; not empty.
    pub set: Vec<String>,
    pub timeout: Duration,
}

/// A proxy of Mainstay, through its control API.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProxyRouter {
    /// The URL of the API. References stand in this and in what follows as they are written.
    pub control: String,
    /// That it asks for.
    pub token: Option<String>,
    /// URLs that serve the new version, with `$version` for its name; empty if the proxy knows them already.
    pub backends: Vec<String>,
    pub timeout: Duration,
}

/// An alias of an AWS Lambda function, which can share its calls between two published versions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LambdaAliasRouter {
    /// Its name or ARN.
    pub function: String,
    pub alias: String,
    pub timeout: Duration,
}

/// The server itself, which serves the profile.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProfileRouter {
    pub profile: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judge {
    /// Between two points, and between two looks.
    pub every: Duration,
    /// At least one.
    pub metrics: Vec<Metric>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metric {
    pub name: String,
    /// PromQL; `$version` stands for the version that is looked at.
    pub query: String,
    pub worse: Worse,
    pub tolerance: f64,
}

/// Which way is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Worse {
    Increase,
    Decrease,
    Either,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hooks {
    pub before_allow_traffic: Vec<Hook>,
    pub each_step: Vec<Hook>,
    pub after_allow_traffic: Vec<Hook>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hook {
    pub check: HookCheck,
    /// One that is silent for so long has failed.
    pub timeout: Duration,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum HookCheck {
    Scenario { name: String, environment: Option<String> },
    Runbook(String),
    /// Passes with an answer of 2xx. References stand in the headers as they are written.
    Webhook { url: String, headers: BTreeMap<String, String> },
    /// Of a configuration; no document says it.
    Command(CommandCheck),
}

/// A program that passes by succeeding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CommandCheck {
    /// With its arguments; not empty.
    pub command: Vec<String>,
    /// What it gets on its standard input.
    #[serde(skip)]
    pub input: Arc<[u8]>,
}

/// A time in which nothing is deployed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Freeze {
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
    pub reason: String,
}

/// The placeholder of queries and backends for the version that is looked at.
pub const VERSION: &str = "$version";

/// As CodeDeploy's hooks.
const HOOK_TIMEOUT: Duration = Duration::from_secs(3_600);
const ROUTER_TIMEOUT: Duration = Duration::from_secs(30);
const JUDGE_EVERY: Duration = Duration::from_secs(60);

impl Deployment {
    pub fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments.iter().find(|environment| environment.name == name)
    }

    /// What forbids to deploy at this instant.
    pub fn frozen(&self, at: Timestamp) -> Option<&Freeze> {
        self.freezes.iter().find(|freeze| (freeze.start..freeze.end).contains(&at))
    }
}

pub(crate) fn read(tree: &Node, reading: &mut Reading<'_>) {
    reading.findings.home = Home::default();
    schema::DEPLOYMENT.check(tree, &mut reading.findings, reading.promql);
    if let Some(name) = tree.at(&["metadata", "name"]) {
        let text = name.text().unwrap_or_default();
        reading.findings.declare(Space::Deployment, text, text, name.span);
    }
    let deployment = tree.get("spec").and_then(|spec| decode(tree, spec, reading));
    reading.keep(tree, deployment.map(|deployment| Document::Deployment(Box::new(deployment))));
}

fn decode(tree: &Node, spec: &Node, reading: &mut Reading<'_>) -> Option<Deployment> {
    let metadata = tree.get("metadata")?;
    let environments: Vec<Option<Environment>> = items(spec, "environments").iter().map(|node| environment(node, reading)).collect();
    let freezes: Vec<Option<Freeze>> = items(spec, "freezes").iter().map(|node| freeze(node, reading)).collect();
    unique_names(spec, reading);
    Some(Deployment {
        name: metadata.owned("name")?,
        digest: Sha256::digest(tree.to_json().to_string()).iter().map(|byte| format!("{byte:02x}")).collect(),
        title: metadata.owned("title"),
        description: metadata.owned("description"),
        component: Home::default().resolve(spec.get("component")?.text()?, Some("component")).ok()?,
        operators: people(spec, "operators"),
        environments: environments.into_iter().collect::<Option<_>>()?,
        freezes: freezes.into_iter().collect::<Option<_>>()?,
        origin: reading.findings.origin(tree.span),
    })
}

fn unique_names(spec: &Node, reading: &mut Reading<'_>) {
    let mut names = BTreeSet::new();
    for (node, name) in items(spec, "environments").iter().filter_map(|node| node.get("name")).filter_map(|node| Some((node, node.text()?))) {
        if !names.insert(name) {
            reading.findings.error(codes::DUPLICATE_NAME, node.span, format!("there are two environments `{name}`"), "give each a name of its own".to_owned());
        }
    }
}

fn environment(node: &Node, reading: &mut Reading<'_>) -> Option<Environment> {
    let alarms = items(node, "alarms").iter().filter_map(|alarm| named(alarm, Space::AlertName, reading)).collect();
    let strategy = match node.get("strategy") {
        Some(written) => strategy::read(written, reading),
        None => Some(Strategy::all_at_once()),
    };
    let gates: Vec<Option<Gate>> = items(node, "gates").iter().map(|gate| read_gate(gate, strategy.as_ref(), reading)).collect();
    let list = |field: &str, reading: &mut Reading<'_>| -> Option<Vec<Hook>> {
        let hooks: Vec<Option<Hook>> = node.get("hooks").map(|hooks| items(hooks, field)).unwrap_or_default().iter().map(|node| hook(node, reading)).collect();
        hooks.into_iter().collect()
    };
    let hooks = Hooks {
        before_allow_traffic: list("beforeAllowTraffic", reading)?,
        each_step: list("eachStep", reading)?,
        after_allow_traffic: list("afterAllowTraffic", reading)?,
    };
    let judge = match node.get("judge") {
        Some(written) => Some(judge(written, reading)?),
        None => None,
    };
    Some(Environment { name: node.owned("name")?, gates: gates.into_iter().collect::<Option<_>>()?, router: router(node.get("router")?)?, strategy: strategy?, alarms, judge, hooks })
}

fn router(node: &Node) -> Option<Router> {
    let timeout = |router: &Node| router.duration("timeout").unwrap_or(ROUTER_TIMEOUT);
    if let Some(command) = node.get("command") {
        return Some(Router::Command(CommandRouter { set: command.texts("set"), timeout: timeout(command) }));
    }
    if let Some(alias) = node.get("lambdaAlias") {
        return Some(Router::LambdaAlias(LambdaAliasRouter { function: alias.owned("function")?, alias: alias.owned("alias")?, timeout: timeout(alias) }));
    }
    let proxy = node.get("proxy")?;
    Some(Router::Proxy(ProxyRouter { control: proxy.owned("control")?, token: proxy.owned("token"), backends: proxy.texts("backends"), timeout: timeout(proxy) }))
}

fn read_gate(node: &Node, strategy: Option<&Strategy>, reading: &mut Reading<'_>) -> Option<Gate> {
    if let Some(approval) = node.get("approval") {
        let approvers = people(approval, "from");
        let needed = approval.get("count").and_then(Node::integer).and_then(|count| u32::try_from(count).ok()).unwrap_or(1);
        return Some(Gate::Approval(ApprovalPolicy { approvers, needed, reason: None, expires_after: None }));
    }
    if let Some(scenario) = node.get("scenario") {
        return named(scenario, Space::Script, reading).map(Gate::Scenario);
    }
    if node.get("readiness").is_some() {
        let check = |node: &Node| Some(ReadinessCheck { name: node.owned("name")?, sql: node.owned("sql")?, mend: node.owned("mend") });
        return items(node, "readiness").iter().map(check).collect::<Option<_>>().map(Gate::Readiness);
    }
    if let Some(window) = node.get("window") {
        let open = window::read(window, reading)?;
        let takes = strategy.map(Strategy::duration).unwrap_or_default();
        if takes > open.length() {
            let (_, span) = node.entry("window").map_or((node, window.span), |(key, _)| (key, key.span));
            let message = format!("the strategy takes {takes:?}, but the window is open for {:?}", open.length());
            reading.findings.error(codes::WRONG_VALUE, span, message, "open the window longer, or take a shorter strategy".to_owned());
        }
        return Some(Gate::Window(open));
    }
    Some(Gate::Quiet(node.duration("quiet")?))
}

fn hook(node: &Node, reading: &mut Reading<'_>) -> Option<Hook> {
    let checks: Vec<&'static str> = ["scenario", "runbook", "webhook"].into_iter().filter(|field| node.get(field).is_some()).collect();
    let [kind] = checks[..] else {
        let mend = "write one of scenario, runbook and webhook, and a hook for each".to_owned();
        reading.findings.error(codes::WRONG_VALUE, node.span, format!("a hook asks one thing, and this asks {}", checks.len()), mend);
        return None;
    };
    let check = match kind {
        "scenario" => HookCheck::Scenario { name: named(node.get(kind)?, Space::Script, reading)?, environment: node.owned("environment") },
        "runbook" => HookCheck::Runbook(named(node.get(kind)?, Space::Runbook, reading)?),
        _ => HookCheck::Webhook { url: node.owned(kind)?, headers: node.text_map("headers") },
    };
    Some(Hook { check, timeout: node.duration("timeout").unwrap_or(HOOK_TIMEOUT) })
}

fn judge(node: &Node, reading: &mut Reading<'_>) -> Option<Judge> {
    let metrics: Vec<Option<Metric>> = items(node, "metrics").iter().map(|node| metric(node, reading)).collect();
    Some(Judge { every: node.duration("every").unwrap_or(JUDGE_EVERY), metrics: metrics.into_iter().collect::<Option<_>>()? })
}

fn metric(node: &Node, reading: &mut Reading<'_>) -> Option<Metric> {
    let written = node.get("query")?;
    let query = written.text()?;
    if !query.contains(VERSION) {
        let message = "the query is the same for both versions, so it tells nothing apart";
        let mend = format!("choose the version by a label, e.g. {{service_version=\"{VERSION}\"}}");
        reading.findings.error(codes::WRONG_VALUE, written.span, message, mend);
    }
    let example = query.replace(VERSION, "1");
    if let Err(crate::promql::PromqlFault::Wrong(fault)) = (reading.promql)(&example) {
        reading.findings.error(codes::PROMQL, written.span, fault, None);
    }
    let worse = match node.get("worse").and_then(Node::text) {
        Some("decrease") => Worse::Decrease,
        Some("either") => Worse::Either,
        _ => Worse::Increase,
    };
    Some(Metric { name: node.owned("name")?, query: query.to_owned(), worse, tolerance: node.get("tolerance").and_then(Node::number).unwrap_or(0.25) })
}

fn freeze(node: &Node, reading: &mut Reading<'_>) -> Option<Freeze> {
    let mut instant = |field: &str| {
        let written = node.get(field)?;
        let text = written.text()?;
        let parsed = text.parse::<Timestamp>();
        if parsed.is_err() {
            let mend = "write it as RFC 3339 has it, for example 2026-12-20T00:00:00+01:00".to_owned();
            reading.findings.error(codes::WRONG_SCHEDULE, written.span, format!("`{text}` is not a point in time"), mend);
        }
        parsed.ok()
    };
    let (start, end) = (instant("start")?, instant("end")?);
    if end <= start {
        reading.findings.error(codes::WRONG_SCHEDULE, node.span, "the freeze ends before it begins", None);
    }
    Some(Freeze { start, end, reason: node.owned("reason")? })
}

fn named(node: &Node, space: Space, reading: &mut Reading<'_>) -> Option<String> {
    let name = node.text()?;
    reading.findings.refer(Level::Error, space, name, node.span);
    Some(name.to_owned())
}

/// What names no kind is a group.
fn people(node: &Node, field: &str) -> Vec<EntityRef> {
    items(node, field).iter().filter_map(|from| Home::default().resolve(from.text()?, Some("group")).ok()).collect()
}

fn items<'n>(spec: &'n Node, field: &str) -> &'n [Node] {
    spec.get(field).map(Node::items).unwrap_or_default()
}
