//! Commits of other processes: SQLite's change counter is polled, PostgreSQL notifies.

use std::sync::Arc;
use std::time::Duration;

use crate::backend::{Database, Follower};
use crate::reads::{POSITION, counter};
use crate::writer::Signals;
use crate::{LedgerError, Position};

const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Announces every new position until it is dropped.
pub(crate) async fn follow(database: Arc<Database>, first: Follower, signals: Signals) {
    let mut follower = first;
    loop {
        let Err(error) = follow_while_connected(&database, &mut follower, &signals).await;
        tracing::warn!(%error, cause = ?error, "commits of other servers cannot be seen at once; trying again");
        follower = reconnected(&database).await;
    }
}

async fn follow_while_connected(
    database: &Database,
    follower: &mut Follower,
    signals: &Signals,
) -> Result<std::convert::Infallible, LedgerError> {
    // What came before the follower listened.
    let mut told = None;
    loop {
        let position = match told {
            Some(position) => position,
            None => counter(&database.query(POSITION, Vec::new()).await?)?,
        };
        signals.announce(Position(position), false);
        told = follower.changed().await?;
    }
}

async fn reconnected(database: &Database) -> Follower {
    loop {
        tokio::time::sleep(RETRY_PAUSE).await;
        match database.follow().await {
            Ok(Some(follower)) => return follower,
            // A database that was followed once can be followed again.
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, cause = ?error, "the ledger's database does not answer"),
        }
    }
}
