//! What an experiment finds around it in a server: runs, the lake, alarms, faults, values.

use std::sync::Arc;

use async_trait::async_trait;
use evolve::experiments::{Begun, Filled, Platform, PlatformError, Sample};
use evolve::faults::{Bounds, FaultSpec, Injector};
use kernel::SharedClock;
use ledger::{Actor, AlarmState, Ledger, RunStatus};
use prepare::runs::{Play, Request, Runs, asking};
use prepare::values::ValueSource;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use telemetry::promql::Engine;

pub struct House {
    pub runs: Runs,
    pub ledger: Ledger,
    pub engine: Engine,
    pub clock: SharedClock,
    pub injector: Injector,
    pub values: Arc<dyn ValueSource>,
}

impl House {
    /// What the run of one experiment finds.
    pub fn for_play<'a>(&'a self, play: &'a Play) -> Playing<'a> {
        Playing { house: self, play }
    }
}

/// The house, on behalf of a run.
pub struct Playing<'a> {
    house: &'a House,
    play: &'a Play,
}

#[async_trait]
impl Platform for Playing<'_> {
    /// As a run of its own, so that it is on record.
    async fn scenario(&self, name: &str, environment: Option<&str>) -> Result<Value, PlatformError> {
        let mut request = Request::new(name, Actor::system());
        request.parameters.extend(environment.map(|environment| ("environment".to_owned(), environment.to_owned())));
        let mut changes = self.house.ledger.watch();
        let requested = self.house.runs.request(request).await.map_err(PlatformError::failed)?;
        loop {
            changes.mark_unchanged();
            let run = self.house.ledger.run(&requested.id).await.map_err(PlatformError::failed)?;
            if run.status.is_final() {
                return Ok(json!({ "passed": run.status == RunStatus::Succeeded, "run": run.id, "error": run.error }));
            }
            changes.changed().await.map_err(|_| PlatformError::failed("the ledger was closed"))?;
        }
    }

    async fn promql(&self, query: &str) -> Result<Vec<Sample>, PlatformError> {
        let answer = self.house.engine.instant(query, self.house.clock.now().as_millisecond()).await.map_err(PlatformError::failed)?;
        Sample::all_of(&answer.value)
    }

    async fn alarm_fires(&self, name: &str) -> Result<bool, PlatformError> {
        let alarms = self.house.ledger.alarms().await.map_err(PlatformError::failed)?;
        Ok(alarms.iter().any(|alarm| alarm.name == name && alarm.state == AlarmState::Firing))
    }

    async fn begin_fault(&self, spec: &FaultSpec, bounds: &Bounds) -> Result<Box<dyn Begun>, PlatformError> {
        begin(&self.house.injector, spec, bounds).await
    }

    async fn secret(&self, name: &str) -> Result<String, PlatformError> {
        Ok(self.fill(&stored(name)).await?.text)
    }

    async fn fill(&self, text: &str) -> Result<Filled, PlatformError> {
        let filled = self.house.values.fill(text, &asking(&self.play.run, "a value")).await.map_err(PlatformError::failed)?;
        filled.secrets.iter().for_each(|secret| self.play.reporter.hide(secret));
        Ok(Filled { text: filled.text.expose_secret().to_owned(), secret: !filled.secrets.is_empty() })
    }
}

pub async fn begin(injector: &Injector, spec: &FaultSpec, bounds: &Bounds) -> Result<Box<dyn Begun>, PlatformError> {
    let active = injector.begin(spec, bounds).await.map_err(PlatformError::failed)?;
    Ok(Box::new(active))
}

/// A secret of the store as a reference: `/shop/token`, perhaps with `:pending` or a version.
pub fn stored(name: &str) -> String {
    format!("{{{{resolve:mainstay-secret:{name}}}}}")
}
