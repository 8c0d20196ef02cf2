use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use http::{Request, StatusCode};
use proxy::config::Control;
use proxy::{Config, Proxy, Shares};
use serde_json::{Value, json};

use crate::support::{Backend, Client, config, get, shares, start};

fn controlled(mut config: Config, token: Option<&str>) -> Config {
    config.control = Some(Control { listen: "127.0.0.1:0".parse().unwrap(), token: token.map(str::to_owned) });
    config
}

async fn put(address: SocketAddr, path: &str, body: Value) -> (StatusCode, Value) {
    let got = Client::connect(address).await.send(Request::put(path), body.to_string()).await.unwrap();
    (got.status, serde_json::from_slice(&got.body).unwrap())
}

async fn status(address: SocketAddr) -> Value {
    serde_json::from_slice(&get(address, "/shares").await.body).unwrap()
}

#[tokio::test]
async fn a_server_elsewhere_sets_the_shares_and_sees_what_they_do() {
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    let proxy = start(controlled(config(&[&old], &[&new], 0.0), None));
    let control = proxy.control_address().unwrap();
    assert_eq!(get(proxy.address(), "/").await.backend(), "old");
    let (code, after) = put(control, "/shares", json!({ "old": "1", "new": "2", "weight": 100 })).await;
    assert_eq!((code, &after["weight"], &after["versions"]["1"]["weight"]), (StatusCode::OK, &json!(100.0), &json!(0.0)));
    assert_eq!(get(proxy.address(), "/").await.backend(), "new");
    assert_eq!(status(control).await["versions"]["2"]["backends"][0], json!({ "url": new.url(), "healthy": true, "draining": false, "open": 0 }));
}

