//! The ledger as tables of the one SQL surface: `ops.events`, `ops.runs` and their like.
//!
//! One file for each family; each table is a list of fields, so that its description and its rows
//! cannot drift apart.

mod alarms;
mod deliveries;
mod events;
mod field;
mod incidents;
mod postmortems;
mod runs;
mod values;

use async_trait::async_trait;
use kernel::Classified;
use kernel::table::{Cell, TableSchema, TableSource};
use serde::de::DeserializeOwned;

use crate::backend::Value;
use crate::reads::records;
use crate::{EventFilter, Ledger, LedgerError};
use field::Sheet;

type Result<T> = std::result::Result<T, LedgerError>;

/// Of each table, its newest.
const ROWS_MAX: u32 = 100_000;
/// Of a run's output in one answer, its newest.
const OUTPUT_BYTES_MAX: i64 = 64 << 20;

#[async_trait]
impl TableSource for Ledger {
    fn tables(&self) -> Vec<TableSchema> {
        vec![
            events::EVENTS.schema(),
            runs::RUNS.schema(),
            runs::STEPS.schema(),
            runs::OUTPUT.schema(),
            incidents::INCIDENTS.schema(),
            alarms::ALARMS.schema(),
            deliveries::DELIVERIES.schema(),
            postmortems::POSTMORTEMS.schema(),
            postmortems::ACTIONS.schema(),
            values::PARAMETERS.schema(),
            values::SECRETS.schema(),
        ]
    }

    async fn rows(&self, table: &str) -> std::result::Result<Vec<Vec<Cell>>, Box<dyn Classified>> {
        self.table(table).await.map_err(|error| Box::new(error) as Box<dyn Classified>)
    }
}

impl Ledger {
    async fn table(&self, name: &str) -> Result<Vec<Vec<Cell>>> {
        match name {
            "ops.events" => {
                let filter = EventFilter { limit: Some(ROWS_MAX), newest_first: true, ..EventFilter::default() };
                Ok(events::EVENTS.rows(&self.events(&filter).await?))
            }
            "ops.runs" => self.sheet(&runs::RUNS, "SELECT record FROM runs ORDER BY requested_at DESC, id DESC LIMIT $1").await,
            "ops.run_steps" => self.sheet(&runs::STEPS, "SELECT record FROM run_steps ORDER BY run DESC, step LIMIT $1").await,
            "ops.run_output" => self.run_output().await,
            "ops.incidents" => self.sheet(&incidents::INCIDENTS, "SELECT record FROM incidents ORDER BY id DESC LIMIT $1").await,
            "ops.alarms" => self.sheet(&alarms::ALARMS, "SELECT record FROM alarms ORDER BY id LIMIT $1").await,
            "ops.deliveries" => {
                let sql = "SELECT record FROM deliveries ORDER BY created_at DESC, id DESC LIMIT $1";
                self.sheet(&deliveries::DELIVERIES, sql).await
            }
            "ops.postmortems" => {
                let sql = "SELECT record FROM postmortems ORDER BY drafted_at DESC, incident DESC LIMIT $1";
                self.sheet(&postmortems::POSTMORTEMS, sql).await
            }
            "ops.actions" => {
                let sql = "SELECT record FROM actions ORDER BY created_at DESC, id DESC LIMIT $1";
                self.sheet(&postmortems::ACTIONS, sql).await
            }
            "ops.parameters" => self.sheet(&values::PARAMETERS, "SELECT record FROM parameters ORDER BY path LIMIT $1").await,
            "ops.secrets" => self.sheet(&values::SECRETS, "SELECT record FROM secrets ORDER BY path LIMIT $1").await,
            other => Err(LedgerError::NotFound(format!("the table {other}"))),
        }
    }

    async fn sheet<T: DeserializeOwned>(&self, sheet: &Sheet<T>, sql: &'static str) -> Result<Vec<Vec<Cell>>> {
        let rows = self.database().query(sql, vec![Value::integer(i64::from(ROWS_MAX))]).await?;
        Ok(sheet.rows(&records(&rows, sheet.name)?))
    }

    /// A few loud runs must not fill the memory: the newest chunks, up to a number of bytes.
    async fn run_output(&self) -> Result<Vec<Vec<Cell>>> {
        let sql = "SELECT record FROM (
                       SELECT record, run, sequence,
                              CAST(sum(length(record)) OVER (ORDER BY run DESC, sequence DESC) AS BIGINT) AS bytes
                       FROM (SELECT run, sequence, record FROM run_output ORDER BY run DESC, sequence DESC LIMIT $1) AS newest
                   ) AS counted WHERE bytes <= $2 ORDER BY run DESC, sequence DESC";
        let values = vec![Value::integer(i64::from(ROWS_MAX)), Value::integer(OUTPUT_BYTES_MAX)];
        let rows = self.database().query(sql, values).await?;
        Ok(runs::OUTPUT.rows(&records(&rows, runs::OUTPUT.name)?))
    }
}
