//! Backends that say who they are, clients, and load.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use proxy::{Config, Proxy, Shares};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

pub type Answer = Response<Full<Bytes>>;

/// Answers with its name as `x-backend`; what it saw is kept.
pub struct Backend {
    pub address: SocketAddr,
    pub seen: Arc<AtomicUsize>,
    accepting: AbortHandle,
}

impl Backend {
    pub async fn start(name: &'static str) -> Self {
        Self::serving(move |_| async move { named(name, "hello") }).await
    }

    pub async fn serving<F, A>(answer: F) -> Self
    where
        F: Fn(Request<Incoming>) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Answer> + Send + 'static,
    {
        Self::serving_at("127.0.0.1:0".parse().unwrap(), answer).await
    }

    pub async fn serving_at<F, A>(address: SocketAddr, answer: F) -> Self
    where
        F: Fn(Request<Incoming>) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Answer> + Send + 'static,
    {
        let seen = Arc::new(AtomicUsize::new(0));
        let counter = seen.clone();
        Self::speaking(address, seen, move |stream| {
            let (answer, counter) = (answer.clone(), counter.clone());
            async move {
                let service = service_fn(move |request| {
                    counter.fetch_add(1, SeqCst);
                    let answer = answer(request);
                    async move { Ok::<_, Infallible>(answer.await) }
                });
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await.ok();
            }
        })
        .await
    }

    /// Whatever `speak` does with each connection. All end with the backend.
    pub async fn speaking<F, S>(address: SocketAddr, seen: Arc<AtomicUsize>, speak: F) -> Self
    where
        F: Fn(TcpStream) -> S + Send + Sync + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(speak(stream));
            }
        });
        Self { address, seen, accepting: accepting.abort_handle() }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn count(&self) -> usize {
        self.seen.load(SeqCst)
    }

    /// As if the process were gone.
    pub async fn stop(&self) {
        self.accepting.abort();
        until("the backend is gone", || async { TcpStream::connect(self.address).await.is_err() }).await;
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

pub fn named(name: &str, body: impl Into<Bytes>) -> Answer {
    Response::builder().header("x-backend", name).body(Full::new(body.into())).unwrap()
}

/// Of versions `1` (old) and `2` (new).
pub fn config(old: &[&Backend], new: &[&Backend], weight: f64) -> Config {
    let urls = |backends: &[&Backend]| backends.iter().map(|backend| backend.url()).collect();
    let mut config = Config::new("127.0.0.1:0".parse().unwrap(), [("1".to_owned(), urls(old)), ("2".to_owned(), urls(new))].into());
    config.shares = Some(shares(weight));
    config.workers = Some(2);
    config
}

pub fn shares(weight: f64) -> Shares {
    Shares { old: Some("1".to_owned()), new: "2".to_owned(), weight }
}

pub fn start(config: Config) -> Proxy {
    Proxy::start(config).unwrap()
}

pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Got {
    pub fn backend(&self) -> &str {
        self.headers.get("x-backend").map_or("", |name| name.to_str().unwrap())
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// A connection that is kept.
pub struct Client {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        Self { address, sender }
    }

    pub async fn send(&mut self, request: http::request::Builder, body: impl Into<Bytes>) -> hyper::Result<Got> {
        self.sender.ready().await?;
        let request = request.header("host", self.address.to_string()).body(Full::new(body.into())).unwrap();
        let (head, body) = self.sender.send_request(request).await?.into_parts();
        Ok(Got { status: head.status, headers: head.headers, body: body.collect().await?.to_bytes() })
    }

    pub async fn get(&mut self, path: &str) -> Got {
        self.send(Request::get(path), "").await.unwrap()
    }
}

pub async fn get(address: SocketAddr, path: &str) -> Got {
    Client::connect(address).await.get(path).await
}

/// Sends bytes as they are, and reads until the other side closes.
pub async fn raw(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.expect("the proxy closes").ok();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Clients that ask one request after the other, until told to stop.
pub struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    clients: JoinSet<Tally>,
}

#[derive(Debug, Default)]
pub struct Tally {
    pub failed: Vec<String>,
    pub by_backend: BTreeMap<String, usize>,
}

impl Load {
    pub fn start(address: SocketAddr, clients: usize) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut tasks = JoinSet::new();
        for number in 0..clients {
            let (stop, done) = (stop.clone(), done.clone());
            tasks.spawn(async move {
                let mut tally = Tally::default();
                let mut client = Client::connect(address).await;
                let mut sent = number;
                while !stop.load(SeqCst) {
                    // Every third request is one that may not be repeated.
                    sent += 1;
                    let request = if sent.is_multiple_of(3) { client.send(Request::post("/"), "order").await } else { client.send(Request::get("/"), "").await };
                    match request {
                        Ok(got) if got.status == StatusCode::OK => *tally.by_backend.entry(got.backend().to_owned()).or_default() += 1,
                        Ok(got) => tally.failed.push(format!("{}: {}", got.status, got.text())),
                        Err(error) => {
                            tally.failed.push(error.to_string());
                            client = Client::connect(address).await;
                        }
                    }
                    done.fetch_add(1, SeqCst);
                }
                tally
            });
        }
        Self { stop, done, clients: tasks }
    }

    /// Until so many more requests have been answered.
    pub async fn answered(&self, more: usize) {
        let goal = self.done.load(SeqCst) + more;
        until("the load goes on", || async { self.done.load(SeqCst) >= goal }).await;
    }

    pub async fn stop(mut self) -> Tally {
        self.stop.store(true, SeqCst);
        let mut sum = Tally::default();
        while let Some(tally) = self.clients.join_next().await {
            let tally = tally.unwrap();
            sum.failed.extend(tally.failed);
            tally.by_backend.into_iter().for_each(|(name, count)| *sum.by_backend.entry(name).or_default() += count);
        }
        sum
    }
}

pub async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let began = Instant::now();
    while !condition().await {
        assert!(began.elapsed() < Duration::from_secs(20), "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
