use std::collections::BTreeSet;

use http::Request;
use proxy::config::Sticky;

use crate::support::{Backend, Client, Load, config, get, shares, start};

#[tokio::test]
async fn the_new_version_gets_its_share() {
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    let proxy = start(config(&[&old], &[&new], 20.0));
    let mut client = Client::connect(proxy.address()).await;
    for _ in 0..2_000 {
        client.get("/").await;
    }
    // Six standard deviations.
    assert!((293..=507).contains(&new.count()), "{} of 2000", new.count());
    assert_eq!(old.count() + new.count(), 2_000);
    let status = proxy.status();
    assert_eq!((status.versions["1"].weight, status.versions["2"].weight), (80.0, 20.0));
}

#[tokio::test]
async fn from_weight_0_on_no_new_request_reaches_the_new_version() {
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    let proxy = start(config(&[&old], &[&new], 100.0));
    let mut client = Client::connect(proxy.address()).await;
    for round in 0..50 {
        proxy.set_shares(shares(100.0)).unwrap();
        assert_eq!(client.get("/").await.backend(), "new", "round {round}");
        proxy.set_shares(shares(0.0)).unwrap();
        assert_eq!(client.get("/").await.backend(), "old", "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_changes_of_weight_under_load_fail_no_request() {
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    let proxy = start(config(&[&old], &[&new], 0.0));
    let load = Load::start(proxy.address(), 8);
    for change in 0..100 {
        proxy.set_shares(shares([10.0, 50.0, 100.0, 0.0][change % 4])).unwrap();
        load.answered(20).await;
    }
    let tally = load.stop().await;
    assert_eq!(tally.failed, Vec::<String>::new());
    assert!(tally.by_backend["old"] > 100 && tally.by_backend["new"] > 100, "{tally:?}");
}

#[tokio::test]
async fn a_user_known_by_header_moves_once_as_the_weight_rises_and_back_as_it_falls() {
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    let mut config = config(&[&old], &[&new], 0.0);
    config.sticky = Some(Sticky::Header { name: "x-customer".to_owned() });
    let proxy = start(config);
    let mut client = Client::connect(proxy.address()).await;
    let mut before = BTreeSet::new();
    let mut sizes = Vec::new();
    for weight in [0.0, 10.0, 25.0, 50.0, 100.0, 50.0, 0.0] {
        proxy.set_shares(shares(weight)).unwrap();
        let mut moved = BTreeSet::new();
        for user in 0..200 {
            let mut ask = async || client.send(Request::get("/").header("x-customer", user.to_string()), "").await.unwrap();
            let (first, again) = (ask().await, ask().await);
            assert_eq!(first.backend(), again.backend(), "user {user} at {weight} %");
            if first.backend() == "new" {
                moved.insert(user);
            }
        }
        assert!(moved.is_superset(&before) || moved.is_subset(&before), "users were swapped at {weight} %");
        sizes.push(moved.len());
        before = moved;
    }
    assert_eq!((sizes[0], sizes[4], sizes[6]), (0, 200, 0));
    assert_eq!(sizes[3], sizes[5], "the same users at the same weight");
    assert!((5..=40).contains(&sizes[1]) && (65..=135).contains(&sizes[3]), "{sizes:?}");
}

#[tokio::test]
async fn a_user_without_cookie_gets_one_and_stays_where_it_leads() {
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    let mut config = config(&[&old], &[&new], 50.0);
    config.sticky = Some(Sticky::Cookie { name: "who".to_owned(), max_age: None });
    let proxy = start(config);
    let mut client = Client::connect(proxy.address()).await;
    for _ in 0..20 {
        let first = client.get("/").await;
        let cookie = first.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        for _ in 0..5 {
            let next = client.send(Request::get("/").header("cookie", format!("other=1; {cookie}")), "").await.unwrap();
            assert_eq!(next.backend(), first.backend());
            assert!(!next.headers.contains_key("set-cookie"));
        }
    }
    assert!(old.count() > 0 && new.count() > 0);
}

#[tokio::test]
async fn what_went_through_is_counted_by_version() {
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    let proxy = start(config(&[&old], &[&new], 100.0));
    let mut client = Client::connect(proxy.address()).await;
    for _ in 0..10 {
        client.send(Request::post("/"), "12345").await.unwrap();
    }
    drop(client);
    get(proxy.address(), "/").await;
    crate::support::until("all are counted", || async { proxy.status().versions["2"].requests == 11 }).await;
    let series = proxy.series();
    let posts = series.iter().find(|series| series.method == "POST").unwrap();
    assert_eq!((posts.version.as_deref(), posts.status, posts.count, posts.request_bytes, posts.response_bytes), (Some("2"), 200, 10, 50, 50));
    assert_eq!(posts.duration_buckets.iter().sum::<u64>(), 10);
    assert_eq!(proxy.status().versions["2"].statuses["2xx"], 11);
}
