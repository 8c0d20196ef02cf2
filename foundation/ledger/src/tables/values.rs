//! `ops.parameters` and `ops.secrets`; of secrets never a value.

use kernel::table::Cell;
use kernel::table::ColumnType::{Integer, Json, Text, Timestamp};

use super::field::{Sheet, field, integer, json, optional_text, text, time};
use crate::{Parameter, Secret, Stage};

pub(super) const PARAMETERS: Sheet<Parameter> = Sheet {
    name: "ops.parameters",
    description: "Parameters by path; their values are at /api/parameters.",
    fields: &[
        field("path", Text, "Where it lies, for example /shop/orders/timeout", |p| text(&p.path)),
        field("description", Text, "What it is for", |p| optional_text(p.description.as_deref())),
        field("version", Integer, "The number of the newest version", |p| integer(p.latest)),
        field("labels", Json, "The version that each label stands at", |p| json(&p.labels)),
        field("changed_at", Timestamp, "When it was changed", |p| time(p.changed_at)),
        field("changed_by", Text, "Who changed it", |p| text(&p.changed_by)),
    ],
};

pub(super) const SECRETS: Sheet<Secret> = Sheet {
    name: "ops.secrets",
    description: "Secrets by path, without their values.",
    fields: &[
        field("path", Text, "Where it lies, for example /shop/orders/db-password", |s| text(&s.path)),
        field("description", Text, "What it is for", |s| optional_text(s.description.as_deref())),
        field("current", Integer, "The version in use", |s| staged(s, Stage::Current)),
        field("pending", Integer, "The version that is not in use yet", |s| staged(s, Stage::Pending)),
        field("previous", Integer, "The version that was in use before", |s| staged(s, Stage::Previous)),
        field("changed_at", Timestamp, "When the current version became it", |s| time(s.changed_at)),
        field("changed_by", Text, "Who made it current", |s| text(&s.changed_by)),
        field("rotation", Text, "The run that is rotating it", |s| optional_text(s.rotation.as_ref().map(|rotation| &rotation.run))),
    ],
};

fn staged(secret: &Secret, stage: Stage) -> Cell {
    secret.stages.get(&stage).map_or(Cell::Null, |version| integer(*version))
}
