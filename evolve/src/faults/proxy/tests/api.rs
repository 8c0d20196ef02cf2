//! Toxiproxy's API as its clients use it.

use super::super::router;
use super::*;

struct Api {
    client: reqwest::Client,
    base: String,
}

impl Api {
    async fn new() -> Self {
        // Every HTTP client wants one, though nothing is encrypted here; another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router(Proxies::new())).await });
        Self { client: reqwest::Client::builder().no_proxy().build().unwrap(), base }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.client.request(method, format!("{}{path}", self.base)).body(body).send().await.unwrap();
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    async fn create(&self, name: &str) -> Value {
        let (status, proxy) = self.call("POST", "/proxies", json!({"name": name, "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1"})).await;
        assert_eq!(status, 201, "{proxy}");
        proxy
    }
}

#[tokio::test]
async fn proxies_are_created_shown_altered_and_deleted() {
    let api = Api::new().await;
    assert_eq!(api.call("GET", "/proxies", Value::Null).await, (200, json!({})));
    let proxy = api.create("db").await;
    let listen = proxy["listen"].as_str().unwrap();
    assert_ne!(listen, "127.0.0.1:0");
    assert_eq!(proxy, json!({"name": "db", "listen": listen, "upstream": "127.0.0.1:1", "enabled": true, "toxics": []}));
    assert_eq!(api.call("GET", "/proxies/db", Value::Null).await, (200, proxy.clone()));
    assert_eq!(api.call("GET", "/proxies", Value::Null).await, (200, json!({"db": proxy})));
    for method in ["POST", "PATCH"] {
        let (status, altered) = api.call(method, "/proxies/db", json!({"enabled": false})).await;
        assert_eq!((status, &altered["enabled"], &altered["listen"]), (200, &json!(false), &json!(listen)));
        assert!(TcpStream::connect(listen).await.is_err());
        let (_, altered) = api.call(method, "/proxies/db", json!({"enabled": true, "upstream": "127.0.0.1:2"})).await;
        assert_eq!((&altered["enabled"], &altered["upstream"]), (&json!(true), &json!("127.0.0.1:2")));
        TcpStream::connect(listen).await.unwrap();
    }
    assert_eq!(api.call("DELETE", "/proxies/db", Value::Null).await.0, 204);
    assert_eq!(api.call("DELETE", "/proxies/db", Value::Null).await.0, 404);
}

#[tokio::test]
async fn toxics_are_added_changed_and_removed() {
    let api = Api::new().await;
    api.create("db").await;
    let added = json!({"name": "latency_downstream", "stream": "downstream", "toxicity": 1.0, "type": "latency", "attributes": {"latency": 100, "jitter": 0}});
    assert_eq!(api.call("POST", "/proxies/db/toxics", json!({"type": "latency", "attributes": {"latency": 100}})).await, (200, added.clone()));
    assert_eq!(api.call("GET", "/proxies/db/toxics/latency_downstream", Value::Null).await, (200, added.clone()));
    let (_, up) = api.call("POST", "/proxies/db/toxics", json!({"name": "up", "type": "bandwidth", "stream": "upstream", "toxicity": 0.3})).await;
    assert_eq!(up["attributes"], json!({"rate": 0}));
    // Those of the way to the server come first.
    assert_eq!(api.call("GET", "/proxies/db/toxics", Value::Null).await, (200, json!([up, added])));
    for (method, jitter) in [("POST", 10), ("PATCH", 20)] {
        let (status, changed) =
            api.call(method, "/proxies/db/toxics/latency_downstream", json!({"toxicity": 0.5, "attributes": {"jitter": jitter}})).await;
        assert_eq!((status, &changed["attributes"]), (200, &json!({"latency": 100, "jitter": jitter})));
        assert_eq!(changed["toxicity"], json!(0.5));
    }
    assert_eq!(api.call("DELETE", "/proxies/db/toxics/up", Value::Null).await.0, 204);
    api.call("PATCH", "/proxies/db", json!({"enabled": false})).await;
    assert_eq!(api.call("POST", "/reset", Value::Null).await.0, 204);
    let (_, proxy) = api.call("GET", "/proxies/db", Value::Null).await;
    assert_eq!((&proxy["enabled"], &proxy["toxics"]), (&json!(true), &json!([])));
}

#[tokio::test]
async fn errors_are_toxiproxys() {
    let api = Api::new().await;
    api.create("db").await;
    let toxics = "/proxies/db/toxics";
    api.call("POST", toxics, json!({"type": "latency"})).await;
    let cases = [
        ("POST", "/proxies", json!({"upstream": "x:1"}), 400, "missing required field: name"),
        ("POST", "/proxies", json!({"name": "a"}), 400, "missing required field: upstream"),
        ("POST", "/proxies", json!({"name": "db", "upstream": "x:1"}), 409, "proxy already exists"),
        ("POST", "/proxies", json!(5), 400, "bad request body"),
        ("POST", "/populate", json!([{"name": "a"}]), 400, "missing required field: upstream at proxy 1"),
        ("GET", "/proxies/none", Value::Null, 404, "proxy not found"),
        ("POST", "/proxies/none", json!({}), 404, "proxy not found"),
        ("GET", "/proxies/none/toxics", Value::Null, 404, "proxy not found"),
        ("GET", "/proxies/db/toxics/none", Value::Null, 404, "toxic not found"),
        ("POST", toxics, json!({"type": "none"}), 400, "invalid toxic type"),
        ("POST", toxics, json!({"type": "latency", "stream": "sideways"}), 400, "stream was invalid, can be either upstream or downstream"),
        ("POST", toxics, json!({"type": "latency"}), 409, "toxic already exists"),
        ("POST", toxics, json!({"type": "slicer", "attributes": {"delay": "1s"}}), 400, "bad request body"),
        ("PATCH", "/proxies/db/toxics/latency_downstream", json!({"attributes": {"latency": "1s"}}), 400, "bad request body"),
        ("DELETE", "/proxies/db/toxics/none", Value::Null, 404, "toxic not found"),
    ];
    for (method, path, body, status, message) in cases {
        let (answered, error) = api.call(method, path, body.clone()).await;
        assert_eq!((answered, &error["status"]), (status, &json!(status)), "{method} {path} {body}: {error}");
        assert!(error["error"].as_str().unwrap().starts_with(message), "{error}");
    }
}

#[tokio::test]
async fn populate_creates_replaces_and_keeps() {
    let api = Api::new().await;
    let kept = api.create("kept").await;
    api.call("POST", "/proxies/kept/toxics", json!({"type": "latency"})).await;
    api.create("replaced").await;
    let wanted = json!([
        {"name": "kept", "listen": kept["listen"], "upstream": "127.0.0.1:1"},
        {"name": "replaced", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9"},
        {"name": "off", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9", "enabled": false},
    ]);
    let (status, answer) = api.call("POST", "/populate", wanted).await;
    assert_eq!(status, 201);
    assert_eq!(answer["proxies"][0]["toxics"].as_array().unwrap().len(), 1);
    assert_eq!(answer["proxies"][1]["upstream"], "127.0.0.1:9");
    assert_eq!(answer["proxies"][2]["enabled"], false);
}

#[tokio::test]
async fn version_metrics_and_no_browsers() {
    let api = Api::new().await;
    assert!(api.call("GET", "/version", Value::Null).await.1["version"].as_str().unwrap().starts_with("2."));
    let upstream = echo().await;
    let (_, proxy) = api.call("POST", "/proxies", json!({"name": "p", "upstream": upstream.to_string()})).await;
    let listen = proxy["listen"].as_str().unwrap();
    ping(&mut TcpStream::connect(listen).await.unwrap()).await.unwrap();
    let metrics = api.client.get(format!("{}/metrics", api.base)).send().await.unwrap().text().await.unwrap();
    let line = format!("toxiproxy_proxy_sent_bytes_total{{direction=\"downstream\",listener=\"{listen}\",proxy=\"p\",upstream=\"{upstream}\"}} 1\n");
    assert!(metrics.contains(&line), "{metrics}");
    let page = api.client.get(format!("{}/proxies", api.base)).header("user-agent", "Mozilla/5.0").send().await.unwrap();
    assert_eq!(page.status(), 403);
}
