//! What the browser tells of a tab, put together. Decides only: no clock, no socket.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Requests of one journey that are kept for its record; the first of more.
pub(super) const ENTRIES_MAX: usize = 1000;
const HEADER_CHARS_MAX: usize = 1000;
const URL_CHARS_MAX: usize = 2000;
const CONSOLE_MAX: usize = 50;
/// A page that begins more at once than this has its oldest forgotten.
const PENDING_MAX: usize = 2000;

#[derive(Default)]
pub(super) struct Traffic {
    /// The frame of the tab itself.
    frame: String,
    /// Whether whole requests are kept, and not only what is measured.
    keeps_entries: bool,
    pending: HashMap<String, Entry>,
    pub entries: Vec<Entry>,
    /// Requests that were not kept.
    pub left_out: u64,
    /// The latest document of the tab itself, whether it came or not.
    pub document: Option<Document>,
    /// Whether the page has asked for another document that has not begun yet.
    pub leaving: bool,
    pub console: Vec<String>,
    pub crashed: bool,
    /// Of all requests since they were last taken.
    pub counted: Counted,
    vitals: Vitals,
    left: Vec<Vitals>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Counted {
    pub requests: u64,
    pub codes: BTreeMap<u16, u64>,
    /// As sent.
    pub bytes: u64,
}

/// One page load.
#[derive(Debug, Clone)]
pub(super) struct Document {
    request: String,
    pub loader: String,
    pub url: String,
    pub began: Instant,
    began_s: f64,
    pub status: Option<u16>,
    pub first_byte: Option<Duration>,
    /// Until the page and all it needs had come.
    pub loaded: Option<Duration>,
    pub error: Option<String>,
}

/// What a user felt of a page, by the names of the Web Vitals; times in milliseconds.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Vitals {
    pub url: String,
    pub values: BTreeMap<String, f64>,
}

/// One request, as a HAR tells it. Times are the browser's own, in seconds.
#[derive(Debug, Default, Clone)]
pub(super) struct Entry {
    pub method: String,
    pub url: String,
    pub began_wall_s: f64,
    pub began_s: f64,
    pub ended_s: f64,
    pub request_headers: Vec<(String, String)>,
    pub sends_body: bool,
    pub status: u16,
    pub status_text: String,
    pub protocol: String,
    pub mime: String,
    pub response_headers: Vec<(String, String)>,
    pub address: String,
    pub bytes: u64,
    pub timing: Option<Value>,
    pub error: Option<String>,
}

impl Traffic {
    pub fn new(frame: String, keeps_entries: bool) -> Self {
        Self { frame, keeps_entries, ..Self::default() }
    }

    pub fn apply(&mut self, event: &str, params: &Value, now: Instant) {
        match event {
            "Network.requestWillBeSent" => self.requested(params, now),
            "Network.responseReceived" => self.answered(params),
            "Network.loadingFinished" => self.finished(params, None),
            "Network.loadingFailed" => self.finished(params, Some(text(&params["errorText"]))),
            "Page.frameRequestedNavigation" | "Page.frameStartedNavigating" if self.is_ours(params) => {
                self.leaving |= !self.stays(params);
            }
            "Page.frameStoppedLoading" if self.is_ours(params) => self.leaving = false,
            "Page.navigatedWithinDocument" if self.is_ours(params) => {
                self.leaving = false;
                self.document.iter_mut().for_each(|document| document.url = text(&params["url"]));
            }
            "Page.lifecycleEvent" if self.is_ours(params) && params["name"] == "load" => self.loaded(params),
            "Page.frameNavigated" if params["frame"]["id"] == self.frame.as_str() => {
                let vitals = Vitals { url: text(&params["frame"]["url"]), values: BTreeMap::new() };
                self.left.push(std::mem::replace(&mut self.vitals, vitals));
                self.leaving = false;
            }
            "Runtime.bindingCalled" => self.felt(params),
            "Runtime.exceptionThrown" => self.complain(thrown(&params["exceptionDetails"])),
            "Runtime.consoleAPICalled" if params["type"] == "error" => {
                let parts = params["args"].as_array().map(Vec::as_slice).unwrap_or_default();
                self.complain(parts.iter().map(argument).collect::<Vec<_>>().join(" "));
            }
            "Log.entryAdded" if params["entry"]["level"] == "error" => self.complain(text(&params["entry"]["text"])),
            "Inspector.targetCrashed" => self.crashed = true,
            _ => {}
        }
    }

