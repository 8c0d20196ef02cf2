//! Toxiproxy's own Python client, unchanged.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::router;
use super::*;

#[tokio::test]
async fn the_python_client_works_unchanged() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let prepared = repository.join("target/python/bin/python");
    let Some(python) = std::env::var_os("MAINSTAY_PYTHON").map(PathBuf::from).or_else(|| prepared.exists().then_some(prepared)) else {
        println!("no Python: `cargo xtask test` prepares one");
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    tokio::spawn(async move { axum::serve(listener, router(Proxies::new())).await });
    let upstream = echo().await.to_string();
    let mut client = Command::new(python);
    client.arg(repository.join("tests/python/toxiproxy_client.py")).args(["127.0.0.1", &port, &upstream]);
    let output = tokio::task::spawn_blocking(move || client.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(seen["late_ms"].as_f64().unwrap() >= 100.0, "{seen}");
    assert_eq!(seen["toxics"], json!({"latency_downstream": {"latency": 100, "jitter": 0}}));
    assert_eq!(seen["twice"], json!({"error": "toxic already exists", "status": 409}));
    assert_eq!(seen["unknown"], json!({"error": "invalid toxic type", "status": 400}));
    assert_eq!(seen["missing"], json!({"error": "toxic not found", "status": 404}));
    assert_eq!((&seen["running"], &seen["refused"]), (&json!(true), &json!(true)));
    assert_eq!((&seen["proxies"], &seen["left"]), (&json!(["other", "shop"]), &json!([])));
}
