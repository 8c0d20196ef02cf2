//! Steps that are played at once.

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::Value;

use super::super::ended::Ended;
use super::super::walk::walk_steps;
use super::super::{Ground, User};
use crate::program::Step;

/// Each branch has the user's variables and connections. What the branches have captured, the user has
/// afterwards; of two values for one name, that of the branch which ended later.
pub(in crate::user) async fn parallel(
    ground: &Ground,
    user: &mut User,
    steps: &[Step],
    limit: usize,
) -> Result<(), Ended> {
    let mut waiting = steps.iter();
    let mut running = FuturesUnordered::new();
    let before = (user.scope.clone(), user.timetable.clone());
    let (number, stops) = (user.number, user.stops);
    let (session, socket, tab) = (user.session.clone(), user.socket.clone(), user.tab.clone());
    let branch = |step| {
        let (scope, timetable) = before.clone();
        let (session, socket, tab) = (session.clone(), socket.clone(), tab.clone());
        async move {
            let mut branch = User { number, session, socket, tab, scope, timetable, stops, failed: None };
            let walked = walk_steps(ground, &mut branch, std::slice::from_ref(step)).await;
            (walked, branch)
        }
    };
    let mut outcome = Ok(());
    loop {
        while outcome.is_ok()
            && running.len() < limit
            && let Some(step) = waiting.next()
        {
            running.push(branch(step));
        }
        let Some((walked, branch)) = running.next().await else { break };
        outcome = outcome.and(walked);
        user.failed = user.failed.take().or(branch.failed);
        let found: Vec<(String, Value)> = branch
            .scope
            .own()
            .filter(|(name, value)| before.0.get(name).as_deref() != Some(*value))
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect();
        found.into_iter().for_each(|(name, value)| user.scope.set(&name, value));
    }
    outcome
}
