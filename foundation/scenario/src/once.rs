//! A journey that is played once, on a thread of its own: a virtual user does not move between threads.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use tokio::task::LocalSet;

use crate::browser::{Browsers, TabSlot};
use crate::client::Client;
use crate::program::{Journey, Program};
use crate::user::{Clock, Ended, Ground, Pace, Timetable, User, Witness, walk};
use crate::value::Base;

/// Told nothing.
struct Nobody;

impl Witness for Nobody {}

/// Plays the journey before all; what it has captured is for everybody.
pub(crate) async fn before(program: &Arc<Program>) -> Result<Vec<(String, Value)>, Ended> {
    let program = program.clone();
    let base = program.base(&[]);
    let played = on_thread(move || async move {
        let Some(journey) = &program.before else { return Ok(Vec::new()) };
        let ground = ground(&program, Rc::new(Nobody), false);
        let mut user = user(&ground, &base, 0);
        play(&ground, &mut user, journey).await.map(|()| found(&user))
    });
    played.await.unwrap_or(Err(Ended::Stopped))
}

/// Learns the schemas that gRPC calls will ask for, so that none is slow because it was the first. What fails
/// here, the calls themselves will tell.
pub(crate) async fn learn(program: &Arc<Program>) {
    if program.journeys.iter().all(|journey| journey.unlearned().is_empty()) {
        return;
    }
    let program = program.clone();
    let learned = on_thread(move || async move {
        let client = Client::new(&program.client);
        for call in program.journeys.iter().flat_map(Journey::unlearned) {
            let asked = program.schema.at(&call.place, &call.method_name, &client, program.settings.timeout).await;
            if let Err(error) = asked {
                tracing::debug!(%error, "no schema yet");
            }
        }
    });
    learned.await.unwrap_or_default();
}

/// Plays the journey after all; nothing depends on it any more.
pub(crate) async fn after(program: &Arc<Program>, base: Arc<Base>) {
    let program = program.clone();
    let played = on_thread(move || async move {
        if let Some(journey) = &program.after {
            let ground = ground(&program, Rc::new(Nobody), false);
            let mut user = user(&ground, &base, 0);
            if let Err(ended) = play(&ground, &mut user, journey).await {
                tracing::warn!(reason = %ended, "the journey after all failed");
            }
        }
    });
    played.await.unwrap_or_default();
}

pub(crate) fn ground(program: &Arc<Program>, witness: Rc<dyn Witness>, strict_expectations: bool) -> Ground {
    Ground {
        client: Client::new(&program.client),
        browsers: Browsers::new(program, false),
        program: program.clone(),
        clock: Clock::default(),
        pace: Pace::new(program.thinks),
        witness,
        strict_expectations,
        reads_all: false,
        traced: 0.0,
    }
}

pub(crate) fn user(ground: &Ground, base: &Arc<Base>, number: u64) -> User {
    User {
        number,
        session: ground.client.session(),
        socket: None,
        tab: TabSlot::default(),
        scope: ground.program.scope(base, number),
        timetable: Timetable::new(Instant::now()),
        stops: None,
        failed: None,
    }
}

pub(crate) async fn play(ground: &Ground, user: &mut User, journey: &Journey) -> Result<(), Ended> {
    walk(ground, user, journey).await
}

/// What a user has captured.
pub(crate) fn found(user: &User) -> Vec<(String, Value)> {
    user.scope.own().map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

/// Runs a future that is bound to its thread. None if the thread could not be started or panicked.
pub(crate) async fn on_thread<T, F, P>(play: P) -> Option<T>
where
    T: Send + 'static,
    F: Future<Output = T>,
    P: FnOnce() -> F + Send + 'static,
{
    let (done, answer) = tokio::sync::oneshot::channel();
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Ok(runtime) = runtime {
            let result = LocalSet::new().block_on(&runtime, play());
            // Who asked may have gone.
            drop(done.send(result));
        }
    };
    std::thread::Builder::new().name("journey".to_owned()).spawn(work).ok()?;
    answer.await.ok()
}
