//! `kind: Canary`: a check that runs again and again, and an alarm when it fails too often.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::EntityRef;
use serde::Serialize;

use crate::codes;
use crate::diagnostic::{Level, Origin};
use crate::findings::Space;
use crate::kinds::{Document, Reading};
use crate::schedule::{self, Schedule};
use crate::schema;
use crate::source::{Home, Node, Span};

/// The runner that plays canaries which name no location.
pub const SERVER: &str = "server";

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Canary {
    pub name: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub check: CanaryCheck,
    pub component: Option<EntityRef>,
    /// Nothing for a heartbeat, which others send.
    pub schedule: Option<Schedule>,
    /// Each run begins up to this much later, drawn anew.
    pub jitter: Duration,
    /// Labels of runners, each of which plays it; at least one.
    pub locations: Vec<String>,
    pub alarm: CanaryAlarm,
    /// Of one run.
    pub timeout: Duration,
    pub enabled: bool,
    pub origin: Origin,
}

/// Fires when this many of the last runs failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CanaryAlarm {
    pub failures: u32,
    pub of: u32,
}

impl Default for CanaryAlarm {
    fn default() -> Self {
        Self { failures: 2, of: 3 }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum CanaryCheck {
    /// Plays a script once.
    Scenario { name: String, environment: Option<String> },
    Http(HttpCheck),
    /// Connects to `host:port`.
    Tcp { address: String, timeout: Option<Duration> },
    Dns(DnsCheck),
    Tls(TlsCheck),
    /// Sends an echo request.
    Icmp { host: String },
    /// Waits for a job to call in: every so often, and `grace` late at most.
    Heartbeat { every: Duration, grace: Duration },
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HttpCheck {
    pub url: String,
    pub method: String,
    /// Values may be `env:NAME`.
    pub headers: BTreeMap<String, String>,
    /// Any of these; any below 400 if empty.
    pub status: Vec<u16>,
    /// A regular expression that the body must match.
    pub body: Option<String>,
    pub timeout: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DnsCheck {
    pub name: String,
    pub record: DnsRecord,
    /// `host` or `host:port`; the system's own if absent.
    pub resolver: Option<String>,
    /// All of these must be among the answers; any answer will do if empty.
    pub expect: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DnsRecord {
    A,
    Aaaa,
    Cname,
    Mx,
    Ns,
    Soa,
    Srv,
    Txt,
    Caa,
    Ptr,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TlsCheck {
    /// `host:port`.
    pub address: String,
    /// The host of the address if absent.
    pub server_name: Option<String>,
    /// Fails when the certificate ends sooner.
    pub expires_in: Duration,
}

/// The fields of `spec` of which exactly one says what is checked.
const CHECKS: [&str; 7] = ["scenario", "http", "tcp", "dns", "tls", "icmp", "heartbeat"];

pub(crate) fn read(tree: &Node, reading: &mut Reading<'_>) {
    reading.findings.home = Home::default();
    schema::CANARY.check(tree, &mut reading.findings, reading.promql);
    if let Some(name) = tree.at(&["metadata", "name"]) {
        let text = name.text().unwrap_or_default();
        reading.findings.declare(Space::Canary, text, text, name.span);
    }
    let canary = tree.entry("spec").and_then(|(key, spec)| decode(tree, key.span, spec, reading));
    reading.keep(tree, canary.map(|canary| Document::Canary(Box::new(canary))));
}

fn decode(tree: &Node, span: Span, spec: &Node, reading: &mut Reading<'_>) -> Option<Canary> {
    let kind = only_check(spec, span, reading);
    let schedule = match kind {
        Some("heartbeat") => {
            no_schedule(spec, reading);
            None
        }
        _ => schedule::read(spec, span, reading),
    };
    for (node, field) in [(Some(spec), "timeout"), (spec.get("heartbeat"), "every")] {
        longer_than_nothing(node, field, reading);
    }
    let jitter = jitter(spec, schedule.as_ref(), reading);
    let alarm = alarm(spec, reading);
    let check = check(kind?, spec, reading)?;
    let metadata = tree.get("metadata")?;
    let locations = spec.texts("locations");
    Some(Canary {
        name: metadata.owned("name")?,
        title: metadata.owned("title"),
        description: metadata.owned("description"),
        component: spec.get("component").and_then(Node::text).and_then(|text| Home::default().resolve(text, Some("component")).ok()),
        schedule,
        jitter,
        locations: if locations.is_empty() { vec![SERVER.to_owned()] } else { locations },
        alarm,
        timeout: spec.duration("timeout").unwrap_or(usual_timeout(&check)),
        enabled: spec.get("enabled").and_then(Node::flag).unwrap_or(true),
        check,
        origin: reading.findings.origin(tree.span),
    })
}

fn only_check(spec: &Node, span: Span, reading: &mut Reading<'_>) -> Option<&'static str> {
    let given: Vec<&'static str> = CHECKS.into_iter().filter(|field| spec.get(field).is_some()).collect();
    match given[..] {
        [only] => {
            if let Some((key, _)) = spec.entry("environment").filter(|_| only != "scenario") {
                let message = "`environment` belongs to `scenario`";
                reading.findings.error(codes::UNKNOWN_FIELD, key.span, message, "take it away".to_owned());
            }
            return Some(only);
        }
        [] => {
            let mend = format!("add one of {}", CHECKS.join(", "));
            reading.findings.error(codes::MISSING_FIELD, span, "the canary checks nothing", mend);
        }
        [first, second, ..] => {
            let span = spec.entry(second).map_or(span, |(key, _)| key.span);
            let message = format!("a canary checks one thing, and this has `{first}` and `{second}`");
            reading.findings.error(codes::WRONG_VALUE, span, message, "write a canary for each".to_owned());
        }
    }
    None
}

fn no_schedule(spec: &Node, reading: &mut Reading<'_>) {
    for field in ["schedule", "every", "jitter", "locations"] {
        if let Some((key, _)) = spec.entry(field) {
            let message = format!("a heartbeat is sent by the job itself, so there is no `{field}`");
            let mend = "take it away; `heartbeat.every` says how often the job calls in".to_owned();
            reading.findings.error(codes::UNKNOWN_FIELD, key.span, message, mend);
        }
    }
}

fn longer_than_nothing(node: Option<&Node>, field: &str, reading: &mut Reading<'_>) {
    let Some((node, written)) = node.and_then(|node| Some((node, node.get(field)?))) else { return };
    if node.duration(field).is_some_and(|duration| duration.is_zero()) {
        reading.findings.error(codes::WRONG_VALUE, written.span, format!("`{field}` must be longer than 0"), None);
    }
}

fn jitter(spec: &Node, schedule: Option<&Schedule>, reading: &mut Reading<'_>) -> Duration {
    let jitter = spec.duration("jitter").unwrap_or_default();
    let period = schedule.and_then(Schedule::period);
    if let (Some(written), Some(period)) = (spec.get("jitter"), period)
        && jitter > period
    {
        reading.findings.error(codes::WRONG_VALUE, written.span, "`jitter` is longer than `every`", "a run would overtake the next".to_owned());
    }
    jitter
}

fn alarm(spec: &Node, reading: &mut Reading<'_>) -> CanaryAlarm {
    let Some(alarm) = spec.get("alarm") else { return CanaryAlarm::default() };
    let count = |field: &str| alarm.get(field).and_then(Node::integer).and_then(|count| u32::try_from(count).ok());
    let failures = count("failures").unwrap_or(1);
    let of = count("of").unwrap_or(failures);
    if failures > of {
        let span = alarm.get("failures").map_or(alarm.span, |failures| failures.span);
        let message = format!("there cannot be {failures} failures of {of} runs");
        reading.findings.error(codes::WRONG_VALUE, span, message, "make `of` at least as large as `failures`".to_owned());
    }
    CanaryAlarm { failures, of }
}

fn check(kind: &str, spec: &Node, reading: &mut Reading<'_>) -> Option<CanaryCheck> {
    let node = spec.get(kind)?;
    Some(match kind {
        "scenario" => {
            let name = node.text()?.to_owned();
            reading.findings.refer(Level::Error, Space::Script, name.clone(), node.span);
            CanaryCheck::Scenario { name, environment: spec.owned("environment") }
        }
        "http" => CanaryCheck::Http(HttpCheck {
            url: node.owned("url")?,
            method: node.owned("method").unwrap_or_else(|| "GET".to_owned()),
            headers: node.text_map("headers"),
            status: node.get("status").map(Node::items).unwrap_or_default().iter().filter_map(|code| code.integer()?.try_into().ok()).collect(),
            body: node.owned("body"),
            timeout: node.duration("timeout"),
        }),
        "tcp" => CanaryCheck::Tcp { address: node.owned("address")?, timeout: node.duration("timeout") },
        "dns" => CanaryCheck::Dns(DnsCheck {
            name: node.owned("name")?,
            record: record(node.get("type").and_then(Node::text).unwrap_or("A"))?,
            resolver: node.owned("resolver"),
            expect: node.texts("expect"),
        }),
        "tls" => CanaryCheck::Tls(TlsCheck {
            address: node.owned("address")?,
            server_name: node.owned("serverName"),
            expires_in: node.duration("expiresIn")?,
        }),
        "icmp" => CanaryCheck::Icmp { host: node.owned("host")? },
        _ => CanaryCheck::Heartbeat { every: node.duration("every")?, grace: node.duration("grace").unwrap_or_default() },
    })
}

fn record(name: &str) -> Option<DnsRecord> {
    Some(match name {
        "A" => DnsRecord::A,
        "AAAA" => DnsRecord::Aaaa,
        "CNAME" => DnsRecord::Cname,
        "MX" => DnsRecord::Mx,
        "NS" => DnsRecord::Ns,
        "SOA" => DnsRecord::Soa,
        "SRV" => DnsRecord::Srv,
        "TXT" => DnsRecord::Txt,
        "CAA" => DnsRecord::Caa,
        "PTR" => DnsRecord::Ptr,
        _ => return None,
    })
}

/// A journey takes longer than a question.
fn usual_timeout(check: &CanaryCheck) -> Duration {
    match check {
        CanaryCheck::Scenario { .. } => Duration::from_secs(120),
        _ => Duration::from_secs(10),
    }
}
