use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use http::{Method, Request, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Backend, Client, config, get, start, until};

/// Reads a request and closes without a word.
async fn mute() -> Backend {
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = seen.clone();
    Backend::speaking("127.0.0.1:0".parse().unwrap(), seen, move |mut stream| {
        let counter = counter.clone();
        async move {
            if stream.read(&mut [0; 4096]).await.is_ok_and(|length| length > 0) {
                counter.fetch_add(1, SeqCst);
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_safe_request_is_sent_again_after_a_connection_closed_without_answer() {
    let (mute, good) = (mute().await, Backend::start("good").await);
    let proxy = start(config(&[&mute, &good], &[&good], 0.0));
    let mut client = Client::connect(proxy.address()).await;
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        for _ in 0..20 {
            let got = client.send(Request::builder().method(method.clone()).uri("/"), "").await.unwrap();
            assert_eq!((got.status, got.backend()), (StatusCode::OK, "good"));
        }
    }
    assert!(mute.count() > 0);
}

#[tokio::test]
async fn any_other_request_reaches_one_backend_at_most_once() {
    let mute = mute().await;
    let proxy = start(config(&[&mute], &[&mute], 0.0));
    let mut client = Client::connect(proxy.address()).await;
    for (sent, (method, body)) in [(Method::POST, "order"), (Method::PUT, ""), (Method::DELETE, ""), (Method::GET, "with a body")].into_iter().enumerate() {
        let got = client.send(Request::builder().method(method.clone()).uri("/"), body).await.unwrap();
        assert_eq!((got.status, mute.count()), (StatusCode::BAD_GATEWAY, sent + 1), "{method}");
    }
}

#[tokio::test]
async fn retries_are_limited() {
    let mute = mute().await;
    let mut config = config(&[&mute], &[&mute], 0.0);
    config.limits.retries = 2;
    let proxy = start(config);
    assert_eq!(get(proxy.address(), "/").await.status, StatusCode::BAD_GATEWAY);
    assert_eq!(mute.count(), 3);
}

#[tokio::test]
async fn what_could_not_be_sent_goes_to_another_backend_and_the_dead_one_rests() {
    let (dead, good) = (Backend::start("dead").await, Backend::start("good").await);
    dead.stop().await;
    let mut config = config(&[&dead, &good], &[&good], 0.0);
    config.passive.failures = 2;
    config.passive.pause = Duration::from_secs(60);
    let proxy = start(config);
    let mut client = Client::connect(proxy.address()).await;
    for _ in 0..50 {
        assert_eq!(client.send(Request::post("/"), "order").await.unwrap().backend(), "good");
    }
    until("the dead one rests", || async { !proxy.status().versions["1"].backends[0].healthy }).await;
}

#[tokio::test]
async fn nobody_at_home_is_502() {
    let dead = Backend::start("dead").await;
    dead.stop().await;
    let proxy = start(config(&[&dead], &[&dead], 0.0));
    let got = get(proxy.address(), "/").await;
    assert_eq!(got.status, StatusCode::BAD_GATEWAY);
    assert_eq!(proxy.status().versions["1"].statuses["5xx"], 1);
}

#[tokio::test]
async fn a_backend_that_stays_silent_is_504() {
    let silent = Backend::serving(|_| std::future::pending()).await;
    let mut config = config(&[&silent], &[&silent], 0.0);
    config.timeouts.response = Duration::from_millis(50);
    let proxy = start(config);
    assert_eq!(get(proxy.address(), "/").await.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(silent.count(), 1, "a request that may be at work is not sent again");
}

#[tokio::test]
async fn a_backend_that_does_not_speak_http_is_502() {
    let odd = Backend::speaking("127.0.0.1:0".parse().unwrap(), Arc::default(), |mut stream| async move {
        stream.write_all(b"220 mail.example ESMTP\r\n").await.ok();
        stream.read(&mut [0; 4096]).await.ok();
    })
    .await;
    let proxy = start(config(&[&odd], &[&odd], 0.0));
    assert_eq!(get(proxy.address(), "/").await.status, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn a_connection_that_the_backend_closed_meanwhile_costs_nobody_a_request() {
    // Answers one request on each connection, and says so to nobody.
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = seen.clone();
    let hasty = Backend::speaking("127.0.0.1:0".parse().unwrap(), seen, move |mut stream| {
        let counter = counter.clone();
        async move {
            stream.read(&mut [0; 4096]).await.ok();
            counter.fetch_add(1, SeqCst);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.ok();
        }
    })
    .await;
    let proxy = start(config(&[&hasty], &[&hasty], 0.0));
    let mut client = Client::connect(proxy.address()).await;
    for _ in 0..100 {
        assert_eq!(client.get("/").await.text(), "ok");
    }
}
