//! Safe by default: loopback without log-in, everything else with a token.

use std::process::Command;

use crate::fixture::program;
use crate::fixture::server::ServerSettings;

#[test]
fn listening_beyond_loopback_needs_an_access_setting() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(program("mainstay"))
        .args(["serve", "--listen", "0.0.0.0:0", "--otlp-grpc", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("--access-token-file") && message.contains("0.0.0.0:0"), "{message}");
}

#[tokio::test]
async fn with_a_token_every_door_asks_for_it() {
    const TOKEN: &str = "0123456789abcdef0123";
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), TOKEN).unwrap();
    let server = ServerSettings::new().argument("--access-token-file").argument(file.path().to_str().unwrap()).start().await;
    let otlp = format!("http://{}/v1/logs", server.addresses.otlp_http);
    for url in [server.url("api/overview"), server.url("prometheus/api/v1/labels"), otlp.clone()] {
        let ask = || if url == otlp { server.http().post(&url).header("content-type", "application/json").body("{}") } else { server.http().get(&url) };
        assert_eq!(ask().send().await.unwrap().status(), 401, "{url}");
        assert!(ask().bearer_auth(TOKEN).send().await.unwrap().status().is_success(), "{url}");
        assert!(ask().basic_auth("grafana", Some(TOKEN)).send().await.unwrap().status().is_success(), "{url}");
    }
    assert!(server.http().get(server.url("healthz")).send().await.unwrap().status().is_success());
}

#[tokio::test]
async fn a_page_from_elsewhere_can_neither_read_nor_act() {
    let server = ServerSettings::new().start().await;
    let read = server.http().get(server.url("api/overview")).header("host", "rebound.example").send().await.unwrap();
    assert_eq!(read.status(), 403);
    let act = server.http().post(server.url("api/query")).header("origin", "https://elsewhere.example").json(&serde_json::json!({"sql": "SELECT 1"}));
    assert_eq!(act.send().await.unwrap().status(), 403);
}
