//! The rows of a part, in the order in which its activities began.

use kernel::Timestamp;
use parking_lot::Mutex;
use serde_json::Value;

use crate::experiments::journal::{Row, RowStatus, seconds, written};
use crate::experiments::providers::Outcome;
use crate::experiments::redact::Redaction;

#[derive(Debug, Default)]
pub struct Rows {
    rows: Mutex<Vec<Begun>>,
}

#[derive(Debug)]
struct Begun {
    row: Row,
    start: Timestamp,
    ended: bool,
}

impl Rows {
    /// Until it ends, a row counts as failed.
    pub fn begin(&self, activity: Value, start: Timestamp) -> usize {
        let row = Row {
            activity,
            output: Value::Null,
            start: written(start),
            status: RowStatus::Failed,
            exception: None,
            end: String::new(),
            duration: 0.0,
            tolerance_met: None,
            reason: None,
        };
        let mut rows = self.rows.lock();
        rows.push(Begun { row, start, ended: false });
        rows.len() - 1
    }

    /// A complaint makes a failure of what was carried out. Answers with the row as it now stands.
    pub fn end(&self, index: usize, outcome: Outcome, complaint: Option<String>, end: Timestamp, redaction: &Redaction) -> Row {
        let mut rows = self.rows.lock();
        let Begun { row, start, ended } = &mut rows[index];
        let (output, fault) = match outcome {
            Ok(output) => (output, complaint),
            Err(why) => (Value::Null, Some(why)),
        };
        row.output = redaction.value(&output);
        row.status = if fault.is_none() { RowStatus::Succeeded } else { RowStatus::Failed };
        row.exception = fault.map(|why| vec![format!("{}\n", redaction.text(&why))]);
        row.end = written(end);
        row.duration = seconds(*start, end);
        *ended = true;
        row.clone()
    }

    /// Ends what was broken off.
    pub fn close(&self, now: Timestamp, why: &str) {
        for Begun { row, start, ended } in self.rows.lock().iter_mut().filter(|begun| !begun.ended) {
            row.end = written(now);
            row.duration = seconds(*start, now);
            row.exception = Some(vec![format!("{why}\n")]);
            *ended = true;
        }
    }

    pub fn take(&self) -> Vec<Row> {
        std::mem::take(&mut *self.rows.lock()).into_iter().map(|begun| begun.row).collect()
    }
}
