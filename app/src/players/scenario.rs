//! Scenarios as runs: as a test, as a load, or up to the limit.

use std::sync::Arc;

use async_trait::async_trait;
use evolve::scale_points::search::Bounds;
use kernel::SharedClock;
use prepare::runs::playable::{MODE, MODE_LIMIT, TRIAL, WORKERS};
use prepare::runs::{Play, Played, Player, Reporter};
use prepare::scenarios::{ScenarioPlayer, TRACED_RATE};
use scenario::load::{Observer, Unobserved};
use serde_json::json;
use telemetry::SqlSource;

use super::limit::{Follower, ScalePoint, Search, told};

pub struct Scenarios {
    pub player: ScenarioPlayer,
    pub sql: Arc<dyn SqlSource>,
    pub clock: SharedClock,
}

#[async_trait]
impl Player for Scenarios {
    async fn play(&self, play: Play) -> Played {
        match play.run.parameters.get(MODE).map(String::as_str) {
            Some(MODE_LIMIT) => self.search(play).await,
            _ => self.player.play(play).await,
        }
    }
}

impl Scenarios {
    async fn search(&self, play: Play) -> Played {
        if play.run.parameters.get(WORKERS).is_some_and(|workers| !workers.is_empty() && workers != "1") {
            return Played::failed("the limit is searched for by one; several runners share a load (mode=load)");
        }
        let setup = match self.player.setup(&play).await {
            Ok(setup) => setup,
            Err(reason) => return Played::failed(reason),
        };
        let trial = play.run.parameters.get(TRIAL).map_or("", String::as_str);
        let trial = match kernel::parse_duration(trial) {
            Ok(trial) if !trial.is_zero() => trial,
            _ => return Played::failed(format!("the parameter {TRIAL} must be a time such as 10s, not {trial:?}")),
        };
        let search = Search {
            setup: &setup,
            bounds: Bounds { start: Search::first_rate(&setup), ..Bounds::default() },
            trial,
            traced_rate: TRACED_RATE,
            clock: self.clock.clone(),
            cancel: play.ending.clone(),
        };
        let reporter = Told(play.reporter);
        match search.run(&reporter, Some(&*self.sql)).await {
            Err(error) => Played::failed(format!("{error:#}")),
            Ok(found) => {
                for line in found.lines() {
                    reporter.0.line(line).await;
                }
                reporter.0.report(&json!(found)).await;
                Played { outputs: found.outputs(), error: found.failure() }
            }
        }
    }
}

/// Each trial is told to the run's page.
struct Told(Reporter);

#[async_trait]
impl Follower for Told {
    fn observer(&self) -> Arc<dyn Observer> {
        Arc::new(Unobserved)
    }

    async fn tried(&self, so_far: &ScalePoint) {
        if let Some(trial) = so_far.trials.last() {
            self.0.line(told(trial)).await;
        }
        self.0.report(&json!(so_far)).await;
    }
}