    /// Requests under way, the oldest first.
    pub fn under_way(&self) -> Vec<&str> {
        let mut pending: Vec<&Entry> = self.pending.values().collect();
        pending.sort_by(|one, other| one.began_s.total_cmp(&other.began_s));
        pending.into_iter().map(|entry| entry.url.as_str()).collect()
    }

    /// Those without an end among them.
    pub fn all_entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().chain(self.pending.values())
    }

    /// Of the pages that were left; of the present one too if it is `over`.
    pub fn take_vitals(&mut self, over: bool) -> Vec<Vitals> {
        let mut taken = std::mem::take(&mut self.left);
        if over {
            taken.push(std::mem::take(&mut self.vitals));
        }
        taken.retain(|vitals| !vitals.values.is_empty());
        taken
    }

    pub fn has_painted(&self) -> bool {
        self.vitals.values.contains_key("FCP")
    }

    fn is_ours(&self, params: &Value) -> bool {
        params["frameId"] == self.frame.as_str()
    }

    /// A fragment and a download leave the document where it is.
    fn stays(&self, params: &Value) -> bool {
        let same = params["navigationType"].as_str().is_some_and(|kind| kind.to_ascii_lowercase().ends_with("samedocument"));
        same || params["disposition"].as_str().is_some_and(|where_to| where_to != "currentTab")
    }

    fn requested(&mut self, params: &Value, now: Instant) {
        let id = text(&params["requestId"]);
        let request = &params["request"];
        let url = shortened(request["url"].as_str().unwrap_or_default(), URL_CHARS_MAX);
        if url.starts_with("data:") || url.starts_with("blob:") {
            return;
        }
        let redirected = &params["redirectResponse"];
        if redirected.is_object() {
            self.respond(&id, redirected);
            self.finished(params, None);
        }
        self.counted.requests += 1;
        let began_s = params["timestamp"].as_f64().unwrap_or_default();
        if params["type"] == "Document" && self.is_ours(params) {
            self.began_document(&id, text(&params["loaderId"]), &url, began_s, now);
        }
        let entry = Entry {
            method: text(&request["method"]),
            url,
            began_wall_s: params["wallTime"].as_f64().unwrap_or_default(),
            began_s,
            request_headers: self.headers(&request["headers"]),
            sends_body: request["hasPostData"] == true,
            ..Entry::default()
        };
        if self.pending.len() >= PENDING_MAX {
            let oldest = self.pending.iter().min_by(|one, other| one.1.began_s.total_cmp(&other.1.began_s));
            let oldest = oldest.map(|(id, _)| id.clone());
            oldest.map(|id| self.pending.remove(&id));
        }
        self.pending.insert(id, entry);
    }

    /// After a redirect it is still the same page load.
    fn began_document(&mut self, id: &str, loader: String, url: &str, began_s: f64, now: Instant) {
        self.leaving = false;
        match self.document.as_mut().filter(|document| document.request == id) {
            Some(document) => url.clone_into(&mut document.url),
            None => {
                self.document = Some(Document {
                    request: id.to_owned(),
                    loader,
                    url: url.to_owned(),
                    began: now,
                    began_s,
                    status: None,
                    first_byte: None,
                    loaded: None,
                    error: None,
                });
            }
        }
    }

    fn answered(&mut self, params: &Value) {
        let id = text(&params["requestId"]);
        let response = &params["response"];
        self.respond(&id, response);
        if let Some(document) = self.document.as_mut().filter(|document| document.request == id) {
            document.status = status(response);
            let timing = &response["timing"];
            let headers_ms = timing["receiveHeadersStart"].as_f64().or(timing["receiveHeadersEnd"].as_f64());
            let first_s = timing["requestTime"].as_f64().zip(headers_ms).map(|(from, ms)| from + ms / 1000.0);
            document.first_byte = first_s.or(params["timestamp"].as_f64()).map(|at| since(document.began_s, at));
        }
    }

    fn respond(&mut self, id: &str, response: &Value) {
        if let Some(status) = status(response) {
            *self.counted.codes.entry(status).or_default() += 1;
        }
        let headers = self.headers(&response["headers"]);
        let keeps = self.keeps_entries;
        if let Some(entry) = self.pending.get_mut(id).filter(|_| keeps) {
            entry.status = status(response).unwrap_or_default();
            entry.status_text = text(&response["statusText"]);
            entry.protocol = text(&response["protocol"]);
            entry.mime = text(&response["mimeType"]);
            entry.address = text(&response["remoteIPAddress"]);
            entry.response_headers = headers;
            entry.timing = response["timing"].is_object().then(|| response["timing"].clone());
        }
    }

    fn finished(&mut self, params: &Value, error: Option<String>) {
        let id = params["requestId"].as_str().unwrap_or_default();
        if let Some(document) = self.document.as_mut().filter(|document| document.request == id) {
            document.error.clone_from(&error);
        }
        if error.is_some() && self.document.as_ref().is_some_and(|document| document.request == id) {
            self.leaving = false;
        }
        let Some(mut entry) = self.pending.remove(id) else { return };
        entry.bytes = params["encodedDataLength"].as_f64().unwrap_or_default() as u64;
        entry.ended_s = params["timestamp"].as_f64().unwrap_or_default();
        entry.error = error;
        self.counted.bytes += entry.bytes;
        if self.keeps_entries && self.entries.len() < ENTRIES_MAX {
            self.entries.push(entry);
        } else {
            self.left_out += 1;
        }
    }

    fn loaded(&mut self, params: &Value) {
        let loader = text(&params["loaderId"]);
        if let Some(document) = self.document.as_mut().filter(|document| document.loader == loader) {
            document.loaded = params["timestamp"].as_f64().map(|at| since(document.began_s, at));
        }
    }

    fn felt(&mut self, params: &Value) {
        let Ok(told) = serde_json::from_str::<Value>(params["payload"].as_str().unwrap_or_default()) else { return };
        if let (Some(name), Some(value)) = (told["name"].as_str(), told["value"].as_f64()) {
            self.vitals.values.insert(name.to_owned(), value);
        }
    }

    fn complain(&mut self, words: String) {
        if self.console.len() < CONSOLE_MAX && !words.is_empty() {
            self.console.push(shortened(&words, HEADER_CHARS_MAX));
        }
    }

    fn headers(&self, headers: &Value) -> Vec<(String, String)> {
        let pairs = headers.as_object().filter(|_| self.keeps_entries);
        let pair = |(name, value): (&String, &Value)| (name.clone(), shortened(&text(value), HEADER_CHARS_MAX));
        pairs.map(|pairs| pairs.iter().map(pair).collect()).unwrap_or_default()
    }
}

