//! Brings what people write into the files' lists of actions into the ledger.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use kernel::SharedClock;
use kernel::task::{Pass, Task, TaskError};
use ledger::{Action, ActionStatus, Actor, Ledger, Postmortem};
use tokio::sync::Mutex;

use super::PostmortemError;
use super::actions;
use super::files::Repository;

/// Adds items that the ledger does not know and closes those that were ticked. It never opens or
/// removes one: that is done through the ledger.
pub struct ActionsTask {
    ledger: Ledger,
    clock: SharedClock,
    repository: Repository,
    /// When each file was last changed, as read.
    seen: Mutex<HashMap<String, (SystemTime, u64)>>,
}

impl ActionsTask {
    pub(super) fn new(ledger: Ledger, clock: SharedClock, repository: Repository) -> Self {
        Self { ledger, clock, repository, seen: Mutex::default() }
    }

    /// How many actions were added or closed.
    async fn read(&self, postmortem: &Postmortem) -> Result<usize, PostmortemError> {
        let known = self.ledger.actions(Some(postmortem.incident)).await?;
        let actor = Actor::system();
        let mut changes = 0;
        for item in actions::parse(&self.repository.read(&postmortem.path)?) {
            let id = item.id(postmortem.incident);
            let action = match known.iter().find(|action| action.id == id) {
                Some(known) => known.clone(),
                None => {
                    let action = actions::new(id, postmortem.incident, &item.title, item.owner.clone(), self.clock.now());
                    changes += usize::from(self.ledger.commit(actions::added(&action, &actor)).await?.written);
                    action
                }
            };
            if item.done && action.status == ActionStatus::Open {
                let done = Action { status: ActionStatus::Done, done_at: Some(self.clock.now()), ..action };
                changes += usize::from(self.ledger.commit(actions::ticked(&done, &actor)).await?.written);
            }
        }
        Ok(changes)
    }

    /// None if the file is gone: post-mortems may be moved.
    fn stamp(&self, path: &str) -> Option<(SystemTime, u64)> {
        let metadata = self.repository.resolve(path).ok()?.metadata().ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    }
}

#[async_trait]
impl Task for ActionsTask {
    fn name(&self) -> &'static str {
        "postmortem-actions"
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(5)
    }

    async fn pass(&self) -> Result<Pass, TaskError> {
        let mut seen = self.seen.lock().await;
        let mut changes = 0;
        for postmortem in self.ledger.postmortems().await? {
            let Some(stamp) = self.stamp(&postmortem.path) else { continue };
            if seen.get(&postmortem.path) != Some(&stamp) {
                changes += self.read(&postmortem).await?;
                seen.insert(postmortem.path, stamp);
            }
        }
        Ok(Pass { summary: format!("{changes} actions taken over from files"), next: None })
    }
}
