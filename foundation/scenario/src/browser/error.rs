//! Why a step of a browser could not be played, with what the page showed instead.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrowserError {
    #[error("there is no Chromium: {looked}; install chromium or google-chrome, or set MAINSTAY_CHROMIUM to its path")]
    NotFound { looked: String },
    #[error("{} did not start: {reason}", path.display())]
    NotStarted { path: PathBuf, reason: String },
    #[error("the browser has ended")]
    Gone,
    #[error("the page has crashed: {page}")]
    Crashed { page: PageShown },
    #[error("{url} could not be opened: {reason}")]
    Unreachable { url: String, code: &'static str, reason: String },
    #[error("`{url}` cannot be opened: {reason}")]
    Address { url: String, reason: String },
    #[error("{what} within {} ms; {page}", limit.as_millis())]
    Slow { what: String, limit: Duration, page: PageShown },
    #[error("no `{selector}` within {} ms{}; {page}", limit.as_millis(), suggested(near))]
    Missing { selector: String, limit: Duration, near: Option<String>, page: PageShown },
    #[error("`{selector}` {why} for {} ms; {page}", limit.as_millis())]
    NotReady { selector: String, why: String, limit: Duration, page: PageShown },
    #[error("`{selector}` is no selector: {reason}")]
    Selector { selector: String, reason: String },
    #[error("`{selector}` cannot be filled in: {reason}")]
    Unfillable { selector: String, reason: String },
    #[error("there is no key `{key}`{}; keys are named as in Enter, Tab, ArrowDown, a or Control+A", suggested(near))]
    Key { key: String, near: Option<String> },
    #[error("the browser refuses {method}: {reason}")]
    Refused { method: String, reason: String },
}

/// What a page shows, in a few words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageShown {
    pub title: String,
    pub url: String,
    /// The latest error of its console.
    pub console: Option<String>,
}

impl BrowserError {
    /// As metrics count it. What the network says goes by the codes of Node, as requests do.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } | Self::NotStarted { .. } => "Browser not started",
            Self::Gone | Self::Crashed { .. } => "Browser ended",
            Self::Unreachable { code, .. } => code,
            Self::Address { .. } => "ERR_INVALID_URL",
            Self::Slow { .. } => "ETIMEDOUT",
            Self::Missing { .. } => "Element not found",
            Self::NotReady { .. } => "Element not ready",
            Self::Selector { .. } | Self::Unfillable { .. } | Self::Key { .. } => "Failed step",
            Self::Refused { .. } => "Failed browser command",
        }
    }

    /// Whether the cause is this machine and not the target.
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::NotStarted { .. } | Self::Gone)
    }
}

fn suggested(near: &Option<String>) -> String {
    near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

impl fmt::Display for PageShown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.title.is_empty() {
            true => write!(f, "the page is {}", self.url)?,
            false => write!(f, "the page is “{}”, {}", self.title, self.url)?,
        }
        self.console.as_ref().map_or(Ok(()), |error| write!(f, "; its console says: {error}"))
    }
}

/// What Chromium calls a failure of the network, in our words: the code of Node, and the reason.
pub(super) fn network(error: &str) -> (&'static str, String) {
    let (code, reason) = match error.trim_start_matches("net::") {
        "ERR_CONNECTION_REFUSED" => ("ECONNREFUSED", "it refused the connection: nothing listens there"),
        "ERR_NAME_NOT_RESOLVED" => ("ENOTFOUND", "its name is not known"),
        "ERR_CONNECTION_TIMED_OUT" | "ERR_TIMED_OUT" => ("ETIMEDOUT", "it did not answer"),
        "ERR_CONNECTION_RESET" | "ERR_CONNECTION_CLOSED" | "ERR_EMPTY_RESPONSE" => {
            ("ECONNRESET", "it closed the connection before its answer was whole")
        }
        "ERR_TOO_MANY_REDIRECTS" => ("ERR_TOO_MANY_REDIRECTS", "it redirects without end"),
        "ERR_INTERNET_DISCONNECTED" | "ERR_ADDRESS_UNREACHABLE" => ("ENETUNREACH", "the network does not reach it"),
        "ERR_ABORTED" => ("ERR_ABORTED", "it is no page: the answer is empty or a download"),
        other if other.starts_with("ERR_CERT_") => {
            return ("CERT_UNTRUSTED", format!("it has no certificate to be trusted ({other})"));
        }
        other if other.starts_with("ERR_SSL_") => return ("EPROTO", format!("no TLS with it ({other})")),
        other => return ("Failed navigation", other.to_owned()),
    };
    (code, reason.to_owned())
}
