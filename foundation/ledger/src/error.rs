//! What can go wrong in the ledger.

use kernel::{Classified, Kind};

#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("{0} does not exist")]
    NotFound(String),
    /// Somebody else wrote since it was read: read again, then decide.
    #[error("{0} was changed meanwhile")]
    Conflict(String),
    #[error("{0}")]
    Invalid(String),
    #[error("{what} has {size_bytes} bytes; the ledger takes at most {limit_bytes}: send it in smaller pieces")]
    TooLarge { what: String, size_bytes: usize, limit_bytes: usize },
    #[error("the ledger at {url} cannot be opened: {reason}")]
    Open { url: String, reason: String },
    #[error("the ledger is closed")]
    Closed,
    #[error("the ledger could not be read or written")]
    Database(#[from] sqlx::Error),
    #[error("the ledger holds {what} that this version cannot read")]
    Corrupt { what: String, #[source] source: serde_json::Error },
}

impl Classified for LedgerError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound(_) => Kind::NotFound,
            Self::Conflict(_) => Kind::Conflict,
            Self::Invalid(_) => Kind::Invalid,
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::Closed => Kind::Busy,
            Self::Database(error) if passes(error) => Kind::Busy,
            Self::Open { .. } | Self::Database(_) | Self::Corrupt { .. } => Kind::Internal,
        }
    }
}

/// Whether the same may succeed a while later: the database is locked, out of reach or full.
fn passes(error: &sqlx::Error) -> bool {
    /// SQLITE_BUSY, SQLITE_LOCKED and SQLITE_FULL, in the low byte whatever the extended code.
    const SQLITE: [i32; 3] = [5, 6, 13];
    /// Classes of SQLSTATE: connections, insufficient resources, operator intervention.
    const POSTGRES: [&str; 3] = ["08", "53", "57"];
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| match code.len() {
            5 => POSTGRES.iter().any(|class| code.starts_with(class)),
            _ => code.parse::<i32>().is_ok_and(|code| SQLITE.contains(&(code & 0xff))),
        }),
        _ => false,
    }
}
