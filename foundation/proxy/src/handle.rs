//! The proxy as whoever runs it sees it.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::backend::{BackendStatus, Version};
use crate::config::Config;
use crate::error::ProxyError;
use crate::meter::{self, Series};
use crate::routing::Routing;
use crate::shares::Shares;
use crate::state_file::{self, State};
use crate::worker::Worker;
use crate::{control, health, listen};

/// Runs on threads of its own; dropped, it closes at once, [`Proxy::shutdown`] lets requests end.
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    control: Option<SocketAddr>,
    closing: CancellationToken,
    grace: Arc<OnceLock<Duration>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// How the traffic is shared and what each version does with it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    #[serde(flatten)]
    pub shares: Shares,
    pub versions: BTreeMap<String, VersionStatus>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionStatus {
    /// In percent.
    pub weight: f64,
    /// Ended since the proxy started.
    pub requests: u64,
    /// Of them, by class: `2xx` and so on.
    pub statuses: BTreeMap<String, u64>,
    /// Under way. 0 at a version without weight or a backend that drains: it can be stopped.
    pub open: usize,
    pub backends: Vec<BackendStatus>,
}

impl Proxy {
    /// Accepts connections when it returns. Needs no runtime around it.
    pub fn start(config: Config) -> Result<Self, ProxyError> {
        config.check()?;
        let tls = config.tls.as_ref().map(listen::acceptor).transpose()?;
        let routing = Arc::new(ArcSwap::from_pointee(first_routing(&config)?));
        let count = config.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        let listeners = listen::bind(config.listen, count)?;
        let failed = |source| ProxyError::Listen { address: config.listen, source };
        let address = listeners[0].local_addr().map_err(failed)?;
        let control = config.control.as_ref().map(|control| listen::bind(control.listen, 1).map(|mut listeners| listeners.remove(0))).transpose()?;
        let control_address = control.as_ref().map(StdListener::local_addr).transpose().map_err(failed)?;

        let (closing, clients) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let config = Arc::new(config);
        let workers: Vec<Arc<Worker>> = (0..count).map(|_| Arc::new(Worker::new(&config, &routing, &clients, &closing))).collect();
        let shared = Arc::new(Shared { config, routing, workers, change: Mutex::new(()) });
        shared.keep_state()?;
        let mut proxy = Self { shared, address, control: control_address, closing, grace: Arc::default(), threads: Mutex::default() };
        for (number, listener) in listeners.into_iter().enumerate() {
            proxy.spawn_worker(number, listener, tls.clone())?;
        }
        proxy.spawn_overseer(control)?;
        Ok(proxy)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn control_address(&self) -> Option<SocketAddr> {
        self.control
    }

    /// On disk when it returns, and followed by every request that comes after. May be repeated. Blocks for the
    /// disk.
    pub fn set_shares(&self, shares: Shares) -> Result<(), ProxyError> {
        self.shared.set_shares(shares)
    }

    pub fn shares(&self) -> Shares {
        self.shared.routing.load().shares.clone()
    }

    /// Adds a version, or replaces its backends; those that stay keep their connections and their standing.
    pub fn put_version(&self, name: &str, backends: &[String]) -> Result<(), ProxyError> {
        self.shared.put_version(name, backends)
    }

    /// Only a version without any share.
    pub fn remove_version(&self, name: &str) -> Result<(), ProxyError> {
        self.shared.remove_version(name)
    }

    /// Takes a backend out (true) or back in. Its open requests end in their own time: `Status` counts them.
    pub fn drain(&self, version: &str, url: &str, draining: bool) -> Result<(), ProxyError> {
        self.shared.drain(version, url, draining)
    }

    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// Counted since the start, for metrics.
    pub fn series(&self) -> Vec<Series> {
        self.shared.series()
    }

    /// Accepts no more connections, lets requests under way end for at most `grace`, then closes.
    pub async fn shutdown(&self, grace: Duration) {
        self.grace.get_or_init(|| grace);
        self.closing.cancel();
        let threads = std::mem::take(&mut *self.threads.lock());
        let joined = tokio::task::spawn_blocking(move || threads.into_iter().map(JoinHandle::join).filter(Result::is_err).count());
        if joined.await.is_ok_and(|failed| failed > 0) {
            tracing::error!("a thread of the proxy has failed");
        }
    }

    fn spawn_worker(&mut self, number: usize, listener: StdListener, tls: Option<TlsAcceptor>) -> Result<(), ProxyError> {
        let (worker, grace) = (self.shared.workers[number].clone(), self.grace.clone());
        self.spawn(format!("proxy-{number}"), async move {
            let listener = match TcpListener::from_std(listener) {
                Ok(listener) => listener,
                Err(error) => return tracing::error!(%error, "a worker of the proxy cannot listen"),
            };
            tokio::spawn(worker.clone().tidy());
            listen::accept(worker.clone(), listener, tls).await;
            worker.connections.close();
            let grace = grace.get().copied().unwrap_or_default();
            if tokio::time::timeout(grace, worker.connections.wait()).await.is_err() {
                tracing::warn!(connections = worker.connections.len(), "requests were cut off as the proxy closed");
            }
        })
    }

    /// Health checks and the control API, away from the workers.
    fn spawn_overseer(&mut self, listener: Option<StdListener>) -> Result<(), ProxyError> {
        let (shared, closing) = (self.shared.clone(), self.closing.clone());
        self.spawn("proxy-overseer".to_owned(), async move {
            if let Some(settings) = shared.config.health.clone() {
                tokio::spawn(health::watch(shared.routing.clone(), settings));
            }
            if let Some(listener) = listener {
                tokio::spawn(control::serve(shared, listener));
            }
            closing.cancelled().await;
        })
    }

    fn spawn(&mut self, name: String, work: impl Future<Output = ()> + Send + 'static) -> Result<(), ProxyError> {
        let runtime: Runtime = Builder::new_current_thread().enable_all().build().map_err(ProxyError::Thread)?;
        let thread = std::thread::Builder::new().name(name).spawn(move || runtime.block_on(work)).map_err(ProxyError::Thread)?;
        self.threads.get_mut().push(thread);
        Ok(())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}

/// What was acknowledged last, or else what the configuration begins with.
fn first_routing(config: &Config) -> Result<Routing, ProxyError> {
    let kept = config.state.as_deref().map(state_file::read).transpose()?.flatten();
    let mut urls = kept.as_ref().map(|state| state.versions.clone()).unwrap_or_default();
    urls.extend(config.versions.clone());
    let versions: BTreeMap<String, Arc<Version>> = urls.iter().map(|(name, urls)| Ok((name.clone(), Arc::new(Version::new(name, urls, None)?)))).collect::<Result<_, ProxyError>>()?;
    for (name, draining) in kept.iter().flat_map(|state| &state.draining) {
        let backends = versions.get(name).into_iter().flat_map(|version| &version.backends);
        backends.filter(|backend| draining.contains(&backend.url)).for_each(|backend| backend.set_draining(true));
    }
    let only = || config.versions.keys().next().map(Shares::all).unwrap_or_else(|| Shares::all(""));
    let shares = kept.map(|state| state.shares).or_else(|| config.shares.clone()).unwrap_or_else(only);
    Routing::new(shares, versions)
}

/// What the handle and the control API have in common.
pub(crate) struct Shared {
    pub config: Arc<Config>,
    pub routing: Arc<ArcSwap<Routing>>,
    workers: Vec<Arc<Worker>>,
    /// One change after the other, from disk to routing.
    change: Mutex<()>,
}

impl Shared {
    pub fn set_shares(&self, shares: Shares) -> Result<(), ProxyError> {
        self.change(|now| Routing::new(shares, now.versions.clone()))
    }

    pub fn put_version(&self, name: &str, backends: &[String]) -> Result<(), ProxyError> {
        self.change(|now| {
            let mut versions = now.versions.clone();
            let version = Version::new(name, backends, versions.get(name).map(Arc::as_ref))?;
            versions.insert(name.to_owned(), Arc::new(version));
            Routing::new(now.shares.clone(), versions)
        })
    }

    pub fn remove_version(&self, name: &str) -> Result<(), ProxyError> {
        self.change(|now| {
            version_of(now, name)?;
            if now.shares.new == name || now.shares.old.as_deref() == Some(name) {
                return Err(ProxyError::InUse(name.to_owned()));
            }
            let mut versions = now.versions.clone();
            versions.remove(name);
            Routing::new(now.shares.clone(), versions)
        })
    }

    pub fn drain(&self, version: &str, url: &str, draining: bool) -> Result<(), ProxyError> {
        let _one_at_a_time = self.change.lock();
        let now = self.routing.load();
        let found = version_of(&now, version)?.backends.iter().find(|backend| backend.url == url);
        let backend = found.ok_or_else(|| ProxyError::NoBackend { version: version.to_owned(), url: url.to_owned() })?;
        let was = backend.is_draining();
        backend.set_draining(draining);
        self.keep(&now).inspect_err(|_| backend.set_draining(was))
    }

    pub fn status(&self) -> Status {
        let routing = self.routing.load();
        let series = self.series();
        let versions = routing.versions.iter().map(|(name, version)| {
            let mut statuses: BTreeMap<String, u64> = BTreeMap::new();
            for one in series.iter().filter(|one| one.version.as_deref() == Some(name)) {
                *statuses.entry(format!("{}xx", one.status / 100)).or_default() += one.count;
            }
            let backends = version.backends.iter().map(|backend| backend.status()).collect();
            (name.clone(), VersionStatus { weight: routing.shares.weight_of(name), requests: statuses.values().sum(), statuses, open: version.open.now(), backends })
        });
        Status { versions: versions.collect(), shares: routing.shares.clone() }
    }

    pub fn series(&self) -> Vec<Series> {
        meter::together(self.workers.iter().map(|worker| &worker.meter))
    }

    fn keep_state(&self) -> Result<(), ProxyError> {
        self.keep(&self.routing.load())
    }

    fn change(&self, next: impl FnOnce(&Routing) -> Result<Routing, ProxyError>) -> Result<(), ProxyError> {
        let _one_at_a_time = self.change.lock();
        let next = next(&self.routing.load())?;
        self.keep(&next)?;
        tracing::info!(old = next.shares.old, new = next.shares.new, weight = next.shares.weight, "the proxy's routing has changed");
        self.routing.store(Arc::new(next));
        Ok(())
    }

    fn keep(&self, routing: &Routing) -> Result<(), ProxyError> {
        let Some(path) = &self.config.state else { return Ok(()) };
        let urls = |wanted: &dyn Fn(&crate::backend::Backend) -> bool| -> BTreeMap<String, Vec<String>> {
            let of = |version: &Version| version.backends.iter().filter(|backend| wanted(backend)).map(|backend| backend.url.clone()).collect();
            routing.versions.iter().map(|(name, version)| (name.clone(), of(version))).collect()
        };
        let mut draining = urls(&|backend| backend.is_draining());
        draining.retain(|_, urls| !urls.is_empty());
        state_file::write(path, &State { shares: routing.shares.clone(), versions: urls(&|_| true), draining })
    }
}

fn version_of<'a>(routing: &'a Routing, name: &str) -> Result<&'a Arc<Version>, ProxyError> {
    let known = || routing.versions.keys().cloned().collect::<Vec<_>>().join(", ");
    routing.versions.get(name).ok_or_else(|| ProxyError::NoVersion { name: name.to_owned(), known: known() })
}
