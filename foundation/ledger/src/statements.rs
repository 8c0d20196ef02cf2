//! A batch as the statements that write it. Pure: no clock, no database.

mod config;
mod values;

use crate::backend::{Value, label};
use crate::limits::{ATTACHMENT_BYTES_MAX, BATCH_BYTES_MAX, EVENT_DATA_BYTES_MAX, OUTPUT_CHUNK_BYTES_MAX, RUNS_WITH_ATTACHMENTS_MAX};
use crate::*;

type Result<T> = std::result::Result<T, LedgerError>;

/// One statement. Where it changes no row or breaks a unique index, `conflict` names what somebody
/// else has written.
#[derive(Debug, PartialEq)]
pub(crate) struct Statement {
    pub sql: &'static str,
    pub values: Vec<Value>,
    pub conflict: Option<String>,
}

impl Statement {
    fn put(sql: &'static str, values: Vec<Value>) -> Self {
        Self { sql, values, conflict: None }
    }

    fn guarded(sql: &'static str, values: Vec<Value>, what: impl ToString) -> Self {
        Self { sql, values, conflict: Some(what.to_string()) }
    }
}

/// The state that a batch writes: everything but its events, which need their positions first.
pub(crate) fn state(batch: &Batch) -> Result<Vec<Statement>> {
    let mut statements = Vec::new();
    for run in &batch.runs {
        statements.push(put_run(run)?);
    }
    for step in &batch.steps {
        statements.push(put_step(step)?);
    }
    for chunk in &batch.output {
        statements.push(put_output(chunk)?);
    }
    for attachment in &batch.attachments {
        statements.extend(put_attachment(attachment)?);
    }
    for incident in &batch.incidents {
        statements.extend(put_incident(incident)?);
    }
    for alarm in &batch.alarms {
        statements.push(put_alarm(alarm)?);
    }
    for id in &batch.removed_alarms {
        statements.push(Statement::put("DELETE FROM alarms WHERE id = $1", vec![Value::key("an alarm's id", id)?]));
    }
    for run in &batch.forgotten_runs {
        statements.extend(forget_run(run));
    }
    for delivery in &batch.deliveries {
        statements.push(put_delivery(delivery)?);
    }
    for postmortem in &batch.postmortems {
        statements.push(put_postmortem(postmortem)?);
    }
    for action in &batch.actions {
        statements.push(put_action(action)?);
    }
    statements.extend(values::state(batch)?);
    statements.extend(config::state(batch)?);
    for (reader, position) in &batch.cursors {
        statements.push(put_cursor(reader, *position)?);
    }
    Ok(statements)
}

/// The columns of an event after its position and time.
#[derive(Debug)]
pub(crate) struct EventColumns {
    pub event: NewEvent,
    data: Value,
}

impl EventColumns {
    pub fn new(event: NewEvent) -> Result<Self> {
        let data = Value::json("an event's data", &event.data)?;
        if data.size_bytes() > EVENT_DATA_BYTES_MAX {
            return Err(LedgerError::TooLarge {
                what: format!("the data of an event {}", event.kind),
                size_bytes: data.size_bytes(),
                limit_bytes: EVENT_DATA_BYTES_MAX,
            });
        }
        for (what, text) in [
            ("an event's type", Some(&event.kind)),
            ("an event's source", Some(&event.source)),
            ("an event's subject", event.subject.as_ref()),
            ("an event's actor", Some(&event.actor.0)),
            ("an event's key", event.key.as_ref()),
        ] {
            Value::optional_key(what, text.map(String::as_str))?;
        }
        Ok(Self { event, data })
    }

    pub fn append(&self, position: Position, time: kernel::Timestamp) -> Statement {
        let event = &self.event;
        let values = vec![
            Value::integer(position.0),
            Value::own(&event.id),
            Value::optional_own(event.key.as_ref()),
            Value::own(&event.kind),
            Value::own(&event.source),
            Value::optional_own(event.subject.as_ref()),
            Value::own(time),
            Value::own(&event.actor),
            Value::integer(event.incident.map(|id| id.number())),
            Value::optional_own(event.run.as_ref()),
            Value::optional_own(event.cause.as_ref()),
            self.data.clone(),
        ];
        Statement::guarded(
            "INSERT INTO events (position, id, idempotency_key, kind, source, subject, time, actor, incident, run, cause, data)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            values,
            format!("the event {}", event.id),
        )
    }

