//! The proxy from outside: real sockets on the loopback, figures on the clock.

mod api;
mod clients;
mod effects;
mod requests;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::{Proxies, Toxic, Wanted};

const PATIENCE: Duration = Duration::from_secs(10);

/// A proxy before a server, with toxics as a document writes them.
struct Through {
    proxies: Proxies,
    address: String,
}

impl Through {
    async fn new(upstream: SocketAddr, toxics: &[Value]) -> Self {
        let proxies = Proxies::new();
        let wanted = Wanted { name: "p".to_owned(), upstream: upstream.to_string(), ..Wanted::default() };
        let address = proxies.create(wanted).await.unwrap().listen;
        let through = Self { proxies, address };
        for toxic in toxics {
            through.add(toxic.clone()).await;
        }
        through
    }

    async fn add(&self, toxic: Value) {
        let toxic: Toxic = serde_json::from_value(toxic).unwrap();
        self.proxies.add_toxic("p", toxic).await.unwrap();
    }

    async fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }
}

fn toxic(kind: &str, attributes: Value) -> Value {
    json!({"type": kind, "attributes": attributes})
}

fn upstream(kind: &str, attributes: Value) -> Value {
    json!({"type": kind, "stream": "upstream", "attributes": attributes})
}

/// Sends back what it is sent.
async fn echo() -> SocketAddr {
    serve(|mut stream| async move {
        let (mut reader, mut writer) = stream.split();
        let _ = tokio::io::copy(&mut reader, &mut writer).await;
        let _ = writer.shutdown().await;
    })
    .await
}

/// Sends so many bytes, then ends.
async fn source(bytes: usize) -> SocketAddr {
    serve(move |mut stream| async move {
        let _ = stream.write_all(&vec![b'x'; bytes]).await;
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await
}

async fn serve<F, Fut>(answer: F) -> SocketAddr
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            tokio::spawn(answer(stream));
        }
    });
    address
}

/// A byte there and back.
async fn ping(stream: &mut TcpStream) -> std::io::Result<Duration> {
    let start = Instant::now();
    stream.write_all(b"x").await?;
    timeout(PATIENCE, stream.read_exact(&mut [0])).await??;
    Ok(start.elapsed())
}

/// All until the end, and how long that took.
async fn read_all(stream: &mut TcpStream) -> (Vec<u8>, std::io::Result<()>, Duration) {
    let start = Instant::now();
    let mut bytes = Vec::new();
    let result = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("ends in time");
    (bytes, result.map(drop), start.elapsed())
}

/// In milliseconds: never below the range, and within it in one of a few tries, as other work on the machine
/// can only make it longer.
async fn takes(range: std::ops::Range<u64>, measure: impl AsyncFn() -> Duration) {
    let mut took = Vec::new();
    for _ in 0..4 {
        let last = ms(measure().await);
        took.push(last);
        assert!(last >= range.start, "{took:?} ms, and at least {} expected", range.start);
        if last < range.end {
            return;
        }
    }
    panic!("{took:?} ms, and {range:?} expected");
}

fn ms(duration: Duration) -> u64 {
    duration.as_millis() as u64
}
