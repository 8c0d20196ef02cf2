//! SQLite: one file, in WAL mode, made durable with each commit.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection, SqlitePool};

use super::Result;
use crate::LedgerError;

/// Takes the write lock at once, so that no transaction fails halfway because another process writes.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";

const READERS_MAX: u32 = 4;
/// How long to wait for the write lock of another process.
const LOCK_WAIT: Duration = Duration::from_secs(10);
/// SQLite has no notification between processes; reading its change counter costs microseconds.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(crate) struct Sqlite {
    url: String,
    /// `None` in memory.
    file: Option<SqliteConnectOptions>,
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Sqlite {
    /// `rest` is the URL after `sqlite:`; a path is taken as it is written, without escapes.
    pub async fn open(url: &str, rest: &str) -> Result<Self> {
        let refuse = |reason: String| LedgerError::Open { url: url.to_owned(), reason };
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path == ":memory:" {
            return Self::open_memory(url).await.map_err(|error| refuse(error.to_string()));
        }
        check_place(path).map_err(refuse)?;
        let file = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(LOCK_WAIT)
            .disable_statement_logging();
        let writer = connect_writer(&file).await.map_err(|error| refuse(explain(&error)))?;
        let readers = kept(READERS_MAX).connect_lazy_with(file.clone());
        Ok(Self { url: url.to_owned(), file: Some(file), writer, readers })
    }

    /// A database in memory lives in its one connection: readers and the writer take turns.
    async fn open_memory(url: &str) -> std::result::Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::from_str("sqlite::memory:")?.shared_cache(false).disable_statement_logging();
        let only = kept(1).connect_with(options).await?;
        Ok(Self { url: url.to_owned(), file: None, writer: only.clone(), readers: only })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    pub async fn follow(&self) -> Result<Option<Follower>> {
        let Some(file) = &self.file else { return Ok(None) };
        let mut connection = file.clone().connect().await?;
        let version = data_version(&mut connection).await?;
        Ok(Some(Follower { connection, version }))
    }

    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Notices that the file was changed through another connection.
#[derive(Debug)]
pub(crate) struct Follower {
    connection: SqliteConnection,
    version: i64,
}

impl Follower {
    pub async fn changed(&mut self) -> Result<()> {
        loop {
            tokio::time::sleep(POLL_INTERVAL).await;
            let version = data_version(&mut self.connection).await?;
            if version != self.version {
                self.version = version;
                return Ok(());
            }
        }
    }
}

async fn data_version(connection: &mut SqliteConnection) -> Result<i64> {
    Ok(sqlx::query_scalar("PRAGMA data_version").fetch_one(connection).await?)
}

/// A pool that keeps its connections: opening one costs more than keeping it.
fn kept(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .max_lifetime(None)
        .idle_timeout(None)
        .test_before_acquire(false)
}

/// Switching a new file to WAL mode needs it alone for a moment and does not wait its turn by itself, so
/// servers that begin on it together try again.
async fn connect_writer(file: &SqliteConnectOptions) -> std::result::Result<SqlitePool, sqlx::Error> {
    let deadline = tokio::time::Instant::now() + LOCK_WAIT;
    loop {
        match kept(1).connect_with(file.clone()).await {
            Err(error) if is_locked(&error) && tokio::time::Instant::now() < deadline => tokio::time::sleep(POLL_INTERVAL).await,
            answer => return answer,
        }
    }
}

/// SQLITE_BUSY, in its low byte whatever the extended code.
fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}

/// Refuses a place where no file can be, with the mend.
fn check_place(path: &str) -> std::result::Result<(), String> {
    if path.is_empty() {
        return Err("the path is missing; write sqlite:PATH, for example sqlite:ledger.db".to_owned());
    }
    let path = Path::new(path);
    if path.is_dir() {
        return Err(format!("{} is a folder; name a file in it, for example sqlite:{}", path.display(), path.join("ledger.db").display()));
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Err(format!("the folder {} does not exist; create it first", folder.display()))
        }
        _ => Ok(()),
    }
}

fn explain(error: &sqlx::Error) -> String {
    // SQLITE_NOTADB.
    if error.as_database_error().and_then(|error| error.code()).as_deref() == Some("26") {
        return "the file is not a SQLite database; name another file, or move this one away".to_owned();
    }
    error.to_string()
}
