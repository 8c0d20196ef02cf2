//! An alias of an AWS Lambda function: all calls go to its version, but for the share of one other.
//!
//! Source: AWS Lambda API Reference, GetAlias and UpdateAlias; Developer Guide, "Implement Lambda canary deployments
//! using a weighted alias".

use async_trait::async_trait;
use documents::deployment::LambdaAliasRouter as Described;
use documents::strategy::Weight;
use kernel::format_duration;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Router, RouterError, Shares};
use crate::aws::{AwsError, Client};

/// The version of the API that has aliases.
const API: &str = "2015-03-31";

pub struct LambdaAliasRouter {
    pub described: Described,
}

#[async_trait]
impl Router for LambdaAliasRouter {
    async fn set(&self, shares: &Shares) -> Result<(), RouterError> {
        let limit = self.described.timeout;
        let timed_out = |_| RouterError::TimedOut { program: self.name(), limit: format_duration(limit) };
        tokio::time::timeout(limit, self.update(shares)).await.map_err(timed_out)?
    }
}

impl LambdaAliasRouter {
    async fn update(&self, shares: &Shares) -> Result<(), RouterError> {
        let client = Client::from_environment().map_err(|error| self.failed(error))?;
        let (main, others) = match (shares.weight, &shares.old) {
            (Weight::ALL, _) => (shares.new.clone(), json!({})),
            (weight, Some(old)) => (old.clone(), additional(&shares.new, weight)),
            (weight, None) => (self.present(&client, &shares.new).await?, additional(&shares.new, weight)),
        };
        let body = json!({ "FunctionVersion": main, "RoutingConfig": { "AdditionalVersionWeights": others } });
        self.ask(&client, Method::PUT, Some(&body)).await?;
        Ok(())
    }

    /// The version that the alias has now, for a deployment that is the first.
    async fn present(&self, client: &Client, new: &str) -> Result<String, RouterError> {
        let alias = self.ask(client, Method::GET, None).await?;
        let refused = |said: String| RouterError::Refused { url: self.name(), said };
        match alias["FunctionVersion"].as_str() {
            Some(version) if version == new => Err(refused(format!("it has version {new} already, and no other to share its calls with"))),
            Some(version) => Ok(version.to_owned()),
            None => Err(refused("it does not tell its version".to_owned())),
        }
    }

    async fn ask(&self, client: &Client, method: Method, body: Option<&Value>) -> Result<Value, RouterError> {
        let path = [API, "functions", &self.described.function, "aliases", &self.described.alias];
        client.rest("lambda", method, &path, body).await.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: AwsError) -> RouterError {
        match error {
            AwsError::Refused { kind, message, .. } => RouterError::Refused { url: self.name(), said: format!("{kind}: {message}") },
            error => RouterError::Unreachable { url: self.name(), reason: error.to_string() },
        }
    }

    fn name(&self) -> String {
        format!("{}:{} of Lambda", self.described.function, self.described.alias)
    }
}

/// Nothing for a version that gets no calls.
fn additional(version: &str, weight: Weight) -> Value {
    match weight {
        Weight::NONE => json!({}),
        weight => json!({ version: weight.as_percent() / 100.0 }),
    }
}
