//! `ops.runs`, `ops.run_steps` and `ops.run_output`.

use kernel::table::Cell;
use kernel::table::ColumnType::{Boolean, Float, Integer, Json, Text, Timestamp};

use super::field::{Sheet, field, integer, json, label, optional_text, seconds, text, time};
use crate::{OutputChunk, Run, Step};

pub(super) const RUNS: Sheet<Run> = Sheet {
    name: "ops.runs",
    description: "Durable executions of runbooks and playbooks, newest first; the newest 100,000.",
    fields: &[
        field("id", Text, "The run's id", |r| text(&r.id)),
        field("kind", Text, "runbook or playbook", |r| label(&r.kind)),
        field("document", Text, "The name of the document it executes", |r| text(&r.document)),
        field("title", Text, "The document's title", |r| text(&r.title)),
        field(
            "status",
            Text,
            "requested, running, waiting, interrupted, succeeded, failed or cancelled",
            |r| label(&r.status),
        ),
        field("initiator", Text, "Who asked for it: a user, rule:NAME or system", |r| text(&r.initiator)),
        field("incident", Text, "The incident it belongs to, for example INC-12", |r| optional_text(r.incident.as_ref())),
        field("component", Text, "The component it is about", |r| optional_text(r.component.as_ref())),
        field("requested_at", Timestamp, "When it was asked for", |r| time(r.requested_at)),
        field("started_at", Timestamp, "When its first step began", |r| time(r.started_at)),
        field("finished_at", Timestamp, "When it ended", |r| time(r.finished_at)),
        field("deadline", Timestamp, "When it is cancelled if it has not ended", |r| time(r.deadline)),
        field("wait_s", Float, "From the request to the start, in seconds", |r| seconds(r.requested_at, r.started_at)),
        field("duration_s", Float, "From the start to the end, in seconds", |r| seconds(r.started_at, r.finished_at)),
        field("error", Text, "Why it failed, was cancelled or was interrupted", |r| optional_text(r.error.as_ref())),
        field("cancel_requested", Boolean, "Whether somebody asked to cancel it", |r| Cell::Boolean(r.cancel_requested)),
        field("parameters", Json, "What it was given, by name", |r| json(&r.parameters)),
        field("outputs", Json, "What its steps handed out, by name", |r| json(&r.outputs)),
        field("document_digest", Text, "Hash of the document's text when it was asked for", |r| text(&r.document_digest)),
        field("revision", Integer, "Grows with each change of the run", |r| integer(r.revision)),
    ],
};

pub(super) const STEPS: Sheet<Step> = Sheet {
    name: "ops.run_steps",
    description: "The steps of runs, newest run first, in the order of execution; the newest 100,000.",
    fields: &[
        field("run", Text, "The run's id", |s| text(&s.run)),
        field("step", Integer, "Place in the run, from 0", |s| integer(s.index)),
        field("name", Text, "The step's name", |s| text(&s.name)),
        field("language", Text, "bash, python, sql, promql, …", |s| text(&s.language)),
        field(
            "status",
            Text,
            "pending, running, waiting, interrupted, succeeded, failed, skipped or cancelled",
            |s| label(&s.status),
        ),
        field("attempt", Integer, "How often it was begun", |s| integer(s.attempt)),
        field("started_at", Timestamp, "When it was last begun", |s| time(s.started_at)),
        field("finished_at", Timestamp, "When it ended", |s| time(s.finished_at)),
        field("duration_s", Float, "From the start to the end, in seconds", |s| seconds(s.started_at, s.finished_at)),
        field("exit_code", Integer, "What its process returned", |s| s.exit_code.map_or(Cell::Null, integer)),
        field("error", Text, "Why it did not succeed", |s| optional_text(s.error.as_ref())),
        field("approvals_needed", Integer, "How many must approve before it runs; null without a gate", |s| {
            s.approval.as_ref().map_or(Cell::Null, |approval| integer(approval.needed))
        }),
        field("approved_by", Json, "Who approved; null without a gate", |s| {
            s.approval.as_ref().map_or(Cell::Null, |approval| json(&approval.approved_by))
        }),
        field("rejected_by", Text, "Who rejected it", |s| {
            optional_text(s.approval.as_ref().and_then(|approval| approval.rejected_by.as_ref()))
        }),
        field("source", Text, "What it executes", |s| text(&s.source)),
    ],
};

pub(super) const OUTPUT: Sheet<OutputChunk> = Sheet {
    name: "ops.run_output",
    description: "What runs wrote, newest run first, latest chunk first; the newest 100,000 chunks, at most 64 MiB.",
    fields: &[
        field("run", Text, "The run's id", |o| text(&o.run)),
        field("step", Integer, "Place of the step in the run, from 0", |o| integer(o.step)),
        field("sequence", Integer, "Place of the chunk in the run's output", |o| integer(o.sequence)),
        field("time", Timestamp, "When it was written", |o| time(o.time)),
        field("kind", Text, "stdout, stderr, table, chart or note", |o| label(&o.kind)),
        field("data", Text, "The text; JSON for a table or a chart", |o| text(&o.data)),
    ],
};
