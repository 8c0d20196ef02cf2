use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Backend, config, get, shares, start, until};

/// Changes the protocol, then sends back what it gets.
async fn echo() -> Backend {
    Backend::speaking("127.0.0.1:0".parse().unwrap(), Arc::default(), |mut stream| async move {
        let head = head(&mut stream).await;
        if head.to_lowercase().contains("upgrade: websocket") && head.to_lowercase().contains("connection: upgrade") {
            stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n").await.ok();
            let (mut from, mut to) = stream.split();
            tokio::io::copy(&mut from, &mut to).await.ok();
        }
    })
    .await
}

async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn a_web_socket_passes_and_outlives_a_change_of_weight() {
    let (new, old) = (echo().await, Backend::start("old").await);
    let proxy = start(config(&[&old], &[&new], 100.0));
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n").await.unwrap();
    let answer = head(&mut stream).await.to_lowercase();
    assert!(answer.starts_with("http/1.1 101 ") && answer.contains("upgrade: websocket") && answer.contains("sec-websocket-accept: x"), "{answer}");
    let mut say = async |text: &[u8]| {
        stream.write_all(text).await.unwrap();
        let mut heard = vec![0; text.len()];
        stream.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, text);
    };
    say(b"before").await;
    assert_eq!(proxy.status().versions["2"].open, 1);
    proxy.set_shares(shares(0.0)).unwrap();
    assert_eq!(get(proxy.address(), "/").await.backend(), "old");
    say(&vec![b'x'; 1_000_000].as_slice()[..200_000]).await;
    drop(stream);
    until("it is closed", || async { proxy.status().versions["2"].open == 0 }).await;
    assert_eq!(proxy.series().iter().find(|series| series.status == 101).unwrap().response_bytes, 200_006);
}
