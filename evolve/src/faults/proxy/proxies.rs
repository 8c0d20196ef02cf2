//! The proxies of one process: created, changed, spoilt and restored by name.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, MutexGuard, watch};

use super::connection::{Toxics, Traffic};
use super::listener::Listener;
use super::pipeline::Installed;
use super::toxic::{Change, Direction, Toxic, ToxicError, Written};

/// Cheap to clone; the clones are the same proxies.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    by_name: Arc<Mutex<BTreeMap<String, Proxy>>>,
}

/// A proxy as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    pub name: String,
    /// The address where it listens: with its port once it has been enabled.
    pub listen: String,
    pub upstream: String,
    pub enabled: bool,
    pub toxics: Vec<Toxic>,
}

/// A proxy as it is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    pub name: String,
    pub listen: String,
    pub upstream: String,
    /// None is enabled for a new proxy, and unchanged for one that exists.
    pub enabled: Option<bool>,
}

/// What of a proxy is to change.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Alteration {
    pub listen: Option<String>,
    pub upstream: Option<String>,
    pub enabled: Option<bool>,
}

/// One line of the metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Passed {
    pub direction: Direction,
    pub proxy: String,
    pub listener: String,
    pub upstream: String,
    pub received_bytes: u64,
    pub sent_bytes: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    #[error("missing required field: {field}")]
    Missing { field: String },
    #[error("proxy not found")]
    NotFound,
    #[error("proxy already exists")]
    Exists,
    #[error("toxic not found")]
    ToxicNotFound,
    #[error("toxic already exists")]
    ToxicExists,
    #[error(transparent)]
    Toxic(#[from] ToxicError),
    #[error("listen {listen}: {source}")]
    Listen { listen: String, source: io::Error },
}

impl Proxies {
    pub fn new() -> Self {
        Self::default()
    }

    pub async fn list(&self) -> BTreeMap<String, Shown> {
        self.lock().await.iter().map(|(name, proxy)| (name.clone(), proxy.shown())).collect()
    }

    pub async fn get(&self, name: &str) -> Result<Shown, ProxyError> {
        Ok(found(&mut self.lock().await, name)?.shown())
    }

    pub async fn create(&self, wanted: Wanted) -> Result<Shown, ProxyError> {
        wanted.check("")?;
        let mut proxies = self.lock().await;
        if proxies.contains_key(&wanted.name) {
            return Err(ProxyError::Exists);
        }
        let proxy = Proxy::start(wanted).await?;
        let shown = proxy.shown();
        proxies.insert(shown.name.clone(), proxy);
        Ok(shown)
    }

    /// Creates each, or replaces it where its addresses differ. Answers those that are there now, and what
    /// went wrong with the first that is not.
    pub async fn populate(&self, wanted: Vec<Wanted>) -> (Vec<Shown>, Option<ProxyError>) {
        for (index, wanted) in wanted.iter().enumerate() {
            if let Err(error) = wanted.check(&format!(" at proxy {}", index + 1)) {
                return (Vec::new(), Some(error));
            }
        }
        let mut proxies = self.lock().await;
        let mut there = Vec::new();
        for wanted in wanted {
            if proxies.get(&wanted.name).is_none_or(|existing| !existing.is_at(&wanted.listen, &wanted.upstream)) {
                // Its port has to be free before the next one can have it.
                if let Some(mut replaced) = proxies.remove(&wanted.name) {
                    replaced.disable().await;
                }
                match Proxy::start(wanted.clone()).await {
                    Ok(proxy) => drop(proxies.insert(wanted.name.clone(), proxy)),
                    Err(error) => return (there, Some(error)),
                }
            }
            there.extend(proxies.get(&wanted.name).map(Proxy::shown));
        }
        (there, None)
    }

    /// Changing an address restarts the proxy and drops its connections.
    pub async fn alter(&self, name: &str, alteration: Alteration) -> Result<Shown, ProxyError> {
        let mut proxies = self.lock().await;
        let proxy = found(&mut proxies, name)?;
        proxy.alter(alteration).await?;
        Ok(proxy.shown())
    }

    pub async fn remove(&self, name: &str) -> Result<(), ProxyError> {
        let mut proxy = self.lock().await.remove(name).ok_or(ProxyError::NotFound)?;
        proxy.disable().await;
        Ok(())
    }

    /// Enables all proxies and removes all toxics.
    pub async fn reset(&self) -> Result<(), ProxyError> {
        for proxy in self.lock().await.values_mut() {
            proxy.enable().await?;
            proxy.toxics.send_replace(Arc::default());
        }
        Ok(())
    }

    pub async fn add_toxic(&self, proxy: &str, toxic: Toxic) -> Result<Toxic, ProxyError> {
        found(&mut self.lock().await, proxy)?.add(toxic)
    }

    pub async fn remove_toxic(&self, proxy: &str, toxic: &str) -> Result<(), ProxyError> {
        let mut proxies = self.lock().await;
        let proxy = found(&mut proxies, proxy)?;
        proxy.toxic(toxic)?;
        proxy.toxics.send_modify(|toxics| *toxics = Arc::new(toxics.iter().filter(|installed| installed.toxic.name != toxic).cloned().collect()));
        Ok(())
    }

    pub(super) async fn add_written(&self, proxy: &str, written: Written) -> Result<Toxic, ProxyError> {
        let mut proxies = self.lock().await;
        let proxy = found(&mut proxies, proxy)?;
        proxy.add(Toxic::lenient(written)?)
    }

