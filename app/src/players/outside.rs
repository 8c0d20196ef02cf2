//! What an experiment finds around it on the command line: files, faults of this process, and a server that
//! it may ask.

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use evolve::experiments::{Begun, Filled, Platform, PlatformError, Sample};
use evolve::faults::{Bounds, FaultSpec, Injector};
use prepare::values::ValueSource;
use secrecy::ExposeSecret;
use serde_json::Value;

use super::house::{begin, stored};
use crate::client::Client;
use crate::values::ClientValues;

pub struct Outside {
    /// Beside the experiment's file.
    pub folder: PathBuf,
    pub injector: Injector,
    pub server: Option<Client>,
}

impl Outside {
    fn server(&self, what: &'static str) -> Result<&Client, PlatformError> {
        self.server.as_ref().ok_or(PlatformError::Unavailable { what, mend: "name a server by --server" })
    }
}

#[async_trait]
impl Platform for Outside {
    async fn scenario(&self, name: &str, environment: Option<&str>) -> Result<Value, PlatformError> {
        crate::commands::scenario::probe(&self.folder, name, environment, self.server.as_ref()).await.map_err(PlatformError::failed)
    }

    async fn promql(&self, query: &str) -> Result<Vec<Sample>, PlatformError> {
        let server = self.server("a PromQL query")?;
        let answer: Value = server.get("prometheus/api/v1/query", &[("query", query.to_owned())]).await.map_err(PlatformError::failed)?;
        samples(&answer["data"]).ok_or_else(|| PlatformError::failed("the query must answer with a number or an instant vector"))
    }

    async fn alarm_fires(&self, name: &str) -> Result<bool, PlatformError> {
        let server = self.server("an alarm")?;
        let alarms: Value = server.get("prometheus/api/v1/alerts", &[]).await.map_err(PlatformError::failed)?;
        let alerts = alarms["data"]["alerts"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(alerts.iter().any(|alert| alert["labels"]["alertname"] == name && alert["state"] == "firing"))
    }

    async fn begin_fault(&self, spec: &FaultSpec, bounds: &Bounds) -> Result<Box<dyn Begun>, PlatformError> {
        begin(&self.injector, spec, bounds).await
    }

    async fn secret(&self, name: &str) -> Result<String, PlatformError> {
        Ok(self.fill(&stored(name)).await?.text)
    }

    async fn fill(&self, text: &str) -> Result<Filled, PlatformError> {
        let values = ClientValues::new(self.server.clone());
        let source: &dyn ValueSource = &values;
        let filled = source.fill(text, &crate::values::asking("an experiment on the command line")).await.map_err(PlatformError::failed)?;
        Ok(Filled { text: filled.text.expose_secret().to_owned(), secret: !filled.secrets.is_empty() })
    }
}

/// Of Prometheus's answer.
fn samples(data: &Value) -> Option<Vec<Sample>> {
    let value = |pair: &Value| pair[1].as_str()?.parse::<f64>().ok();
    match data["resultType"].as_str()? {
        "scalar" => Some(vec![Sample { labels: BTreeMap::new(), value: value(&data["result"])? }]),
        "vector" => {
            let sample = |series: &Value| Some(Sample { labels: serde_json::from_value(series["metric"].clone()).ok()?, value: value(&series["value"])? });
            data["result"].as_array()?.iter().map(sample).collect()
        }
        _ => None,
    }
}
