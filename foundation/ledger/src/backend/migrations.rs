//! The tables, version by version. A database of a newer version is refused: writing to it could
//! break what that version relies on.

use super::{Database, Result, Transaction, Value};
use crate::LedgerError;

/// One step for each version, from 1; never changed once released.
const SQLITE: &[&str] = &[
    include_str!("migrations/sqlite/0001_first.sql"),
    include_str!("migrations/sqlite/0002_routine_runs.sql"),
    include_str!("migrations/sqlite/0003_attachments.sql"),
    include_str!("migrations/sqlite/0004_practice.sql"),
    include_str!("migrations/sqlite/0005_values.sql"),
    include_str!("migrations/sqlite/0006_config_rollouts.sql"),
];
const POSTGRES: &[&str] = &[
    include_str!("migrations/postgres/0001_first.sql"),
    include_str!("migrations/postgres/0002_routine_runs.sql"),
    include_str!("migrations/postgres/0003_attachments.sql"),
    include_str!("migrations/postgres/0004_practice.sql"),
    include_str!("migrations/postgres/0005_values.sql"),
    include_str!("migrations/postgres/0006_config_rollouts.sql"),
];

pub(super) async fn apply(database: &Database) -> Result<()> {
    let steps = match database {
        Database::Sqlite(_) => SQLITE,
        Database::Postgres(_) => POSTGRES,
    };
    let mut transaction = database.begin().await?;
    match bring_up(&mut transaction, steps).await {
        Ok(()) => transaction.commit().await,
        Err(error) => {
            transaction.abandon().await;
            Err(error)
        }
    }
}

async fn bring_up(transaction: &mut Transaction, steps: &'static [&'static str]) -> Result<()> {
    transaction.run_script("CREATE TABLE IF NOT EXISTS ledger_format (version BIGINT NOT NULL)").await?;
    let rows = transaction.query("SELECT version FROM ledger_format", Vec::new()).await?;
    let present = match rows.first() {
        Some(row) => row.integer(0)?,
        None => {
            transaction.execute("INSERT INTO ledger_format (version) VALUES (0)", Vec::new()).await?;
            0
        }
    };
    let known = steps.len() as i64;
    if present > known {
        return Err(LedgerError::Open {
            url: String::new(),
            reason: format!(
                "it was written by a newer Mainstay (format {present}; this one knows up to {known}); use that version or a newer one"
            ),
        });
    }
    for step in &steps[present as usize..] {
        transaction.run_script(step).await?;
    }
    if present < known {
        transaction.execute("UPDATE ledger_format SET version = $1", vec![Value::integer(known)]).await?;
    }
    Ok(())
}
