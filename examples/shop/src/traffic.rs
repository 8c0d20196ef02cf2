//! People: at a steady rate, some look at the products, most buy.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::faults::random;
use crate::orders::{NewOrder, PRICES};
use crate::{Error, http};

/// Nobody waits for more answers than this at once; who comes later, gives up.
const MAX_WAITING: usize = 200;

#[derive(Default)]
struct Counts {
    succeeded: AtomicU64,
    failed: AtomicU64,
    unreachable: AtomicU64,
    gave_up: AtomicU64,
}

pub async fn run(web: &str, rate: f64, duration: Option<Duration>) -> Result<(), Error> {
    let visitor = Visitor { client: http::client()?, web: reqwest::Url::parse(web)?, counts: Arc::default() };
    let waiting = Arc::new(Semaphore::new(MAX_WAITING));
    let end = duration.map(|duration| Instant::now() + duration);
    let mut ticks = interval(Duration::from_secs_f64(1.0 / rate));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let stop = tokio::signal::ctrl_c();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = &mut stop => break,
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            break;
        }
        match waiting.clone().try_acquire_owned() {
            Ok(place) => {
                let visitor = visitor.clone();
                tokio::spawn(async move {
                    visitor.visit().await;
                    drop(place);
                });
            }
            Err(_) => drop(visitor.counts.gave_up.fetch_add(1, Ordering::Relaxed)),
        }
    }
    // Those who are still waiting, for a moment.
    let _ = tokio::time::timeout(Duration::from_secs(2), waiting.acquire_many(MAX_WAITING as u32)).await;
    println!("{}", visitor.summary());
    Ok(())
}

#[derive(Clone)]
struct Visitor {
    client: reqwest::Client,
    web: reqwest::Url,
    counts: Arc<Counts>,
}

impl Visitor {
    async fn visit(&self) {
        let answer = if random() < 0.3 { self.look().await } else { self.buy().await };
        let count = match answer {
            Ok(status) if status.is_success() => &self.counts.succeeded,
            Ok(_) => &self.counts.failed,
            Err(_) => &self.counts.unreachable,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    async fn look(&self) -> Result<reqwest::StatusCode, Error> {
        Ok(self.client.get(self.web.join("/products")?).send().await?.status())
    }

    async fn buy(&self) -> Result<reqwest::StatusCode, Error> {
        let (item, _) = PRICES[(random() * PRICES.len() as f64) as usize % PRICES.len()];
        let order = NewOrder { item: item.to_owned(), quantity: 1 + (random() * 3.0) as u32 };
        Ok(self.client.post(self.web.join("/checkout")?).json(&order).send().await?.status())
    }

    fn summary(&self) -> String {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Counts { succeeded, failed, unreachable, gave_up } = &*self.counts;
        format!("{} succeeded, {} failed, {} found nobody, {} gave up", of(succeeded), of(failed), of(unreachable), of(gave_up))
    }
}
