//! The toxics on requests.

use super::*;

/// Answers every request with its target.
async fn pages() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().fallback(|uri: axum::http::Uri| async move { uri.to_string() });
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// The status and the time of requests over one connection.
async fn ask(stream: &mut TcpStream, method: &str, path: &str) -> (u16, Duration) {
    let start = Instant::now();
    stream.write_all(format!("{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&answer).to_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
            if body.len() >= length.parse::<usize>().unwrap() {
                return (head.split(' ').nth(1).unwrap().parse().unwrap(), start.elapsed());
            }
        }
        assert_ne!(timeout(PATIENCE, stream.read_buf(&mut answer)).await.unwrap().unwrap(), 0, "ended early");
    }
}

#[tokio::test]
async fn a_status_is_answered_on_its_route_alone() {
    let through = Through::new(pages().await, &[toxic("http_status", json!({"status": 503, "path": "/pay*", "method": "POST"}))]).await;
    let mut stream = through.connect().await;
    assert_eq!(ask(&mut stream, "GET", "/").await.0, 200);
    assert_eq!(ask(&mut stream, "POST", "/pay/1").await.0, 503);
    assert_eq!(ask(&mut stream, "GET", "/pay/1").await.0, 200);
    through.proxies.remove_toxic("p", "http_status_downstream").await.unwrap();
    assert_eq!(ask(&mut stream, "POST", "/pay/1").await.0, 200);
}

#[tokio::test]
async fn a_toxic_on_requests_acts_on_an_open_connection() {
    let through = Through::new(pages().await, &[]).await;
    let mut stream = through.connect().await;
    assert_eq!(ask(&mut stream, "GET", "/").await.0, 200);
    through.add(toxic("http_status", json!({"status": 429}))).await;
    assert_eq!(ask(&mut stream, "GET", "/").await.0, 429);
}

#[tokio::test]
async fn a_delay_is_on_its_route_alone() {
    let through = Through::new(pages().await, &[toxic("http_delay", json!({"delay": 100, "path": "/slow"}))]).await;
    takes(0..60, async || ask(&mut through.connect().await, "GET", "/fast").await.1).await;
    takes(100..130, async || {
        let (status, took) = ask(&mut through.connect().await, "GET", "/slow?x=1").await;
        assert_eq!(status, 200);
        took
    })
    .await;
}

#[tokio::test]
async fn an_answer_of_ours_passes_the_other_toxics_too() {
    let toxics = [toxic("http_status", json!({"status": 500})), toxic("latency", json!({"latency": 80}))];
    let through = Through::new(pages().await, &toxics).await;
    takes(80..110, async || {
        let (status, took) = ask(&mut through.connect().await, "GET", "/").await;
        assert_eq!(status, 500);
        took
    })
    .await;
}
