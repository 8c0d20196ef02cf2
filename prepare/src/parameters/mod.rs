//! Parameters: named values in a tree, such as `/shop/orders/timeout`, with versions and labels.
//!
//! Each change is a new version; a label stands at one of them and can be moved, so that what reads `…:prod` changes
//! when the label does. Everybody who reaches the server may read them: what nobody should see is a
//! [secret](crate::secrets).
//!
//! Rules of names, labels and versions are those of AWS's Parameter Store.

mod error;
pub mod state;
#[cfg(test)]
mod tests;

use documents::value::{ParameterAt, check_path};
use kernel::SharedClock;
use ledger::{Actor, Batch, Ledger, LedgerError, NewEvent, Parameter, ParameterKind, ParameterVersion, types};
use serde_json::{Value, json};

pub use error::ParameterError;

const SOURCE: &str = "/prepare/parameters";
/// How often a change is tried again when somebody else changed the parameter meanwhile.
const ATTEMPTS: usize = 20;

/// Reads and changes parameters; cheap to clone.
#[derive(Debug, Clone)]
pub struct Parameters {
    ledger: Ledger,
    clock: SharedClock,
}

/// A new version of a parameter, or its first.
#[derive(Debug, Clone, PartialEq)]
pub struct Put {
    pub path: String,
    pub kind: ParameterKind,
    pub value: Value,
    /// Stays as it is if absent.
    pub description: Option<String>,
    /// A label to move to the new version.
    pub label: Option<String>,
}

type Result<T> = std::result::Result<T, ParameterError>;

impl Parameters {
    pub fn new(ledger: Ledger, clock: SharedClock) -> Self {
        Self { ledger, clock }
    }

    /// All below a folder, each with the value of its newest version.
    pub async fn list(&self, under: &str) -> Result<Vec<(Parameter, ParameterVersion)>> {
        let mut all = Vec::new();
        for parameter in self.ledger.parameters(under).await? {
            let version = self.ledger.parameter_version(&parameter.path, parameter.latest).await?;
            all.push((parameter, version));
        }
        Ok(all)
    }

    pub async fn get(&self, path: &str, at: &ParameterAt) -> Result<ParameterVersion> {
        check_path(path)?;
        let parameter = self.ledger.parameter(path).await?;
        let version = match at {
            ParameterAt::Latest => parameter.latest,
            ParameterAt::Version(version) => *version,
            ParameterAt::Label(label) => {
                let labelled = parameter.labels.get(label).copied();
                labelled.ok_or_else(|| ParameterError::NoLabel { path: path.to_owned(), label: label.clone(), labels: parameter.labels.keys().cloned().collect() })?
            }
        };
        Ok(self.ledger.parameter_version(path, version).await?)
    }

    /// Newest first.
    pub async fn history(&self, path: &str) -> Result<(Parameter, Vec<ParameterVersion>)> {
        check_path(path)?;
        Ok((self.ledger.parameter(path).await?, self.ledger.parameter_versions(path).await?))
    }

    pub async fn put(&self, put: Put, actor: &Actor) -> Result<Parameter> {
        state::check(&put)?;
        self.change(&put.path, |before| {
            let (parameter, version) = state::written(before, &put, actor, self.clock.now())?;
            let data = json!({ "version": version.version, "kind": version.kind, "label": put.label });
            let event = event(types::PARAMETER_CHANGED, &parameter, actor, data);
            let batch = Batch::new().parameter(parameter.clone()).parameter_version(version).event(event);
            let forgotten = state::too_old(&parameter).map(|version| (parameter.path.clone(), version));
            Ok(forgotten.into_iter().fold(batch, Batch::forget_parameter_version))
        })
        .await
    }

    /// Moves the label to a version; to the newest if none is named.
    pub async fn label(&self, path: &str, label: &str, version: Option<i64>, actor: &Actor) -> Result<Parameter> {
        check_path(path)?;
        if let Some(version) = version {
            self.ledger.parameter_version(path, version).await?;
        }
        self.change(path, |before| {
            let before = before.ok_or_else(|| LedgerError::NotFound(format!("the parameter {path}")))?;
            let version = version.unwrap_or(before.latest);
            let from = before.labels.get(label).copied();
            let parameter = state::labelled(before, label, version, actor, self.clock.now())?;
            let event = event(types::PARAMETER_LABELLED, &parameter, actor, json!({ "label": label, "version": version, "from": from }));
            Ok(Batch::new().parameter(parameter).event(event))
        })
        .await
    }

    /// Reads, decides, writes; anew if somebody else wrote meanwhile.
    async fn change(&self, path: &str, decide: impl Fn(Option<Parameter>) -> Result<Batch>) -> Result<Parameter> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let before = match self.ledger.parameter(path).await {
                Ok(parameter) => Some(parameter),
                Err(LedgerError::NotFound(_)) => None,
                Err(error) => return Err(error.into()),
            };
            match self.ledger.commit(decide(before)?).await {
                Ok(_) => return Ok(self.ledger.parameter(path).await?),
                Err(LedgerError::Conflict(_)) if attempt < ATTEMPTS => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn event(kind: &str, parameter: &Parameter, actor: &Actor, mut data: Value) -> NewEvent {
    data["path"] = json!(parameter.path);
    NewEvent::new(SOURCE, kind, data).subject(parameter.path.clone()).actor(actor.clone())
}
