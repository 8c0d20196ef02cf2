//! The steps of a browser's journey, each told as an exchange.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout_at};

use super::error::{BrowserError, network};
use super::evidence::Attachment;
use super::keys;
use super::selector::Selector;
use super::tab::Tab;
use super::traffic::Document;
use crate::client::Address;
use crate::program::{BrowserAction, BrowserStep, Seen};
use crate::redact::{Redactor, looks_secret};
use crate::trace::TraceContext;
use crate::user::{Answered, Ended, Exchange, Ground, User};
use crate::value::{Emitted, Mismatch, Response, Scope, Text};

/// How often a page is looked at while it is not as it should be.
const POLL: Duration = Duration::from_millis(40);
/// A page that has come is painted soon, if it has anything to paint.
const PAINTED_WITHIN: Duration = Duration::from_millis(500);
const TEXT_CHARS_MAX: usize = 200;

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
    if let (Err(_), Ok(tab)) = (&outcome, user.tab.open(&ground.browsers, false).await) {
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

/// What a page is to show.
#[derive(Default)]
struct Wanted {
    selector: Option<String>,
    text: Option<String>,
    url: Option<String>,
    title: Option<String>,
    status: Option<u16>,
}

/// What was looked for on a page, and what was there instead.
struct Finding {
    what: &'static str,
    expected: String,
    /// None if it is as it should be.
    actual: Option<String>,
}

struct Done {
    /// Of the page that the step has led to, if it has.
    document: Option<Document>,
    ended: Instant,
    findings: Vec<Finding>,
}

#[derive(Clone, Copy)]
struct Limit {
    until: tokio::time::Instant,
    limit: Duration,
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
            Self::Goto(url) => goto(tab, url, limit).await?,
            Self::Click(selector) => click(tab, selector, limit).await?,
            Self::Fill { selector, value } => fill(tab, selector, value, limit).await?,
            Self::Press(key) => press(tab, key, limit).await?,
            Self::Wait(wanted, _) => wait(tab, wanted, limit).await?,
            Self::Expect(wanted) => {
                findings = see(tab, wanted, limit).await?;
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

async fn goto(tab: &Tab, url: &str, limit: Limit) -> Result<Option<Document>, BrowserError> {
    let before = loader(tab);
    let Ok(answer) = timeout_at(limit.until, tab.navigate(url)).await else {
        return Err(slow(tab, format!("{url} did not answer"), limit).await);
    };
    let answer = answer?;
    let arrived = tab.traffic(|traffic| traffic.document.clone()).filter(|document| Some(&document.loader) != before.as_ref());
    if let Some(error) = answer["errorText"].as_str() {
        // An error's status without a body is an answer too.
        if error.ends_with("ERR_HTTP_RESPONSE_CODE_FAILURE") && arrived.is_some() {
            return Ok(arrived);
        }
        let (code, reason) = network(error);
        return Err(BrowserError::Unreachable { url: url.to_owned(), code, reason });
    }
    // A fragment of the page that is there already, or no page at all.
    if !answer["loaderId"].is_string() || url.starts_with("about:") {
        return Ok(None);
    }
    loaded(tab, before, limit).await
}

async fn click(tab: &Tab, written: &str, limit: Limit) -> Result<Option<Document>, BrowserError> {
    let place = ready(tab, written, "clickable", None, limit).await?;
    let before = loader(tab);
    let mouse = |kind: &str, pressed: u32| {
        let event = json!({
            "type": kind, "x": place["x"], "y": place["y"], "button": if pressed > 0 { "left" } else { "none" },
            "buttons": pressed & u32::from(kind == "mousePressed"), "clickCount": pressed,
        });
        tab.call("Input.dispatchMouseEvent", event)
    };
    let clicked = async {
        mouse("mouseMoved", 0).await?;
        mouse("mousePressed", 1).await?;
        mouse("mouseReleased", 1).await
    };
    within(tab, written, clicked, limit).await?;
    followed(tab, before, limit).await
}

async fn fill(tab: &Tab, written: &str, value: &str, limit: Limit) -> Result<Option<Document>, BrowserError> {
    let before = loader(tab);
    let ready = ready(tab, written, "fill", Some(value.into()), limit).await?;
    if ready["state"] == "type" {
        within(tab, written, tab.call("Input.insertText", json!({ "text": value })), limit).await?;
    }
    followed(tab, before, limit).await
}

async fn press(tab: &Tab, key: &str, limit: Limit) -> Result<Option<Document>, BrowserError> {
    let [down, up] = keys::strokes(key)?;
    let before = loader(tab);
    let pressed = async {
        tab.call("Input.dispatchKeyEvent", down).await?;
        tab.call("Input.dispatchKeyEvent", up).await
    };
    within(tab, key, pressed, limit).await?;
    followed(tab, before, limit).await
}

async fn wait(tab: &Tab, wanted: &Wanted, limit: Limit) -> Result<Option<Document>, BrowserError> {
    let findings = see(tab, wanted, limit).await?;
    let Some(finding) = findings.into_iter().find(|finding| finding.actual.is_some()) else { return Ok(None) };
    let Some(written) = wanted.selector.as_deref().filter(|_| finding.what == "selector") else {
        return Err(slow(tab, format!("the page did not show {}", finding.expected), limit).await);
    };
    let seen = tab.look("see", &[Selector::parse(written).to_json()]).await.unwrap_or_default();
    Err(unready(tab, written, &seen, limit).await)
}

/// Looks at the page until it is as wanted, or the time is over.
async fn see(tab: &Tab, wanted: &Wanted, limit: Limit) -> Result<Vec<Finding>, BrowserError> {
    let mut latest = Vec::new();
    loop {
        match timeout_at(limit.until, wanted.look(tab)).await {
            Ok(Ok(findings)) => latest = findings,
            Ok(Err(error @ (BrowserError::Gone | BrowserError::Selector { .. }))) => return Err(error),
            // The page is being replaced.
            Ok(Err(_)) => {}
            Err(_) => break,
        }
        let all = !latest.is_empty() && latest.iter().all(|finding| finding.actual.is_none());
        if all || tokio::time::Instant::now() + POLL > limit.until {
            break;
        }
        sleep(POLL).await;
    }
    if latest.is_empty() {
        return Err(slow(tab, "the page could not be looked at".to_owned(), limit).await);
    }
    for finding in latest.iter_mut().filter(|finding| finding.what == "selector" && finding.actual.is_some()) {
        let written = wanted.selector.as_deref().unwrap_or_default();
        let near = nearest(tab, written).await.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let actual = finding.actual.take().unwrap_or_default();
        finding.actual = Some(format!("{actual}{near}; {}", tab.shown().await));
    }
    Ok(latest)
}

impl Wanted {
    async fn look(&self, tab: &Tab) -> Result<Vec<Finding>, BrowserError> {
        let mut findings = Vec::new();
        let mut read = None;
        if let Some(written) = &self.selector {
            let seen = tab.look("see", &[Selector::parse(written).to_json()]).await?;
            let actual = match seen["state"].as_str().unwrap_or_default() {
                "ready" => None,
                "invalid" => return Err(invalid(written, &seen)),
                "hidden" => Some("it cannot be seen".to_owned()),
                _ => Some("it is not on the page".to_owned()),
            };
            read = seen["text"].as_str().map(str::to_owned);
            findings.push(Finding { what: "selector", expected: format!("`{written}`"), actual });
        }
        if let Some(text) = &self.text {
            let has = match (&self.selector, &read) {
                (Some(_), Some(read)) => read.contains(text.trim()),
                (Some(_), None) => false,
                (None, _) => tab.look("has", &[text.as_str().into()]).await? == true,
            };
            let shown = match (has, read) {
                (true, _) => None,
                (false, Some(read)) => Some(read),
                (false, None) => Some(tab.look("text", &[]).await?.as_str().unwrap_or_default().to_owned()),
            };
            let actual = shown.map(|shown| format!("“{}”", shortened(&shown)));
            findings.push(Finding { what: "text", expected: format!("the text “{text}”"), actual });
        }
        if self.url.is_none() && self.title.is_none() && self.status.is_none() {
            return Ok(findings);
        }
        let page = tab.look("page", &[]).await?;
        for (what, wanted) in [("url", &self.url), ("title", &self.title)] {
            if let Some(wanted) = wanted {
                let actual = page[what].as_str().unwrap_or_default();
                let actual = (!actual.contains(wanted.as_str())).then(|| actual.to_owned());
                findings.push(Finding { what, expected: wanted.clone(), actual });
            }
        }
        if let Some(wanted) = self.status {
            let status = tab.traffic(|traffic| traffic.document.as_ref().and_then(|document| document.status));
            let told = || status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            let actual = (status != Some(wanted)).then(told);
            findings.push(Finding { what: "status", expected: wanted.to_string(), actual });
        }
        Ok(findings)
    }
}

/// Asks the page until the element is ready.
async fn ready(
    tab: &Tab,
    written: &str,
    function: &str,
    more: Option<Value>,
    limit: Limit,
) -> Result<Value, BrowserError> {
    let arguments: Vec<Value> = [Selector::parse(written).to_json()].into_iter().chain(more).collect();
    let mut latest = json!({ "state": "missing" });
    loop {
        match timeout_at(limit.until, tab.look(function, &arguments)).await {
            Ok(Ok(seen)) => match seen["state"].as_str().unwrap_or_default() {
                "ready" | "type" | "done" => return Ok(seen),
                "invalid" => return Err(invalid(written, &seen)),
                "unfillable" => {
                    let reason = seen["reason"].as_str().unwrap_or_default().to_owned();
                    return Err(BrowserError::Unfillable { selector: written.to_owned(), reason });
                }
                _ => latest = seen,
            },
            Ok(Err(BrowserError::Gone)) => return Err(BrowserError::Gone),
            // The page is being replaced.
            Ok(Err(_)) => {}
            Err(_) => break,
        }
        if tokio::time::Instant::now() + POLL > limit.until {
            break;
        }
        sleep(POLL).await;
    }
    Err(unready(tab, written, &latest, limit).await)
}

/// Whether what was done leads to another page; then, until that is there.
async fn followed(tab: &Tab, before: Option<String>, limit: Limit) -> Result<Option<Document>, BrowserError> {
    // Answered by the page after it has heard of the deed, and so after it has asked for another page.
    let heard = timeout_at(limit.until, tab.look("page", &[])).await;
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
    let leads_on = tab.traffic(|traffic| traffic.leaving) || loader(tab) != before;
    match (leads_on, heard) {
        (true, _) | (false, Ok(Err(_))) => loaded(tab, before, limit).await,
        (false, Err(_)) => Err(slow(tab, "the page did not answer".to_owned(), limit).await),
        (false, Ok(Ok(_))) => Ok(None),
    }
}

/// Until another page than before is there, or the page has changed its mind.
async fn loaded(tab: &Tab, before: Option<String>, limit: Limit) -> Result<Option<Document>, BrowserError> {
    let is_new = |document: &&Document| Some(&document.loader) != before.as_ref();
    let over = tab.until(|traffic| match traffic.document.as_ref().filter(is_new) {
        Some(document) => document.loaded.is_some() || document.error.is_some(),
        None => !traffic.leaving,
    });
    if let Ok(over) = timeout_at(limit.until, over).await {
        over?;
        let document = tab.traffic(|traffic| traffic.document.as_ref().filter(is_new).cloned());
        return match document {
            Some(Document { error: Some(error), url, loaded: None, .. }) if !error.ends_with("ERR_ABORTED") => {
                let (code, reason) = network(&error);
                Err(BrowserError::Unreachable { url, code, reason })
            }
            other => Ok(other),
        };
    }
    let (url, waits_for) = tab.traffic(|traffic| {
        let url = traffic.document.as_ref().map_or_else(String::new, |document| document.url.clone());
        (url, traffic.under_way().first().map(|first| (*first).to_owned()))
    });
    let what = match waits_for {
        Some(other) if other != url => format!("{url} was not loaded, it still waits for {other},"),
        _ => format!("{url} was not loaded"),
    };
    let error = slow(tab, what, limit).await;
    // The next step finds the page as it is.
    drop(tab.call("Page.stopLoading", json!({})).await);
    Err(error)
}

async fn within<T>(
    tab: &Tab,
    what: &str,
    done: impl Future<Output = Result<T, BrowserError>>,
    limit: Limit,
) -> Result<T, BrowserError> {
    match timeout_at(limit.until, done).await {
        Ok(done) => done,
        Err(_) => Err(slow(tab, format!("the page did not answer to `{what}`"), limit).await),
    }
}

async fn slow(tab: &Tab, what: String, limit: Limit) -> BrowserError {
    BrowserError::Slow { what, limit: limit.limit, page: tab.shown().await }
}

async fn unready(tab: &Tab, written: &str, seen: &Value, limit: Limit) -> BrowserError {
    let page = tab.shown().await;
    let (selector, limit) = (written.to_owned(), limit.limit);
    let why = match seen["state"].as_str().unwrap_or_default() {
        "hidden" => "could not be seen".to_owned(),
        "disabled" => "was disabled".to_owned(),
        "readonly" => "could not be written to".to_owned(),
        "covered" => format!("was covered by {}", seen["by"].as_str().unwrap_or("another element")),
        _ => return BrowserError::Missing { near: nearest(tab, &selector).await, selector, limit, page },
    };
    BrowserError::NotReady { selector, why, limit, page }
}

async fn nearest(tab: &Tab, written: &str) -> Option<String> {
    let asked = tokio::time::timeout(Duration::from_secs(1), tab.look("candidates", &[])).await;
    let candidates: Vec<String> = serde_json::from_value(asked.ok()?.ok()?).ok()?;
    Selector::parse(written).nearest(&candidates)
}

fn invalid(written: &str, seen: &Value) -> BrowserError {
    let reason = seen["reason"].as_str().unwrap_or_default();
    // Chromium's words, without those that say where they come from.
    let reason = reason.rsplit_once(": ").map_or(reason, |(_, reason)| reason).to_owned();
    BrowserError::Selector { selector: written.to_owned(), reason }
}

fn loader(tab: &Tab) -> Option<String> {
    tab.traffic(|traffic| traffic.document.as_ref().map(|document| document.loader.clone()))
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
    let (page, fragment) = written.split_once('#').map_or((written, None), |(page, fragment)| (page, Some(fragment)));
    let address = Address::of_step(page, target).map_err(|error| BrowserError::Address {
        url: written.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(fragment.map_or_else(|| address.to_string(), |fragment| format!("{address}#{fragment}")))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}
