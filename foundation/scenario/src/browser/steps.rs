//! The steps of a browser's journey, each told as an exchange.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use super::deeds::{self, Limit};
use super::error::BrowserError;
use super::evidence::Attachment;
use super::tab::Tab;
use super::traffic::Document;
use super::wanted::{self, Finding, Wanted};
use crate::client::Address;
use crate::program::{BrowserAction, BrowserStep, Seen};
use crate::redact::{Redactor, looks_secret};
use crate::trace::TraceContext;
use crate::user::{Answered, Ended, Exchange, Ground, User};
use crate::value::{Emitted, Mismatch, Response, Scope, Text};

/// A page that has come is painted soon, if it has anything to paint.
const PAINTED_WITHIN: Duration = Duration::from_millis(500);

pub(crate) async fn play(ground: &Ground, user: &mut User, step: &BrowserStep) -> Result<(), Ended> {
    let action = Action::fill_in(&step.action, &user.scope, ground)?;
    if let Action::Pause(pause) = action {
        ground.clock.until(Instant::now() + pause).await;
        return Ok(());
    }
    ground.witness.sent(step.number);
    let trace = (ground.program.settings.tracing || ground.traced > 0.0).then(|| TraceContext::new(ground.traced));
    let opening = Instant::now();
    let opened = user.tab.open(&ground.browsers, trace.is_some()).await;
    let sent = Instant::now();
    // What a tab takes to open is ours and not the target's.
    let intended = (user.timetable.request(sent) + (sent - opening)).min(sent);
    let limit = action.limit(ground);
    let played = match &opened {
        Ok(tab) => {
            tab.trace(trace.filter(|_| matches!(action, Action::Goto(_))));
            action.play(tab, Limit { until: (sent + limit).into(), limit }).await
        }
        Err(error) => Err(error.clone()),
    };
    let url = match (&opened, &action) {
        (Ok(tab), _) if played.is_ok() => tab.traffic(|traffic| traffic.document.as_ref().map(|document| document.url.clone())),
        (_, Action::Goto(url)) => Some(url.clone()),
        (Ok(tab), _) => tab.traffic(|traffic| traffic.document.as_ref().map(|document| document.url.clone())),
        (Err(_), _) => None,
    };
    let bytes = opened.as_ref().map_or(0, |tab| emit(ground, tab, false));
    let played = played.map_err(Ended::Browser);
    let exchange = Exchange {
        number: step.number,
        method: action.name(),
        url: &url.unwrap_or_else(|| "about:blank".to_owned()),
        intended,
        sent,
        trace: trace.filter(|_| matches!(action, Action::Goto(_))),
        result: played.as_ref().map(|done| done.answered(bytes)),
    };
    ground.witness.exchanged(&exchange);
    if let Action::Fill { selector, value } = &action
        && looks_secret(selector)
    {
        ground.witness.captured(step.number, selector, &Value::from(value.as_str()));
    }
    let outcome = match played {
        Ok(done) => judge(ground, step, done, opened.ok()).await,
        Err(ended) => Err(ended),
    };
    if let (Err(_), Some(tab)) = (&outcome, user.tab.get()) {
        tab.photograph("failed").await;
    }
    outcome
}

/// A journey is over: what its last page felt like is told.
pub(crate) fn ended(ground: &Ground, user: &User) {
    if let Some(tab) = user.tab.get() {
        emit(ground, tab, true);
    }
}

/// What was kept of a user's journey.
pub(crate) fn evidence(user: &User, failed: bool, redactor: &Redactor) -> Vec<Attachment> {
    user.tab.get().map(|tab| tab.evidence(failed, redactor)).unwrap_or_default()
}

/// An action with its templates filled in.
enum Action {
    Goto(String),
    Click(String),
    Fill { selector: String, value: String },
    Press(String),
    Pause(Duration),
    Wait(Wanted, Duration),
    Expect(Wanted),
    Screenshot(String),
}

struct Done {
    /// Of the page that the step has led to, if it has.
    document: Option<Document>,
    ended: Instant,
    findings: Vec<Finding>,
}

