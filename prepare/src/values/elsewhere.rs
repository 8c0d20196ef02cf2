//! Values that others keep: AWS and the environment.
//!
//! Source: AWS Systems Manager API, GetParameter; AWS Secrets Manager API, GetSecretValue.

use std::collections::BTreeMap;

use async_trait::async_trait;
use documents::value::Reference;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{Found, ValueError, ValueSource};
use crate::aws::{AwsError, account};
use crate::secrets::Asking;

/// The settings of the server itself.
const OWN_PREFIX: &str = "MAINSTAY_";

#[derive(Debug, Default)]
pub struct Elsewhere {
    /// Over this process's environment.
    environment: BTreeMap<String, String>,
}

impl Elsewhere {
    pub fn new(environment: BTreeMap<String, String>) -> Self {
        Self { environment }
    }

    fn variable(&self, name: &str) -> Result<Found, ValueError> {
        if name.starts_with(OWN_PREFIX) {
            return Err(ValueError::Own(name.to_owned()));
        }
        let value = self.environment.get(name).cloned().or_else(|| std::env::var(name).ok());
        let value = value.ok_or_else(|| ValueError::Unset(name.to_owned()))?;
        Ok(Found { text: SecretString::from(value), secret: scenario::looks_secret(name) })
    }

    async fn parameter(&self, name: &str, at: Option<&str>, secure: bool) -> Result<Found, AwsError> {
        let name = at.map_or_else(|| name.to_owned(), |at| format!("{name}:{at}"));
        let answer = account().await?.call("ssm", "AmazonSSM.GetParameter", &json!({ "Name": name, "WithDecryption": true })).await?;
        let text = string(&answer["Parameter"]["Value"], "ssm")?;
        Ok(Found { text, secret: secure || answer["Parameter"]["Type"] == "SecureString" })
    }

    async fn secret(&self, id: &str, stage: Option<&str>, version: Option<&str>) -> Result<SecretString, AwsError> {
        let mut body = json!({ "SecretId": id });
        for (field, value) in [("VersionStage", stage), ("VersionId", version)] {
            if let Some(value) = value {
                body[field] = json!(value);
            }
        }
        let answer = account().await?.call("secretsmanager", "secretsmanager.GetSecretValue", &body).await?;
        string(&answer["SecretString"], "secretsmanager")
    }
}

#[async_trait]
impl ValueSource for Elsewhere {
    async fn value(&self, reference: &Reference, _: &Asking) -> Result<Found, ValueError> {
        let aws = |source| ValueError::Aws { reference: reference.clone(), source };
        match reference {
            Reference::Environment { name } => self.variable(name),
            Reference::Ssm { name, at, secure } => self.parameter(name, at.as_deref(), *secure).await.map_err(aws),
            Reference::SecretsManager { id, json_key, stage, version } => {
                let text = self.secret(id, stage.as_deref(), version.as_deref()).await.map_err(aws)?;
                match json_key {
                    None => Ok(Found { text, secret: true }),
                    Some(key) => field(&text, key).map(|text| Found { text, secret: true }).ok_or_else(|| ValueError::NoKey(reference.clone())),
                }
            }
            Reference::Parameter { .. } | Reference::Secret { .. } => {
                let mend = "name it by --server, or ask it for a run".to_owned();
                Err(ValueError::NoServer { reference: reference.clone(), mend })
            }
        }
    }
}

fn string(value: &Value, service: &str) -> Result<SecretString, AwsError> {
    value.as_str().map(SecretString::from).ok_or_else(|| AwsError::Unexpected { service: service.to_owned() })
}

/// Of a secret that is a JSON object.
fn field(text: &SecretString, key: &str) -> Option<SecretString> {
    let object: Value = serde_json::from_str(secrecy::ExposeSecret::expose_secret(text)).ok()?;
    match object.get(key)? {
        Value::String(text) => Some(SecretString::from(text.as_str())),
        other => Some(SecretString::from(other.to_string())),
    }
}
