//! `ops.events`.

use kernel::table::ColumnType::{Integer, Json, Text, Timestamp};

use super::field::{Sheet, field, integer, optional_text, text, time};
use crate::Event;

pub(super) const EVENTS: Sheet<Event> = Sheet {
    name: "ops.events",
    description: "The append-only list of what happened, in CloudEvents form, newest first; the newest 100,000.",
    fields: &[
        field("position", Integer, "Place in the ledger; grows by one with each event", |e| integer(e.position.0)),
        field("time", Timestamp, "When it happened", |e| time(e.time)),
        field("type", Text, "What happened, for example dev.mainstay.alarm.firing", |e| text(&e.kind)),
        field("source", Text, "The part of Mainstay that appended it, for example /operate/alarms", |e| text(&e.source)),
        field("subject", Text, "What it is about: an alarm, a component", |e| optional_text(e.subject.as_ref())),
        field("actor", Text, "Who did it: a user, rule:NAME or system", |e| text(&e.actor)),
        field("incident", Text, "The incident it belongs to, for example INC-12", |e| optional_text(e.incident.as_ref())),
        field("run", Text, "The run it belongs to", |e| optional_text(e.run.as_ref())),
        field("cause", Text, "The id of the event that led to it", |e| optional_text(e.cause.as_ref())),
        field("id", Text, "The event's id", |e| text(&e.id)),
        field("data", Json, "What else the event tells; its members depend on the type", |e| {
            kernel::table::Cell::Json(e.data.clone())
        }),
    ],
};
