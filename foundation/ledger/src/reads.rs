//! Reading what happened. Every read sees whole batches: one statement, from the last commit.

mod config;
mod values;

use kernel::{ActionId, DeliveryId, IncidentId, RunId, Timestamp};
use serde::de::DeserializeOwned;

use crate::backend::{Row, Value, label};
use crate::event::SPECVERSION;
use crate::*;

type Result<T> = std::result::Result<T, LedgerError>;

const EVENTS_DEFAULT: u32 = 1000;
const RECORDS_DEFAULT: u32 = 200;

pub(crate) const POSITION: &str = "SELECT value FROM counters WHERE name = 'position'";

macro_rules! event_columns {
    () => {
        "SELECT position, id, kind, source, subject, time, actor, incident, run, cause, data FROM events"
    };
}

pub(crate) const EVENT_BY_KEY: &str = concat!(event_columns!(), " WHERE idempotency_key = $1");

impl Ledger {
    pub async fn position(&self) -> Result<Position> {
        counter(&self.database().query(POSITION, Vec::new()).await?).map(Position)
    }

    pub async fn events(&self, filter: &EventFilter) -> Result<Vec<Event>> {
        let mut select = Select::from(event_columns!());
        if let Some(after) = filter.after {
            select.only("position > ", Value::integer(after.0));
        }
        if let Some(before) = filter.before {
            select.only("position < ", Value::integer(before.0));
        }
        if !filter.kinds.is_empty() {
            select.only_kinds(&filter.kinds)?;
        }
        if let Some(subject) = &filter.subject {
            select.only("subject = ", Value::key("the subject", subject)?);
        }
        if let Some(incident) = filter.incident {
            select.only("incident = ", Value::integer(incident.number()));
        }
        if let Some(run) = &filter.run {
            select.only("run = ", Value::own(run));
        }
        let order = if filter.newest_first { " ORDER BY position DESC" } else { " ORDER BY position" };
        let rows = select.rows(self, order, filter.limit.unwrap_or(EVENTS_DEFAULT)).await?;
        rows.iter().map(event).collect()
    }

    pub async fn cursor(&self, reader: &str) -> Result<Option<Position>> {
        let mut select = Select::from("SELECT position FROM cursors");
        select.only("reader = ", Value::key("a reader's name", reader)?);
        let rows = select.rows(self, "", 1).await?;
        rows.first().map(|row| row.integer(0).map(Position)).transpose()
    }

    pub async fn run(&self, id: &RunId) -> Result<Run> {
        self.one("SELECT record FROM runs", "id = ", Value::own(id), format!("the run {id}")).await
    }

    pub async fn runs(&self, filter: &RunFilter) -> Result<Vec<Run>> {
        let mut select = Select::from("SELECT record FROM runs");
        select.only_labels("status", &filter.statuses);
        if let Some(document) = &filter.document {
            select.only("document = ", Value::key("the document", document)?);
        }
        if let Some(incident) = filter.incident {
            select.only("incident = ", Value::integer(incident.number()));
        }
        if let Some(component) = &filter.component {
            select.only("component = ", Value::own(component));
        }
        if let Some(routine) = filter.routine {
            select.only("routine = ", Value::integer(i64::from(routine)));
        }
        if let Some(before) = filter.before {
            select.only("requested_at < ", Value::time(before));
        }
        let limit = filter.limit.unwrap_or(RECORDS_DEFAULT);
        records(&select.rows(self, " ORDER BY requested_at DESC, id DESC", limit).await?, "a run")
    }

    pub async fn steps(&self, run: &RunId) -> Result<Vec<Step>> {
        let mut select = Select::from("SELECT record FROM run_steps");
        select.only("run = ", Value::own(run));
        records(&select.rows(self, " ORDER BY step", u32::MAX).await?, "a step")
    }

    /// Chunks with a sequence above `after` (-1 for all), at most `limit`.
    pub async fn output(&self, run: &RunId, after: i64, limit: u32) -> Result<Vec<OutputChunk>> {
        let mut select = Select::from("SELECT record FROM run_output");
        select.only("run = ", Value::own(run));
        select.only("sequence > ", Value::integer(after));
        records(&select.rows(self, " ORDER BY sequence", limit).await?, "a chunk of output")
    }

