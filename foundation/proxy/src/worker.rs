//! A thread with its own listener, connections and counters.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backend::Version;
use crate::config::Config;
use crate::meter::Meter;
use crate::open::Open;
use crate::routing::Routing;
use crate::sticky::Sticky;
use crate::upstream::Pool;

pub(crate) struct Worker {
    pub settings: Arc<Config>,
    pub routing: Arc<ArcSwap<Routing>>,
    pub sticky: Option<Sticky>,
    pub pool: Arc<Pool>,
    pub meter: Meter,
    pub connections: TaskTracker,
    /// Of all workers together.
    pub clients: Arc<AtomicUsize>,
    pub closing: CancellationToken,
}

const TIDY: Duration = Duration::from_secs(1);

impl Worker {
    pub fn new(settings: &Arc<Config>, routing: &Arc<ArcSwap<Routing>>, clients: &Arc<AtomicUsize>, closing: &CancellationToken) -> Self {
        Self {
            settings: settings.clone(),
            routing: routing.clone(),
            sticky: settings.sticky.as_ref().and_then(|sticky| Sticky::new(sticky, settings.tls.is_some())),
            pool: Arc::new(Pool::new(settings.limits.idle_per_backend)),
            meter: Meter::default(),
            connections: TaskTracker::new(),
            clients: clients.clone(),
            closing: closing.clone(),
        }
    }

    /// A request begins at the version that is its own by now. None if that has no traffic.
    pub fn begin(&self, user: Option<&[u8]>) -> Option<(Arc<Version>, Open)> {
        let mut routing = self.routing.load();
        loop {
            let version = routing.version_for(user)?.clone();
            let open = version.open.begin();
            let now = self.routing.load();
            if Arc::ptr_eq(&routing, &now) {
                return Some((version, open));
            }
            routing = now;
        }
    }

    /// Until the process ends.
    pub async fn tidy(self: Arc<Self>) {
        let mut ticks = interval(TIDY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.pool.tidy(self.settings.timeouts.idle);
        }
    }
}
