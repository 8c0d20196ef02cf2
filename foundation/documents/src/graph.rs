//! The checked documents of one folder.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kernel::EntityRef;

use crate::canary::Canary;
use crate::catalog::Entity;
use crate::config_profile::{self, ConfigProfile};
use crate::deployment::Deployment;
use crate::event_rule::EventRule;
use crate::experiment::Experiment;
use crate::game_day::GameDay;
use crate::rules::RuleGroup;
use crate::runbook::Runbook;
use crate::script::Script;
use crate::workload::Workload;
use crate::Diagnostic;

/// Everything that has no errors. Documents with errors are left out; the rest goes on working.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    pub root: PathBuf,
    /// The git commit that the folder stands at, if it is in a repository.
    pub revision: Option<String>,
    pub workload: Workload,
    pub entities: BTreeMap<EntityRef, Entity>,
    pub rule_groups: Vec<RuleGroup>,
    pub event_rules: Vec<EventRule>,
    pub runbooks: BTreeMap<String, Runbook>,
    /// By the file's name without its ending.
    pub scripts: BTreeMap<String, Script>,
    /// By the file's name without its ending.
    pub experiments: BTreeMap<String, Experiment>,
    pub canaries: BTreeMap<String, Canary>,
    pub game_days: BTreeMap<String, GameDay>,
    pub deployments: BTreeMap<String, Deployment>,
    pub config_profiles: BTreeMap<String, ConfigProfile>,
}

impl Graph {
    pub fn entity(&self, reference: &EntityRef) -> Option<&Entity> {
        self.entities.get(reference)
    }

    /// A deployment by its name, or the rollout of a profile in an environment by its.
    pub fn deployment(&self, name: &str) -> Option<Deployment> {
        if let Some(deployment) = self.deployments.get(name) {
            return Some(deployment.clone());
        }
        let (profile, environment) = config_profile::of_rollout_name(name)?;
        let profile = self.config_profiles.get(profile)?;
        Some(profile.rollout(profile.environment(environment)?))
    }

    pub fn components(&self) -> impl Iterator<Item = &Entity> {
        self.entities.values().filter(|entity| entity.reference.kind() == "component")
    }

    /// The component whose telemetry carries this `service.name`.
    pub fn component_of_service(&self, service: &str) -> Option<&Entity> {
        self.components().find(|entity| entity.service() == Some(service))
    }

    /// Who leads an incident of this component: the commander that the owning group names, else the
    /// group's first member, else the owner itself if it is a user.
    pub fn commander_for(&self, component: &EntityRef) -> Option<EntityRef> {
        let owner = self.entity(component)?.owner.clone()?;
        if owner.kind() == "user" {
            return Some(owner);
        }
        let group = self.entity(&owner)?;
        group.commander.clone().or_else(|| self.members(&owner).into_iter().next())
    }

    /// The users of a group: those that it lists and those that say `memberOf`, in order of reference.
    pub fn members(&self, group: &EntityRef) -> Vec<EntityRef> {
        let listed = self.entity(group).map(|entity| entity.members.clone()).unwrap_or_default();
        let mut members: Vec<EntityRef> = self
            .entities
            .values()
            .filter(|entity| entity.member_of.contains(group))
            .map(|entity| entity.reference.clone())
            .filter(|member| !listed.contains(member))
            .collect();
        members.splice(0..0, listed);
        members
    }

    /// Whether a list of users and groups names `user`; an empty one names everybody.
    pub fn names(&self, people: &[EntityRef], user: &str) -> bool {
        let is_user = |reference: &EntityRef| reference.to_string() == user;
        people.is_empty() || people.iter().any(|one| if one.kind() == "group" { self.members(one).iter().any(is_user) } else { is_user(one) })
    }
}

/// What reading a folder came to.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    pub graph: Graph,
    pub diagnostics: Vec<Diagnostic>,
    /// How many files held a document.
    pub files: usize,
}
