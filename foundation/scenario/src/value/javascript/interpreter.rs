//! One interpreter with a script's functions loaded, and the limits that keep it from stopping a run.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rquickjs::function::{Flat, IntoArgs};
use rquickjs::{CatchResultExt, CaughtError, Context, Ctx, FromJs, Function, Object, Runtime};

use super::crossing::Texts;
use super::modules::Folders;
use super::native::{self, Host};
use super::{Hook, HookError, ProcessorError};
use crate::value::scope::Scope;

pub(super) struct Interpreter {
    context: Context,
    host: Arc<Host>,
    watch: Arc<Watch>,
}

/// One call under way. When it is dropped, the interpreter forgets it.
pub(super) struct Call<'a> {
    interpreter: &'a Interpreter,
    id: u64,
    name: String,
    progress: Progress,
    printed: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Progress {
    /// What it left behind, told in JSON; empty if nothing.
    Done(String),
    /// Until its next timer.
    Waits(Duration),
    /// Nothing will ever wake it.
    Silent,
}

/// Stops code that runs too long at once.
struct Watch {
    began: Instant,
    /// In milliseconds since `began`; 0 if nothing runs.
    deadline_ms: AtomicU64,
}

impl Interpreter {
    /// The interpreter, and the names of the functions.
    pub(super) fn load(path: &Path, folder: &Path) -> Result<(Self, Vec<String>), ProcessorError> {
        let shown = path.display().to_string();
        let faulty = |message: String| ProcessorError::Faulty { path: shown.clone(), message };
        let folders = Folders::of(path, folder)?;
        let runtime = Runtime::new().map_err(|error| faulty(error.to_string()))?;
        runtime.set_memory_limit(MEMORY_BYTES_MAX);
        runtime.set_max_stack_size(STACK_BYTES_MAX);
        runtime.set_gc_threshold(CYCLES_BYTES);
        folders.serve(&runtime);
        let watch = Watch::over(&runtime);
        let context = Context::full(&runtime).map_err(|error| faulty(error.to_string()))?;
        let host = Arc::new(Host::new(folders));
        let interpreter = Self { context, host, watch };
        let names = interpreter.enter(LOAD_MAX, |ctx| {
            native::install(&ctx, &interpreter.host)?;
            interpreter.host.folders.load(&ctx)
        });
        let names = names.map_err(|stopped| faulty(stopped.message(LOAD_MAX)))?;
        Ok((interpreter, names))
    }

    pub(super) fn begin(&self, id: u64, name: &str, hook: &Hook<'_>, scope: &Scope) -> Result<Call<'_>, HookError> {
        let texts = Texts::of(hook, scope);
        let base = self.host.meet(scope.base());
        let mut call = Call { interpreter: self, id, name: name.to_owned(), progress: Progress::Silent, printed: Vec::new() };
        if let Hook::AfterResponse(_, response) = hook {
            self.host.keep_body(id, response.body.clone());
        }
        call.advance(|ctx| {
            if let Some(base) = &base.new {
                let (plain, lists) = base.texts();
                if base.first {
                    invoke::<_, ()>(&ctx, "forgetBases", ())?;
                }
                invoke::<_, ()>(&ctx, "learnBase", (base.key, plain, lists))?;
            }
            let Texts { kind, own, kept, params, response } = texts;
            invoke(&ctx, "begin", (Flat((id, kind, base.key)), Flat((name, own, kept, params, response))))
        })?;
        Ok(call)
    }

    /// Runs something in the interpreter, for at most a time.
    fn enter<R>(&self, limit: Duration, run: impl FnOnce(Ctx<'_>) -> Result<R, Fault>) -> Result<R, Fault> {
        self.context.with(|ctx| {
            self.watch.start(limit);
            let result = run(ctx);
            // What came to its end was in time.
            if self.watch.stop() { result.map_err(|_| Fault::Late) } else { result }
        })
    }
}

impl std::fmt::Debug for Interpreter {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Interpreter").finish_non_exhaustive()
    }
}

impl Call<'_> {
    pub(super) fn progress(&self) -> Progress {
        self.progress.clone()
    }

    pub(super) fn printed(&mut self) -> Vec<String> {
        std::mem::take(&mut self.printed)
    }

