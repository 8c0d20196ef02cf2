//! A document that is played as a whole.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::RunId;
use ledger::{OutputKind, RunAttachment, RunKind, RunStatus};
use serde_json::json;

use super::world::{World, user};
use crate::runs::{Play, Played, Player};

const EXPERIMENT: &str = "title: a slow database\ndescription: what happens\nmethod:\n- type: action\n  name: nothing\n  provider: { type: process, path: 'true' }\n";

/// Plays until it must end, or fails at once.
struct Patient {
    fails: bool,
}

#[async_trait]
impl Player for Patient {
    async fn play(&self, play: Play) -> Played {
        play.reporter.line(format!("playing {}", play.step.name)).await;
        if self.fails {
            play.reporter.attach(picture(&play.run.id)).await;
            return Played::failed("the hypothesis does not hold");
        }
        play.ending.cancelled().await;
        play.reporter.report(&json!({ "undone": true })).await;
        Played::default()
    }
}

fn picture(run: &RunId) -> RunAttachment {
    let (name, media_type) = ("failed.png".to_owned(), "image/png".to_owned());
    RunAttachment { run: run.clone(), number: 0, name, media_type, data: "AAAA".to_owned() }
}

async fn world(fails: bool) -> World {
    let mut world = World::with(&[("slow-database", EXPERIMENT)]).await;
    world.stop().await;
    world.players.insert("experiment", Arc::new(Patient { fails }));
    world.start();
    world
}

#[tokio::test]
async fn what_a_player_says_is_what_the_run_comes_to() {
    let world = world(true).await;
    let run = world.request("slow-database", &[]).await;
    assert_eq!((run.kind, run.title.as_str()), (RunKind::Experiment, "a slow database"));
    let run = world.until(&run.id, RunStatus::Failed).await;
    assert_eq!(run.error.as_deref(), Some("the step \"slow-database\" failed: the hypothesis does not hold"));
    assert_eq!(world.output(&run.id, OutputKind::Stdout).await, "playing slow-database\n");
    assert_eq!(world.ledger.attachment(&run.id, 0).await.unwrap(), picture(&run.id));
}

#[tokio::test]
async fn a_cancelled_player_undoes_what_it_did() {
    let world = world(false).await;
    let run = world.request("slow-database", &[]).await;
    world.until_output(&run.id, "playing").await;
    world.runs.cancel(&run.id, &user("ann")).await.unwrap();
    world.until(&run.id, RunStatus::Cancelled).await;
    assert_eq!(world.output(&run.id, OutputKind::Report).await, r#"{"undone":true}"#);
}

#[tokio::test]
async fn a_crash_ends_what_cannot_be_begun_again() {
    let mut world = world(false).await;
    let run = world.request("slow-database", &[]).await;
    world.until_output(&run.id, "playing").await;
    world.crash().await;
    world.start();
    let run = world.until(&run.id, RunStatus::Failed).await;
    assert_eq!(run.error.as_deref(), Some("the server stopped while \"slow-database\" was under way"));
}
