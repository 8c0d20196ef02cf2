//! `ops.incidents`.

use kernel::table::Cell;
use kernel::table::ColumnType::{Boolean, Float, Integer, Json, Text, Timestamp};

use super::field::{Sheet, field, integer, json, label, optional_text, seconds, text, time};
use crate::Incident;

pub(super) const INCIDENTS: Sheet<Incident> = Sheet {
    name: "ops.incidents",
    description: "Incidents, newest first; the newest 100,000.",
    fields: &[
        field("id", Text, "The incident's id, for example INC-12", |i| text(i.id)),
        field("number", Integer, "The id's number; grows with each incident", |i| integer(i.id.number())),
        field("title", Text, "What is wrong, in one line", |i| text(&i.title)),
        field("summary", Text, "What is known", |i| text(&i.summary)),
        field("severity", Text, "sev1 (the worst) to sev5", |i| label(&i.severity)),
        field("status", Text, "open, acknowledged, mitigated or resolved", |i| label(&i.status)),
        field("commander", Text, "The user or group in command", |i| optional_text(i.commander.as_ref())),
        field("roles", Json, "Who fills which other role", |i| json(&i.roles)),
        field("components", Json, "The components it harms", |i| json(&i.components)),
        field("practice", Boolean, "Whether it is a game day's: leave those out where you count real trouble", |i| Cell::Boolean(i.practice)),
        field("fingerprint", Text, "What reports of the same trouble have in common", |i| {
            optional_text(i.fingerprint.as_ref())
        }),
        field("opened_at", Timestamp, "When it was opened", |i| time(i.opened_at)),
        field("acknowledged_at", Timestamp, "When somebody took it", |i| time(i.acknowledged_at)),
        field("mitigated_at", Timestamp, "When the harm stopped", |i| time(i.mitigated_at)),
        field("resolved_at", Timestamp, "When it was closed", |i| time(i.resolved_at)),
        field("time_to_acknowledge_s", Float, "From opening to acknowledging, in seconds", |i| {
            seconds(i.opened_at, i.acknowledged_at)
        }),
        field("time_to_mitigate_s", Float, "From opening to mitigating, in seconds", |i| {
            seconds(i.opened_at, i.mitigated_at)
        }),
        field("time_to_resolve_s", Float, "From opening to resolving, in seconds", |i| {
            seconds(i.opened_at, i.resolved_at)
        }),
        field("revision", Integer, "Grows with each change of the incident", |i| integer(i.revision)),
    ],
};
