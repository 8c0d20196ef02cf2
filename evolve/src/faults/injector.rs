//! Begins faults and lifts them.
//!
//! In this order: check the targets, write the undo to disk, give it to the guard, begin. So whatever is
//! killed after that, something is left that knows how to lift.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kernel::{Clock, SystemClock, Timestamp};
use tokio::sync::{Mutex, oneshot, watch};

use super::guard::{Burn, Guard};
use super::identity::Identity;
use super::journal::{self, Entry};
use super::kinds::{Begin, Prepared, prepare};
use super::proxy::Proxies;
use super::undo::Undo;
use super::{Bounds, FaultError, FaultSpec};

/// Of a fault without a duration and bounds without a deadline.
const LONGEST: Duration = Duration::from_secs(600);
/// The guard's time to lift before the server does it itself.
const GUARD_LIFTS: Duration = Duration::from_secs(3);

/// How faults begin in this process. Cheap to clone; one for each data folder.
#[derive(Debug, Clone)]
pub struct Injector {
    shared: Arc<Shared>,
}

/// What an injector needs of the program around it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The undos of faults that have begun are kept here.
    pub data: PathBuf,
    /// The program that runs as the guard, with its arguments: one whose `main` calls [`super::guard::run`].
    pub guard: Vec<OsString>,
}

#[derive(Debug)]
struct Shared {
    settings: Settings,
    proxies: Proxies,
    /// Started with the first fault that needs one, and again when it has ended.
    guard: Mutex<Option<Guard>>,
}

/// A fault that has begun. Dropping it lifts it too, without saying how that went.
#[derive(Debug)]
pub struct Active {
    id: String,
    fault: &'static str,
    deadline: Timestamp,
    /// Dropped or used: lift now.
    lift: Option<oneshot::Sender<()>>,
    ended: watch::Receiver<Option<Ended>>,
}

/// How a fault ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    Lifted,
    /// The deadline passed, or the guard ended; it has been lifted.
    LiftedEarly,
    /// Its undo failed, and is kept for [`super::repair`].
    Problem(String),
}

impl Injector {
    pub fn new(settings: Settings) -> Self {
        Self::with_proxies(settings, Proxies::new())
    }

    /// `proxies` are those that a fault can name.
    pub fn with_proxies(settings: Settings, proxies: Proxies) -> Self {
        Self { shared: Arc::new(Shared { settings, proxies, guard: Mutex::new(None) }) }
    }

    pub fn proxies(&self) -> &Proxies {
        &self.shared.proxies
    }

    /// Checks the targets, keeps the undo, then begins.
    pub async fn begin(&self, spec: &FaultSpec, bounds: &Bounds) -> Result<Active, FaultError> {
        let deadline = deadline(spec, bounds)?;
        let id = ulid::Ulid::generate().to_string().to_lowercase();
        let prepared = prepare(&id, spec, bounds).await?;
        let keeper = Keeper { shared: self.shared.clone(), id: id.clone(), fault: spec.name(), deadline, undo: prepared.undo.clone(), guard: None, record: None };
        // In a task of its own: whoever stops waiting for it lifts what has begun meanwhile.
        let begun = tokio::spawn(keeper.begin(prepared)).await;
        begun.unwrap_or_else(|error| Err(FaultError::Failed { fault: spec.name(), message: error.to_string() }))
    }
}

impl Active {
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn fault(&self) -> &'static str {
        self.fault
    }

    /// It lifts at the latest now.
    pub fn deadline(&self) -> Timestamp {
        self.deadline
    }

    /// Undoes the fault, and says whether that worked. The undo is kept on disk if not.
    pub async fn lift(mut self) -> Result<(), FaultError> {
        drop(self.lift.take());
        match self.ended().await {
            Ended::Lifted | Ended::LiftedEarly => Ok(()),
            Ended::Problem(message) => Err(FaultError::Failed { fault: self.fault, message }),
        }
    }

    /// Waits for its end: by its deadline, by the end of the guard, or by a `lift`.
    pub async fn ended(&self) -> Ended {
        let mut ended = self.ended.clone();
        let ended = ended.wait_for(Option::is_some).await.ok().and_then(|ended| ended.clone());
        ended.unwrap_or_else(|| Ended::Problem("the runtime that kept it has ended".to_owned()))
    }
}

/// Looks after one fault.
struct Keeper {
    shared: Arc<Shared>,
    id: String,
    fault: &'static str,
    deadline: Timestamp,
    undo: Option<Undo>,
    guard: Option<Guard>,
    record: Option<PathBuf>,
}

