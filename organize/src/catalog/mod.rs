//! The catalogue: the entities of the documents with their relations in both directions, for the page
//! and for SQL.

mod relations;
mod tables;

pub use relations::{Relation, relations};
pub use tables::CatalogTables;

use documents::Graph;
use documents::catalog::Entity;
use kernel::EntityRef;
use ledger::{AlarmRecord, AlarmState};

/// Whether an alarm is about this entity: it names it, or one of its instances carries its label.
pub fn concerns(alarm: &AlarmRecord, entity: &Entity) -> bool {
    alarm.component.as_ref() == Some(&entity.reference)
        || alarm.instances.iter().any(|instance| instance_component(&instance.labels).as_ref() == Some(&entity.reference))
}

/// The component that an alarm instance's labels name.
pub fn instance_component(labels: &std::collections::BTreeMap<String, String>) -> Option<EntityRef> {
    let text = labels.get(documents::rules::COMPONENT_LABEL)?;
    EntityRef::parse_with_default_kind(text, "component").ok()
}

/// The state most worth showing of those that concern the entity; none without alarms.
pub fn alarm_state(alarms: &[AlarmRecord], entity: &Entity) -> Option<AlarmState> {
    alarms.iter().filter(|alarm| concerns(alarm, entity)).map(|alarm| alarm.state).max_by_key(|state| urgency(*state))
}

/// Greater is worse.
pub fn urgency(state: AlarmState) -> u8 {
    match state {
        AlarmState::Inactive => 0,
        AlarmState::Resolved => 1,
        AlarmState::NoData => 2,
        AlarmState::Error => 3,
        AlarmState::Pending => 4,
        AlarmState::Firing => 5,
    }
}

/// Users of the catalogue, for pickers.
pub fn users(graph: &Graph) -> impl Iterator<Item = &Entity> {
    graph.entities.values().filter(|entity| entity.reference.kind() == "user")
}
