//! Values by reference on the command line: those that others keep, and those of a server that was named.

use async_trait::async_trait;
use documents::value::{ParameterAt, Reference, SecretAt};
use ledger::{Actor, ParameterVersion, Stage};
use prepare::secrets::{Asking, Principal};
use prepare::values::{Elsewhere, Found, ValueError, ValueSource, written};
use secrecy::SecretString;
use wire::secrets::{ReadSecret, SecretValue};

use crate::client::{Client, ClientResult};

pub struct ClientValues {
    server: Option<Client>,
    elsewhere: Elsewhere,
}

/// The server knows by itself who asks.
pub fn asking(why: &str) -> Asking {
    Asking { principal: Principal::person(&Actor::system()), why: why.to_owned(), run: None }
}

impl ClientValues {
    pub fn new(server: Option<Client>) -> Self {
        Self { server, elsewhere: Elsewhere::default() }
    }
}

#[async_trait]
impl ValueSource for ClientValues {
    async fn value(&self, reference: &Reference, asking: &Asking) -> Result<Found, ValueError> {
        let Some(server) = &self.server else { return self.elsewhere.value(reference, asking).await };
        let refused = |error: crate::client::ClientError| ValueError::Refused { reference: reference.clone(), reason: error.to_string() };
        match reference {
            Reference::Parameter { path, at } => {
                let version = parameter(server, path, at).await.map_err(refused)?;
                Ok(Found { text: SecretString::from(written(&version.value)), secret: false })
            }
            Reference::Secret { path, at } => Ok(Found { text: secret(server, path, at, &asking.why).await.map_err(refused)?, secret: true }),
            other => self.elsewhere.value(other, asking).await,
        }
    }
}

async fn parameter(server: &Client, path: &str, at: &ParameterAt) -> ClientResult<ParameterVersion> {
    let mut query = vec![("path", path.to_owned())];
    match at {
        ParameterAt::Latest => {}
        ParameterAt::Version(version) => query.push(("version", version.to_string())),
        ParameterAt::Label(label) => query.push(("label", label.clone())),
    }
    server.get("api/parameters/value", &query).await
}

async fn secret(server: &Client, path: &str, at: &SecretAt, why: &str) -> ClientResult<SecretString> {
    let (stage, version) = match at {
        SecretAt::Current => (Some(Stage::Current), None),
        SecretAt::Pending => (Some(Stage::Pending), None),
        SecretAt::Previous => (Some(Stage::Previous), None),
        SecretAt::Version(version) => (None, Some(*version)),
    };
    let wanted = ReadSecret { path: path.to_owned(), stage, version, why: why.to_owned() };
    let read: SecretValue = server.post("api/secrets/read", &wanted).await?;
    Ok(SecretString::from(read.value))
}