fn status(response: &Value) -> Option<u16> {
    response["status"].as_u64().and_then(|status| u16::try_from(status).ok()).filter(|status| *status > 0)
}

fn since(from_s: f64, to_s: f64) -> Duration {
    Duration::try_from_secs_f64(to_s - from_s).unwrap_or_default()
}

fn thrown(details: &Value) -> String {
    let described = details["exception"]["description"].as_str().or(details["text"].as_str());
    described.unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

fn argument(value: &Value) -> String {
    match &value["value"] {
        Value::Null => text(&value["description"]),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn shortened(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(events: &[(&str, Value)]) -> Traffic {
        let mut traffic = Traffic::new("main".to_owned(), true);
        let now = Instant::now();
        events.iter().for_each(|(event, params)| traffic.apply(event, params, now));
        traffic
    }

    fn asks(id: &str, frame: &str, url: &str, at: f64) -> (&'static str, Value) {
        let request = json!({ "url": url, "method": "GET", "headers": { "Accept": "*/*" } });
        let params = json!({
            "requestId": id, "loaderId": id, "frameId": frame, "type": "Document", "request": request, "timestamp": at,
        });
        ("Network.requestWillBeSent", params)
    }

    fn answers(id: &str, status: u16, at: f64) -> (&'static str, Value) {
        let params = json!({ "requestId": id, "timestamp": at, "response": { "status": status, "mimeType": "text/html" } });
        ("Network.responseReceived", params)
    }

    #[test]
    fn a_page_load_is_measured_from_its_first_request_through_its_redirects() {
        let mut redirected = asks("a", "main", "http://x/there", 10.2);
        redirected.1["redirectResponse"] = json!({ "status": 302 });
        let traffic = told(&[
            asks("a", "main", "http://x/here", 10.0),
            redirected,
            answers("a", 200, 10.5),
            ("Network.loadingFinished", json!({ "requestId": "a", "timestamp": 10.6, "encodedDataLength": 900 })),
            ("Page.lifecycleEvent", json!({ "frameId": "main", "loaderId": "a", "name": "load", "timestamp": 11.0 })),
        ]);
        let document = traffic.document.as_ref().unwrap();
        assert_eq!((document.url.as_str(), document.status), ("http://x/there", Some(200)));
        assert_eq!(document.first_byte.map(|taken| taken.as_millis()), Some(500));
        assert_eq!(document.loaded.map(|taken| taken.as_millis()), Some(1000));
        let statuses: Vec<u16> = traffic.entries.iter().map(|entry| entry.status).collect();
        assert_eq!(statuses, [302, 200]);
        assert_eq!(traffic.counted.bytes, 900);
    }

    #[test]
    fn frames_within_a_page_are_not_the_page() {
        let traffic = told(&[asks("a", "main", "http://x/", 1.0), asks("b", "inner", "http://ads/", 2.0), answers("b", 500, 3.0)]);
        assert_eq!(traffic.document.as_ref().unwrap().url, "http://x/");
        assert_eq!(traffic.document.as_ref().unwrap().status, None);
        assert_eq!(traffic.under_way(), ["http://x/", "http://ads/"]);
    }

    #[test]
    fn vitals_belong_to_the_page_that_told_them() {
        let vital = |name: &str, value: f64| {
            ("Runtime.bindingCalled", json!({ "payload": json!({ "name": name, "value": value }).to_string() }))
        };
        let navigated = |url: &str| ("Page.frameNavigated", json!({ "frame": { "id": "main", "url": url } }));
        let mut traffic = told(&[navigated("http://x/1"), vital("LCP", 5.0), vital("LCP", 9.0), navigated("http://x/2"), vital("FCP", 3.0)]);
        let left = traffic.take_vitals(false);
        assert_eq!(left, [Vitals { url: "http://x/1".to_owned(), values: [("LCP".to_owned(), 9.0)].into() }]);
        assert_eq!(traffic.take_vitals(true)[0].url, "http://x/2");
        assert!(traffic.take_vitals(true).is_empty());
    }

    #[test]
    fn what_the_console_complains_of_is_kept() {
        let traffic = told(&[
            ("Runtime.consoleAPICalled", json!({ "type": "error", "args": [{ "value": "no" }, { "value": 3 }] })),
            ("Runtime.exceptionThrown", json!({ "exceptionDetails": { "exception": { "description": "Error: x\n at y" } } })),
        ]);
        assert_eq!(traffic.console, ["no 3", "Error: x"]);
    }
}