    /// Runs the timers that are due.
    pub(super) fn resume(&mut self) -> Result<(), HookError> {
        let id = self.id;
        self.advance(|ctx| {
            invoke::<_, ()>(&ctx, "runDue", (id,))?;
            Ok(None)
        })
    }

    /// Runs something, then what waits for it; `run` returns the outcome if it is known already.
    fn advance(&mut self, run: impl FnOnce(Ctx<'_>) -> Result<Option<String>, Fault>) -> Result<(), HookError> {
        let id = self.id;
        let progress = self.interpreter.enter(RUN_MAX, |ctx| {
            let mut outcome = run(ctx.clone())?;
            if outcome.is_none() {
                while !self.interpreter.watch.is_late() && ctx.execute_pending_job() {}
                outcome = invoke(&ctx, "outcome", (id,))?;
            }
            if let Some(text) = outcome {
                return Ok(Progress::Done(text));
            }
            if self.interpreter.watch.is_late() {
                // A promise's code was stopped, and nobody was told.
                return Err(Fault::Late);
            }
            let wait_ms: f64 = invoke(&ctx, "nextDue", (id,))?;
            Ok(if wait_ms < 0.0 { Progress::Silent } else { Progress::Waits(Duration::from_secs_f64(wait_ms / 1_000.0)) })
        });
        self.printed.extend(self.interpreter.host.take_printed());
        self.progress = progress.map_err(|fault| match fault {
            Fault::Late => HookError::Endless { name: self.name.clone(), limit_ms: RUN_MAX.as_millis() as u64 },
            Fault::Threw(message) => HookError::Threw { name: self.name.clone(), message },
        })?;
        Ok(())
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.interpreter.host.forget_body(self.id);
        if !matches!(self.progress, Progress::Done(_)) {
            // The call ends in any case; that it could not be forgotten costs a little memory.
            let _ = self.interpreter.enter(RUN_MAX, |ctx| invoke::<_, ()>(&ctx, "forget", (self.id,)));
        }
    }
}

/// Why something did not come to its end.
pub(super) enum Fault {
    Late,
    Threw(String),
}

impl Fault {
    fn message(&self, limit: Duration) -> String {
        match self {
            Self::Late => format!("it took longer than {} ms", limit.as_millis()),
            Self::Threw(message) => message.clone(),
        }
    }
}

impl From<CaughtError<'_>> for Fault {
    fn from(error: CaughtError<'_>) -> Self {
        Self::Threw(native::describe(&error))
    }
}

/// Calls one of the functions of `calls.js`.
pub(super) fn invoke<'js, A: IntoArgs<'js>, R: FromJs<'js>>(ctx: &Ctx<'js>, name: &str, given: A) -> Result<R, Fault> {
    let call = || {
        let own: Object<'js> = ctx.globals().get(native::OWN)?;
        own.get::<_, Function<'js>>(name)?.call(given)
    };
    call().catch(ctx).map_err(Fault::from)
}

impl Watch {
    fn over(runtime: &Runtime) -> Arc<Self> {
        let watch = Arc::new(Self { began: Instant::now(), deadline_ms: AtomicU64::new(0) });
        let seen = watch.clone();
        runtime.set_interrupt_handler(Some(Box::new(move || seen.is_late())));
        watch
    }

    fn start(&self, limit: Duration) {
        let deadline = self.began.elapsed() + limit;
        self.deadline_ms.store(deadline.as_millis() as u64 + 1, Ordering::Relaxed);
    }

    /// Whether time had run out.
    fn stop(&self) -> bool {
        let late = self.is_late();
        self.deadline_ms.store(0, Ordering::Relaxed);
        late
    }

    fn is_late(&self) -> bool {
        let deadline = self.deadline_ms.load(Ordering::Relaxed);
        deadline != 0 && self.began.elapsed().as_millis() as u64 > deadline
    }
}

/// Of processor time at once; a request waits for it.
const RUN_MAX: Duration = Duration::from_secs(1);
const LOAD_MAX: Duration = Duration::from_secs(10);
const MEMORY_BYTES_MAX: usize = 256 << 20;
/// Values that refer to each other in a circle are looked for when this much is in use.
const CYCLES_BYTES: usize = 8 << 20;
/// A thread of the run has two megabytes.
const STACK_BYTES_MAX: usize = 512 << 10;
