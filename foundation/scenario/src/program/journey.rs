//! Journeys and their steps.

use std::time::Duration;

use documents::diagnostic::Origin;
use documents::script::{self, Engine, Jitter};

use super::browser::{self, BrowserStep};
use super::compile::Compiler;
use super::grpc::{self, Call};
use super::request::{self, Request};
use super::ws::{self, Ws};
use crate::value::{Expression, Json};

#[derive(Debug)]
pub(crate) struct Journey {
    pub name: String,
    pub weight: f64,
    pub steps: Box<[Step]>,
    /// Names of functions.
    pub before: Box<[String]>,
    pub after: Box<[String]>,
    pub on_error: Box<[String]>,
}

#[derive(Debug)]
pub(crate) struct Step {
    pub action: Action,
    /// The step is left out unless it holds.
    pub guard: Option<Box<Guard>>,
}

#[derive(Debug)]
pub(crate) enum Guard {
    Expression(Expression),
    Function(String),
}

#[derive(Debug)]
pub(crate) enum Action {
    Request(Box<Request>),
    Ws(Box<Ws>),
    Grpc(Box<Call>),
    Think(Think),
    Log(Json),
    Function(String),
    Loop(Box<Loop>),
    Parallel { steps: Box<[Step]>, limit: usize },
    Browser(Box<BrowserStep>),
}

#[derive(Debug)]
pub(crate) struct Think {
    /// Its number among all `think` steps of the script.
    pub number: usize,
    /// Unless it is a template.
    pub fixed: Option<Duration>,
    pub pause: Json,
    pub jitter: Option<Jitter>,
}

#[derive(Debug)]
pub(crate) struct Loop {
    pub steps: Box<[Step]>,
    pub times: Times,
    /// The name of a function. With it, nothing else ends the loop.
    pub while_true: Option<String>,
    pub element: String,
    pub counter: String,
}

#[derive(Debug)]
pub(crate) enum Times {
    Count(Json),
    /// Rounds are numbered from the first to before the second.
    Between(u64, u64),
    /// A list, or the name of a variable that holds one.
    Over(Json),
    Endless,
}

/// As Artillery.
const PARALLEL_LIMIT: u32 = 100;

pub(super) fn compile(compiler: &mut Compiler<'_>, written: &script::Journey, at: usize) -> Journey {
    let hooks = Hooks {
        before: compiler.functions(&written.before_request, &written.origin),
        after: compiler.functions(&written.after_response, &written.origin),
        on_error: !written.on_error.is_empty(),
    };
    Journey {
        name: written.name.clone().unwrap_or_else(|| format!("scenario {}", at + 1)),
        weight: written.weight,
        steps: first_step(compiler, written).into_iter().chain(steps(compiler, &written.flow, &hooks)).collect(),
        before: compiler.functions(&written.before_scenario, &written.origin),
        after: compiler.functions(&written.after_scenario, &written.origin),
        on_error: compiler.functions(&written.on_error, &written.origin),
    }
}

/// A journey over a WebSocket connects first, whether it says so or not.
fn first_step(compiler: &mut Compiler<'_>, written: &script::Journey) -> Option<Step> {
    let says_so = |step: &script::Step| matches!(&step.action, script::Action::Ws(script::WsAction::Connect(_)));
    if written.engine != Engine::Ws || written.flow.first().is_some_and(says_so) {
        return None;
    }
    let action = Action::Ws(Box::new(ws::usual_connect(compiler, &written.origin)?));
    Some(Step { action, guard: None })
}

impl Journey {
    pub fn needs_browser(&self) -> bool {
        self.steps.iter().any(Step::needs_browser)
    }

    /// Whether it goes on until the run stops it.
    pub fn is_endless(&self) -> bool {
        self.steps.iter().any(Step::is_endless)
    }

    /// Its gRPC calls whose server has to be asked for the schema.
    pub fn unlearned(&self) -> Vec<&Call> {
        let mut calls = Vec::new();
        self.steps.iter().for_each(|step| step.add_unlearned(&mut calls));
        calls
    }
}

impl Step {
    fn needs_browser(&self) -> bool {
        match &self.action {
            Action::Browser(_) => true,
            Action::Loop(of) => of.steps.iter().any(Self::needs_browser),
            Action::Parallel { steps, .. } => steps.iter().any(Self::needs_browser),
            _ => false,
        }
    }

