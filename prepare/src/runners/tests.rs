//! The desk over a real ledger.

use std::sync::Arc;
use std::time::Duration;

use kernel::{ManualClock, RunId, Timestamp};
use ledger::Ledger;
use scenario::load::Outcome;

use super::*;

const NOW: Duration = Duration::ZERO;

struct World {
    runners: Runners,
    clock: ManualClock,
    run: RunId,
}

impl World {
    async fn new() -> Self {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let ledger = Ledger::open("sqlite::memory:", Arc::new(clock.clone())).await.unwrap();
        Self { runners: Runners::new(ledger, Arc::new(clock.clone())), clock, run: RunId::random() }
    }

    fn open(&self, of: u64) -> Opened {
        self.runners.open(Offer {
            run: self.run.clone(),
            document: "shop".to_owned(),
            digest: String::new(),
            environment: None,
            target: None,
            seed: 7,
            test_id: "t".to_owned(),
            of,
            traced: 0.0,
        })
    }

    async fn take(&self, runner: &str) -> Option<Work> {
        self.runners.work(&caller(runner), NOW).await.unwrap()
    }

    async fn tell(&self, work: &Work, runner: &str) -> Result<Heard, RunnerError> {
        let told = Told { runner: runner.to_owned(), token: work.token, ready: true, snapshot: None, slowest: Vec::new() };
        self.runners.tell(&self.run, work.share, told).await
    }

    async fn end(&self, work: &Work, runner: &str) -> Result<(), RunnerError> {
        let played = serde_json::to_vec(&Ended::Played(Box::new(Outcome { asked: 5, ..Outcome::default() }))).unwrap();
        self.runners.end(&self.run, work.share, runner, work.token, &played).await
    }
}

fn caller(runner: &str) -> Caller {
    Caller { runner: runner.to_owned(), location: format!("{runner}-town"), version: env!("CARGO_PKG_VERSION").to_owned() }
}

fn played(opened: &Opened) -> usize {
    opened.with(|shares, _| shares.parts().iter().filter(|part| matches!(part.state, State::Played(_))).count()).unwrap()
}

#[tokio::test]
async fn shares_are_taken_told_of_and_handed_in_once() {
    let world = World::new().await;
    assert_eq!(world.take("a").await, None);
    let opened = world.open(2);
    let (a, b) = (world.take("a").await.unwrap(), world.take("b").await.unwrap());
    assert_eq!((a.share, b.share, world.take("c").await), (0, 1, None));
    assert_eq!(world.tell(&a, "a").await.unwrap(), Heard { start_at: None, stop: false });
    world.tell(&b, "b").await.unwrap();
    assert_eq!(opened.with(|shares, _| shares.standing()), Some(Standing::Ready));
    opened.with(|shares, now| shares.start_at(now));
    assert_eq!(world.tell(&a, "a").await.unwrap().start_at, Some(Timestamp::UNIX_EPOCH));
    world.end(&a, "a").await.unwrap();
    world.end(&a, "a").await.unwrap();
    assert_eq!(played(&opened), 1);
    assert!(matches!(world.end(&b, "a").await, Err(RunnerError::Gone { .. })), "another's share");
    let seen: Vec<_> = world.runners.list().into_iter().map(|seen| (seen.location, seen.plays.map(|(_, share)| share))).collect();
    assert_eq!(seen, [("a-town".to_owned(), None), ("b-town".to_owned(), Some(1)), ("c-town".to_owned(), None)]);
}

#[tokio::test]
async fn what_was_played_for_an_earlier_attempt_no_longer_counts() {
    let world = World::new().await;
    let opened = world.open(1);
    let before = world.take("a").await.unwrap();
    drop(opened);
    assert!(matches!(world.tell(&before, "a").await, Err(RunnerError::Gone { .. })));
    let opened = world.open(1);
    let after = world.take("a").await.unwrap();
    assert_ne!(before.token, after.token);
    assert!(matches!(world.end(&before, "a").await, Err(RunnerError::Gone { .. })));
    world.end(&after, "a").await.unwrap();
    assert_eq!(played(&opened), 1);
}

#[tokio::test]
async fn a_share_is_given_to_another_only_when_its_lease_has_lapsed() {
    let world = World::new().await;
    drop(world.open(1));
    let opened = world.open(1);
    world.take("a").await.unwrap();
    drop(opened);
    let _opened = world.open(1);
    assert_eq!(world.take("b").await, None, "the ledger knows the lease still");
    world.clock.advance(LEASE);
    assert!(world.take("b").await.is_some());
}

#[tokio::test]
async fn one_runner_of_a_location_makes_its_rounds() {
    let world = World::new().await;
    let [first, second] = ["a", "b"].map(|runner| Caller { location: "berlin".to_owned(), ..caller(runner) });
    assert!(world.runners.rounds(&first).await.unwrap());
    assert!(!world.runners.rounds(&second).await.unwrap());
    world.clock.advance(Duration::from_secs(15));
    assert!(world.runners.rounds(&second).await.unwrap());
}

#[tokio::test]
async fn a_runner_of_another_version_gets_no_share_and_the_run_says_why() {
    let world = World::new().await;
    let opened = world.open(1);
    let old = Caller { version: "0.0.1".to_owned(), ..caller("a") };
    assert_eq!(world.runners.work(&old, NOW).await.unwrap(), None);
    let reason = opened.with(|shares, _| shares.refusals()[0].reason.clone()).unwrap();
    assert!(reason.starts_with("its version is 0.0.1, this server's"), "{reason}");
}
