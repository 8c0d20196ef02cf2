//! The values that a run's cells find in their environment.

use std::collections::BTreeMap;

use kernel::RunId;
use ledger::{LedgerError, Run};
use secrecy::ExposeSecret;

use super::output::Output;
use super::task::Services;
use crate::secrets::{Asking, Principal};
use crate::values::{Filled, ValueError};

/// The path of the secret that the run is to rotate, its new value, and the one in use.
const ROTATES: &str = "MAINSTAY_SECRET";
const PENDING: &str = "MAINSTAY_SECRET_PENDING";
const CURRENT: &str = "MAINSTAY_SECRET_CURRENT";

/// Each reference is read once for the run.
#[derive(Default)]
pub struct RunValues {
    filled: BTreeMap<String, Filled>,
}

#[derive(Debug, thiserror::Error)]
pub enum FillError {
    #[error("the variable {name}: {source}")]
    Value { name: String, source: ValueError },
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl RunValues {
    /// The environment with its references filled in. What is secret of it is hidden from then on.
    pub async fn fill(
        &mut self,
        services: &Services,
        run: &Run,
        env: &BTreeMap<String, String>,
        output: &Output,
    ) -> Result<BTreeMap<String, String>, FillError> {
        let mut whole = self.rotation(services, &run.id).await?;
        whole.extend(env.iter().map(|(name, text)| (name.clone(), text.clone())));
        for (name, text) in &mut whole {
            if !text.contains("{{resolve:") {
                continue;
            }
            if !self.filled.contains_key(text) {
                let filled = services.values.fill(text, &asking(run, name)).await;
                let filled = filled.map_err(|source| FillError::Value { name: name.clone(), source })?;
                filled.secrets.iter().for_each(|secret| output.hide(secret));
                self.filled.insert(text.clone(), filled);
            }
            if let Some(filled) = self.filled.get(text) {
                *text = filled.text.expose_secret().to_owned();
            }
        }
        Ok(whole)
    }

    async fn rotation(&self, services: &Services, run: &RunId) -> Result<BTreeMap<String, String>, LedgerError> {
        let Some(secret) = services.ledger.secret_rotated_by(run).await? else { return Ok(BTreeMap::new()) };
        let reference = |stage: &str| format!("{{{{resolve:mainstay-secret:{}:{stage}}}}}", secret.path);
        let variables = [(ROTATES, secret.path.clone()), (PENDING, reference("pending")), (CURRENT, reference("current"))];
        Ok(variables.map(|(name, text)| (name.to_owned(), text)).into())
    }
}

/// On behalf of the run's document.
pub fn asking(run: &Run, purpose: &str) -> Asking {
    Asking {
        principal: Principal::run(&run.initiator, &run.document),
        why: format!("{purpose} of {}", run.document),
        run: Some(run.id.clone()),
    }
}