    pub(super) async fn toxic(&self, proxy: &str, toxic: &str) -> Result<Toxic, ProxyError> {
        Ok(found(&mut self.lock().await, proxy)?.toxic(toxic)?.toxic.clone())
    }

    pub(super) async fn change_toxic(&self, proxy: &str, toxic: &str, change: Change) -> Result<Toxic, ProxyError> {
        let mut proxies = self.lock().await;
        let proxy = found(&mut proxies, proxy)?;
        let before = proxy.toxic(toxic)?;
        let changed = Arc::new(Installed { id: before.id, toxic: before.toxic.changed(change)? });
        let replace = |installed: &Arc<Installed>| if installed.id == changed.id { changed.clone() } else { installed.clone() };
        proxy.toxics.send_modify(|toxics| *toxics = Arc::new(toxics.iter().map(replace).collect()));
        Ok(changed.toxic.clone())
    }

    pub(super) async fn passed(&self) -> Vec<Passed> {
        self.lock().await.values().flat_map(Proxy::passed).collect()
    }

    async fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Proxy>> {
        self.by_name.lock().await
    }
}

#[derive(Debug)]
struct Proxy {
    name: String,
    listen: String,
    /// As it was asked for: the same text later is the same address.
    listen_wanted: String,
    upstream: String,
    listener: Option<Listener>,
    toxics: watch::Sender<Arc<Toxics>>,
    next_id: u64,
    traffic: Arc<Traffic>,
}

impl Proxy {
    async fn start(wanted: Wanted) -> Result<Self, ProxyError> {
        let mut proxy = Self {
            name: wanted.name,
            listen: wanted.listen.clone(),
            listen_wanted: wanted.listen,
            upstream: wanted.upstream,
            listener: None,
            toxics: watch::Sender::default(),
            next_id: 0,
            traffic: Arc::default(),
        };
        if wanted.enabled.unwrap_or(true) {
            proxy.enable().await?;
        }
        Ok(proxy)
    }

    async fn enable(&mut self) -> Result<(), ProxyError> {
        if self.listener.is_none() {
            let started = Listener::start(&self.listen, &self.upstream, self.toxics.subscribe(), self.traffic.clone()).await;
            let listener = started.map_err(|source| ProxyError::Listen { listen: self.listen.clone(), source })?;
            self.listen = listener.address.to_string();
            self.listener = Some(listener);
        }
        Ok(())
    }

    /// The port is free when this returns.
    async fn disable(&mut self) {
        if let Some(listener) = self.listener.take() {
            listener.stop().await;
        }
    }

    async fn alter(&mut self, alteration: Alteration) -> Result<(), ProxyError> {
        let was_enabled = self.listener.is_some();
        let listen = alteration.listen.unwrap_or_else(|| self.listen.clone());
        let upstream = alteration.upstream.unwrap_or_else(|| self.upstream.clone());
        if !self.is_at(&listen, &upstream) {
            self.disable().await;
            self.listen = listen.clone();
            self.listen_wanted = listen;
            self.upstream = upstream;
        }
        if alteration.enabled.unwrap_or(was_enabled) {
            return self.enable().await;
        }
        self.disable().await;
        Ok(())
    }

    fn is_at(&self, listen: &str, upstream: &str) -> bool {
        (listen == self.listen || listen == self.listen_wanted) && upstream == self.upstream
    }

    fn add(&mut self, toxic: Toxic) -> Result<Toxic, ProxyError> {
        if self.toxic(&toxic.name).is_ok() {
            return Err(ProxyError::ToxicExists);
        }
        self.next_id += 1;
        let installed = Arc::new(Installed { id: self.next_id, toxic: toxic.clone() });
        self.toxics.send_modify(|toxics| *toxics = Arc::new(toxics.iter().cloned().chain([installed]).collect()));
        Ok(toxic)
    }

    fn toxic(&self, name: &str) -> Result<Arc<Installed>, ProxyError> {
        self.toxics.borrow().iter().find(|installed| installed.toxic.name == name).cloned().ok_or(ProxyError::ToxicNotFound)
    }

    fn shown(&self) -> Shown {
        let mut toxics: Vec<Toxic> = self.toxics.borrow().iter().map(|installed| installed.toxic.clone()).collect();
        toxics.sort_by_key(|toxic| toxic.stream);
        let (name, listen, upstream) = (self.name.clone(), self.listen.clone(), self.upstream.clone());
        Shown { name, listen, upstream, enabled: self.listener.is_some(), toxics }
    }

    fn passed(&self) -> [Passed; 2] {
        let of = |direction, counters: &super::connection::Counters| Passed {
            direction,
            proxy: self.name.clone(),
            listener: self.listen.clone(),
            upstream: self.upstream.clone(),
            received_bytes: counters.received.load(Relaxed),
            sent_bytes: counters.sent.load(Relaxed),
        };
        [of(Direction::Upstream, &self.traffic.upstream), of(Direction::Downstream, &self.traffic.downstream)]
    }
}

impl Wanted {
    fn check(&self, place: &str) -> Result<(), ProxyError> {
        let missing = [("name", &self.name), ("upstream", &self.upstream)].into_iter().find(|(_, text)| text.is_empty());
        missing.map_or(Ok(()), |(field, _)| Err(ProxyError::Missing { field: format!("{field}{place}") }))
    }
}

fn found<'a>(proxies: &'a mut MutexGuard<'_, BTreeMap<String, Proxy>>, name: &str) -> Result<&'a mut Proxy, ProxyError> {
    proxies.get_mut(name).ok_or(ProxyError::NotFound)
}