    pub async fn attachment(&self, run: &RunId, number: i64) -> Result<RunAttachment> {
        let mut select = Select::from("SELECT record FROM run_attachments");
        select.only("run = ", Value::own(run));
        select.only("number = ", Value::integer(number));
        let found = records(&select.rows(self, "", 1).await?, "an attachment")?;
        found.into_iter().next().ok_or_else(|| LedgerError::NotFound(format!("the attachment {number} of the run {run}")))
    }

    pub async fn incident(&self, id: IncidentId) -> Result<Incident> {
        self.one("SELECT record FROM incidents", "id = ", Value::integer(id.number()), format!("the incident {id}")).await
    }

    pub async fn incidents(&self, filter: &IncidentFilter) -> Result<Vec<Incident>> {
        let mut select = Select::from("SELECT record FROM incidents");
        select.only_labels("status", &filter.statuses);
        if let Some(fingerprint) = &filter.fingerprint {
            select.only("fingerprint = ", Value::key("the fingerprint", fingerprint)?);
        }
        if let Some(practice) = filter.practice {
            select.only("practice = ", Value::integer(i64::from(practice)));
        }
        if let Some(component) = &filter.component {
            select.only_listed("id", "SELECT incident FROM incident_components WHERE component = ", Value::own(component));
        }
        let limit = filter.limit.unwrap_or(RECORDS_DEFAULT);
        records(&select.rows(self, " ORDER BY id DESC", limit).await?, "an incident")
    }

    pub async fn alarms(&self) -> Result<Vec<AlarmRecord>> {
        let select = Select::from("SELECT record FROM alarms");
        records(&select.rows(self, " ORDER BY id", u32::MAX).await?, "an alarm")
    }

    pub async fn alarm(&self, id: &str) -> Result<AlarmRecord> {
        self.one("SELECT record FROM alarms", "id = ", Value::key("an alarm's id", id)?, format!("the alarm {id}")).await
    }

    pub async fn delivery(&self, id: &DeliveryId) -> Result<Delivery> {
        self.one("SELECT record FROM deliveries", "id = ", Value::own(id), format!("the delivery {id}")).await
    }

    /// Newest first; all statuses if `None`.
    pub async fn deliveries(&self, status: Option<DeliveryStatus>, limit: u32) -> Result<Vec<Delivery>> {
        let mut select = Select::from("SELECT record FROM deliveries");
        select.only_labels("status", status.as_slice());
        records(&select.rows(self, " ORDER BY created_at DESC, id DESC", limit).await?, "a delivery")
    }

    /// Pending deliveries whose next attempt is due, the longest due first.
    pub async fn due_deliveries(&self, now: Timestamp, limit: u32) -> Result<Vec<Delivery>> {
        let mut select = Select::from("SELECT record FROM deliveries WHERE status = 'pending'");
        select.only("next_attempt_at <= ", Value::time(now));
        records(&select.rows(self, " ORDER BY next_attempt_at", limit).await?, "a delivery")
    }

    /// Newest first.
    pub async fn postmortems(&self) -> Result<Vec<Postmortem>> {
        let select = Select::from("SELECT record FROM postmortems");
        records(&select.rows(self, " ORDER BY drafted_at DESC, incident DESC", u32::MAX).await?, "a post-mortem")
    }

    pub async fn postmortem(&self, incident: IncidentId) -> Result<Postmortem> {
        let what = format!("the post-mortem of {incident}");
        self.one("SELECT record FROM postmortems", "incident = ", Value::integer(incident.number()), what).await
    }

    /// Oldest first.
    pub async fn actions(&self, incident: Option<IncidentId>) -> Result<Vec<Action>> {
        let mut select = Select::from("SELECT record FROM actions");
        if let Some(incident) = incident {
            select.only("incident = ", Value::integer(incident.number()));
        }
        records(&select.rows(self, " ORDER BY created_at, id", u32::MAX).await?, "an action")
    }

    pub async fn action(&self, id: &ActionId) -> Result<Action> {
        self.one("SELECT record FROM actions", "id = ", Value::own(id), format!("the action {id}")).await
    }

    async fn one<T: DeserializeOwned>(&self, from: &'static str, column: &'static str, id: Value, what: String) -> Result<T> {
        let mut select = Select::from(from);
        select.only(column, id);
        let rows = select.rows(self, "", 1).await?;
        record(rows.first().ok_or_else(|| LedgerError::NotFound(what.clone()))?, 0, &what)
    }
}

