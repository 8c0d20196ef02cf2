use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use http::StatusCode;
use proxy::config::HealthCheck;

use crate::support::{Backend, config, get, named, start, until};

fn check() -> HealthCheck {
    HealthCheck { path: "/ready".to_owned(), interval: Duration::from_millis(10), timeout: Duration::from_secs(1), unhealthy_after: 2, healthy_after: 2 }
}

/// Fails its health check, and nothing else, as long as it is told to.
async fn moody() -> (Backend, Arc<AtomicBool>) {
    let ready = Arc::new(AtomicBool::new(true));
    let state = ready.clone();
    let backend = Backend::serving(move |request| {
        let ready = state.load(SeqCst) || request.uri().path() != "/ready";
        async move {
            let mut answer = named("moody", "");
            if !ready {
                *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            }
            answer
        }
    })
    .await;
    (backend, ready)
}

#[tokio::test]
async fn a_failing_backend_is_taken_out_and_brought_back() {
    let ((moody, ready), good) = (moody().await, Backend::start("good").await);
    let mut config = config(&[&moody, &good], &[&good], 0.0);
    config.health = Some(check());
    let proxy = start(config);
    let healthy = || async { proxy.status().versions["1"].backends[0].healthy };
    ready.store(false, SeqCst);
    until("it is taken out", || async { !healthy().await }).await;
    for _ in 0..50 {
        assert_eq!(get(proxy.address(), "/").await.backend(), "good");
    }
    ready.store(true, SeqCst);
    until("it is back", healthy).await;
    until("it is asked again", || async { get(proxy.address(), "/").await.backend() == "moody" }).await;
}

#[tokio::test]
async fn a_version_whose_backends_all_fail_answers_503_and_leaves_the_other_alone() {
    let ((moody, ready), good) = (moody().await, Backend::start("good").await);
    let mut config = config(&[&good], &[&moody], 100.0);
    config.health = Some(check());
    let proxy = start(config);
    ready.store(false, SeqCst);
    until("the answer is 503", || async { get(proxy.address(), "/").await.status == StatusCode::SERVICE_UNAVAILABLE }).await;
    assert!(proxy.status().versions["2"].statuses["5xx"] > 0, "told as the new version's");
    proxy.set_shares(crate::support::shares(0.0)).unwrap();
    assert_eq!(get(proxy.address(), "/").await.backend(), "good");
}

#[tokio::test]
async fn a_version_without_traffic_is_checked_too() {
    let (gone, good) = (Backend::start("gone").await, Backend::start("good").await);
    gone.stop().await;
    let mut config = config(&[&good], &[&gone], 0.0);
    config.health = Some(check());
    let proxy = start(config);
    until("its state is known", || async { !proxy.status().versions["2"].backends[0].healthy }).await;
}
