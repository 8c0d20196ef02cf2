//! One user's tab: commands to it, and what it tells.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use base64::Engine;
use cdpkit::{CDP, CdpError, RawEvent, RawEventStream, Sender, Session};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::Browsers;
use super::error::{BrowserError, PageShown};
use super::evidence::{ATTACHMENT_BYTES_MAX, ATTACHMENTS_MAX, Attachment};
use super::har;
use super::traffic::Traffic;
use crate::redact::Redactor;
use crate::trace::TraceContext;

pub(super) struct Tab {
    cdp: CDP,
    session: Session,
    context: String,
    frame: String,
    told: Rc<Told>,
    listening: tokio::task::JoinHandle<()>,
    keeps_evidence: bool,
    kept: RefCell<Vec<Attachment>>,
}

/// What its events say, and that there are new ones.
#[derive(Default)]
struct Told {
    traffic: RefCell<Traffic>,
    trace: RefCell<Option<TraceContext>>,
    news: Notify,
}

/// The world of our scripts in each page.
const WORLD: &str = "mainstay";
const LOOK: &str = include_str!("page.js");
const VITALS: &str = include_str!("vitals.js");
/// What says why a journey failed may take this long.
const EVIDENCE_WITHIN: Duration = Duration::from_secs(10);
/// A longer page is shown by its beginning, so that a picture stays small.
const PICTURE_HEIGHT_MAX: f64 = 10_000.0;

impl Tab {
    /// `traced` lets each page load carry a trace context, which takes the browser a little longer.
    pub async fn open(browsers: &Browsers, traced: bool) -> Result<Self, BrowserError> {
        let process = browsers.process().await?;
        let cdp = process.cdp.clone();
        let context = call(&cdp, "Target.createBrowserContext", json!({ "disposeOnDetach": true })).await?;
        let context = text(&context["browserContextId"]);
        let (width, height) = process.size;
        let asked = json!({ "url": "about:blank", "browserContextId": context, "width": width, "height": height });
        let frame = text(&call(&cdp, "Target.createTarget", asked).await?["targetId"]);
        let attached = call(&cdp, "Target.attachToTarget", json!({ "targetId": frame, "flatten": true })).await?;
        let session = cdp.session(text(&attached["sessionId"]));
        let events = session.observe(["Network.*", "Page.*", "Runtime.*", "Log.*", "Inspector.*", "Fetch.*"]).await;
        let events = events.map_err(|error| faulty("observe", error))?;
        let told = Rc::new(Told {
            traffic: RefCell::new(Traffic::new(frame.clone(), browsers.keeps_evidence)),
            ..Told::default()
        });
        let listening = tokio::task::spawn_local(listen(events, told.clone(), session.clone()));
        let keeps_evidence = browsers.keeps_evidence;
        let tab = Self { cdp, session, context, frame, told, listening, keeps_evidence, kept: RefCell::default() };
        tab.prepare(browsers, (width, height), traced).await?;
        Ok(tab)
    }

    async fn prepare(&self, browsers: &Browsers, size: (u32, u32), traced: bool) -> Result<(), BrowserError> {
        let metrics = json!({ "width": size.0, "height": size.1, "deviceScaleFactor": 1, "mobile": false });
        let mut commands = vec![
            // Before the binding: it is for worlds that the runtime tells of.
            ("Runtime.enable", json!({})),
            ("Runtime.addBinding", json!({ "name": "mainstayVital", "executionContextName": WORLD })),
            ("Page.enable", json!({})),
            ("Page.setLifecycleEventsEnabled", json!({ "enabled": true })),
            ("Network.enable", json!({ "maxTotalBufferSize": 0, "maxResourceBufferSize": 0 })),
            ("Log.enable", json!({})),
            ("Page.addScriptToEvaluateOnNewDocument", json!({ "source": VITALS, "worldName": WORLD })),
            ("Emulation.setDeviceMetricsOverride", metrics),
            ("Emulation.setFocusEmulationEnabled", json!({ "enabled": true })),
        ];
        if browsers.ignores_certificates {
            commands.push(("Security.setIgnoreCertificateErrors", json!({ "ignore": true })));
        }
        if traced {
            commands.push(("Fetch.enable", json!({ "patterns": [{ "resourceType": "Document" }] })));
        }
        let downloads = json!({ "behavior": "deny", "browserContextId": self.context });
        let (_, ()) = futures::try_join!(
            call(&self.cdp, "Browser.setDownloadBehavior", downloads),
            async {
                let all = commands.into_iter().map(|(method, params)| self.call(method, params));
                futures::future::try_join_all(all).await.map(drop)
            },
        )?;
        Ok(())
    }

