//! What a page is to show, and what it shows instead.

use tokio::time::{sleep, timeout_at};

use super::deeds::{Limit, POLL, invalid, nearest, slow, unready};
use super::error::BrowserError;
use super::selector::Selector;
use super::tab::Tab;

const TEXT_CHARS_MAX: usize = 200;

/// What a page is to show.
#[derive(Default)]
pub(super) struct Wanted {
    pub selector: Option<String>,
    pub text: Option<String>,
    pub url: Option<String>,
    pub title: Option<String>,
    pub status: Option<u16>,
}

/// What was looked for on a page, and what was there instead.
pub(super) struct Finding {
    pub what: &'static str,
    pub expected: String,
    /// None if it is as it should be.
    pub actual: Option<String>,
}

/// Waits for it.
pub(super) async fn wait(tab: &Tab, wanted: &Wanted, limit: Limit) -> Result<(), BrowserError> {
    let findings = see(tab, wanted, limit).await?;
    let Some(finding) = findings.into_iter().find(|finding| finding.actual.is_some()) else { return Ok(()) };
    let Some(written) = wanted.selector.as_deref().filter(|_| finding.what == "selector") else {
        return Err(slow(tab, format!("the page did not show {}", finding.expected), limit).await);
    };
    let seen = tab.look("see", &[Selector::parse(written).to_json()]).await.unwrap_or_default();
    Err(unready(tab, written, &seen, limit).await)
}

/// Looks at the page until it is as wanted, or the time is over.
pub(super) async fn see(tab: &Tab, wanted: &Wanted, limit: Limit) -> Result<Vec<Finding>, BrowserError> {
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

fn shortened(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}
