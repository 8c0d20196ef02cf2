//! One thread of a run: it starts its share of the arrivals, each at its planned instant.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use tokio::sync::{Notify, mpsc};
use tokio::task::LocalSet;
use tokio_util::sync::CancellationToken;

use super::counter::Counter;
use super::measured::Measured;
use super::observer::Finished;
use super::plan::{Arrival, Kind, Plan};
use super::run::Share;
use crate::browser::{Browsers, TabSlot};
use crate::client::Client;
use crate::program::Program;
use crate::user::{Clock, Ended, Ground, Pace, Timetable, User, walk};
use crate::value::Base;

/// What a worker is told.
pub(super) struct Order {
    pub program: Arc<Program>,
    pub base: Arc<Base>,
    pub plan: Arc<Plan>,
    /// Of the whole run, what this process plays.
    pub share: Share,
    /// This worker's number among those of its process.
    pub number: u64,
    pub threads: u64,
    pub start: Instant,
    pub traced: f64,
    /// No step begins after this.
    pub stops: Option<Instant>,
    pub late_after: Duration,
    /// Users under way in this process, for `maxVusers`.
    pub active: Arc<AtomicU64>,
    pub reports: mpsc::UnboundedSender<Part>,
    pub cancel: CancellationToken,
}

/// What a worker has counted since it last said so.
pub(super) struct Part {
    /// The quarter of a second, counted from the start, that it is of.
    pub quarter: u64,
    pub counts: Measured,
    pub finished: Vec<Finished>,
    pub printed: Vec<String>,
}

/// How often a worker reports.
pub(super) const QUARTER: Duration = Duration::from_millis(250);
/// How many quarters the usual length of bursts is learned from, at least.
const REMEMBERED: u64 = 20;

/// Works until all users are done, or the run is cancelled.
pub(super) fn work(order: Order) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async move {
        let worker = Rc::new(Worker::new(order));
        let reporting = tokio::task::spawn_local(worker.clone().report_regularly());
        tokio::select! {
            () = worker.order.cancel.cancelled() => worker.cancelled(),
            () = worker.clone().start_all() => {}
        }
        reporting.abort();
        worker.report();
    });
    Ok(())
}

struct Worker {
    ground: Ground,
    counter: Rc<Counter>,
    active: Cell<u64>,
    idle: Notify,
    cpu: Cell<ThreadTime>,
    /// The last to go: the run is over when nobody can report, and the browser has ended by then.
    order: Order,
}

impl Worker {
    fn new(order: Order) -> Self {
        let counter = Rc::new(Counter::new());
        let ground = Ground {
            client: Client::new(&order.program.client),
            browsers: Browsers::new(&order.program, false),
            program: order.program.clone(),
            clock: Clock::default(),
            pace: Pace::new(order.program.thinks),
            witness: counter.clone(),
            strict_expectations: order.program.settings.expect.continue_on_failure == Some(false),
            reads_all: false,
            traced: order.traced,
        };
        Self { order, ground, counter, active: Cell::new(0), idle: Notify::new(), cpu: Cell::new(ThreadTime::now()) }
    }

    async fn start_all(self: Rc<Self>) {
        let plan = self.order.plan.clone();
        if self.order.program.needs_browser() {
            self.ground.browsers.warm().await;
        }
        let Order { share, number, threads, .. } = self.order;
        let mine = |arrival: &Arrival| share.holds(arrival.number) && share.thread(arrival.number, threads) == number;
        for arrival in plan.arrivals().filter(mine) {
            let planned = self.order.start + arrival.at;
            if planned > Instant::now() {
                self.ground.clock.until(planned).await;
            } else {
                tokio::task::consume_budget().await;
            }
            self.arrive(arrival, planned);
        }
        while self.active.get() > 0 {
            self.idle.notified().await;
        }
    }

