//! `ops.alarms`.

use kernel::table::ColumnType::{Integer, Json, Text, Timestamp};

use super::field::{Sheet, field, integer, json, label, optional_text, text, time};
use crate::{AlarmRecord, AlarmState};

pub(super) const ALARMS: Sheet<AlarmRecord> = Sheet {
    name: "ops.alarms",
    description: "Alarms as last judged, by id.",
    fields: &[
        field("id", Text, "rule_group/name", |a| text(&a.id)),
        field("rule_group", Text, "The rule group", |a| text(&a.group)),
        field("name", Text, "The alert's name", |a| text(&a.name)),
        field("state", Text, "inactive, pending, firing, resolved, nodata or error: the worst of its instances", |a| {
            label(&a.state)
        }),
        field("since", Timestamp, "Since when it is in this state", |a| time(a.since)),
        field("severity", Text, "The rule's severity label", |a| optional_text(a.severity.as_ref())),
        field("component", Text, "The component it watches", |a| optional_text(a.component.as_ref())),
        field("runbook", Text, "The runbook that the rule names", |a| optional_text(a.runbook.as_ref())),
        field("expression", Text, "The rule's PromQL expression", |a| text(&a.expression)),
        field("error", Text, "Why it could not be evaluated", |a| optional_text(a.error.as_ref())),
        field("firing_count", Integer, "How many of its instances fire", |a| {
            integer(a.instances.iter().filter(|instance| instance.state == AlarmState::Firing).count() as i64)
        }),
        field("instances", Json, "One for each label set: labels, annotations, state, value, times", |a| json(&a.instances)),
        field("verdict", Json, "The last judgement with its evidence: query, window and result", |a| json(&a.verdict)),
    ],
};
