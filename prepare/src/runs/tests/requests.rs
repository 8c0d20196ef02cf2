//! Runs that people ask for, and runs that other stages ask for.

use kernel::{Classified, IncidentId, Kind, RunId};
use ledger::{Actor, Batch, NewEvent, Run, RunStatus, types};
use serde_json::json;

use super::world::{World, map, user};
use crate::runs::{Request, RunError};

const TEXT: &str = "---\napiVersion: mainstay.dev/v1\nkind: Runbook\nspec:\n  parameters:\n  - name: level\n    required: true\n    allowed: [low, high]\n  - name: note\n---\n\
    # Set the level\n```bash\necho \"$level[$note]\"\n```\n";

#[tokio::test]
async fn parameters_are_checked_against_the_document() {
    let world = World::with(&[("level", TEXT)]).await;
    let ask = |document: &str, parameters: &[(&str, &str)]| {
        world.runs.request(Request { parameters: map(parameters), ..Request::new(document, user("jo")) })
    };
    let long = "x".repeat(70_000);
    for (document, parameters, kind, message) in [
        ("levl", vec![], Kind::NotFound, "there is no runbook, playbook, scenario, experiment, game day or deployment named \"levl\"; did you mean \"level\"?"),
        ("level", vec![], Kind::Invalid, "level needs the parameter \"level\""),
        ("level", vec![("levle", "low")], Kind::Invalid, "level has no parameter \"levle\"; did you mean \"level\"?"),
        ("level", vec![("level", "mid")], Kind::Invalid, "\"mid\" is not allowed for the parameter \"level\"; use one of low, high"),
        ("level", vec![("level", "low"), ("note", &long)], Kind::Invalid, "the value of the parameter \"note\" holds a zero byte or is longer than 65536 bytes"),
    ] {
        let error = ask(document, &parameters).await.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, message));
    }
    let run = world.run("level", &[("level", "low")], RunStatus::Succeeded).await;
    assert_eq!(run.parameters, map(&[("level", "low"), ("note", "")]));
    assert_eq!(run.title, "Set the level");
}

#[tokio::test]
async fn the_same_key_is_the_same_run() {
    let world = World::with(&[("level", TEXT)]).await;
    let request = Request { parameters: map(&[("level", "low")]), key: Some("rule/1".to_owned()), ..Request::new("level", user("jo")) };
    let first = world.runs.request(request.clone()).await.unwrap();
    world.until(&first.id, RunStatus::Succeeded).await;
    let second = world.runs.request(request).await.unwrap();
    assert_eq!((second.id, second.status), (first.id, RunStatus::Succeeded));
}

#[tokio::test]
async fn requests_of_other_stages_become_runs_once() {
    let world = World::with(&[("level", TEXT)]).await;
    let (known, unknown) = (RunId::random(), RunId::random());
    let event = |run: &RunId, document: &str| {
        let data = json!({ "document": document, "parameters": { "level": "high", "note": 3 }, "component": "component:default/orders" });
        NewEvent::new("/operate/rules", types::RUN_REQUESTED, data).actor(Actor::rule("heal")).run(run.clone()).incident(IncidentId::from_number(7))
    };
    let batch = Batch::new().event(event(&known, "level")).event(event(&unknown, "levels")).event(event(&known, "level"));
    world.ledger.commit(batch).await.unwrap();
    let run = finished(&world, &known).await;
    assert_eq!((run.status, run.initiator.clone(), run.incident), (RunStatus::Succeeded, Actor::rule("heal"), Some(IncidentId::from_number(7))));
    assert_eq!(run.parameters, map(&[("level", "high"), ("note", "3")]));
    assert_eq!(run.component.unwrap().to_string(), "component:default/orders");
    let kinds: Vec<String> = world.events(&known).await.into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == types::RUN_STARTED).count(), 1, "{kinds:?}");
    let run = finished(&world, &unknown).await;
    assert_eq!(run.status, RunStatus::Failed);
    assert_eq!(run.error.as_deref(), Some("there is no runbook, playbook, scenario, experiment, game day or deployment named \"levels\"; did you mean \"level\"?"));
}

#[tokio::test]
async fn a_run_that_is_over_can_be_repeated_as_a_new_one() {
    let world = World::with(&[("level", TEXT)]).await;
    let run = world.run("level", &[("level", "low")], RunStatus::Succeeded).await;
    assert!(matches!(world.runs.cancel(&run.id, &user("jo")).await, Err(RunError::Finished { .. })));
    let again = world.runs.retry(&run.id, &user("ann")).await.unwrap();
    assert_ne!(again.id, run.id);
    assert_eq!(world.until(&again.id, RunStatus::Succeeded).await.initiator, user("ann"));
}

/// A request of another stage has no run at first.
async fn finished(world: &World, run: &RunId) -> Run {
    let mut changes = world.ledger.watch();
    while world.ledger.run(run).await.is_err() {
        changes.changed().await.unwrap();
    }
    world.runs.wait_until(run, |run| run.status.is_final()).await.unwrap()
}