    pub fn size_bytes(&self) -> usize {
        self.data.size_bytes()
    }
}

/// Refuses what would hold up everybody else.
pub(crate) fn check_size(events: &[EventColumns], state: &[Statement]) -> Result<usize> {
    let events: usize = events.iter().map(EventColumns::size_bytes).sum();
    let state: usize = state.iter().flat_map(|statement| &statement.values).map(Value::size_bytes).sum();
    let size_bytes = events + state;
    if size_bytes > BATCH_BYTES_MAX {
        return Err(LedgerError::TooLarge { what: "a batch".to_owned(), size_bytes, limit_bytes: BATCH_BYTES_MAX });
    }
    Ok(size_bytes)
}

fn put_run(run: &Run) -> Result<Statement> {
    let stored = Run { revision: run.revision + 1, ..run.clone() };
    let values = vec![
        Value::own(&run.id),
        Value::own(label(&run.status)),
        Value::key("a run's document", &run.document)?,
        Value::integer(run.incident.map(|id| id.number())),
        Value::optional_own(run.component.as_ref()),
        Value::time(run.requested_at),
        Value::integer(stored.revision),
        Value::json("a run", &stored)?,
        Value::integer(i64::from(run.is_routine())),
    ];
    let sql = if run.revision == 0 {
        "INSERT INTO runs (id, status, document, incident, component, requested_at, revision, record, routine)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING"
    } else {
        "UPDATE runs SET status = $2, document = $3, incident = $4, component = $5, requested_at = $6,
         revision = $7, record = $8, routine = $9 WHERE id = $1 AND revision = $7 - 1"
    };
    Ok(Statement::guarded(sql, values, format!("the run {}", run.id)))
}

/// With all that was told of it.
fn forget_run(run: &kernel::RunId) -> [Statement; 5] {
    [
        "DELETE FROM run_attachments WHERE run = $1",
        "DELETE FROM run_output WHERE run = $1",
        "DELETE FROM run_steps WHERE run = $1",
        "DELETE FROM events WHERE run = $1",
        "DELETE FROM runs WHERE id = $1",
    ]
    .map(|sql| Statement::put(sql, vec![Value::own(run)]))
}

fn put_step(step: &Step) -> Result<Statement> {
    Ok(Statement::put(
        "INSERT INTO run_steps (run, step, record) VALUES ($1, $2, $3)
         ON CONFLICT (run, step) DO UPDATE SET record = excluded.record",
        vec![Value::own(&step.run), Value::integer(i64::from(step.index)), Value::json("a step", step)?],
    ))
}

fn put_output(chunk: &OutputChunk) -> Result<Statement> {
    if chunk.data.len() > OUTPUT_CHUNK_BYTES_MAX {
        return Err(LedgerError::TooLarge {
            what: format!("a chunk of output of the run {}", chunk.run),
            size_bytes: chunk.data.len(),
            limit_bytes: OUTPUT_CHUNK_BYTES_MAX,
        });
    }
    Ok(Statement::put(
        "INSERT INTO run_output (run, sequence, record) VALUES ($1, $2, $3)
         ON CONFLICT (run, sequence) DO UPDATE SET record = excluded.record",
        vec![Value::own(&chunk.run), Value::integer(chunk.sequence), Value::json("a chunk of output", chunk)?],
    ))
}

/// Makes room at the same time. The ids of runs are in the order of time.
fn put_attachment(attachment: &RunAttachment) -> Result<[Statement; 2]> {
    let size_bytes = attachment.data.len() / 4 * 3;
    if size_bytes > ATTACHMENT_BYTES_MAX {
        return Err(LedgerError::TooLarge {
            what: format!("the attachment {} of the run {}", attachment.name, attachment.run),
            size_bytes,
            limit_bytes: ATTACHMENT_BYTES_MAX,
        });
    }
    let put = Statement::put(
        "INSERT INTO run_attachments (run, number, record) VALUES ($1, $2, $3)
         ON CONFLICT (run, number) DO UPDATE SET record = excluded.record",
        vec![Value::own(&attachment.run), Value::integer(attachment.number), Value::json("an attachment", attachment)?],
    );
    let make_room = Statement::put(
        "DELETE FROM run_attachments WHERE run NOT IN
         (SELECT run FROM (SELECT DISTINCT run FROM run_attachments ORDER BY run DESC LIMIT $1) AS newest)",
        vec![Value::integer(RUNS_WITH_ATTACHMENTS_MAX)],
    );
    Ok([put, make_room])
}

