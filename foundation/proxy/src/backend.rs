//! The addresses that serve a version, and which of them may be asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use http::Uri;
use serde::Serialize;

use crate::error::ProxyError;
use crate::open::{Counter, Open};

pub(crate) struct Backend {
    /// Never used twice, so that a connection is never taken for one to another backend.
    pub id: u64,
    pub url: String,
    /// `HOST:PORT`.
    pub authority: String,
    born: Instant,
    open: Counter,
    healthy: AtomicBool,
    draining: AtomicBool,
    failed_connects: AtomicU32,
    /// Since `born`; 0 is never.
    paused_until_ms: AtomicU64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BackendStatus {
    pub url: String,
    pub healthy: bool,
    pub draining: bool,
    /// Requests under way.
    pub open: usize,
}

impl Backend {
    pub fn new(url: &str) -> Result<Self, ProxyError> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let wrong = |reason| ProxyError::BackendUrl { url: url.to_owned(), reason };
        let uri: Uri = url.parse().map_err(|_| wrong("not a URL"))?;
        if uri.scheme_str() != Some("http") {
            return Err(wrong("only http is spoken to backends"));
        }
        if uri.path() != "/" || uri.query().is_some() {
            return Err(wrong("it has a path"));
        }
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(|| wrong("it has no plain host"))?;
        Ok(Self {
            id: NEXT.fetch_add(1, Relaxed),
            url: url.to_owned(),
            authority: format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80)),
            born: Instant::now(),
            open: Counter::default(),
            healthy: AtomicBool::new(true),
            draining: AtomicBool::new(false),
            failed_connects: AtomicU32::new(0),
            paused_until_ms: AtomicU64::new(0),
        })
    }

    pub fn status(&self) -> BackendStatus {
        BackendStatus { url: self.url.clone(), healthy: self.is_healthy() && !self.is_paused(), draining: self.is_draining(), open: self.open.now() }
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    pub fn set_draining(&self, draining: bool) {
        self.draining.store(draining, Relaxed);
    }

    pub fn is_healthy(&self) -> bool {
        self.healthy.load(Relaxed)
    }

    pub fn set_healthy(&self, healthy: bool) {
        self.healthy.store(healthy, Relaxed);
        if healthy {
            self.connected();
            self.paused_until_ms.store(0, Relaxed);
        }
    }

    pub fn connected(&self) {
        if self.failed_connects.load(Relaxed) != 0 {
            self.failed_connects.store(0, Relaxed);
        }
    }

    /// Pauses the backend once so many attempts in a row have failed.
    pub fn connect_failed(&self, failures: u32, pause: Duration) {
        let failed = self.failed_connects.fetch_add(1, Relaxed) + 1;
        if failures != 0 && failed >= failures {
            let until = self.born.elapsed() + pause;
            self.paused_until_ms.store(until.as_millis() as u64 + 1, Relaxed);
        }
    }

    fn is_paused(&self) -> bool {
        let until_ms = self.paused_until_ms.load(Relaxed);
        until_ms != 0 && (self.born.elapsed().as_millis() as u64) < until_ms
    }

    fn may_be_asked(&self) -> bool {
        self.is_healthy() && !self.is_draining()
    }
}

pub(crate) struct Version {
    pub name: Arc<str>,
    pub backends: Vec<Arc<Backend>>,
    /// Also at backends that are not among these any more.
    pub open: Counter,
}

