//! What undoes a fault: plain data, so that another process can do it, now or after a crash.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::kinds::{command, network, process, proxy};

/// Doing it twice is as good as once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "undo", rename_all = "camelCase")]
pub(super) enum Undo {
    Resume(process::Resume),
    Restart(process::Restart),
    Network(network::Clear),
    Command(command::UndoCommand),
    Proxy(proxy::Restore),
}

impl Undo {
    /// How long it may take by its nature.
    pub fn takes(&self) -> Duration {
        match self {
            Self::Command(undo) => undo.takes(),
            _ => Duration::ZERO,
        }
    }

    /// The text of the error is for people.
    pub async fn lift(&self) -> Result<(), String> {
        match self {
            Self::Resume(undo) => undo.lift().await,
            Self::Restart(undo) => undo.lift().await,
            Self::Network(undo) => undo.lift().await,
            Self::Command(undo) => undo.lift().await,
            Self::Proxy(undo) => undo.lift().await,
        }
    }
}
