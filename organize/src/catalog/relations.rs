//! Relations in both directions. Source: Backstage, "Well-known Relations between Catalog Entities".

use documents::Graph;
use documents::catalog::Entity;
use kernel::EntityRef;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    pub name: &'static str,
    pub target: EntityRef,
}

/// Each pair: the name at the entity that says it, and at the one it names.
const PAIRS: [(&str, &str, fn(&Entity) -> Vec<&EntityRef>); 10] = [
    ("ownedBy", "ownerOf", |e| e.owner.iter().collect()),
    ("partOf", "hasPart", |e| e.system.iter().chain(&e.subcomponent_of).collect()),
    ("partOf", "hasPart", |e| e.domain.iter().collect()),
    ("providesApi", "apiProvidedBy", |e| e.provides_apis.iter().collect()),
    ("consumesApi", "apiConsumedBy", |e| e.consumes_apis.iter().collect()),
    ("dependsOn", "dependencyOf", |e| e.depends_on.iter().collect()),
    ("childOf", "parentOf", |e| e.parent.iter().collect()),
    ("memberOf", "hasMember", |e| e.member_of.iter().collect()),
    ("hasMember", "memberOf", |e| e.members.iter().collect()),
    ("ledBy", "leads", |e| e.commander.iter().collect()),
];

/// What the entity says of others, and what others say of it; each once, in order of name and target.
pub fn relations(graph: &Graph, entity: &Entity) -> Vec<Relation> {
    let mut found: Vec<Relation> = Vec::new();
    for (forward, backward, targets) in PAIRS {
        found.extend(targets(entity).into_iter().map(|target| Relation { name: forward, target: target.clone() }));
        let named_by = graph.entities.values().filter(|other| targets(other).contains(&&entity.reference));
        found.extend(named_by.map(|other| Relation { name: backward, target: other.reference.clone() }));
    }
    found.sort_by(|a, b| (a.name, &a.target).cmp(&(b.name, &b.target)));
    found.dedup();
    found
}
