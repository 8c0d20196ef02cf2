//! A user's way through the steps of its journey.
//!
//! Loops are frames on a stack of the walk's own, not futures within futures: a user that waits deep within
//! loops costs no more than one that waits outside.

use std::borrow::Cow;
use std::time::Instant;

use documents::script::duration;
use serde_json::Value;

use super::ended::Ended;
use super::pause::jittered;
use super::{Ground, User, steps};
use crate::browser;
use crate::program::{Action, Guard, Journey, Loop, Step, Think, Times};
use crate::value::{Called, Hook, HookRequest};

/// Plays a journey from its start to its end.
pub(crate) async fn walk(ground: &Ground, user: &mut User, journey: &Journey) -> Result<(), Ended> {
    let walked = whole(ground, user, journey).await;
    if let Some(socket) = user.socket.take() {
        socket.close().await;
    }
    browser::ended(ground, user);
    match &walked {
        Ok(()) | Err(Ended::Stopped) => {}
        Err(ended) => tell(ground, user, journey, &ended.to_string()).await,
    }
    walked
}

/// Calls the journey's `onError` with the reason, and with the request that failed if it was one.
async fn tell(ground: &Ground, user: &mut User, journey: &Journey, reason: &str) {
    let mut seen = HookRequest::new(user.failed.take().map(|params| *params).unwrap_or_default());
    for name in &journey.on_error {
        if let Err(failed) = call(ground, user, name, Hook::OnError(&mut seen, reason)).await {
            return ground.witness.failed(&failed);
        }
    }
}

async fn whole(ground: &Ground, user: &mut User, journey: &Journey) -> Result<(), Ended> {
    call_all(ground, user, &journey.before).await?;
    walk_steps(ground, user, &journey.steps).await?;
    call_all(ground, user, &journey.after).await
}

async fn call_all(ground: &Ground, user: &mut User, functions: &[String]) -> Result<(), Ended> {
    for name in functions {
        call(ground, user, name, Hook::Step).await?;
    }
    Ok(())
}

/// A list of steps under way.
struct Frame<'a> {
    steps: &'a [Step],
    next: usize,
    round: Option<Box<Round<'a>>>,
}

/// The present round of a loop.
struct Round<'a> {
    of: &'a Loop,
    number: u64,
    /// Before this round it ends.
    end: Option<u64>,
    elements: Option<Vec<Value>>,
}

pub(super) async fn walk_steps(ground: &Ground, user: &mut User, steps: &[Step]) -> Result<(), Ended> {
    let mut stack = vec![Frame { steps, next: 0, round: None }];
    while let Some(frame) = stack.last_mut() {
        let Some(step) = frame.steps.get(frame.next) else {
            let again = match &mut frame.round {
                Some(round) => goes_on(ground, user, round).await?,
                None => false,
            };
            if again {
                frame.next = 0;
            } else {
                stack.pop();
            }
            continue;
        };
        frame.next += 1;
        if user.stops.is_some_and(|stops| stops <= Instant::now()) {
            return Err(Ended::Stopped);
        }
        if let Some(guard) = &step.guard
            && !holds(ground, user, guard).await?
        {
            continue;
        }
        match &step.action {
            Action::Request(request) => {
                if let Err(ended) = steps::request(ground, user, request).await {
                    user.failed = Some(Box::new(request.params.clone()));
                    return Err(ended);
                }
            }
            Action::Ws(step) => steps::ws(ground, user, step).await?,
            Action::Grpc(step) => steps::grpc(ground, user, step).await?,
            Action::Think(think) => pause(ground, user, think).await?,
            Action::Log(message) => {
                ground.witness.logged(&message.to_text(&user.scope).map_err(Ended::Template)?);
            }
            Action::Function(name) => drop(call(ground, user, name, Hook::Step).await?),
            // Its futures are large, and few users have a browser.
            Action::Browser(step) => Box::pin(browser::play(ground, user, step)).await?,
            Action::Loop(of) => stack.extend(first_round(user, of)?),
            Action::Parallel { steps, limit } => {
                Box::pin(steps::parallel(ground, user, steps, *limit)).await?;
            }
        }
    }
    Ok(())
}