impl Version {
    /// Backends that were there before stay the same ones, with what is known of them.
    pub fn new(name: &str, urls: &[String], before: Option<&Version>) -> Result<Self, ProxyError> {
        if name.is_empty() || name.len() > 100 || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ProxyError::VersionName(name.to_owned()));
        }
        let known = |url: &String| before.and_then(|version| version.backends.iter().find(|backend| backend.url == *url)).cloned();
        let backends = urls.iter().map(|url| known(url).map_or_else(|| Backend::new(url).map(Arc::new), Ok)).collect::<Result<_, _>>()?;
        Ok(Self { name: name.into(), backends, open: before.map(|before| before.open.clone()).unwrap_or_default() })
    }

    /// A request begins at one of the backends.
    pub fn begin(&self, tried: &[u64]) -> Option<(Arc<Backend>, Open)> {
        loop {
            let backend = self.pick(tried)?;
            let open = backend.open.begin();
            if !backend.is_draining() {
                return Some((backend, open));
            }
        }
    }

    /// The less busy of two that may be asked; one that was not tried yet before one that was, and a paused one only
    /// if there is no other. None if all are unhealthy or draining.
    fn pick(&self, tried: &[u64]) -> Option<Arc<Backend>> {
        if let [only] = self.backends.as_slice() {
            return only.may_be_asked().then(|| only.clone());
        }
        let open_to = |preferred: &dyn Fn(&Backend) -> bool| -> Vec<&Arc<Backend>> { self.backends.iter().filter(|backend| backend.may_be_asked() && preferred(backend)).collect() };
        let mut candidates = open_to(&|backend| !backend.is_paused() && !tried.contains(&backend.id));
        if candidates.is_empty() {
            candidates = open_to(&|backend| !tried.contains(&backend.id));
        }
        if candidates.is_empty() {
            candidates = open_to(&|_| true);
        }
        let one = *candidates.get(fastrand::usize(..candidates.len().max(1)))?;
        let other = candidates[fastrand::usize(..candidates.len())];
        Some(if other.open.now() < one.open.now() { other.clone() } else { one.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version() -> Version {
        Version::new("1", &["http://127.0.0.1:1".into(), "http://127.0.0.1:2".into()], None).unwrap()
    }

    #[test]
    fn urls_are_checked() {
        for (url, reason) in [("ftp://a", "http"), ("https://a", "http"), ("http://a/b", "path"), ("http://u@a", "plain"), ("nothing at all", "URL")] {
            let error = Backend::new(url).err().unwrap().to_string();
            assert!(error.contains(reason), "{error}");
        }
        assert_eq!(Backend::new("http://[::1]").unwrap().authority, "[::1]:80");
    }

    #[test]
    fn a_draining_or_unhealthy_backend_is_never_picked() {
        let version = version();
        version.backends[0].set_draining(true);
        assert!((0..50).all(|_| version.pick(&[]).unwrap().id == version.backends[1].id));
        version.backends[1].set_healthy(false);
        assert!(version.pick(&[]).is_none());
    }

    #[test]
    fn a_paused_backend_is_avoided_as_long_as_there_is_another() {
        let version = version();
        let [first, second] = [&version.backends[0], &version.backends[1]];
        first.connect_failed(1, Duration::from_secs(60));
        assert!((0..50).all(|_| version.pick(&[]).unwrap().id == second.id));
        assert_eq!(version.pick(&[second.id]).unwrap().id, first.id);
        second.connect_failed(1, Duration::from_secs(60));
        assert!(version.pick(&[]).is_some());
    }

    #[test]
    fn a_drained_backend_without_open_requests_gets_no_more() {
        let (version, stopped, over) = (version(), AtomicBool::new(false), AtomicBool::new(false));
        let first = &version.backends[0];
        std::thread::scope(|scope| {
            let asking = || {
                let mut refused = 0;
                while !over.load(Relaxed) {
                    let (backend, _open) = version.begin(&[]).unwrap();
                    refused += u32::from(backend.id == first.id && stopped.load(Relaxed));
                }
                refused
            };
            let threads = [scope.spawn(asking), scope.spawn(asking)];
            for _ in 0..2_000 {
                first.set_draining(true);
                while first.open.now() > 0 {
                    std::thread::yield_now();
                }
                stopped.store(true, Relaxed);
                std::thread::yield_now();
                stopped.store(false, Relaxed);
                first.set_draining(false);
            }
            over.store(true, Relaxed);
            assert_eq!(threads.map(|thread| thread.join().unwrap()), [0, 0]);
        });
    }

    #[test]
    fn the_less_busy_one_is_preferred() {
        let version = version();
        let _open: Vec<Open> = (0..3).map(|_| version.backends[0].open.begin()).collect();
        let second = (0..400).filter(|_| version.pick(&[]).unwrap().id == version.backends[1].id).count();
        assert!(second > 250, "{second} of 400");
    }
}
