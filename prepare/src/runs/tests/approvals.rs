//! Gates: who may open them, how many it takes, and how long they stay.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Classified, Kind};
use ledger::{OutputKind, RunStatus, StepStatus, types};

use super::world::{World, user};
use crate::runs::RunError;

fn gated(attributes: &str) -> String {
    format!("---\napiVersion: mainstay.dev/v1\nkind: Runbook\nspec:\n  timeout: 1h\n---\n```bash\necho first\n```\n```bash {{ name=change {attributes} }}\necho changed\n```\n")
}

#[tokio::test]
async fn two_of_a_group_must_agree_and_never_whoever_asked() {
    let world = World::with(&[("change", &gated("approval=oncall approvals=2 approvalReason=\"it restarts\""))]).await;
    let run = world.request("change", &[]).await;
    world.until(&run.id, RunStatus::Waiting).await;
    let asked = world.step(&run.id, 1).await.approval.unwrap();
    assert_eq!((asked.needed, asked.reason.as_deref()), (2, Some("it restarts")));

    let by_initiator = world.runs.approve(&run.id, &user("jo"), None).await.unwrap_err();
    assert_eq!(by_initiator.to_string(), "whoever asked for a run cannot approve it; ask a colleague");
    let stranger = world.runs.approve(&run.id, &user("eve"), None).await.unwrap_err();
    assert_eq!((stranger.kind(), stranger.to_string()), (Kind::Forbidden, "user:default/eve is not among the approvers of this step: group:default/oncall".to_owned()));
    let other = world.runs.approve(&run.id, &user("ann"), Some("something else")).await.unwrap_err();
    assert!(matches!(other, RunError::Changed));

    world.runs.approve(&run.id, &user("ann"), Some(&asked.digest)).await.unwrap();
    assert!(matches!(world.runs.approve(&run.id, &user("ann"), None).await, Err(RunError::ApprovedAlready { .. })));
    assert_eq!(world.ledger.run(&run.id).await.unwrap().status, RunStatus::Waiting);
    assert_eq!(world.output(&run.id, OutputKind::Stdout).await, "first\n");

    world.runs.approve(&run.id, &user("bob"), None).await.unwrap();
    world.until(&run.id, RunStatus::Succeeded).await;
    assert_eq!(world.output(&run.id, OutputKind::Stdout).await, "first\nchanged\n");
    let kinds: Vec<String> = world.events(&run.id).await.into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == types::RUN_APPROVED).count(), 2);
    assert!(kinds.contains(&types::RUN_WAITING.to_owned()));
}

#[tokio::test]
async fn two_who_approve_at_once_both_count() {
    let world = World::with(&[("change", &gated("approval=oncall approvals=2"))]).await;
    let run = world.request("change", &[]).await;
    world.until(&run.id, RunStatus::Waiting).await;
    let (ann, bob) = (user("ann"), user("bob"));
    let (first, second) = tokio::join!(world.runs.approve(&run.id, &ann, None), world.runs.approve(&run.id, &bob, None));
    first.and(second).unwrap();
    world.until(&run.id, RunStatus::Succeeded).await;
}

#[tokio::test]
async fn anyone_but_the_initiator_may_open_a_gate_that_names_nobody() {
    let world = World::with(&[("change", &gated("approval=true"))]).await;
    let run = world.request("change", &[]).await;
    world.until(&run.id, RunStatus::Waiting).await;
    assert!(matches!(world.runs.approve(&run.id, &user("jo"), None).await, Err(RunError::ByInitiator)));
    world.runs.approve(&run.id, &user("eve"), None).await.unwrap();
    world.until(&run.id, RunStatus::Succeeded).await;
}

#[tokio::test]
async fn a_rejection_cancels_the_run() {
    let world = World::with(&[("change", &gated("approval=oncall"))]).await;
    let run = world.request("change", &[]).await;
    world.until(&run.id, RunStatus::Waiting).await;
    world.runs.reject(&run.id, &user("ann"), Some("not now")).await.unwrap();
    let run = world.until(&run.id, RunStatus::Cancelled).await;
    assert_eq!(run.error.as_deref(), Some("user:default/ann rejected the step \"change\""));
    assert_eq!(world.step(&run.id, 1).await.status, StepStatus::Cancelled);
    assert!(matches!(world.runs.approve(&run.id, &user("bob"), None).await, Err(RunError::NotWaiting { .. })));
}

#[tokio::test]
async fn a_gate_that_nobody_opens_in_time_cancels_the_run() {
    let (world, clock) = World::at_noon(&[("change", &gated("approval=oncall approvalExpires=1d"))]).await;
    let run = world.request("change", &[]).await;
    world.until(&run.id, RunStatus::Waiting).await;
    clock.advance(Duration::from_secs(24 * 3600));
    assert!(matches!(world.runs.approve(&run.id, &user("ann"), None).await, Err(RunError::NotWaiting { .. })));
    let run = world.until(&run.id, RunStatus::Cancelled).await;
    assert_eq!(run.error.as_deref(), Some("nobody approved the step \"change\" in time"));
}

#[tokio::test]
async fn waiting_does_not_use_up_the_time_of_the_run() {
    let (world, clock) = World::at_noon(&[("change", &gated("approval=oncall"))]).await;
    let run = world.request("change", &[]).await;
    world.until(&run.id, RunStatus::Waiting).await;
    clock.advance(Duration::from_secs(5 * 3600));
    world.runs.approve(&run.id, &user("ann"), None).await.unwrap();
    world.until(&run.id, RunStatus::Succeeded).await;
}

#[tokio::test]
async fn a_changed_document_does_not_change_what_was_approved() {
    let world = World::with(&[("change", &gated("approval=oncall"))]).await;
    let run = world.request("change", &[]).await;
    world.until(&run.id, RunStatus::Waiting).await;
    let ops = world.folder.path().join("ops");
    std::fs::write(ops.join("change.md"), gated("approval=oncall").replace("echo changed", "echo something else")).unwrap();
    world.graph.send_replace(Arc::new(documents::load(&ops)));
    world.runs.approve(&run.id, &user("ann"), None).await.unwrap();
    world.until(&run.id, RunStatus::Succeeded).await;
    assert_eq!(world.output(&run.id, OutputKind::Stdout).await, "first\nchanged\n");
}

#[tokio::test]
async fn background_cells_stay_while_the_run_waits() {
    let text = "---\napiVersion: mainstay.dev/v1\nkind: Runbook\n---\n```bash { background=true }\necho $$ > ../pid; echo up; exec sleep 60\n```\n\
        ```bash { approval=true }\nkill -0 $(cat ../pid); echo still\n```\n";
    let world = World::with(&[("back", text)]).await;
    let run = world.request("back", &[]).await;
    world.until(&run.id, RunStatus::Waiting).await;
    world.until_output(&run.id, "up").await;
    assert_eq!(world.step(&run.id, 0).await.status, StepStatus::Running);
    world.runs.approve(&run.id, &user("eve"), None).await.unwrap();
    world.until(&run.id, RunStatus::Succeeded).await;
    assert!(world.output(&run.id, OutputKind::Stdout).await.ends_with("still\n"));
}
