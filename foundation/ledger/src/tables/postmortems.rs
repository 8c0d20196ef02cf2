//! `ops.postmortems` and `ops.actions`.

use kernel::table::ColumnType::{Float, Text, Timestamp};

use super::field::{Sheet, field, label, optional_text, seconds, text, time};
use crate::{Action, Postmortem};

pub(super) const POSTMORTEMS: Sheet<Postmortem> = Sheet {
    name: "ops.postmortems",
    description: "Post-mortems that were drafted, newest first.",
    fields: &[
        field("incident", Text, "The incident's id, for example INC-12", |p| text(p.incident)),
        field("title", Text, "The post-mortem's title", |p| text(&p.title)),
        field("path", Text, "Of the Markdown file, below the repository's root", |p| text(&p.path)),
        field("drafted_at", Timestamp, "When it was drafted", |p| time(p.drafted_at)),
    ],
};

pub(super) const ACTIONS: Sheet<Action> = Sheet {
    name: "ops.actions",
    description: "Actions that came out of post-mortems, newest first; the newest 100,000.",
    fields: &[
        field("id", Text, "The action's id", |a| text(&a.id)),
        field("incident", Text, "The incident it came out of, for example INC-12", |a| text(a.incident)),
        field("title", Text, "What is to be done", |a| text(&a.title)),
        field("owner", Text, "Who does it", |a| optional_text(a.owner.as_ref())),
        field("status", Text, "open or done", |a| label(&a.status)),
        field("created_at", Timestamp, "When it was added", |a| time(a.created_at)),
        field("done_at", Timestamp, "When it was done", |a| time(a.done_at)),
        field("time_to_done_s", Float, "From adding to doing, in seconds", |a| seconds(a.created_at, a.done_at)),
    ],
};
