//! Who may approve a step. Decides only.

use documents::Graph;
use kernel::EntityRef;
use ledger::{Actor, Approval};

use super::RunError;

/// Whether `actor` may approve for the run that `initiator` asked for.
pub fn check(approval: &Approval, actor: &Actor, initiator: &Actor, graph: &Graph) -> Result<(), RunError> {
    if actor == initiator {
        return Err(RunError::ByInitiator);
    }
    if !is_approver(approval, actor, graph) {
        let approvers: Vec<String> = approval.approvers.iter().map(EntityRef::to_string).collect();
        return Err(RunError::NotApprover { actor: actor.to_string(), approvers: approvers.join(", ") });
    }
    if approval.approved_by.contains(actor) {
        return Err(RunError::ApprovedAlready { actor: actor.to_string() });
    }
    Ok(())
}

/// Whether the policy names `actor`, or a group that it is a member of; an empty policy names everyone.
fn is_approver(approval: &Approval, actor: &Actor, graph: &Graph) -> bool {
    let is_actor = |reference: &EntityRef| reference.to_string() == actor.0;
    approval.approvers.is_empty()
        || approval.approvers.iter().any(|approver| match approver.kind() {
            "group" => graph.members(approver).iter().any(is_actor),
            _ => is_actor(approver),
        })
}
