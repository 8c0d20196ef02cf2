//! An alias of an AWS Lambda function: all calls go to its version, but for the share of one other.
//!
//! Source: AWS Lambda API Reference, GetAlias and UpdateAlias; Developer Guide, "Implement Lambda canary deployments
//! using a weighted alias".

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::types::AliasRoutingConfiguration;
use documents::deployment::LambdaAliasRouter as Described;
use documents::strategy::Weight;
use kernel::format_duration;

use super::{Router, RouterError, Shares};
use crate::aws;
use crate::cause::cause;

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
        let account = aws::account().await.map_err(|error| self.unreachable(error.to_string()))?;
        let client = Client::new(&account.config);
        let (main, other) = match (shares.weight, &shares.old) {
            (Weight::ALL, _) => (shares.new.clone(), Weight::NONE),
            (weight, Some(old)) => (old.clone(), weight),
            (weight, None) => (self.present(&client, &shares.new).await?, weight),
        };
        let weights = additional(&shares.new, other);
        let routing = AliasRoutingConfiguration::builder().set_additional_version_weights(Some(weights)).build();
        let update = client.update_alias().function_name(&self.described.function).name(&self.described.alias).function_version(main).routing_config(routing);
        update.send().await.map_err(|error| self.failed(&error))?;
        Ok(())
    }

    /// The version that the alias has now, for a deployment that is the first.
    async fn present(&self, client: &Client, new: &str) -> Result<String, RouterError> {
        let alias = client.get_alias().function_name(&self.described.function).name(&self.described.alias).send().await.map_err(|error| self.failed(&error))?;
        match alias.function_version {
            Some(version) if version == new => Err(self.refused(format!("it has version {new} already, and no other to share its calls with"))),
            Some(version) => Ok(version),
            None => Err(self.refused("it does not tell its version".to_owned())),
        }
    }

    fn failed<E: ProvideErrorMetadata + std::error::Error + 'static>(&self, error: &SdkError<E>) -> RouterError {
        match error.as_service_error() {
            Some(said) => self.refused(format!("{}: {}", said.code().unwrap_or_default(), said.message().unwrap_or_default())),
            None => self.unreachable(cause(error)),
        }
    }

    fn refused(&self, said: String) -> RouterError {
        RouterError::Refused { url: self.name(), said }
    }

    fn unreachable(&self, reason: String) -> RouterError {
        RouterError::Unreachable { url: self.name(), reason }
    }

    fn name(&self) -> String {
        format!("{}:{} of Lambda", self.described.function, self.described.alias)
    }
}

/// Nothing for a version that gets no calls.
fn additional(version: &str, weight: Weight) -> HashMap<String, f64> {
    match weight {
        Weight::NONE => HashMap::new(),
        weight => HashMap::from([(version.to_owned(), weight.as_percent() / 100.0)]),
    }
}
