//! Faults that can be switched on and off while a service runs.
//!
//! `GET /faults` lists them, `POST /faults/{name}` switches one on, `DELETE /faults/{name}` off.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Some requests fail.
    Errors,
    /// Requests take longer.
    Latency,
    /// The worker takes no more jobs.
    StuckConsumer,
    /// The process ends at once.
    Crash,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Of `errors`: the share of requests that fail, from 0 to 1.
    pub rate: f64,
    /// Of `latency`: how much longer.
    pub ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rate: 0.5, ms: 1_000 }
    }
}

/// The faults that a service knows, and which are on. Cheap to clone.
#[derive(Clone)]
pub struct Faults {
    known: &'static [Fault],
    active: Arc<Mutex<BTreeMap<Fault, Settings>>>,
}

impl Faults {
    pub fn new(known: &'static [Fault]) -> Self {
        Self { known, active: Arc::default() }
    }

    /// Whether this request is one that should fail.
    pub fn strikes(&self) -> bool {
        self.get(Fault::Errors).is_some_and(|settings| random() < settings.rate)
    }

    /// Takes as long as the fault says; no time if it is off.
    pub async fn delay(&self) {
        if let Some(settings) = self.get(Fault::Latency) {
            tokio::time::sleep(Duration::from_millis(settings.ms)).await;
        }
    }

    pub fn is_on(&self, fault: Fault) -> bool {
        self.get(fault).is_some()
    }

    pub fn router(&self) -> Router {
        Router::new()
            .route("/faults", get(list))
            .route("/faults/{name}", get(show).post(switch_on).delete(switch_off))
            .with_state(self.clone())
    }

    fn get(&self, fault: Fault) -> Option<Settings> {
        self.active().get(&fault).copied()
    }

    fn active(&self) -> std::sync::MutexGuard<'_, BTreeMap<Fault, Settings>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn named(&self, name: &str) -> Result<Fault, Response> {
        let names: Vec<_> = self.known.iter().map(|fault| fault.name()).collect();
        let known = self.known.iter().find(|fault| fault.name() == name);
        let message = || format!("there is no fault {name:?} here, but {}\n", names.join(", "));
        known.copied().ok_or_else(|| (StatusCode::NOT_FOUND, message()).into_response())
    }
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Latency => "latency",
            Self::StuckConsumer => "stuck-consumer",
            Self::Crash => "crash",
        }
    }
}

#[derive(Serialize)]
struct Status {
    name: &'static str,
    active: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    settings: Option<Settings>,
}

impl Status {
    fn of(faults: &Faults, fault: Fault) -> Json<Self> {
        let settings = faults.get(fault);
        Json(Self { name: fault.name(), active: settings.is_some(), settings })
    }
}

async fn list(State(faults): State<Faults>) -> Json<Vec<Status>> {
    Json(faults.known.iter().map(|fault| Status::of(&faults, *fault).0).collect())
}

async fn show(State(faults): State<Faults>, Path(name): Path<String>) -> Result<Json<Status>, Response> {
    Ok(Status::of(&faults, faults.named(&name)?))
}

async fn switch_on(State(faults): State<Faults>, Path(name): Path<String>, body: String) -> Result<Json<Status>, Response> {
    let fault = faults.named(&name)?;
    let wrong = |message: String| (StatusCode::BAD_REQUEST, message).into_response();
    let body = if body.trim().is_empty() { "{}" } else { &body };
    let settings: Settings = serde_json::from_str(body).map_err(|error| wrong(format!("{error}\n")))?;
    if !(0.0..=1.0).contains(&settings.rate) || settings.ms > 60_000 {
        return Err(wrong("rate must be from 0 to 1, ms at most 60000\n".to_owned()));
    }
    faults.active().insert(fault, settings);
    if fault == Fault::Crash {
        tokio::spawn(crash());
    }
    Ok(Status::of(&faults, fault))
}

async fn switch_off(State(faults): State<Faults>, Path(name): Path<String>) -> Result<Json<Status>, Response> {
    let fault = faults.named(&name)?;
    faults.active().remove(&fault);
    Ok(Status::of(&faults, fault))
}

/// As abruptly as a real crash, but after the answer is out.
async fn crash() {
    tracing::error!("memory allocation of 17179869184 bytes failed");
    tokio::time::sleep(Duration::from_millis(50)).await;
    std::process::exit(134);
}

/// From 0 to 1; good enough for dice.
pub fn random() -> f64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let bits = RandomState::new().build_hasher().finish();
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}
