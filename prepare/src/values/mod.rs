//! Values by reference: what `{{resolve:SERVICE:KEY}}` in a document stands for.
//!
//! One port, [`ValueSource`], whatever keeps the value: Mainstay itself, AWS or the environment. Whoever uses a value
//! keeps apart what of it is secret, and hides that from all it shows or stores.

mod elsewhere;
mod house;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use documents::value::{Piece, Reference, ReferenceError, Template};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::aws::AwsError;
use crate::parameters::ParameterError;
use crate::secrets::{Asking, SecretError};

pub use elsewhere::Elsewhere;
pub use house::{Values, written};

/// Where values come from.
#[async_trait]
pub trait ValueSource: Send + Sync {
    async fn value(&self, reference: &Reference, asking: &Asking) -> Result<Found, ValueError>;
}

/// A value, and whether it must not be shown.
#[derive(Debug, Clone)]
pub struct Found {
    pub text: SecretString,
    pub secret: bool,
}

/// A text with its references filled in.
#[derive(Debug, Clone)]
pub struct Filled {
    pub text: SecretString,
    /// What of it must not be shown.
    pub secrets: Vec<SecretString>,
}

/// Values never stand in any of it.
#[derive(Debug, thiserror::Error)]
pub enum ValueError {
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    #[error("{reference} has no value: {source}")]
    Parameter { reference: Reference, source: ParameterError },
    #[error("{reference} has no value: {source}")]
    Secret { reference: Reference, source: SecretError },
    #[error("{reference} has no value: {source}")]
    Aws { reference: Reference, source: AwsError },
    #[error("the environment has no variable {0}")]
    Unset(String),
    #[error("{0} is a setting of the server, which nothing else sees")]
    Own(String),
    #[error("the secret {0} is no JSON object with this key")]
    NoKey(Reference),
    #[error("{reference} needs a server: {mend}")]
    NoServer { reference: Reference, mend: String },
    /// In the words of whoever keeps it.
    #[error("{reference} has no value: {reason}")]
    Refused { reference: Reference, reason: String },
}

impl dyn ValueSource + '_ {
    /// Fills in every reference of a text.
    pub async fn fill(&self, text: &str, asking: &Asking) -> Result<Filled, ValueError> {
        let mut whole = Zeroizing::new(String::new());
        let mut secrets = Vec::new();
        for piece in Template::parse(text)?.pieces {
            match piece {
                Piece::Text(text) => whole.push_str(&text),
                Piece::Reference(reference) => {
                    let found = self.value(&reference, asking).await?;
                    whole.push_str(found.text.expose_secret());
                    secrets.extend(found.secret.then_some(found.text));
                }
            }
        }
        Ok(Filled { text: SecretString::from(whole.as_str()), secrets })
    }

    /// Fills in every text within a value; keys stay as they are. What is secret of it is added to `secrets`.
    pub async fn fill_json(&self, value: &Value, asking: &Asking, secrets: &mut Vec<SecretString>) -> Result<Value, ValueError> {
        Ok(match value {
            Value::String(text) => {
                let filled = self.fill(text, asking).await?;
                secrets.extend(filled.secrets);
                Value::String(filled.text.expose_secret().to_owned())
            }
            Value::Array(items) => {
                let mut filled = Vec::with_capacity(items.len());
                for item in items {
                    filled.push(Box::pin(self.fill_json(item, asking, secrets)).await?);
                }
                Value::Array(filled)
            }
            Value::Object(fields) => {
                let mut filled = serde_json::Map::new();
                for (key, field) in fields {
                    filled.insert(key.clone(), Box::pin(self.fill_json(field, asking, secrets)).await?);
                }
                Value::Object(filled)
            }
            other => other.clone(),
        })
    }
}
