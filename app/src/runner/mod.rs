//! A process that plays what a server gives it, and holds nothing of its own.
//!
//! It asks for shares of loads and plays one at a time, and makes the rounds of the canaries of its location.
//! Documents are read from its own checkout; what they say must be what the server's say.

mod canaries;
mod clock;
mod share;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use documents::Loaded;
use kernel::task::Driver;
use kernel::{EventId, SharedClock, SystemClock};
use reqwest::StatusCode;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wire::runners::{AskForWork, OfferedShare, WorkAnswer};

use crate::client::{Client, ClientError, ClientResult};
use crate::reading;

pub struct Runner {
    client: Client,
    /// Its name while it lives.
    id: String,
    location: String,
    /// The folder of its documents.
    root: PathBuf,
    documents: watch::Receiver<Arc<Loaded>>,
    clock: SharedClock,
}

/// How long the server may wait with its answer.
const WAIT: Duration = Duration::from_secs(20);
/// Beyond it, until the answer has travelled.
const TRAVEL: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(500);

impl Runner {
    pub fn new(client: Client, location: String, root: PathBuf) -> Self {
        let documents = documents::watch_with(&root, reading::options());
        Self { client, id: EventId::random().to_string(), location, root, documents, clock: Arc::new(SystemClock) }
    }

    /// Works until it is told to stop. Fails only if the server does not let it in.
    pub async fn run(self, stop: CancellationToken) -> ClientResult<()> {
        let runner = Arc::new(self);
        let rounds = Driver::new(runner.clock.clone(), stop.clone());
        // Its sender is gone: nothing but time wakes it.
        rounds.spawn(Arc::new(canaries::RoundsTask::new(&runner)), watch::channel(0).1);
        let worked = runner.work(&stop).await;
        stop.cancel();
        rounds.drain().await;
        worked
    }

    async fn work(&self, stop: &CancellationToken) -> ClientResult<()> {
        let mut connected = false;
        while !stop.is_cancelled() {
            let asked = tokio::select! {
                asked = self.ask() => asked,
                () = stop.cancelled() => return Ok(()),
            };
            match asked {
                Ok(share) => {
                    if !connected {
                        tracing::info!(server = self.client.base(), location = self.location, runner = self.id, "ready for work");
                        connected = true;
                    }
                    if let Some(share) = share {
                        share::play(self, share, stop).await;
                    }
                }
                Err(error) if is_final(&error) => return Err(error),
                Err(error) => {
                    if connected {
                        tracing::warn!(%error, "the server gives no work; asking again until it does");
                        connected = false;
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        Ok(())
    }

    async fn ask(&self) -> ClientResult<Option<OfferedShare>> {
        let asked = AskForWork {
            runner: self.id.clone(),
            location: self.location.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            wait_ms: WAIT.as_millis() as u64,
        };
        let answer = self.client.post::<WorkAnswer>("api/runners/work", &asked);
        match tokio::time::timeout(WAIT + TRAVEL, answer).await {
            Ok(answer) => Ok(answer?.share),
            // Asked again at once: the connection may be gone.
            Err(_) => Ok(None),
        }
    }
}

/// Whether asking again would be answered no better.
fn is_final(error: &ClientError) -> bool {
    let refused = [StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND];
    matches!(error, ClientError::Refused { status, .. } if refused.contains(status))
}
