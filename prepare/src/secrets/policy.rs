//! Who may read which secret. Decides only: no clock, disk or socket.
//!
//! A person reads as themself, a run reads as its document: whoever may ask for a run does not thereby see what it
//! reads. The longest entry of the workload's `spec.secrets` for a path decides; without one, the part of the path that
//! names a component does, and its owners may read. This is the one place that policy as code will take.

use documents::Graph;
use documents::workload::SecretPolicy;
use kernel::EntityRef;
use ledger::Actor;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub actor: Actor,
    /// The name of the document on whose behalf a run asks.
    pub document: Option<String>,
}

impl Principal {
    pub fn person(actor: &Actor) -> Self {
        Self { actor: actor.clone(), document: None }
    }

    pub fn run(initiator: &Actor, document: &str) -> Self {
        Self { actor: initiator.clone(), document: Some(document.to_owned()) }
    }
}

/// The reason with its mend, if not.
pub fn may_read(graph: &Graph, principal: &Principal, path: &str) -> Result<(), String> {
    let policy = policy_for(graph, path).ok_or_else(|| {
        format!("no entry of the workload's spec.secrets is for {path}, and no part of it names a component: add one with its `readers` or `documents`")
    })?;
    match &principal.document {
        None if reads(graph, &policy, &principal.actor) => Ok(()),
        None => Err(format!("{} may not read {path}: neither an owner of its component nor among the `readers` of the workload's spec.secrets", principal.actor)),
        Some(document) if plays(graph, &policy, document) => Ok(()),
        Some(document) => Err(format!("runs of {document} may not read {path}: add it to the `documents` of the workload's spec.secrets")),
    }
}

/// The nearest entry, or one of the component that the path names.
fn policy_for(graph: &Graph, path: &str) -> Option<SecretPolicy> {
    let covers = |entry: &&SecretPolicy| path.strip_prefix(&entry.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let written = graph.workload.secrets.iter().filter(covers).max_by_key(|entry| entry.path.len());
    written.cloned().or_else(|| {
        let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
        let named = |level: &str| graph.components().find(|entity| entity.reference.name() == level.to_lowercase());
        let component = folders.rsplit('/').filter(|level| !level.is_empty()).find_map(named)?.reference.clone();
        Some(SecretPolicy { path: path.to_owned(), component: Some(component), ..SecretPolicy::default() })
    })
}

fn reads(graph: &Graph, policy: &SecretPolicy, actor: &Actor) -> bool {
    let Ok(person) = actor.0.parse::<EntityRef>() else { return false };
    let owner = policy.component.as_ref().and_then(|component| graph.entity(component)?.owner.clone());
    policy.readers.iter().chain(&owner).any(|reader| *reader == person || graph.members(reader).contains(&person))
}

fn plays(graph: &Graph, policy: &SecretPolicy, document: &str) -> bool {
    let of_component = |name: &str| graph.runbooks.get(name).and_then(|runbook| runbook.component.as_ref());
    policy.documents.iter().any(|name| name == document) || (policy.component.is_some() && of_component(document) == policy.component.as_ref())
}