    pub async fn call(&self, method: &str, params: Value) -> Result<Value, BrowserError> {
        call(&self.session, method, params).await
    }

    pub async fn navigate(&self, url: &str) -> Result<Value, BrowserError> {
        self.call("Page.navigate", json!({ "url": url })).await
    }

    /// Calls one of the functions of `page.js`. An error if the page is being replaced.
    pub async fn look(&self, function: &str, arguments: &[Value]) -> Result<Value, BrowserError> {
        let world = json!({ "frameId": self.frame, "worldName": WORLD });
        let world = self.call("Page.createIsolatedWorld", world).await?;
        let arguments: Vec<String> = arguments.iter().map(Value::to_string).collect();
        let expression = format!("(globalThis.mainstay ??= {LOOK}).{function}({})", arguments.join(", "));
        let asked = json!({ "expression": expression, "contextId": world["executionContextId"], "returnByValue": true });
        let mut answer = self.call("Runtime.evaluate", asked).await?;
        if answer["exceptionDetails"].is_object() {
            let reason = text(&answer["exceptionDetails"]["exception"]["description"]);
            return Err(BrowserError::Refused { method: function.to_owned(), reason });
        }
        Ok(answer["result"]["value"].take())
    }

    pub fn traffic<T>(&self, look: impl FnOnce(&mut Traffic) -> T) -> T {
        look(&mut self.told.traffic.borrow_mut())
    }

    /// Waits until the traffic is as it should be.
    pub async fn until(&self, holds: impl Fn(&Traffic) -> bool) -> Result<(), BrowserError> {
        loop {
            let news = self.told.news.notified();
            if self.traffic(|traffic| holds(traffic)) {
                return Ok(());
            }
            if self.traffic(|traffic| traffic.crashed) {
                return Err(BrowserError::Crashed { page: self.shown_by_traffic() });
            }
            tokio::select! {
                () = news => {}
                () = self.cdp.closed() => return Err(BrowserError::Gone),
            }
        }
    }

    /// The next page load carries this.
    pub fn trace(&self, trace: Option<TraceContext>) {
        *self.told.trace.borrow_mut() = trace;
    }

    pub async fn shown(&self) -> PageShown {
        let known = self.shown_by_traffic();
        match tokio::time::timeout(Duration::from_secs(1), self.look("page", &[])).await {
            Ok(Ok(page)) => PageShown { title: text(&page["title"]), url: text(&page["url"]), ..known },
            _ => known,
        }
    }

    fn shown_by_traffic(&self) -> PageShown {
        self.traffic(|traffic| PageShown {
            title: String::new(),
            url: traffic.document.as_ref().map_or_else(|| "about:blank".to_owned(), |document| document.url.clone()),
            console: traffic.console.last().cloned(),
        })
    }

