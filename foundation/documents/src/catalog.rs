//! Backstage catalogue entities, with Mainstay's annotations.
//!
//! Source: Backstage, "Descriptor Format of Catalog Entities" and "Well-known Relations".

use std::collections::BTreeMap;

use kernel::{EntityRef, Impact};
use serde::Serialize;

use crate::Origin;

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