    fn add_unlearned<'s>(&'s self, calls: &mut Vec<&'s Call>) {
        match &self.action {
            Action::Grpc(call) if call.method.is_none() => calls.push(call),
            Action::Loop(of) => of.steps.iter().for_each(|step| step.add_unlearned(calls)),
            Action::Parallel { steps, .. } => steps.iter().for_each(|step| step.add_unlearned(calls)),
            _ => {}
        }
    }

    fn is_endless(&self) -> bool {
        match &self.action {
            Action::Loop(of) => {
                let endless = match &of.times {
                    Times::Endless => true,
                    Times::Count(count) => count.constant().and_then(|count| count.as_f64()).is_some_and(|count| count < 0.0),
                    Times::Between(..) | Times::Over(_) => false,
                };
                (endless && of.while_true.is_none()) || of.steps.iter().any(Self::is_endless)
            }
            Action::Parallel { steps, .. } => steps.iter().any(Self::is_endless),
            _ => false,
        }
    }
}

/// Functions that every request of a journey calls.
pub(super) struct Hooks {
    pub before: Box<[String]>,
    pub after: Box<[String]>,
    /// Whether one is told of a request that failed.
    pub on_error: bool,
}

fn steps(compiler: &mut Compiler<'_>, written: &[script::Step], hooks: &Hooks) -> Box<[Step]> {
    written.iter().filter_map(|written| step(compiler, written, hooks)).collect()
}

/// None if it has faults, which are told.
fn step(compiler: &mut Compiler<'_>, written: &script::Step, hooks: &Hooks) -> Option<Step> {
    let origin = &written.origin;
    let guard = written.if_true.as_ref().and_then(|text| guard(compiler, text, origin));
    let action = match &written.action {
        script::Action::Request(written) => {
            Action::Request(Box::new(request::compile(compiler, written, hooks, origin)?))
        }
        script::Action::Think { duration, jitter } => Action::Think(think(compiler, duration, *jitter, origin)?),
        script::Action::Log { message } => Action::Log(compiler.take(origin, Json::parse(message))?),
        script::Action::Function { name } => {
            compiler.functions(std::slice::from_ref(name), origin);
            Action::Function(name.clone())
        }
        script::Action::Loop(written) => Action::Loop(Box::new(a_loop(compiler, written, hooks, origin)?)),
        script::Action::Parallel { steps: written, limit } => Action::Parallel {
            steps: steps(compiler, written, hooks),
            limit: limit.unwrap_or(PARALLEL_LIMIT).max(1) as usize,
        },
        script::Action::Ws(written) => Action::Ws(Box::new(ws::compile(compiler, written, origin)?)),
        script::Action::Browser(written) => Action::Browser(Box::new(browser::compile(compiler, written, origin)?)),
        script::Action::Grpc(written) => Action::Grpc(Box::new(grpc::compile(compiler, written, origin)?)),
    };
    Some(Step { action, guard })
}

fn guard(compiler: &mut Compiler<'_>, text: &str, origin: &Origin) -> Option<Box<Guard>> {
    if compiler.has_function(text) {
        return Some(Box::new(Guard::Function(text.to_owned())));
    }
    match Expression::parse(text) {
        Ok(expression) => Some(Box::new(Guard::Expression(expression))),
        Err(error) => {
            compiler.error(origin, format!("`ifTrue: {text}`: {}", error.message), error.mend);
            None
        }
    }
}

fn think(
    compiler: &mut Compiler<'_>,
    duration: &script::Template,
    jitter: Option<Jitter>,
    origin: &Origin,
) -> Option<Think> {
    let pause = compiler.take(origin, Json::parse(duration))?;
    let fixed = pause.constant().map(script::duration);
    if fixed == Some(None) {
        let message = format!("`think: {duration}` is no duration");
        compiler.error(origin, message, Some("write seconds, or a text such as 500ms or 1.5s".to_owned()));
        return None;
    }
    compiler.thinks += 1;
    let jitter = jitter.or(compiler.config.http.think_jitter);
    Some(Think { number: compiler.thinks - 1, fixed: fixed.flatten(), pause, jitter })
}

fn a_loop(
    compiler: &mut Compiler<'_>,
    written: &script::Loop,
    hooks: &Hooks,
    origin: &Origin,
) -> Option<Loop> {
    let times = match &written.times {
        script::Times::Count(count) => Times::Count(compiler.take(origin, Json::parse(count))?),
        script::Times::Between(from, to) => Times::Between(*from, *to),
        script::Times::Over(list) => Times::Over(compiler.take(origin, Json::parse(list))?),
        script::Times::Endless => Times::Endless,
    };
    compiler.functions(written.while_true.as_slice(), origin);
    Some(Loop {
        steps: steps(compiler, &written.steps, hooks),
        times,
        while_true: written.while_true.clone(),
        element: written.element.clone().unwrap_or_else(|| "$loopElement".to_owned()),
        counter: written.counter.clone().unwrap_or_else(|| "$loopCount".to_owned()),
    })
}