    fn arrive(self: &Rc<Self>, arrival: Arrival, planned: Instant) {
        let late = planned.elapsed();
        {
            let mut counts = self.counter.counts.borrow_mut();
            counts.slip.record(late);
            if arrival.kind == Kind::Once {
                counts.arrived += 1;
                counts.late += u64::from(late > self.order.late_after);
                counts.last_arrival = counts.last_arrival.max(self.order.start.elapsed());
            }
            let most = self.order.plan.phases()[arrival.phase].max_vusers;
            if most.is_some_and(|most| self.order.active.load(Ordering::Relaxed) >= self.share(most)) {
                counts.vusers.skipped += 1;
                return;
            }
            counts.vusers.created += 1;
        }
        self.active.set(self.active.get() + 1);
        self.order.active.fetch_add(1, Ordering::Relaxed);
        tokio::task::spawn_local(self.clone().live(arrival, planned));
    }

    /// The users that this process may have of all that there may be.
    fn share(&self, most: u64) -> u64 {
        most.div_ceil(self.order.share.of).max(1)
    }

    /// The life of one virtual user.
    async fn live(self: Rc<Self>, arrival: Arrival, planned: Instant) {
        let program = &self.order.program;
        let mut user = User {
            number: arrival.number,
            session: self.ground.client.session(),
            socket: None,
            tab: TabSlot::default(),
            scope: program.scope(&self.order.base, arrival.number),
            timetable: Timetable::new(planned),
            stops: self.order.stops,
            failed: None,
        };
        if let Kind::Until(end) = arrival.kind {
            user.stops = Some(self.order.start + end);
        }
        let mut began = planned;
        loop {
            let journey = &program.journeys[program.draw_journey()];
            let walked = walk(&self.ground, &mut user, journey).await;
            let goes_on = arrival.kind != Kind::Once && user.stops.is_some_and(|stops| Instant::now() < stops);
            self.ended(walked, began, goes_on);
            if !goes_on {
                break;
            }
            // Anew, but with the connections that it has.
            tokio::task::consume_budget().await;
            began = Instant::now();
            user.scope = program.scope(&self.order.base, arrival.number);
        }
        self.order.active.fetch_sub(1, Ordering::Relaxed);
        self.active.set(self.active.get() - 1);
        if self.active.get() == 0 {
            self.idle.notify_one();
        }
    }

    fn ended(&self, walked: Result<(), Ended>, began: Instant, goes_on: bool) {
        let mut counts = self.counter.counts.borrow_mut();
        match walked {
            Ok(()) => counts.vusers.completed += 1,
            Err(Ended::Stopped) => counts.vusers.stopped += 1,
            Err(ended) => {
                counts.vusers.failed += 1;
                // The others have been counted where they happened.
                if !matches!(ended, Ended::Request(_) | Ended::Browser(_) | Ended::Capture(_) | Ended::Mismatch(_)) {
                    counts.error(ended.code(), || ended.to_string());
                }
            }
        }
        counts.sessions.record(began.elapsed());
        counts.vusers.created += u64::from(goes_on);
    }

    /// The arrivals that a cancelled run did not get to are not late, and its users did not fail.
    fn cancelled(&self) {
        self.counter.counts.borrow_mut().vusers.stopped += self.active.get();
    }

    async fn report_regularly(self: Rc<Self>) {
        let mut quarters = tokio::time::interval_at((self.order.start + QUARTER).into(), QUARTER);
        for number in 1.. {
            quarters.tick().await;
            self.report();
            self.ground.pace.settle();
            if number % REMEMBERED == 0 {
                self.ground.pace.forget();
            }
        }
    }

    fn report(&self) {
        let mut counts = self.counter.counts.take();
        let now = ThreadTime::now();
        counts.cpu = now.duration_since(self.cpu.replace(now));
        let elapsed = self.order.start.elapsed().as_millis() as u64;
        let part = Part {
            quarter: (elapsed / QUARTER.as_millis() as u64).saturating_sub(1),
            counts,
            finished: self.counter.finished.take(),
            printed: self.counter.printed.take(),
        };
        // Nobody listens once the run has been given up.
        self.order.reports.send(part).unwrap_or_default();
    }
}
