//! A real Python OpenTelemetry SDK, unchanged, over both transports.

use std::process::Command;
use std::time::Duration;

use crate::fixture::server::ServerSettings;
use crate::fixture::{eventually, repository};

#[tokio::test]
async fn every_record_of_the_python_sdk_is_found_by_sql_and_promql() {
    let python = std::env::var_os("MAINSTAY_PYTHON").unwrap_or_else(|| repository("target/python/bin/python").into_os_string());
    let server = ServerSettings::new().start().await;
    for (transport, address) in [("grpc", &server.addresses.otlp_grpc), ("http", &server.addresses.otlp_http)] {
        let marker = format!("python-{transport}");
        let mut send = Command::new(&python);
        send.arg(repository("tests/python/send.py")).args([transport, &format!("http://{address}"), &marker]);
        let output = tokio::task::spawn_blocking(move || send.output()).await.unwrap().expect("python runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let sent: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the script tells what it sent");
        let expected = |key: &str| sent[key].as_i64().unwrap_or_else(|| panic!("{key} in {sent}"));
        assert_eq!(server.count(&format!("SELECT count(*) FROM logs WHERE service = '{marker}'")).await, expected("logs"));
        assert_eq!(server.count(&format!("SELECT count(*) FROM spans WHERE service = '{marker}'")).await, expected("spans"));
        let query = format!("prometheus/api/v1/query?query=python_requests_total%7Bjob%3D%22{marker}%22%7D");
        let value = eventually("the counter", Duration::from_secs(10), async || {
            server.get(&query).await["data"]["result"][0]["value"][1].as_str().map(str::to_owned)
        })
        .await;
        assert_eq!(value, expected("requests").to_string());
    }
}
