//! Backstage catalogue entities, with Mainstay's annotations.
//!
//! Source: Backstage, "Descriptor Format of Catalog Entities" and "Well-known Relations".

use std::collections::BTreeMap;

use kernel::entity::DEFAULT_NAMESPACE;
use kernel::{EntityRef, Impact};
use serde::Serialize;

use crate::codes;
use crate::diagnostic::{Level, Origin};
use crate::findings::Space;
use crate::kinds::{Document, Reading};
use crate::schema;
use crate::source::{Home, Node};
use crate::suggest;

/// What the business loses when the component fails: `low`, `medium`, `high` or `critical`.
pub const IMPACT_ANNOTATION: &str = "mainstay.dev/business-impact";
/// From 1 (most important) to 4.
pub const TIER_ANNOTATION: &str = "mainstay.dev/tier";
/// The `service.name` that the component's telemetry carries, where it is not the component's name.
pub const SERVICE_ANNOTATION: &str = "mainstay.dev/service";
/// On a Group: who leads its incidents.
pub const COMMANDER_ANNOTATION: &str = "mainstay.dev/commander";

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entity {
    pub reference: EntityRef,
    /// As written: `Component`.
    pub kind: String,
    pub name: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub tags: Vec<String>,
    pub links: Vec<Link>,
    /// `spec.type`
    pub type_: Option<String>,
    pub lifecycle: Option<String>,
    pub owner: Option<EntityRef>,
    pub system: Option<EntityRef>,
    pub domain: Option<EntityRef>,
    pub subcomponent_of: Option<EntityRef>,
    pub provides_apis: Vec<EntityRef>,
    pub consumes_apis: Vec<EntityRef>,
    pub depends_on: Vec<EntityRef>,
    pub parent: Option<EntityRef>,
    /// Of a Group.
    pub members: Vec<EntityRef>,
    /// Of a User.
    pub member_of: Vec<EntityRef>,
    /// `spec.profile.displayName`
    pub display_name: Option<String>,
    /// `spec.profile.email`
    pub email: Option<String>,
    pub impact: Option<Impact>,
    pub tier: Option<u8>,
    pub commander: Option<EntityRef>,
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    pub url: String,
    pub title: Option<String>,
}

impl Entity {
    /// The `service.name` of a component's telemetry.
    pub fn service(&self) -> Option<&str> {
        (self.reference.kind() == "component")
            .then(|| self.annotations.get(SERVICE_ANNOTATION).map_or(self.name.as_str(), String::as_str))
    }
}

/// The kinds whose fields mean something to Mainstay.
const KINDS: [&str; 7] = ["Component", "System", "API", "Resource", "Group", "User", "Domain"];
/// Other kinds that Backstage knows. They are kept.
const FOREIGN_KINDS: [&str; 2] = ["Location", "Template"];
const OUR_ANNOTATIONS: [&str; 4] = [IMPACT_ANNOTATION, TIER_ANNOTATION, SERVICE_ANNOTATION, COMMANDER_ANNOTATION];

pub(crate) fn read(tree: &Node, reading: &mut Reading<'_>) {
    let metadata = |field: &str| tree.at(&["metadata", field]).and_then(Node::text);
    let namespace = metadata("namespace").unwrap_or(DEFAULT_NAMESPACE).to_owned();
    reading.findings.home = Home { namespace };
    schema::ENTITY.check(tree, &mut reading.findings, reading.promql);
    check_kind(tree, reading);
    check_annotations(tree, reading);
    let home = reading.findings.home.clone();
    if let (Some(kind), Some(name)) = (tree.get("kind").and_then(Node::text), tree.at(&["metadata", "name"])) {
        let reference = EntityRef::new(kind, &home.namespace, name.text().unwrap_or_default());
        reading.findings.declare(Space::Entity, reference.to_string(), reference.to_string(), name.span);
    }
    let entity = decode(tree, &home, reading.findings.origin(tree.span));
    reading.keep(tree, entity.map(|entity| Document::Entity(Box::new(entity))));
}

