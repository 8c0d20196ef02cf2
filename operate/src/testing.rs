//! What the tests of several capabilities share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use documents::catalog::Entity;
use documents::event_rule::{EventRule, Pattern, Target};
use documents::{Graph, Loaded, Origin};
use kernel::{EntityRef, Impact, ManualClock, SharedClock, Timestamp};
use ledger::{Event, EventFilter, Ledger};
use serde_json::Value;
use tokio::sync::watch;

/// A ledger in memory, a clock that the test moves, and documents that it can change.
pub struct House {
    pub clock: ManualClock,
    pub ledger: Ledger,
    documents: watch::Sender<Arc<Loaded>>,
}

impl House {
    pub async fn new(graph: Graph) -> Self {
        let clock = ManualClock::at(Timestamp::from_second(1_700_000_000).expect("a time of our days"));
        let ledger = Ledger::open("sqlite::memory:", Arc::new(clock.clone())).await.expect("a ledger in memory opens");
        let (documents, _) = watch::channel(loaded(graph));
        Self { clock, ledger, documents }
    }

    pub fn shared_clock(&self) -> SharedClock {
        Arc::new(self.clock.clone())
    }

    pub fn graph(&self) -> watch::Receiver<Arc<Loaded>> {
        self.documents.subscribe()
    }

    pub fn change_documents(&self, graph: Graph) {
        self.documents.send_replace(loaded(graph));
    }

    /// Of these kinds, oldest first.
    pub async fn events(&self, kinds: &[&str]) -> Vec<Event> {
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        self.ledger.events(&EventFilter { kinds, ..EventFilter::default() }).await.expect("events can be read")
    }
}

fn loaded(graph: Graph) -> Arc<Loaded> {
    Arc::new(Loaded { graph: Graph { root: PathBuf::from("/ops"), ..graph }, ..Loaded::default() })
}

pub fn origin() -> Origin {
    Origin { path: "ops/rules.yaml".to_owned(), line: 1, column: 1 }
}

pub fn reference(text: &str) -> EntityRef {
    text.parse().expect("the test's reference is one")
}

/// The shop: `orders` matters much and is owned by `team-shop`, led by `jo`.
pub fn shop() -> Graph {
    let component = Entity { owner: Some(reference("group:default/team-shop")), impact: Some(Impact::High), ..entity("component:default/orders") };
    let team = Entity { commander: Some(reference("user:default/jo")), ..entity("group:default/team-shop") };
    let entities = [component, team].map(|entity| (entity.reference.clone(), entity));
    Graph { entities: entities.into(), ..Graph::default() }
}

fn entity(text: &str) -> Entity {
    let reference = reference(text);
    Entity {
        kind: reference.kind().to_owned(),
        name: reference.name().to_owned(),
        reference,
        title: None,
        description: None,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        tags: Vec::new(),
        links: Vec::new(),
        type_: None,
        lifecycle: None,
        owner: None,
        system: None,
        domain: None,
        subcomponent_of: None,
        provides_apis: Vec::new(),
        consumes_apis: Vec::new(),
        depends_on: Vec::new(),
        parent: None,
        members: Vec::new(),
        member_of: Vec::new(),
        display_name: None,
        email: None,
        impact: None,
        tier: None,
        commander: None,
        origin: origin(),
    }
}

pub fn event_rule(name: &str, pattern: Value, targets: Vec<Target>) -> EventRule {
    EventRule {
        name: name.to_owned(),
        description: None,
        pattern: Pattern::compile(pattern).expect("the test's pattern compiles"),
        targets,
        enabled: true,
        origin: origin(),
    }
}