/// None if there is no round to be played.
fn first_round<'a>(user: &mut User, of: &'a Loop) -> Result<Option<Frame<'a>>, Ended> {
    let (number, end, elements) = match &of.times {
        Times::Endless => (0, None, None),
        Times::Between(from, to) => (*from, Some(*to), None),
        Times::Count(count) => match count_of(&count.render(&user.scope).map_err(Ended::Template)?)? {
            Count::Endless => (0, None, None),
            Count::Between(from, to) => (from, Some(to), None),
        },
        Times::Over(list) => {
            let elements = match list.render(&user.scope).map_err(Ended::Template)? {
                Value::String(name) => user.scope.get(&name).map(Cow::into_owned),
                other => Some(other),
            };
            // A variable that is not there, or no list, is no round, as in Artillery.
            let Some(Value::Array(elements)) = elements else { return Ok(None) };
            (0, Some(elements.len() as u64), Some(elements))
        }
    };
    let round = Round { of, number, end: end.filter(|_| of.while_true.is_none()), elements };
    if round.end.is_some_and(|end| number >= end) || of.steps.is_empty() {
        return Ok(None);
    }
    round.announce(user);
    Ok(Some(Frame { steps: &of.steps, next: 0, round: Some(Box::new(round)) }))
}

/// Whether another round follows; then its number and its element are set.
async fn goes_on(ground: &Ground, user: &mut User, round: &mut Round<'_>) -> Result<bool, Ended> {
    round.number += 1;
    if let Some(name) = &round.of.while_true {
        round.announce(user);
        return Ok(call(ground, user, name, Hook::WhileTrue).await?.answer);
    }
    if round.end.is_some_and(|end| round.number >= end) {
        return Ok(false);
    }
    round.announce(user);
    // A loop of nothing that waits would keep its thread from everybody else.
    tokio::task::consume_budget().await;
    Ok(true)
}

impl Round<'_> {
    fn announce(&self, user: &mut User) {
        user.scope.set(&self.of.counter, self.number);
        let element = self.elements.as_ref().map(|list| list.get(self.number as usize).cloned().unwrap_or_default());
        user.scope.set(&self.of.element, element.unwrap_or_else(|| self.number.into()));
    }
}

enum Count {
    Endless,
    Between(u64, u64),
}

/// A number, or a range: `5`, `"5"`, `"1-5"`. Less than nothing is without end.
fn count_of(value: &Value) -> Result<Count, Ended> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    if let Ok(count) = text.parse::<f64>() {
        return Ok(if count < 0.0 { Count::Endless } else { Count::Between(0, count as u64) });
    }
    let range = text.split_once('-').and_then(|(from, to)| Some((from.trim().parse().ok()?, to.trim().parse().ok()?)));
    let faulty = || Ended::Value { what: "loop".to_owned(), reason: format!("`count: {text}` is no number") };
    range.map(|(from, to)| Count::Between(from, to)).ok_or_else(faulty)
}

async fn holds(ground: &Ground, user: &mut User, guard: &Guard) -> Result<bool, Ended> {
    match guard {
        Guard::Expression(expression) => {
            let scope = &user.scope;
            expression.holds(&|name| scope.get(name).map(Cow::into_owned)).map_err(Ended::Condition)
        }
        Guard::Function(name) => Ok(call(ground, user, name, Hook::IfTrue).await?.answer),
    }
}

async fn pause(ground: &Ground, user: &mut User, think: &Think) -> Result<(), Ended> {
    let pause = match think.fixed {
        Some(fixed) => fixed,
        None => {
            let value = think.pause.render(&user.scope).map_err(Ended::Template)?;
            duration(&value).ok_or_else(|| Ended::Value {
                what: "think".to_owned(),
                reason: format!("`{value}` is no duration"),
            })?
        }
    };
    let now = Instant::now();
    if let Some(taken) = user.timetable.taken(now) {
        ground.pace.record(think.number, taken);
    }
    let usual = ground.pace.usual(think.number);
    let until = user.timetable.pause(now, jittered(pause, think.jitter), usual);
    let until = user.stops.map_or(until, |stops| until.min(stops));
    if until > now {
        ground.clock.until(until).await;
        ground.witness.woke_late(until.elapsed());
    } else {
        tokio::task::consume_budget().await;
    }
    Ok(())
}

pub(super) async fn call(ground: &Ground, user: &mut User, name: &str, hook: Hook<'_>) -> Result<Called, Ended> {
    let Some(processor) = &ground.program.processor else { return Ok(Called::default()) };
    // An interpreter's state is large and needed seldom.
    let mut called = Box::pin(processor.call(name, user.number, hook, &mut user.scope)).await.map_err(Ended::Function)?;
    called.printed.iter().for_each(|line| ground.witness.logged(line));
    called.emitted.drain(..).for_each(|emitted| ground.witness.emitted(emitted));
    Ok(called)
}
