//! A client's connection: who it is, and whether it still wants something.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use http::header::HeaderValue;

pub(crate) struct Client {
    pub address: HeaderValue,
    pub protocol: HeaderValue,
    /// As RFC 7239 writes it.
    pub forwarded: HeaderValue,
    born: Instant,
    open: AtomicUsize,
    /// Of the last request, since `born`.
    ended_ms: AtomicU64,
}

impl Client {
    pub fn new(address: IpAddr, encrypted: bool) -> Self {
        let protocol = if encrypted { "https" } else { "http" };
        let address = address.to_canonical();
        let node = if address.is_ipv6() { format!("\"[{address}]\"") } else { address.to_string() };
        let text = |text: String| HeaderValue::try_from(text).expect("addresses are plain text");
        Self {
            address: text(address.to_string()),
            protocol: HeaderValue::from_static(protocol),
            forwarded: text(format!("for={node};proto={protocol}")),
            born: Instant::now(),
            open: AtomicUsize::new(0),
            ended_ms: AtomicU64::new(0),
        }
    }

    pub fn begins(&self) {
        self.open.fetch_add(1, Relaxed);
    }

    pub fn ends(&self, now: Instant) {
        self.ended_ms.store((now - self.born).as_millis() as u64, Relaxed);
        self.open.fetch_sub(1, Relaxed);
    }

    /// Returns once there was no request for so long. One timer for a whole connection: hyper's own limit for heads
    /// would make one for each request.
    pub async fn idle(&self, patience: Duration) {
        loop {
            let left = self.patience_left(patience);
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }

    fn patience_left(&self, patience: Duration) -> Duration {
        if self.open.load(Relaxed) > 0 {
            return patience;
        }
        let since = Duration::from_millis(self.ended_ms.load(Relaxed));
        (since + patience).saturating_sub(self.born.elapsed())
    }
}
