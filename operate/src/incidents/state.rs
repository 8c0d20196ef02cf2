//! What may become of an incident. Decides only: no clock, disk or socket.

use std::collections::BTreeMap;

use kernel::{EntityRef, Severity, Timestamp};
use ledger::{Incident, IncidentStatus, Role, types};
use serde_json::{Map, Value, json};

/// A change that somebody asks for. Only what is given changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    pub title: Option<String>,
    pub summary: Option<String>,
    pub severity: Option<Severity>,
    pub status: Option<IncidentStatus>,
    pub commander: Option<EntityRef>,
    /// A role with `None` is vacated.
    pub roles: BTreeMap<Role, Option<EntityRef>>,
    /// Components that the incident harms, too.
    pub components: Vec<EntityRef>,
    /// Whether it is practice: what began as a game day's may turn out to be real.
    pub practice: Option<bool>,
}

/// An incident after a change, and the event that tells of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    pub incident: Incident,
    pub kind: &'static str,
    /// By field, `{"from": …, "to": …}`.
    pub changes: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    #[error("an incident needs a title")]
    NoTitle,
    #[error("the incident is {}; only a resolved one can be reopened", name(*.0))]
    NotResolved(IncidentStatus),
    #[error("an incident that is {} cannot become {}; {}", name(*.from), name(*.to), mend(*.from))]
    Status { from: IncidentStatus, to: IncidentStatus },
}

/// None if nothing would be different.
pub fn change(was: &Incident, change: &Change, now: Timestamp) -> Result<Option<Changed>, StateError> {
    let mut is = was.clone();
    if let Some(title) = &change.title {
        is.title = title.trim().to_owned();
    }
    if is.title.is_empty() {
        return Err(StateError::NoTitle);
    }
    is.summary = change.summary.clone().unwrap_or(is.summary);
    is.severity = change.severity.unwrap_or(is.severity);
    is.commander = change.commander.clone().or(is.commander);
    is.practice = change.practice.unwrap_or(is.practice);
    for (role, who) in &change.roles {
        match who {
            Some(who) => is.roles.insert(*role, who.clone()),
            None => is.roles.remove(role),
        };
    }
    for component in &change.components {
        if !is.components.contains(component) {
            is.components.push(component.clone());
        }
    }
    if let Some(status) = change.status.filter(|status| *status != was.status) {
        move_to(&mut is, status, now)?;
    }
    let changes = differences(was, &is);
    let kind = match (was.status, is.status) {
        (IncidentStatus::Resolved, IncidentStatus::Open) => types::INCIDENT_REOPENED,
        (from, IncidentStatus::Resolved) if from != IncidentStatus::Resolved => types::INCIDENT_RESOLVED,
        _ => types::INCIDENT_UPDATED,
    };
    Ok((!changes.is_empty()).then_some(Changed { incident: is, kind, changes }))
}

/// Trouble may be acknowledged, mitigated, resolved, skipping steps; harm that returns takes a mitigated
/// incident back to acknowledged; only reopening leaves the end.
fn move_to(incident: &mut Incident, to: IncidentStatus, now: Timestamp) -> Result<(), StateError> {
    use IncidentStatus::{Acknowledged, Mitigated, Open, Resolved};
    match (incident.status, to) {
        (Open, Acknowledged) => incident.acknowledged_at = Some(now),
        (Mitigated, Acknowledged) => incident.mitigated_at = None,
        (Open | Acknowledged, Mitigated) => {
            incident.acknowledged_at.get_or_insert(now);
            incident.mitigated_at = Some(now);
        }
        (Open | Acknowledged | Mitigated, Resolved) => {
            incident.mitigated_at.get_or_insert(now);
            incident.resolved_at = Some(now);
        }
        (Resolved, Open) => {
            incident.mitigated_at = None;
            incident.resolved_at = None;
        }
        (from, to) => return Err(StateError::Status { from, to }),
    }
    incident.status = to;
    Ok(())
}