    /// The whole page as it is now, unless nobody wants it or there are enough.
    pub async fn photograph(&self, name: &str) {
        let wanted = self.keeps_evidence && self.kept.borrow().len() < ATTACHMENTS_MAX;
        if !wanted || self.traffic(|traffic| traffic.crashed) {
            return;
        }
        match tokio::time::timeout(EVIDENCE_WITHIN, self.picture()).await {
            Ok(Ok(bytes)) if bytes.len() <= ATTACHMENT_BYTES_MAX => {
                self.kept.borrow_mut().push(Attachment::png(name, bytes));
            }
            Ok(Ok(_)) => tracing::debug!(name, "a screenshot is too large to be kept"),
            // What failed before is what counts.
            Ok(Err(error)) => tracing::debug!(name, %error, "no screenshot"),
            Err(_) => tracing::debug!(name, "no screenshot within its time"),
        }
    }

    async fn picture(&self) -> Result<Vec<u8>, BrowserError> {
        let size = self.look("size", &[]).await?;
        let of = |name: &str| size[name].as_f64().unwrap_or(1.0).max(1.0);
        let clip = json!({ "x": 0, "y": 0, "width": of("width"), "height": of("height").min(PICTURE_HEIGHT_MAX), "scale": 1 });
        let asked = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let picture = self.call("Page.captureScreenshot", asked).await?;
        let data = picture["data"].as_str().unwrap_or_default();
        base64::engine::general_purpose::STANDARD.decode(data).map_err(|error| BrowserError::Refused {
            method: "Page.captureScreenshot".to_owned(),
            reason: error.to_string(),
        })
    }

    /// What was kept; of a journey that failed, with its requests.
    pub fn evidence(&self, failed: bool, redactor: &Redactor) -> Vec<Attachment> {
        let mut kept = self.kept.take();
        if failed && self.keeps_evidence {
            kept.push(Attachment::har(self.traffic(|traffic| har::archive(traffic, redactor))));
        }
        kept
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        self.listening.abort();
        // Without a runtime, or a browser, its context is gone already.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (cdp, context) = (self.cdp.clone(), std::mem::take(&mut self.context));
            runtime.spawn(async move {
                call(&cdp, "Target.disposeBrowserContext", json!({ "browserContextId": context })).await.ok();
            });
        }
    }
}

async fn listen(mut events: RawEventStream, told: Rc<Told>, session: Session) {
    while let Some(event) = events.next().await {
        told.traffic.borrow_mut().apply(&event.method, &event.params, Instant::now());
        told.news.notify_waiters();
        if let Some((method, params)) = answer(&event, &told) {
            let session = session.clone();
            // A page that waits for this answer must not keep us from hearing of others.
            tokio::spawn(async move { call(&session, method, params).await.ok() });
        }
    }
}

/// What the browser waits for: dialogs are agreed to, and a page load is let through with its trace context.
fn answer(event: &RawEvent, told: &Told) -> Option<(&'static str, Value)> {
    match &*event.method {
        "Page.javascriptDialogOpening" => Some(("Page.handleJavaScriptDialog", json!({ "accept": true }))),
        "Fetch.requestPaused" => {
            let mut params = json!({ "requestId": event.params["requestId"] });
            if let Some(trace) = told.trace.borrow_mut().take() {
                let own = event.params["request"]["headers"].as_object().into_iter().flatten();
                let mut headers: Vec<Value> =
                    own.map(|(name, value)| json!({ "name": name, "value": value })).collect();
                let value = trace.header();
                headers.push(json!({ "name": "traceparent", "value": value.to_str().unwrap_or_default() }));
                params["headers"] = headers.into();
            }
            Some(("Fetch.continueRequest", params))
        }
        _ => None,
    }
}

async fn call(to: &(impl Sender + Sync), method: &str, params: Value) -> Result<Value, BrowserError> {
    to.send_raw(method, params).await.map_err(|error| faulty(method, error))
}

fn faulty(method: &str, error: CdpError) -> BrowserError {
    match error {
        CdpError::Protocol { message, .. } => BrowserError::Refused { method: method.to_owned(), reason: message },
        CdpError::Timeout => BrowserError::Refused { method: method.to_owned(), reason: "no answer".to_owned() },
        _ => BrowserError::Gone,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
