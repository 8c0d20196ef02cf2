//! The rounds of one location: every canary that is looked at from it, at its instants.

use std::sync::Arc;

use async_trait::async_trait;
use documents::Loaded;
use documents::canary::{Canary, CanaryCheck};
use kernel::{SharedClock, Timestamp};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::check::{self, Looked};
use super::state::Timetable;

/// What becomes of looks, and of scenarios that are due.
#[async_trait]
pub trait Post: Send + Sync + 'static {
    /// The canary was looked at.
    async fn seen(&self, canary: &Canary, looked: Looked);

    /// A canary that plays a scenario is due, by the instant of its schedule.
    async fn due(&self, canary: &Canary, script: &str, environment: Option<&str>, slot: Timestamp);
}

/// Looks that are under way end with it.
pub struct Rounds {
    location: String,
    post: Arc<dyn Post>,
    clock: SharedClock,
    timetable: Timetable,
    places: Arc<Semaphore>,
    looks: JoinSet<()>,
}

/// What one turn began.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    pub begun: usize,
    pub under_way: usize,
    /// When the next canary is due.
    pub next: Option<Timestamp>,
}

/// Looks at once; others wait, and are as late as they are.
const LOOKS_MAX: usize = 32;

impl Rounds {
    /// `location` is a label that the documents name.
    pub fn new(location: &str, post: Arc<dyn Post>, clock: SharedClock) -> Self {
        Self {
            location: location.to_owned(),
            post,
            clock,
            timetable: Timetable::default(),
            places: Arc::new(Semaphore::new(LOOKS_MAX)),
            looks: JoinSet::new(),
        }
    }

    /// Begins what is due.
    pub fn turn(&mut self, loaded: &Loaded, now: Timestamp) -> Turn {
        while self.looks.try_join_next().is_some() {}
        let here = loaded.graph.canaries.values().filter(|canary| is_here(canary, &self.location));
        let due = self.timetable.take(here, &self.location, now);
        let begun = due.len();
        for (canary, slot) in due {
            let (post, places, clock, canary) = (self.post.clone(), self.places.clone(), self.clock.clone(), canary.clone());
            self.looks.spawn(async move {
                let Ok(_place) = places.acquire().await else { return };
                if let CanaryCheck::Scenario { name, environment } = &canary.check {
                    return post.due(&canary, name, environment.as_deref(), slot).await;
                }
                if let Some(looked) = check::look(&canary.check, canary.timeout, clock.now()).await {
                    post.seen(&canary, looked).await;
                }
            });
        }
        Turn { begun, under_way: self.looks.len(), next: self.timetable.next() }
    }

    /// Somebody else makes the rounds; whoever takes them up again begins anew.
    pub fn rest(&mut self) {
        self.timetable = Timetable::default();
    }
}

/// Whether a canary is looked at from a location.
pub fn is_here(canary: &Canary, location: &str) -> bool {
    canary.enabled && canary.locations.iter().any(|named| named == location)
}
