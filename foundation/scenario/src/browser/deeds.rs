//! What is done to a page: opening it, clicking, typing; and waiting for what that leads to.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout_at};

use super::error::{BrowserError, network};
use super::keys;
use super::selector::Selector;
use super::tab::Tab;
use super::traffic::Document;

/// How often a page is looked at while it is not as it should be.
pub(super) const POLL: Duration = Duration::from_millis(40);

#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub until: tokio::time::Instant,
    pub limit: Duration,
}

pub(super) async fn goto(tab: &Tab, url: &str, limit: Limit) -> Result<Option<Document>, BrowserError> {
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

pub(super) async fn click(tab: &Tab, written: &str, limit: Limit) -> Result<Option<Document>, BrowserError> {
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

pub(super) async fn fill(tab: &Tab, written: &str, value: &str, limit: Limit) -> Result<Option<Document>, BrowserError> {
    let before = loader(tab);
    let ready = ready(tab, written, "fill", Some(value.into()), limit).await?;
    if ready["state"] == "type" {
        within(tab, written, tab.call("Input.insertText", json!({ "text": value })), limit).await?;
    }
    followed(tab, before, limit).await
}

pub(super) async fn press(tab: &Tab, key: &str, limit: Limit) -> Result<Option<Document>, BrowserError> {
    let [down, up] = keys::strokes(key)?;
    let before = loader(tab);
    let pressed = async {
        tab.call("Input.dispatchKeyEvent", down).await?;
        tab.call("Input.dispatchKeyEvent", up).await
    };
    within(tab, key, pressed, limit).await?;
    followed(tab, before, limit).await
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

pub(super) async fn slow(tab: &Tab, what: String, limit: Limit) -> BrowserError {
    BrowserError::Slow { what, limit: limit.limit, page: tab.shown().await }
}

pub(super) async fn unready(tab: &Tab, written: &str, seen: &Value, limit: Limit) -> BrowserError {
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

pub(super) async fn nearest(tab: &Tab, written: &str) -> Option<String> {
    let asked = tokio::time::timeout(Duration::from_secs(1), tab.look("candidates", &[])).await;
    let candidates: Vec<String> = serde_json::from_value(asked.ok()?.ok()?).ok()?;
    Selector::parse(written).nearest(&candidates)
}

pub(super) fn invalid(written: &str, seen: &Value) -> BrowserError {
    let reason = seen["reason"].as_str().unwrap_or_default();
    // Chromium's words, without those that say where they come from.
    let reason = reason.rsplit_once(": ").map_or(reason, |(_, reason)| reason).to_owned();
    BrowserError::Selector { selector: written.to_owned(), reason }
}

fn loader(tab: &Tab) -> Option<String> {
    tab.traffic(|traffic| traffic.document.as_ref().map(|document| document.loader.clone()))
}
