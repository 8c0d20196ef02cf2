//! All values that a server can get at: its own, and those that others keep.

use async_trait::async_trait;
use documents::value::Reference;
use secrecy::SecretString;
use serde_json::Value;

use super::{Elsewhere, Found, ValueError, ValueSource};
use crate::parameters::Parameters;
use crate::secrets::{Asking, Secrets};

pub struct Values {
    pub parameters: Parameters,
    pub secrets: Secrets,
    pub elsewhere: Elsewhere,
}

#[async_trait]
impl ValueSource for Values {
    async fn value(&self, reference: &Reference, asking: &Asking) -> Result<Found, ValueError> {
        match reference {
            Reference::Parameter { path, at } => {
                let version = self.parameters.get(path, at).await.map_err(|source| ValueError::Parameter { reference: reference.clone(), source })?;
                Ok(Found { text: SecretString::from(written(&version.value)), secret: false })
            }
            Reference::Secret { path, at } => {
                let read = self.secrets.read(path, at, asking).await;
                let (_, text) = read.map_err(|source| ValueError::Secret { reference: reference.clone(), source })?;
                Ok(Found { text, secret: true })
            }
            other => self.elsewhere.value(other, asking).await,
        }
    }
}

/// A parameter's value as a text: a list as Parameter Store writes it, with commas.
pub fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
