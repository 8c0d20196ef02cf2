//! One look at a target from outside. Names of readings follow Prometheus's blackbox exporter.

mod dns;
mod http;
mod icmp;
mod tcp;
mod tls;

use std::borrow::Cow;
use std::time::{Duration, Instant};

use documents::canary::CanaryCheck;
use kernel::{Timestamp, format_duration};

/// One figure of a look; its name without the labels that say which canary it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub name: Cow<'static, str>,
    pub labels: Vec<(Cow<'static, str>, String)>,
    pub value: f64,
}

impl Reading {
    pub fn new(name: &'static str, value: f64) -> Self {
        Self { name: name.into(), labels: Vec::new(), value }
    }

    fn phase(name: &'static str, phase: &str, took: Duration) -> Self {
        Self { name: name.into(), labels: vec![("phase".into(), phase.to_owned())], value: took.as_secs_f64() }
    }
}

/// What a look came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// Why it failed, in words for people.
    pub failure: Option<String>,
    pub took: Duration,
    pub readings: Vec<Reading>,
}

/// Whatever was read until the failure is kept.
type Outcome = Result<(), String>;

/// Looks once; a look that is not done in time has failed. None for what is not looked at from here: scenarios
/// are played as runs, and heartbeats come from others.
pub async fn look(check: &CanaryCheck, limit: Duration, now: Timestamp) -> Option<Looked> {
    let limit = own_limit(check).map_or(limit, |own| own.min(limit));
    let begun = Instant::now();
    let mut readings = Vec::new();
    let work = async {
        Some(match check {
            CanaryCheck::Http(check) => http::look(check, &mut readings).await,
            CanaryCheck::Tcp { address, .. } => tcp::look(address, &mut readings).await,
            CanaryCheck::Dns(check) => dns::look(check, &mut readings).await,
            CanaryCheck::Tls(check) => tls::look(check, now, &mut readings).await,
            CanaryCheck::Icmp { host } => icmp::look(host, &mut readings).await,
            CanaryCheck::Scenario { .. } | CanaryCheck::Heartbeat { .. } => return None,
        })
    };
    let failure = match tokio::time::timeout(limit, work).await {
        Ok(outcome) => outcome?.err(),
        Err(_) => Some(format!("it took longer than {}", format_duration(limit))),
    };
    Some(Looked { failure, took: begun.elapsed(), readings })
}

fn own_limit(check: &CanaryCheck) -> Option<Duration> {
    match check {
        CanaryCheck::Http(check) => check.timeout,
        CanaryCheck::Tcp { timeout, .. } => *timeout,
        _ => None,
    }
}