impl Action {
    fn fill_in(action: &BrowserAction, scope: &Scope, ground: &Ground) -> Result<Self, Ended> {
        let text = |text: &Text| text.render(scope).map(|text| text.into_owned()).map_err(Ended::Template);
        let wanted = |seen: &Seen| -> Result<Wanted, Ended> {
            let of = |part: &Option<Text>| part.as_ref().map(text).transpose();
            Ok(Wanted {
                selector: of(&seen.selector)?,
                text: of(&seen.text)?,
                url: of(&seen.url)?,
                title: of(&seen.title)?,
                status: seen.status,
            })
        };
        Ok(match action {
            BrowserAction::Goto { url } => {
                Self::Goto(address(&text(url)?, ground.program.target.as_ref()).map_err(Ended::Browser)?)
            }
            BrowserAction::Click { selector } => Self::Click(text(selector)?),
            BrowserAction::Fill { selector, value } => {
                Self::Fill { selector: text(selector)?, value: value.to_text(scope).map_err(Ended::Template)?.into() }
            }
            BrowserAction::Press { key } => Self::Press(text(key)?),
            BrowserAction::Pause(pause) => Self::Pause(*pause),
            BrowserAction::Wait { seen, timeout } => Self::Wait(wanted(seen)?, *timeout),
            BrowserAction::Expect(seen) => Self::Expect(wanted(seen)?),
            BrowserAction::Screenshot { name } => Self::Screenshot(text(name)?),
        })
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Goto(_) => "goto",
            Self::Click(_) => "click",
            Self::Fill { .. } => "fill",
            Self::Press(_) => "press",
            Self::Pause(_) | Self::Wait(..) => "wait",
            Self::Expect(_) => "expect",
            Self::Screenshot(_) => "screenshot",
        }
    }

    fn limit(&self, ground: &Ground) -> Duration {
        match self {
            Self::Wait(_, timeout) => *timeout,
            _ => ground.program.settings.timeout,
        }
    }

    async fn play(&self, tab: &Tab, limit: Limit) -> Result<Done, BrowserError> {
        let mut findings = Vec::new();
        let document = match self {
            Self::Goto(url) => deeds::goto(tab, url, limit).await?,
            Self::Click(selector) => deeds::click(tab, selector, limit).await?,
            Self::Fill { selector, value } => deeds::fill(tab, selector, value, limit).await?,
            Self::Press(key) => deeds::press(tab, key, limit).await?,
            Self::Wait(wanted, _) => {
                wanted::wait(tab, wanted, limit).await?;
                None
            }
            Self::Expect(wanted) => {
                findings = wanted::see(tab, wanted, limit).await?;
                None
            }
            Self::Screenshot(name) => {
                tab.photograph(name).await;
                None
            }
            Self::Pause(_) => None,
        };
        let ended = Instant::now();
        if document.is_some() {
            // A page without anything to paint is done as well.
            let painted = tab.until(|traffic| traffic.has_painted());
            tokio::time::timeout(PAINTED_WITHIN, painted).await.unwrap_or(Ok(()))?;
        }
        Ok(Done { document, ended, findings })
    }
}

impl Done {
    fn answered(&self, body_bytes: u64) -> Answered {
        let document = self.document.as_ref();
        let at = |taken: fn(&Document) -> Option<Duration>| {
            let instant = document.and_then(|document| Some(document.began + taken(document)?));
            instant.map_or(self.ended, |instant| instant.min(self.ended))
        };
        let last_byte = at(|document| document.loaded);
        let first_byte = at(|document| document.first_byte).min(last_byte);
        let status = document.and_then(|document| document.status);
        Answered { status, first_byte, last_byte, body_bytes, connected: None }
    }
}

/// What the step expects of the page.
async fn judge(ground: &Ground, step: &BrowserStep, done: Done, tab: Option<&Tab>) -> Result<(), Ended> {
    let mut findings = done.findings;
    let status = done.document.as_ref().map(|document| document.status.unwrap_or_default());
    if let (BrowserAction::Goto { .. }, Some(status)) = (&step.action, status)
        && ground.program.settings.expect.expect_default_200
    {
        let actual = (status != 200).then(|| status.to_string());
        findings.push(Finding { what: "statusCode", expected: "200".to_owned(), actual });
    }
    for Finding { what, expected, actual } in findings {
        let Some(actual) = actual else {
            ground.witness.met(step.number);
            continue;
        };
        let mismatch = Mismatch { what: what.to_owned(), expected, actual, origin: step.origin.clone() };
        let (url, text) = match tab {
            Some(tab) => (tab.shown().await.url, tab.look("text", &[]).await.ok()),
            None => (String::new(), None),
        };
        let text = text.as_ref().and_then(Value::as_str).unwrap_or_default();
        let shown = Response::new(status.unwrap_or_default(), HeaderMap::new(), Bytes::copy_from_slice(text.as_bytes()), url);
        ground.witness.unmet(step.number, &mismatch, &shown);
        if ground.strict_expectations {
            return Err(Ended::Mismatch(mismatch));
        }
        if let Some(tab) = tab {
            tab.photograph("failed").await;
        }
    }
    Ok(())
}

/// Tells what was counted and felt since the last time, under the names of Artillery; returns the bytes that came.
fn emit(ground: &Ground, tab: &Tab, over: bool) -> u64 {
    let (counted, vitals) = tab.traffic(|traffic| (std::mem::take(&mut traffic.counted), traffic.take_vitals(over)));
    let tell = |emitted| ground.witness.emitted(emitted);
    if counted.requests > 0 {
        tell(Emitted::Counter { name: "browser.http_requests".to_owned(), value: counted.requests as f64 });
    }
    for (status, count) in counted.codes {
        tell(Emitted::Counter { name: format!("browser.page.codes.{status}"), value: count as f64 });
    }
    for page in vitals {
        let url = page.url.split(['?', '#']).next().unwrap_or_default();
        for (name, value) in page.values {
            tell(Emitted::Histogram { name: format!("browser.page.{name}.{url}"), value });
        }
    }
    counted.bytes
}

/// An absolute address, or a path behind the target. A fragment stays, since it may be a route of the page's own.
pub(crate) fn address(written: &str, target: Option<&Address>) -> Result<String, BrowserError> {
    let written = written.trim();
    if written == "about:blank" {
        return Ok(written.to_owned());
    }
    if written.split_once("://").is_some_and(|(scheme, _)| !["http", "https"].contains(&scheme)) {
        let reason = "a browser opens only http and https".to_owned();
        return Err(BrowserError::Address { url: written.to_owned(), reason });
    }
    let (page, fragment) = written.split_once('#').map_or((written, None), |(page, fragment)| (page, Some(fragment)));
    let address = Address::of_step(page, target).map_err(|error| BrowserError::Address {
        url: written.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(fragment.map_or_else(|| address.to_string(), |fragment| format!("{address}#{fragment}")))
}
