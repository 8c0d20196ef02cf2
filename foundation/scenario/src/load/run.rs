//! A run from its start to its end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::collect::Collector;
use super::limits::raise_file_limit;
use super::measured::Measured;
use super::observer::Observer;
use super::outcome::Outcome;
use super::plan::Plan;
use super::series::Series;
use super::worker::{self, Order};
use crate::once;
use crate::program::Program;
use crate::redact::Redactor;
use crate::user::Ended;

#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// Threads; as many as the rate needs if none.
    pub workers: Option<u64>,
    /// The part of the requests whose traces are recorded, from 0 to 1.
    pub traced: f64,
    /// How long after the planned end users may begin another step. Journeys are played to their end if none.
    pub grace: Option<Duration>,
    /// An arrival that begins later than this is late, and counts as slip.
    pub late_after: Duration,
    /// The part of the load that this process is to produce.
    pub share: Share,
}

/// One of several processes that play the same program, each its part. Whatever threads each of them has, every
/// arrival is in exactly one share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    pub index: u64,
    pub of: u64,
}

impl Share {
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Whether the arrival of this number is in it.
    pub fn holds(self, number: u64) -> bool {
        number % self.of == self.index
    }

    /// Which of this process's threads starts an arrival that the share holds.
    pub(super) fn thread(self, number: u64, threads: u64) -> u64 {
        number / self.of % threads
    }
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            workers: None,
            traced: 0.0,
            grace: None,
            late_after: Duration::from_millis(100),
            share: Share::WHOLE,
        }
    }
}

/// Why there is nothing to report.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the script has no `config.phases`; write one, e.g. {{ duration: 60, arrivalRate: 5 }}")]
    NoPhases,
    #[error("the script has no scenarios")]
    NoScenarios,
    #[error("the journey before all failed: {0}")]
    Before(Ended),
    #[error("a thread could not be started: {0}")]
    Thread(std::io::Error),
    #[error("it was given up before its start")]
    NotStarted,
}

/// Plays a program at its rates until all users are done or `cancel` is given; what was measured until then is
/// kept.
pub async fn run(
    program: Arc<Program>,
    options: LoadOptions,
    observer: Arc<dyn Observer>,
    cancel: CancellationToken,
) -> Result<Outcome, LoadError> {
    let lead = lead(&program);
    run_from(program, options, observer, cancel, async move { Some(Instant::now() + lead) }).await
}

/// As [`run`], with a start that others share: `start` is awaited once everything is prepared, and none gives up.
pub async fn run_from(
    program: Arc<Program>,
    options: LoadOptions,
    observer: Arc<dyn Observer>,
    cancel: CancellationToken,
    start: impl Future<Output = Option<Instant>>,
) -> Result<Outcome, LoadError> {
    let plan = Arc::new(Plan::new(&program.phases, program.seed));
    if program.phases.is_empty() {
        return Err(LoadError::NoPhases);
    }
    if program.journeys.is_empty() {
        return Err(LoadError::NoScenarios);
    }
    raise_file_limit();
    let found = match &program.before {
        Some(_) => once::before(&program).await.map_err(LoadError::Before)?,
        None => Vec::new(),
    };
    once::learn(&program).await;
    let base = program.base(&found);
    let Some(start) = start.await else {
        if program.after.is_some() {
            once::after(&program, base).await;
        }
        return Err(LoadError::NotStarted);
    };
    let share = options.share;
    let threads = options.workers.unwrap_or_else(|| usual_workers(&plan, share)).clamp(1, 64);
    let (reports, parts) = mpsc::unbounded_channel();
    let active = Arc::new(AtomicU64::new(0));
    let endless = program.journeys.iter().any(|journey| journey.is_endless());
    let grace = options.grace.or(endless.then_some(Duration::ZERO));
    for number in 0..threads {
        let order = Order {
            program: program.clone(),
            base: base.clone(),
            plan: plan.clone(),
            share,
            number,
            threads,
            start,
            traced: options.traced,
            stops: grace.map(|grace| start + plan.length() + grace),
            late_after: options.late_after,
            active: active.clone(),
            reports: reports.clone(),
            cancel: cancel.clone(),
        };
        let thread = std::thread::Builder::new().name(format!("load-{number}"));
        thread.spawn(move || worker::work(order)).map_err(LoadError::Thread)?;
    }
    drop(reports);
    let mut collector = Collector {
        plan: plan.clone(),
        start,
        active,
        observer,
        measured: Measured::default(),
        series: Series::default(),
        recent: VecDeque::new(),
        redactor: Redactor::new(&program),
    };
    collector.collect(parts).await;
    let elapsed = start.elapsed();
    if program.after.is_some() {
        once::after(&program, base).await;
    }
    Ok(Outcome {
        measured: collector.measured,
        series: collector.series,
        planned: plan.length(),
        elapsed,
        asked: plan.asked(share),
        workers: threads,
        cancelled: cancel.is_cancelled(),
    })
}

/// What a run needs from its word to its first arrival.
pub fn lead(program: &Program) -> Duration {
    if program.needs_browser() { BROWSER_LEAD } else { LEAD }
}

/// So that the first arrival is not late while the threads start.
const LEAD: Duration = Duration::from_millis(2);
/// So that browsers are there when the first users arrive.
const BROWSER_LEAD: Duration = Duration::from_secs(2);
/// What one thread does with ease; beyond it another helps.
const RATE_OF_ONE_WORKER: f64 = 2000.0;

/// One thread does the same work cheaper than two, so a second one comes only when it is needed. Each user of a
/// closed workload asks as fast as it can: all processors then.
fn usual_workers(plan: &Plan, share: Share) -> u64 {
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let closed = plan.phases().iter().any(|phase| matches!(phase.arrivals, documents::script::Arrivals::Users { .. }));
    let needed = if closed { processors } else { (plan.peak_rate() / share.of as f64 / RATE_OF_ONE_WORKER).ceil() as u64 };
    needed.clamp(1, processors)
}