/// A `SELECT` put together from constants; what a caller gave travels as values.
struct Select {
    sql: String,
    values: Vec<Value>,
}

impl Select {
    fn from(sql: &'static str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new() }
    }

    /// `condition` ends where its value goes.
    fn only(&mut self, condition: &'static str, value: Value) {
        self.and();
        self.sql.push_str(condition);
        self.place(value);
    }

    /// `column IN (query value)`.
    fn only_listed(&mut self, column: &'static str, query: &'static str, value: Value) {
        self.and();
        self.sql.push_str(column);
        self.sql.push_str(" IN (");
        self.sql.push_str(query);
        self.place(value);
        self.sql.push(')');
    }

    /// One of these variants; any if there is none.
    fn only_labels(&mut self, column: &'static str, labels: &[impl serde::Serialize]) {
        if labels.is_empty() {
            return;
        }
        self.and();
        self.sql.push_str(column);
        for (index, wanted) in labels.iter().enumerate() {
            self.sql.push_str(if index == 0 { " IN (" } else { ", " });
            self.place(Value::own(label(wanted)));
        }
        self.sql.push(')');
    }

    /// Exact types, or prefixes that end in a dot: those lie between `prefix.` and `prefix/`, the
    /// character after the dot.
    fn only_kinds(&mut self, kinds: &[String]) -> Result<()> {
        self.and();
        for (index, kind) in kinds.iter().enumerate() {
            self.sql.push_str(if index == 0 { "(" } else { " OR " });
            match kind.strip_suffix('.') {
                Some(prefix) => {
                    self.sql.push_str("(kind >= ");
                    self.place(Value::key("an event's type", kind)?);
                    self.sql.push_str(" AND kind < ");
                    self.place(Value::own(format!("{prefix}/")));
                    self.sql.push(')');
                }
                None => {
                    self.sql.push_str("kind = ");
                    self.place(Value::key("an event's type", kind)?);
                }
            }
        }
        self.sql.push(')');
        Ok(())
    }

    async fn rows(mut self, ledger: &Ledger, order: &'static str, limit: u32) -> Result<Vec<Row>> {
        self.sql.push_str(order);
        self.sql.push_str(" LIMIT ");
        self.place(Value::integer(i64::from(limit)));
        ledger.database().query(self.sql, self.values).await
    }

    fn and(&mut self) {
        self.sql.push_str(if self.sql.contains(" WHERE ") { " AND " } else { " WHERE " });
    }

    fn place(&mut self, value: Value) {
        self.values.push(value);
        self.sql.push('$');
        self.sql.push_str(&self.values.len().to_string());
    }
}

/// The value of a counter from the one row that holds it.
pub(crate) fn counter(rows: &[Row]) -> Result<i64> {
    rows.first().ok_or(LedgerError::Database(sqlx::Error::RowNotFound))?.integer(0)
}

/// From a row of `event_columns!`.
pub(crate) fn event(row: &Row) -> Result<Event> {
    let position = Position(row.integer(0)?);
    let what = || format!("the event at position {}", position.0);
    Ok(Event {
        specversion: SPECVERSION.to_owned(),
        id: parsed(row.text(1)?, what)?,
        kind: row.text(2)?,
        source: row.text(3)?,
        subject: row.optional_text(4)?,
        time: parsed(row.text(5)?, what)?,
        position,
        actor: Actor(row.text(6)?),
        incident: row.optional_integer(7)?.map(IncidentId::from_number),
        run: row.optional_text(8)?.map(|text| parsed(text, what)).transpose()?,
        cause: row.optional_text(9)?.map(|text| parsed(text, what)).transpose()?,
        data: record(row, 10, "an event's data")?,
    })
}

fn parsed<T: DeserializeOwned>(text: String, what: impl Fn() -> String) -> Result<T> {
    serde_json::from_value(serde_json::Value::String(text))
        .map_err(|source| LedgerError::Corrupt { what: what(), source })
}

pub(crate) fn record<T: DeserializeOwned>(row: &Row, column: usize, what: &str) -> Result<T> {
    serde_json::from_str(&row.text(column)?).map_err(|source| LedgerError::Corrupt { what: what.to_owned(), source })
}

pub(crate) fn records<T: DeserializeOwned>(rows: &[Row], what: &str) -> Result<Vec<T>> {
    rows.iter().map(|row| record(row, 0, what)).collect()
}
