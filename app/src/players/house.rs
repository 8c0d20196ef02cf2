//! What an experiment finds around it in a server: runs, the lake, alarms, faults.

use async_trait::async_trait;
use evolve::experiments::{Begun, Platform, PlatformError, Sample};
use evolve::faults::{Bounds, FaultSpec, Injector};
use kernel::SharedClock;
use ledger::{Actor, AlarmState, Ledger, RunStatus};
use prepare::runs::{Request, Runs};
use serde_json::{Value, json};
use telemetry::promql::Engine;

pub struct House {
    pub runs: Runs,
    pub ledger: Ledger,
    pub engine: Engine,
    pub clock: SharedClock,
    pub injector: Injector,
}

#[async_trait]
impl Platform for House {
    /// As a run of its own, so that it is on record.
    async fn scenario(&self, name: &str, environment: Option<&str>) -> Result<Value, PlatformError> {
        let mut request = Request::new(name, Actor::system());
        request.parameters.extend(environment.map(|environment| ("environment".to_owned(), environment.to_owned())));
        let mut changes = self.ledger.watch();
        let requested = self.runs.request(request).await.map_err(PlatformError::failed)?;
        loop {
            changes.mark_unchanged();
            let run = self.ledger.run(&requested.id).await.map_err(PlatformError::failed)?;
            if run.status.is_final() {
                return Ok(json!({ "passed": run.status == RunStatus::Succeeded, "run": run.id, "error": run.error }));
            }
            changes.changed().await.map_err(|_| PlatformError::failed("the ledger was closed"))?;
        }
    }

    async fn promql(&self, query: &str) -> Result<Vec<Sample>, PlatformError> {
        let answer = self.engine.instant(query, self.clock.now().as_millisecond()).await.map_err(PlatformError::failed)?;
        Sample::all_of(&answer.value)
    }

    async fn alarm_fires(&self, name: &str) -> Result<bool, PlatformError> {
        let alarms = self.ledger.alarms().await.map_err(PlatformError::failed)?;
        Ok(alarms.iter().any(|alarm| alarm.name == name && alarm.state == AlarmState::Firing))
    }

    async fn begin_fault(&self, spec: &FaultSpec, bounds: &Bounds) -> Result<Box<dyn Begun>, PlatformError> {
        begin(&self.injector, spec, bounds).await
    }

    async fn secret(&self, name: &str) -> Result<String, PlatformError> {
        no_store(name)
    }
}

pub async fn begin(injector: &Injector, spec: &FaultSpec, bounds: &Bounds) -> Result<Box<dyn Begun>, PlatformError> {
    let active = injector.begin(spec, bounds).await.map_err(PlatformError::failed)?;
    Ok(Box::new(active))
}

pub fn no_store(_: &str) -> Result<String, PlatformError> {
    Err(PlatformError::Unavailable { what: "a store of secrets", mend: "take the secret from the environment (type: env) or from a file" })
}
