//! PostgreSQL: one ledger for several servers.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool};

use super::Result;
use crate::LedgerError;

/// Each writer locks the same row first. Positions therefore become visible in their order, and two
/// writers never wait for each other crosswise. Before the first migration there is no such row.
pub(super) const BEGIN: &str = "BEGIN; SELECT pg_advisory_xact_lock(hashtext('mainstay_ledger'), hashtext(current_schema()))";

/// The channel carries the schema's name: two ledgers may share a database.
pub(super) const NOTIFY: &str = "SELECT pg_notify('mainstay_ledger_' || current_schema(), CAST($1 AS BIGINT)::TEXT)";

const READERS_MAX: u32 = 8;
const ACQUIRE_WAIT: Duration = Duration::from_secs(10);
/// A connection may die without a word, and notifications with it: look again this often.
const RECHECK_INTERVAL: Duration = Duration::from_secs(5);
/// What the server does for us when one of several servers hangs with the write lock.
const GUARDS: [(&str, &str); 3] =
    [("lock_timeout", "20s"), ("statement_timeout", "60s"), ("idle_in_transaction_session_timeout", "15s")];

#[derive(Debug)]
pub(crate) struct Postgres {
    /// Without its password.
    url: String,
    options: PgConnectOptions,
    writer: PgPool,
    readers: PgPool,
}

impl Postgres {
    pub async fn open(url: &str) -> Result<Self> {
        let shown = without_password(url);
        let refuse = |reason: String| LedgerError::Open { url: shown.clone(), reason };
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| refuse(format!("{error}; write postgres://USER:PASSWORD@HOST:PORT/DATABASE")))?
            .application_name("mainstay")
            .options(GUARDS)
            .disable_statement_logging();
        let writer = pool(1).connect_with(options.clone()).await.map_err(|error| refuse(explain(&error)))?;
        let readers = pool(READERS_MAX).connect_lazy_with(options.clone());
        Ok(Self { url: shown, options, writer, readers })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn writer(&self) -> &PgPool {
        &self.writer
    }

    pub fn readers(&self) -> &PgPool {
        &self.readers
    }

    pub async fn follow(&self) -> Result<Follower> {
        let channel = sqlx::query_scalar::<_, String>("SELECT 'mainstay_ledger_' || current_schema()")
            .fetch_one(&self.readers)
            .await?;
        // Its own pool: a listener keeps its connection for good.
        let own = pool(1).connect_with(self.options.clone()).await?;
        let mut listener = PgListener::connect_with(&own).await?;
        listener.listen(&channel).await?;
        Ok(Follower { listener })
    }

    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Hears of the commits of all servers.
#[derive(Debug)]
pub(crate) struct Follower {
    listener: PgListener,
}

impl Follower {
    /// The position that was told; `None` if notifications may have been missed.
    pub async fn changed(&mut self) -> Result<Option<i64>> {
        match tokio::time::timeout(RECHECK_INTERVAL, self.listener.try_recv()).await {
            Ok(heard) => Ok(heard?.and_then(|notification| notification.payload().parse().ok())),
            Err(_elapsed) => Ok(None),
        }
    }
}

fn pool(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE_WAIT).test_before_acquire(false)
}

fn explain(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) if error.code().as_deref() == Some("3D000") => {
            format!("{error}; create it with createdb")
        }
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => {
            format!("{error}; is PostgreSQL running there, and does it listen on that address?")
        }
        other => other.to_string(),
    }
}

/// `postgres://jo:secret@db/ops?…` as `postgres://jo:…@db/ops`.
fn without_password(url: &str) -> String {
    let url = url.split('?').next().unwrap_or(url);
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let authority_end = rest.find('/').unwrap_or(rest.len());
    let Some(at) = rest[..authority_end].rfind('@') else { return url.to_owned() };
    match rest[..at].split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:…{}", &rest[at..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        assert_eq!(without_password("postgres://jo:s@cr:et@db:5432/ops"), "postgres://jo:…@db:5432/ops");
        assert_eq!(without_password("postgres://jo@db/ops"), "postgres://jo@db/ops");
        assert_eq!(without_password("postgres://db/ops?password=secret"), "postgres://db/ops");
    }
}
