//! A run survives its server.

use kernel::RunId;
use ledger::{OutputKind, RunStatus, StepStatus, types};

use super::world::{World, eventually, lives, user};
use crate::runs::{Resume, RunError};

/// The second cell waits for a file that only the test makes.
fn stuck(attributes: &str) -> String {
    format!(
        "---\napiVersion: mainstay.dev/v1\nkind: Runbook\n---\n```bash\necho first >> ../log; echo word=kept >> $MAINSTAY_OUTPUT\n```\n\
         ```bash {{ name=stuck {attributes} }}\necho \"pid $$ $word\"; echo begun >> ../log\nwhile [ ! -e ../go ]; do sleep 0.02; done\necho went >> ../log\n```\n\
         ```bash\necho last >> ../log\n```\n"
    )
}

/// Waits until the second cell is under way, and answers with its process.
async fn under_way(world: &World, run: &RunId) -> String {
    world.until_output(run, "kept").await;
    let stdout = world.output(run, OutputKind::Stdout).await;
    stdout.lines().last().unwrap().split(' ').nth(1).unwrap().to_owned()
}

fn log(world: &World) -> String {
    std::fs::read_to_string(world.folder.path().join("log")).unwrap().replace('\n', " ")
}

fn go(world: &World) {
    std::fs::write(world.folder.path().join("go"), "").unwrap();
}

#[tokio::test]
async fn a_repeatable_cell_is_begun_again_and_the_old_process_is_gone() {
    let mut world = World::with(&[("stuck", &stuck("repeatable=true"))]).await;
    let run = world.request("stuck", &[]).await;
    let process = under_way(&world, &run.id).await;
    world.crash().await;
    assert!(lives(&process), "a crash leaves the process behind");
    world.start();
    eventually("the next executor ends it", || !lives(&process)).await;
    world.until_output(&run.id, "begun again, for the 2. time").await;
    go(&world);
    world.until(&run.id, RunStatus::Succeeded).await;
    assert_eq!(log(&world), "first begun begun went last ");
    assert_eq!(world.step(&run.id, 1).await.attempt, 2);
    assert_eq!(world.step(&run.id, 0).await.attempt, 1);
}

#[tokio::test]
async fn another_cell_is_interrupted_and_asks() {
    let mut world = World::with(&[("stuck", &stuck(""))]).await;
    let run = world.request("stuck", &[]).await;
    under_way(&world, &run.id).await;
    world.crash().await;
    world.start();
    let interrupted = world.until(&run.id, RunStatus::Interrupted).await;
    assert_eq!(
        interrupted.error.as_deref(),
        Some("the server stopped while the step \"stuck\" was under way; resume, skip the step, or cancel")
    );
    assert_eq!(world.step(&run.id, 1).await.status, StepStatus::Interrupted);
    go(&world);
    world.runs.resume(&run.id, &user("ann"), Resume::Repeat).await.unwrap();
    world.until(&run.id, RunStatus::Succeeded).await;
    assert_eq!(log(&world), "first begun begun went last ");
    assert!(matches!(world.runs.resume(&run.id, &user("ann"), Resume::Repeat).await, Err(RunError::NotInterrupted { .. })));
    let kinds: Vec<String> = world.events(&run.id).await.into_iter().map(|event| event.kind).collect();
    assert!(kinds.contains(&types::RUN_INTERRUPTED.to_owned()) && kinds.contains(&types::RUN_RESUMED.to_owned()));
}

#[tokio::test]
async fn an_interrupted_step_can_be_left_out() {
    let mut world = World::with(&[("stuck", &stuck(""))]).await;
    let run = world.request("stuck", &[]).await;
    under_way(&world, &run.id).await;
    world.crash().await;
    world.start();
    world.until(&run.id, RunStatus::Interrupted).await;
    world.runs.resume(&run.id, &user("ann"), Resume::Skip).await.unwrap();
    world.until(&run.id, RunStatus::Succeeded).await;
    assert_eq!(log(&world), "first begun last ");
}

#[tokio::test]
async fn an_interrupted_run_can_be_cancelled() {
    let mut world = World::with(&[("stuck", &stuck(""))]).await;
    let run = world.request("stuck", &[]).await;
    under_way(&world, &run.id).await;
    world.crash().await;
    world.start();
    world.until(&run.id, RunStatus::Interrupted).await;
    world.runs.cancel(&run.id, &user("ann")).await.unwrap();
    world.until(&run.id, RunStatus::Cancelled).await;
}

#[tokio::test]
async fn a_waiting_run_waits_on_across_a_crash() {
    let text = "---\napiVersion: mainstay.dev/v1\nkind: Runbook\n---\n```bash { approval=true }\necho went\n```\n";
    let mut world = World::with(&[("gate", text)]).await;
    let run = world.request("gate", &[]).await;
    world.until(&run.id, RunStatus::Waiting).await;
    world.crash().await;
    world.runs.approve(&run.id, &user("ann"), None).await.unwrap();
    world.start();
    world.until(&run.id, RunStatus::Succeeded).await;
}

#[tokio::test]
async fn an_orderly_stop_ends_the_cells_and_leaves_the_run_to_the_next() {
    let mut world = World::with(&[("stuck", &stuck("repeatable=true"))]).await;
    let run = world.request("stuck", &[]).await;
    let process = under_way(&world, &run.id).await;
    world.stop().await;
    assert!(!lives(&process));
    assert_eq!(world.step(&run.id, 1).await.status, StepStatus::Pending);
    go(&world);
    world.start();
    world.until(&run.id, RunStatus::Succeeded).await;
}

#[tokio::test]
async fn fifty_crashes_do_not_lose_or_double_a_step() {
    let cells: String = (0..6).map(|n| format!("```bash {{ repeatable=true }}\nmkdir ../done-{n} 2>/dev/null || true; sleep 0.01; echo {n} >> ../log\n```\n")).collect();
    let text = format!("---\napiVersion: mainstay.dev/v1\nkind: Runbook\n---\n{cells}");
    let mut world = World::with(&[("long", &text)]).await;
    for round in 0..50_u64 {
        let run = world.request("long", &[]).await;
        // Each round dies at another moment.
        let events = 3 + (round * 7) % 14;
        let mut changes = world.ledger.watch();
        while (world.events(&run.id).await.len() as u64) < events {
            changes.changed().await.unwrap();
        }
        world.crash().await;
        world.start();
        world.until(&run.id, RunStatus::Succeeded).await;
        let steps = world.ledger.steps(&run.id).await.unwrap();
        assert!(steps.iter().all(|step| step.status == StepStatus::Succeeded), "{steps:#?}");
        assert!(steps.iter().filter(|step| step.attempt > 1).count() <= 1, "{steps:#?}");
        let finished = world.events(&run.id).await.into_iter().filter(|event| event.kind == types::STEP_FINISHED).count();
        assert_eq!(finished, 6);
    }
}