#[tokio::test]
async fn a_version_comes_and_goes() {
    let (old, new, third) = (Backend::start("old").await, Backend::start("new").await, Backend::start("third").await);
    let proxy = start(controlled(config(&[&old], &[&new], 100.0), None));
    let control = proxy.control_address().unwrap();
    assert_eq!(put(control, "/versions/3", json!({ "backends": [third.url()] })).await.0, StatusCode::OK);
    assert_eq!(put(control, "/shares", json!({ "old": "2", "new": "3", "weight": 100 })).await.0, StatusCode::OK);
    assert_eq!(get(proxy.address(), "/").await.backend(), "third");
    assert_eq!(put(control, "/drains", json!({ "version": "3", "url": third.url(), "draining": true })).await.0, StatusCode::OK);
    assert_eq!(get(proxy.address(), "/").await.status, StatusCode::SERVICE_UNAVAILABLE);
    let mut client = Client::connect(control).await;
    assert_eq!(client.send(Request::delete("/versions/2"), "").await.unwrap().status, StatusCode::CONFLICT);
    assert_eq!(client.send(Request::delete("/versions/1"), "").await.unwrap().status, StatusCode::OK);
    assert_eq!(client.send(Request::delete("/versions/1"), "").await.unwrap().status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_changes_nothing() {
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    let proxy = start(controlled(config(&[&old], &[&new], 25.0), None));
    let control = proxy.control_address().unwrap();
    let cases = [
        ("/shares", json!({ "old": "1", "new": "2", "weight": 101 }), 400, "0 to 100"),
        ("/shares", json!({ "old": "2", "new": "2", "weight": 1 }), 400, "both"),
        ("/shares", json!({ "old": "1", "new": "9", "weight": 1 }), 404, "there are: 1, 2"),
        ("/shares", json!({ "new": "2" }), 400, "weight"),
        ("/versions/3", json!({ "backends": ["ftp://a"] }), 400, "http://HOST:PORT"),
        ("/drains", json!({ "version": "1", "url": "http://a", "draining": true }), 404, "no backend"),
        ("/nothing", json!({}), 404, "/nothing"),
        ("/series", json!({}), 405, "PUT"),
    ];
    for (path, body, code, why) in cases {
        let (got, answer) = put(control, path, body).await;
        assert_eq!(got.as_u16(), code, "{path}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains(why), "{answer}");
    }
    assert_eq!(proxy.shares(), shares(25.0));
}

#[tokio::test]
async fn only_who_may_is_answered() {
    let old = Backend::start("old").await;
    let open = start(controlled(config(&[&old], &[&old], 0.0), None));
    let elsewhere = crate::support::raw(open.control_address().unwrap(), "GET /shares HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n").await;
    assert!(elsewhere.starts_with("HTTP/1.1 403"), "{elsewhere}");
    let closed = start(controlled(config(&[&old], &[&old], 0.0), Some("sesame")));
    let mut client = Client::connect(closed.control_address().unwrap()).await;
    assert_eq!(client.get("/shares").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(client.send(Request::get("/shares").header("authorization", "Bearer wrong!"), "").await.unwrap().status, StatusCode::UNAUTHORIZED);
    assert_eq!(client.send(Request::get("/shares").header("authorization", "Bearer sesame"), "").await.unwrap().status, StatusCode::OK);
    let mut public = controlled(config(&[&old], &[&old], 0.0), None);
    public.control.as_mut().unwrap().listen = "0.0.0.0:0".parse().unwrap();
    assert!(Proxy::start(public).err().unwrap().to_string().contains("control.token"));
}

#[tokio::test]
async fn a_restart_keeps_shares_versions_and_drains() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new, third) = (Backend::start("old").await, Backend::start("new").await, Backend::start("third").await);
    let mut config = config(&[&old], &[&new], 0.0);
    config.state = Some(folder.path().join("shares.json"));
    let proxy = start(config.clone());
    proxy.put_version("3", &[third.url(), old.url()]).unwrap();
    proxy.drain("3", &old.url(), true).unwrap();
    proxy.set_shares(Shares { old: Some("1".to_owned()), new: "3".to_owned(), weight: 100.0 }).unwrap();
    let before = proxy.status();
    proxy.shutdown(std::time::Duration::ZERO).await;
    let proxy = start(config);
    assert_eq!(proxy.status(), before);
    assert_eq!(get(proxy.address(), "/").await.backend(), "third");
}

#[tokio::test]
async fn a_weight_that_cannot_be_kept_is_not_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    let mut config = controlled(config(&[&old], &[&new], 0.0), None);
    config.state = Some(folder.path().join("below/shares.json"));
    std::fs::create_dir(folder.path().join("below")).unwrap();
    let proxy = start(config);
    std::fs::remove_dir_all(folder.path().join("below")).unwrap();
    let (code, _) = put(proxy.control_address().unwrap(), "/shares", json!({ "old": "1", "new": "2", "weight": 100 })).await;
    assert_eq!(code, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(get(proxy.address(), "/").await.backend(), "old");
}

#[tokio::test]
async fn killed_at_any_moment_it_comes_back_with_what_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("shares.json");
    let (mut process, mut control) = as_process(&state);
    for weight in 1..=15 {
        let (code, _) = put(control, "/shares", json!({ "old": "1", "new": "2", "weight": weight })).await;
        process.kill().unwrap();
        process.wait().unwrap();
        assert_eq!(code, StatusCode::OK);
        (process, control) = as_process(&state);
        assert_eq!(status(control).await["weight"], json!(f64::from(weight)));
    }
    process.kill().unwrap();
    process.wait().unwrap();
}

const STATE: &str = "PROXY_TEST_STATE";

/// This test binary once more, as the proxy alone.
fn as_process(state: &Path) -> (Child, SocketAddr) {
    let program = std::env::current_exe().unwrap();
    let mut process = Command::new(program).args(["--exact", "control::proxy_as_a_process", "--nocapture", "--ignored"]).env(STATE, state).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let address = lines.map_while(Result::ok).find_map(|line| line.split_once("control at ")?.1.parse().ok()).expect("the proxy says where its control is");
    (process, address)
}

#[test]
#[ignore = "the process of the test above"]
fn proxy_as_a_process() {
    let Ok(state) = std::env::var(STATE) else { return };
    let mut config = Config::new("127.0.0.1:0".parse().unwrap(), [("1".to_owned(), vec!["http://127.0.0.1:1".to_owned()]), ("2".to_owned(), vec!["http://127.0.0.1:1".to_owned()])].into());
    config.shares = Some(shares(0.0));
    config.state = Some(state.into());
    let proxy = Proxy::start(controlled(config, None)).unwrap();
    println!("control at {}", proxy.control_address().unwrap());
    loop {
        std::thread::park();
    }
}