fn differences(was: &Incident, is: &Incident) -> Map<String, Value> {
    let pairs = [
        ("title", json!(was.title), json!(is.title)),
        ("summary", json!(was.summary), json!(is.summary)),
        ("severity", json!(was.severity), json!(is.severity)),
        ("status", json!(was.status), json!(is.status)),
        ("commander", json!(was.commander), json!(is.commander)),
        ("roles", json!(was.roles), json!(is.roles)),
        ("practice", json!(was.practice), json!(is.practice)),
        ("components", json!(was.components), json!(is.components)),
    ];
    pairs
        .into_iter()
        .filter(|(_, from, to)| from != to)
        .map(|(field, from, to)| (field.to_owned(), json!({ "from": from, "to": to })))
        .collect()
}

pub(super) fn name(status: IncidentStatus) -> &'static str {
    match status {
        IncidentStatus::Open => "open",
        IncidentStatus::Acknowledged => "acknowledged",
        IncidentStatus::Mitigated => "mitigated",
        IncidentStatus::Resolved => "resolved",
    }
}

fn mend(from: IncidentStatus) -> &'static str {
    match from {
        IncidentStatus::Resolved => "reopen it first",
        IncidentStatus::Mitigated => "acknowledge it if the harm is back, or resolve it",
        IncidentStatus::Open | IncidentStatus::Acknowledged => "mitigate or resolve it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::IncidentId;

    fn incident(status: IncidentStatus) -> Incident {
        Incident {
            id: IncidentId::from_number(1),
            title: "Orders fail".to_owned(),
            summary: String::new(),
            severity: Severity::Sev3,
            status,
            commander: None,
            roles: BTreeMap::new(),
            components: Vec::new(),
            practice: false,
            fingerprint: None,
            opened_at: Timestamp::UNIX_EPOCH,
            acknowledged_at: None,
            mitigated_at: None,
            resolved_at: (status == IncidentStatus::Resolved).then_some(Timestamp::UNIX_EPOCH),
            revision: 1,
        }
    }

    #[test]
    fn statuses_move_only_where_they_may() {
        use IncidentStatus::*;
        let all = [Open, Acknowledged, Mitigated, Resolved];
        let allowed = |from| match from {
            Open => vec![Acknowledged, Mitigated, Resolved],
            Acknowledged => vec![Mitigated, Resolved],
            Mitigated => vec![Acknowledged, Resolved],
            Resolved => vec![Open],
        };
        for from in all {
            for to in all.into_iter().filter(|to| *to != from) {
                let outcome = change(&incident(from), &Change { status: Some(to), ..Change::default() }, Timestamp::UNIX_EPOCH);
                assert_eq!(outcome.is_ok(), allowed(from).contains(&to), "{from:?} → {to:?}");
            }
        }
    }

    #[test]
    fn a_refused_move_names_the_mend() {
        let error = change(&incident(IncidentStatus::Resolved), &Change { status: Some(IncidentStatus::Mitigated), ..Change::default() }, Timestamp::UNIX_EPOCH);
        assert_eq!(error.unwrap_err().to_string(), "an incident that is resolved cannot become mitigated; reopen it first");
    }

    #[test]
    fn an_event_tells_what_changed_and_nothing_else() {
        let jo: EntityRef = "user:default/jo".parse().unwrap();
        let asked = Change {
            severity: Some(Severity::Sev1),
            title: Some(" Orders fail ".to_owned()),
            roles: BTreeMap::from([(Role::Scribe, Some(jo)), (Role::Deputy, None)]),
            ..Change::default()
        };
        let changed = change(&incident(IncidentStatus::Open), &asked, Timestamp::UNIX_EPOCH).unwrap().unwrap();
        assert_eq!(changed.kind, types::INCIDENT_UPDATED);
        assert_eq!(
            Value::from(changed.changes),
            json!({
                "severity": { "from": "sev3", "to": "sev1" },
                "roles": { "from": {}, "to": { "scribe": "user:default/jo" } },
            })
        );
        assert_eq!(change(&incident(IncidentStatus::Open), &Change::default(), Timestamp::UNIX_EPOCH), Ok(None));
    }
}