fn check_kind(tree: &Node, reading: &mut Reading<'_>) {
    let Some(kind) = tree.get("kind") else { return };
    let text = kind.text().unwrap_or_default();
    if KINDS.contains(&text) {
        return;
    }
    if let Some(meant) = suggest::nearest(text, KINDS).filter(|_| !FOREIGN_KINDS.contains(&text)) {
        let mend = format!("did you mean `{meant}`?");
        let message = format!("`{text}` is not a kind of Backstage's catalogue");
        reading.findings.report(Level::Warning, codes::UNKNOWN_KIND, kind.span, message, mend);
    } else {
        reading.note(codes::FOREIGN_KIND, kind, format!("the kind `{text}` means nothing to Mainstay; the entity is kept"));
    }
}

/// Other tools' annotations are their own matter; a slip in one of ours would silently do nothing.
fn check_annotations(tree: &Node, reading: &mut Reading<'_>) {
    let annotations = tree.at(&["metadata", "annotations"]).map(Node::entries).unwrap_or_default();
    for (key, _) in annotations {
        let name = key.text().unwrap_or_default();
        if name.starts_with("mainstay.dev/") && !OUR_ANNOTATIONS.contains(&name) {
            let mend = suggest::mend(name, OUR_ANNOTATIONS, "the annotations there are");
            reading.findings.error(codes::UNKNOWN_FIELD, key.span, format!("there is no annotation `{name}`"), mend);
        }
    }
}

fn decode(tree: &Node, home: &Home, origin: Origin) -> Option<Entity> {
    let kind = tree.owned("kind")?;
    let metadata = tree.get("metadata")?;
    let name = metadata.owned("name")?;
    let annotations = metadata.text_map("annotations");
    let one = |field: &str, default: &str| {
        let text = tree.at(&["spec", field])?.text()?;
        home.resolve(text, Some(default)).ok()
    };
    let many = |field: &str, default: Option<&str>| -> Vec<EntityRef> {
        let items = tree.at(&["spec", field]).map(Node::items).unwrap_or_default();
        items.iter().filter_map(|item| home.resolve(item.text()?, default).ok()).collect()
    };
    let spec = |path: &[&str]| tree.get("spec").and_then(|spec| spec.at(path)).and_then(Node::text).map(str::to_owned);
    Some(Entity {
        reference: EntityRef::new(&kind, &home.namespace, &name),
        title: metadata.owned("title"),
        description: metadata.owned("description"),
        labels: metadata.text_map("labels"),
        tags: metadata.texts("tags"),
        links: links(metadata),
        type_: spec(&["type"]),
        lifecycle: spec(&["lifecycle"]),
        owner: one("owner", "group"),
        system: one("system", "system"),
        domain: one("domain", "domain"),
        subcomponent_of: one("subcomponentOf", "component"),
        provides_apis: many("providesApis", Some("api")),
        consumes_apis: many("consumesApis", Some("api")),
        depends_on: many("dependsOn", None),
        parent: one("parent", "group"),
        members: many("members", Some("user")),
        member_of: many("memberOf", Some("group")),
        display_name: spec(&["profile", "displayName"]),
        email: spec(&["profile", "email"]),
        impact: annotations.get(IMPACT_ANNOTATION).and_then(|text| impact(text)),
        tier: annotations.get(TIER_ANNOTATION).and_then(|text| text.parse().ok()),
        commander: annotations.get(COMMANDER_ANNOTATION).and_then(|text| home.resolve(text, Some("user")).ok()),
        annotations,
        kind,
        name,
        origin,
    })
}

fn links(metadata: &Node) -> Vec<Link> {
    let items = metadata.get("links").map(Node::items).unwrap_or_default();
    items.iter().filter_map(|item| Some(Link { url: item.owned("url")?, title: item.owned("title") })).collect()
}

fn impact(text: &str) -> Option<Impact> {
    match text {
        "low" => Some(Impact::Low),
        "medium" => Some(Impact::Medium),
        "high" => Some(Impact::High),
        "critical" => Some(Impact::Critical),
        _ => None,
    }
}
