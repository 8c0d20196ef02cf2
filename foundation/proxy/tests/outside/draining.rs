use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tokio::sync::Notify;

use crate::support::{Backend, Client, Load, config, get, named, shares, start, until};

#[tokio::test]
async fn an_open_request_ends_although_its_version_lost_all_traffic() {
    let go_on = Arc::new(Notify::new());
    let waits = go_on.clone();
    let new = Backend::serving(move |_| {
        let waits = waits.clone();
        async move {
            waits.notified().await;
            named("new", "late")
        }
    })
    .await;
    let old = Backend::start("old").await;
    let proxy = start(config(&[&old], &[&new], 100.0));
    let address = proxy.address();
    let open = tokio::spawn(async move { get(address, "/").await });
    until("the request is open", || async { proxy.status().versions["2"].open == 1 }).await;
    proxy.set_shares(shares(0.0)).unwrap();
    assert_eq!(get(address, "/").await.backend(), "old");
    assert_eq!(proxy.status().versions["2"].open, 1);
    go_on.notify_one();
    assert_eq!(open.await.unwrap().text(), "late");
    until("the version is idle", || async { proxy.status().versions["2"].open == 0 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_is_drained_stopped_and_brought_back_under_load_without_a_failure() {
    let (one, two, new) = (Backend::start("one").await, Backend::start("two").await, Backend::start("new").await);
    let proxy = start(config(&[&one, &two], &[&new], 0.0));
    let load = Load::start(proxy.address(), 8);
    for _ in 0..20 {
        proxy.drain("1", &two.url(), true).unwrap();
        until("it is idle", || async { proxy.status().versions["1"].backends[1].open == 0 }).await;
        let before = two.count();
        load.answered(50).await;
        assert_eq!(two.count(), before, "a drained backend got a request");
        proxy.drain("1", &two.url(), false).unwrap();
        load.answered(50).await;
    }
    proxy.drain("1", &two.url(), true).unwrap();
    until("it is idle", || async { proxy.status().versions["1"].backends[1].open == 0 }).await;
    two.stop().await;
    load.answered(200).await;
    let tally = load.stop().await;
    assert_eq!(tally.failed, Vec::<String>::new());
    assert!(tally.by_backend["two"] > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backends_are_replaced_under_load_without_a_failure() {
    let (one, two, new) = (Backend::start("one").await, Backend::start("two").await, Backend::start("new").await);
    let proxy = start(config(&[&one], &[&new], 0.0));
    let load = Load::start(proxy.address(), 8);
    for change in 0..50 {
        proxy.put_version("1", &[if change % 2 == 0 { two.url() } else { one.url() }]).unwrap();
        load.answered(20).await;
    }
    assert_eq!(load.stop().await.failed, Vec::<String>::new());
}

#[tokio::test]
async fn with_every_backend_drained_the_answer_is_503() {
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    let proxy = start(config(&[&old], &[&new], 0.0));
    proxy.drain("1", &old.url(), true).unwrap();
    let got = get(proxy.address(), "/").await;
    assert_eq!((got.status, got.backend()), (StatusCode::SERVICE_UNAVAILABLE, ""));
    assert!(got.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn shutting_down_lets_open_requests_end_and_accepts_no_more() {
    let go_on = Arc::new(Notify::new());
    let waits = go_on.clone();
    let old = Backend::serving(move |_| {
        let waits = waits.clone();
        async move {
            waits.notified().await;
            named("old", "late")
        }
    })
    .await;
    let proxy = start(config(&[&old], &[&old], 0.0));
    let address = proxy.address();
    let open = tokio::spawn(async move { get(address, "/").await });
    until("the request is open", || async { old.count() == 1 }).await;
    let _idle = Client::connect(address).await;
    let closed = tokio::spawn(async move { proxy.shutdown(Duration::from_secs(20)).await });
    until("no more are accepted", || async { tokio::net::TcpStream::connect(address).await.is_err() }).await;
    go_on.notify_one();
    assert_eq!(open.await.unwrap().text(), "late");
    closed.await.unwrap();
}
