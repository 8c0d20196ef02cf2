//! The shop that the experiments look at, as `experiments/record.py` has it too.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::{any, get};
use axum::{Json, Router};
use serde_json::{Value, json};

/// Its address. It lives as long as the test.
pub async fn shop() -> String {
    // The second test of the process finds it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new()
        .route("/status/{status}", any(|Path(status): Path<u16>| async move { StatusCode::from_u16(status).unwrap() }))
        .route("/slow", get(async || tokio::time::sleep(Duration::from_secs(30)).await))
        .route("/items", get(async || Json(json!({ "items": [{ "name": "a", "price": 1, "stock": 4 }, { "name": "b", "price": 2.5, "stock": 4 }] }))))
        .route("/echo", any(echo));
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    format!("http://{address}")
}

async fn echo(uri: Uri, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let is_json = headers.get("content-type").is_some_and(|value| value == "application/json");
    let text = String::from_utf8_lossy(&body);
    let parsed: Option<Value> = is_json.then(|| serde_json::from_str(&text).unwrap());
    let headers: BTreeMap<_, _> = headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned())).collect();
    Json(json!({ "query": uri.query().unwrap_or_default(), "body": text, "json": parsed, "headers": headers }))
}