fn put_incident(incident: &Incident) -> Result<Vec<Statement>> {
    let stored = Incident { revision: incident.revision + 1, ..incident.clone() };
    let number = Value::integer(incident.id.number());
    let values = vec![
        number.clone(),
        Value::own(label(&incident.status)),
        Value::optional_key("an incident's fingerprint", incident.fingerprint.as_deref())?,
        Value::integer(stored.revision),
        Value::integer(i64::from(stored.practice)),
        Value::json("an incident", &stored)?,
    ];
    let mut statements = Vec::new();
    let sql = if incident.revision == 0 {
        // A number that was chosen elsewhere is not given again.
        statements.push(Statement::put(
            "UPDATE counters SET value = $1 WHERE name = 'incident' AND value < $1",
            vec![number.clone()],
        ));
        "INSERT INTO incidents (id, status, fingerprint, revision, practice, record)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING"
    } else {
        statements.push(Statement::put("DELETE FROM incident_components WHERE incident = $1", vec![number.clone()]));
        "UPDATE incidents SET status = $2, fingerprint = $3, revision = $4, practice = $5, record = $6
         WHERE id = $1 AND revision = $4 - 1"
    };
    statements.push(Statement::guarded(sql, values, format!("the incident {}", incident.id)));
    for component in &incident.components {
        statements.push(Statement::put(
            "INSERT INTO incident_components (component, incident) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            vec![Value::own(component), number.clone()],
        ));
    }
    Ok(statements)
}

fn put_alarm(alarm: &AlarmRecord) -> Result<Statement> {
    Ok(Statement::put(
        "INSERT INTO alarms (id, record) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET record = excluded.record",
        vec![Value::key("an alarm's id", &alarm.id)?, Value::json("an alarm", alarm)?],
    ))
}

fn put_delivery(delivery: &Delivery) -> Result<Statement> {
    Ok(Statement::put(
        "INSERT INTO deliveries (id, status, created_at, next_attempt_at, record) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (id) DO UPDATE SET status = excluded.status, created_at = excluded.created_at,
         next_attempt_at = excluded.next_attempt_at, record = excluded.record",
        vec![
            Value::own(&delivery.id),
            Value::own(label(&delivery.status)),
            Value::time(delivery.created_at),
            Value::time(delivery.next_attempt_at),
            Value::json("a delivery", delivery)?,
        ],
    ))
}

fn put_postmortem(postmortem: &Postmortem) -> Result<Statement> {
    Ok(Statement::put(
        "INSERT INTO postmortems (incident, drafted_at, record) VALUES ($1, $2, $3)
         ON CONFLICT (incident) DO UPDATE SET drafted_at = excluded.drafted_at, record = excluded.record",
        vec![
            Value::integer(postmortem.incident.number()),
            Value::time(postmortem.drafted_at),
            Value::json("a post-mortem", postmortem)?,
        ],
    ))
}

fn put_action(action: &Action) -> Result<Statement> {
    Ok(Statement::put(
        "INSERT INTO actions (id, incident, created_at, record) VALUES ($1, $2, $3, $4)
         ON CONFLICT (id) DO UPDATE SET incident = excluded.incident, created_at = excluded.created_at,
         record = excluded.record",
        vec![
            Value::own(&action.id),
            Value::integer(action.incident.number()),
            Value::time(action.created_at),
            Value::json("an action", action)?,
        ],
    ))
}

fn put_cursor(reader: &str, position: Position) -> Result<Statement> {
    Ok(Statement::put(
        "INSERT INTO cursors (reader, position) VALUES ($1, $2)
         ON CONFLICT (reader) DO UPDATE SET position = excluded.position",
        vec![Value::key("a reader's name", reader)?, Value::integer(position.0)],
    ))
}
