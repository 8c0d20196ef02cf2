//! Who may approve a step, and who may steer a deployment. Decides only.

use documents::Graph;
use kernel::EntityRef;
use ledger::{Actor, Approval};

use super::RunError;

/// Whether `actor` may approve for the run that `initiator` asked for.
pub fn check(approval: &Approval, actor: &Actor, initiator: &Actor, graph: &Graph) -> Result<(), RunError> {
    if actor == initiator {
        return Err(RunError::ByInitiator);
    }
    if !graph.names(&approval.approvers, &actor.0) {
        return Err(RunError::NotApprover { actor: actor.to_string(), approvers: list(&approval.approvers) });
    }
    if approval.approved_by.contains(actor) {
        return Err(RunError::ApprovedAlready { actor: actor.to_string() });
    }
    Ok(())
}

/// Whether `actor` may steer a deployment, its run and its retries. A document that is gone forbids nobody.
pub fn check_operator(graph: &Graph, deployment: &str, actor: &Actor) -> Result<(), RunError> {
    match graph.deployments.get(deployment) {
        Some(deployment) if !graph.names(&deployment.operators, &actor.0) => {
            Err(RunError::NotOperator { actor: actor.to_string(), deployment: deployment.name.clone(), operators: list(&deployment.operators) })
        }
        _ => Ok(()),
    }
}

fn list(people: &[EntityRef]) -> String {
    people.iter().map(EntityRef::to_string).collect::<Vec<_>>().join(", ")
}
