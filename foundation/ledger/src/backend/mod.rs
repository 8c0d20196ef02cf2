//! The two databases behind one small surface, so that all SQL above is written once.
//!
//! Statements use what both dialects share: `$1` placeholders, integers and text, `ON CONFLICT`.
//! What differs lives here: opening, the lock of a writer, and how another process's commit is noticed.

mod migrations;
mod postgres;
mod sqlite;
mod value;

use sqlx::pool::PoolConnection;

use crate::LedgerError;
pub(crate) use value::{Row, Value, label};

type Result<T> = std::result::Result<T, LedgerError>;

#[derive(Debug)]
pub(crate) enum Database {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

impl Database {
    /// Opens or creates, and brings the tables to this version's format.
    pub async fn open(url: &str) -> Result<Self> {
        let database = match url.split_once(':') {
            Some(("sqlite", rest)) => Self::Sqlite(sqlite::Sqlite::open(url, rest).await?),
            Some(("postgres" | "postgresql", _)) => Self::Postgres(postgres::Postgres::open(url).await?),
            _ => {
                return Err(LedgerError::Open {
                    url: url.to_owned(),
                    reason: "write sqlite:PATH, sqlite::memory: or postgres://USER:PASSWORD@HOST/DATABASE".to_owned(),
                });
            }
        };
        migrations::apply(&database).await.map_err(|error| database.opening(error))?;
        Ok(database)
    }

    /// All rows of one statement, read from the last commit.
    pub async fn query(&self, sql: impl Into<Sql>, values: Vec<Value>) -> Result<Vec<Row>> {
        let mut connection = match self {
            Self::Sqlite(sqlite) => Connection::Sqlite(sqlite.readers().acquire().await?),
            Self::Postgres(postgres) => Connection::Postgres(postgres.readers().acquire().await?),
        };
        connection.query(sql.into(), values).await
    }

    /// Begins a transaction that no other writer of any process runs beside. A connection that died
    /// since its last use is replaced.
    pub async fn begin(&self) -> Result<Transaction> {
        match self.try_begin().await {
            Err(LedgerError::Database(sqlx::Error::Io(_))) => self.try_begin().await,
            other => other,
        }
    }

    async fn try_begin(&self) -> Result<Transaction> {
        let (mut connection, lock) = match self {
            Self::Sqlite(sqlite) => (Connection::Sqlite(sqlite.writer().acquire().await?), sqlite::BEGIN),
            Self::Postgres(postgres) => (Connection::Postgres(postgres.writer().acquire().await?), postgres::BEGIN),
        };
        match connection.run_script(lock.into()).await {
            Ok(()) => Ok(Transaction { connection }),
            Err(error) => {
                connection.discard().await;
                Err(error)
            }
        }
    }

    /// Notices commits of other processes; `None` where there can be none.
    pub async fn follow(&self) -> Result<Option<Follower>> {
        Ok(match self {
            Self::Sqlite(sqlite) => sqlite.follow().await?.map(Follower::Sqlite),
            Self::Postgres(postgres) => Some(Follower::Postgres(postgres.follow().await?)),
        })
    }

    /// The statement that tells other servers, within the transaction, of events up to `$1`.
    pub fn notification(&self) -> Option<&'static str> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(_) => Some(postgres::NOTIFY),
        }
    }

    pub async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }

    fn opening(&self, error: LedgerError) -> LedgerError {
        let url = match self {
            Self::Sqlite(sqlite) => sqlite.url(),
            Self::Postgres(postgres) => postgres.url(),
        };
        match error {
            LedgerError::Database(error) => LedgerError::Open { url: url.to_owned(), reason: error.to_string() },
            LedgerError::Open { reason, .. } => LedgerError::Open { url: url.to_owned(), reason },
            other => other,
        }
    }
}

/// A transaction that holds the ledger's write lock. Ends with `commit` or `abandon`.
#[derive(Debug)]
pub(crate) struct Transaction {
    connection: Connection,
}

impl Transaction {
    pub async fn query(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>> {
        self.connection.query(sql.into(), values).await
    }

    /// The number of rows that the statement changed.
    pub async fn execute(&mut self, sql: &'static str, values: Vec<Value>) -> Result<u64> {
        match &mut self.connection {
            Connection::Sqlite(c) => Ok(value::sqlite_query(sql.into(), values).execute(&mut **c).await?.rows_affected()),
            Connection::Postgres(c) => {
                Ok(value::postgres_query(sql.into(), values).execute(&mut **c).await?.rows_affected())
            }
        }
    }

    /// Several statements without values.
    pub async fn run_script(&mut self, sql: &'static str) -> Result<()> {
        self.connection.run_script(sql.into()).await
    }

    /// Returns when the transaction is durable. After an error its fate is unknown.
    pub async fn commit(mut self) -> Result<()> {
        match self.run_script("COMMIT").await {
            Ok(()) => Ok(()),
            Err(error) => {
                self.connection.discard().await;
                Err(error)
            }
        }
    }

    pub async fn abandon(mut self) {
        if self.run_script("ROLLBACK").await.is_err() {
            self.connection.discard().await;
        }
    }
}

/// Waits for commits of other processes.
#[derive(Debug)]
pub(crate) enum Follower {
    Sqlite(sqlite::Follower),
    Postgres(postgres::Follower),
}

impl Follower {
    /// Returns when there may be something new: the position if it was told, else `None`.
    pub async fn changed(&mut self) -> Result<Option<i64>> {
        match self {
            Self::Sqlite(follower) => follower.changed().await.map(|()| None),
            Self::Postgres(follower) => follower.changed().await,
        }
    }
}

/// SQL of this crate's own making: a constant, or constants joined; values travel beside it.
pub(crate) type Sql = std::borrow::Cow<'static, str>;

#[derive(Debug)]
enum Connection {
    Sqlite(PoolConnection<sqlx::Sqlite>),
    Postgres(PoolConnection<sqlx::Postgres>),
}

impl Connection {
    async fn query(&mut self, sql: Sql, values: Vec<Value>) -> Result<Vec<Row>> {
        Ok(match self {
            Self::Sqlite(c) => {
                let rows = value::sqlite_query(sql, values).fetch_all(&mut **c).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(c) => {
                let rows = value::postgres_query(sql, values).fetch_all(&mut **c).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    async fn run_script(&mut self, sql: Sql) -> Result<()> {
        let script = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.into_owned()));
        match self {
            Self::Sqlite(c) => script.execute(&mut **c).await.map(drop)?,
            Self::Postgres(c) => script.execute(&mut **c).await.map(drop)?,
        }
        Ok(())
    }

    /// Closes the connection for good: its state is not known.
    async fn discard(self) {
        let closed = match self {
            Self::Sqlite(c) => c.close().await,
            Self::Postgres(c) => c.close().await,
        };
        if let Err(error) = closed {
            tracing::debug!(%error, "a broken connection to the ledger did not close cleanly");
        }
    }
}