impl Keeper {
    async fn begin(mut self, prepared: Prepared) -> Result<Active, FaultError> {
        if self.needs_guard(&prepared) {
            self.record()?;
            self.give_to_guard().await?;
        }
        if let Err(error) = self.act(prepared.begin).await {
            // It may have begun in part.
            if let Err(problem) = self.undo().await {
                tracing::error!(fault = self.fault, problem, "a fault that did not begin could not be undone");
            }
            return Err(error);
        }
        tracing::info!(fault = self.fault, id = self.id, "a fault has begun");
        let (lift, asked) = oneshot::channel();
        let (tell, ended) = watch::channel(None);
        let active = Active { id: self.id.clone(), fault: self.fault, deadline: self.deadline, lift: Some(lift), ended };
        tokio::spawn(async move {
            let end = self.keep(asked).await;
            tell.send_replace(Some(end));
        });
        Ok(active)
    }

    /// The toxics of this process end with it, and an ended process needs nobody.
    fn needs_guard(&self, prepared: &Prepared) -> bool {
        match &self.undo {
            Some(Undo::Proxy(restore)) => !restore.is_here(),
            Some(_) => true,
            None => matches!(prepared.begin, Begin::Burn(_)),
        }
    }

    fn record(&mut self) -> Result<(), FaultError> {
        let Some(undo) = self.undo.clone() else { return Ok(()) };
        let entry = Entry { id: self.id.clone(), fault: self.fault.to_owned(), undo, deadline: self.deadline, server: Identity::own() };
        self.record = Some(journal::write(&self.shared.settings.data, &entry)?);
        Ok(())
    }

    async fn give_to_guard(&mut self) -> Result<(), FaultError> {
        let mut shared = self.shared.guard.lock().await;
        let guard = match shared.as_ref().filter(|guard| guard.is_alive()) {
            Some(guard) => guard.clone(),
            None => shared.insert(Guard::start(&self.shared.settings.guard).await?).clone(),
        };
        drop(shared);
        let held = guard.hold(&self.id, self.undo.clone(), self.record.clone(), self.deadline).await;
        held.map_err(|message| FaultError::Guard { message: format!("does not hold the undo: {message}") })?;
        self.guard = Some(guard);
        Ok(())
    }

    async fn act(&self, begin: Begin) -> Result<(), FaultError> {
        match begin {
            Begin::Signal(signal) => signal.begin(),
            Begin::Network(network) => network.begin().await,
            Begin::Proxy(proxy) => proxy.begin(&self.shared.proxies).await,
            Begin::Burn(burn) => self.burn(burn).await,
        }
    }

    async fn burn(&self, burn: Burn) -> Result<(), FaultError> {
        let failed = |message| FaultError::Failed { fault: self.fault, message };
        let guard = self.guard.as_ref().ok_or_else(|| failed("there is no guard".to_owned()))?;
        guard.burn(&self.id, burn).await.map_err(failed)
    }

    async fn keep(self, asked: oneshot::Receiver<()>) -> Ended {
        let early = tokio::select! {
            _ = asked => false,
            () = SystemClock.sleep_until(self.deadline) => true,
            () = self.guard_ended() => true,
        };
        match self.undo().await {
            Ok(()) if early => Ended::LiftedEarly,
            Ok(()) => Ended::Lifted,
            Err(problem) => {
                tracing::error!(fault = self.fault, id = self.id, problem, "a fault could not be lifted");
                Ended::Problem(problem)
            }
        }
    }

    async fn guard_ended(&self) {
        match &self.guard {
            Some(guard) => guard.ended().await,
            None => std::future::pending().await,
        }
    }

    /// By the guard; by this process where there is none, or where it fails.
    async fn undo(&self) -> Result<(), String> {
        if let Some(guard) = self.guard.as_ref().filter(|guard| guard.is_alive()) {
            let limit = self.undo.as_ref().map_or(GUARD_LIFTS, |undo| GUARD_LIFTS + undo.takes());
            match guard.lift(&self.id, limit).await {
                Ok(()) => return Ok(()),
                Err(problem) => {
                    tracing::warn!(fault = self.fault, problem, "the guard is ended, and the server lifts");
                    guard.kill();
                }
            }
        }
        match &self.undo {
            None => {}
            Some(Undo::Proxy(restore)) if restore.is_here() => restore.lift_here(&self.shared.proxies).await?,
            Some(undo) => undo.lift().await?,
        }
        if let Some(record) = &self.record {
            journal::remove(record);
        }
        Ok(())
    }
}

fn deadline(spec: &FaultSpec, bounds: &Bounds) -> Result<Timestamp, FaultError> {
    let now = SystemClock.now();
    let after = |duration: Duration| now.checked_add(duration).unwrap_or(Timestamp::MAX);
    let own = spec.duration().map(after);
    match [own, bounds.deadline].into_iter().flatten().min() {
        Some(deadline) if deadline <= now => Err(FaultError::DeadlinePassed),
        Some(deadline) => Ok(deadline),
        None => Ok(after(LONGEST)),
    }
}
