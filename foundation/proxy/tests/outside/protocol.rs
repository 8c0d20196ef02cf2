use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use proxy::config::Tls;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Answer, Backend, Client, config, get, named, raw, start, until};

/// Answers with the head of the request as it came.
async fn mirror() -> Backend {
    Backend::serving(|request| async move {
        let (head, body) = request.into_parts();
        let mut text = format!("{} {}\n", head.method, head.uri);
        for (name, value) in &head.headers {
            text += &format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()));
        }
        let length = body.collect().await.map_or(0, |body| body.to_bytes().len());
        named("mirror", format!("{text}\n{length}"))
    })
    .await
}

#[tokio::test]
async fn backends_learn_who_asked_and_nothing_of_the_connection() {
    let mirror = mirror().await;
    let proxy = start(config(&[&mirror], &[&mirror], 0.0));
    let request = Request::post("/a?b=%20c").header("connection", "x-secret").header("x-secret", "1").header("x-forwarded-for", "10.1.1.1").header("traceparent", "00-1-2-01");
    let got = Client::connect(proxy.address()).await.send(request, "12345").await.unwrap();
    let text = got.text();
    for expected in ["POST /a?b=%20c\n", "x-forwarded-for: 127.0.0.1\n", "x-forwarded-proto: http\n", &format!("x-forwarded-host: {}\n", proxy.address()), "via: 1.1 mainstay\n", "traceparent: 00-1-2-01\n", "content-length: 5\n", "\n5"] {
        assert!(text.contains(expected), "{expected:?} in {text}");
    }
    assert!(!text.contains("secret") && !text.contains("connection:"), "{text}");
}

#[tokio::test]
async fn malformed_requests_are_refused_and_reach_nobody() {
    let mirror = mirror().await;
    let proxy = start(config(&[&mirror], &[&mirror], 0.0));
    let many = (0..200).map(|number| format!("x-{number}: 1\r\n")).collect::<String>();
    let cases = [
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(), 400),
        ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(), 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n".to_owned(), 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde".to_owned(), 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n".to_owned(), 400),
        ("GET /\r\n\r\n".to_owned(), 400),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n".to_owned(), 400),
        ("\0\0\0\0 nonsense\r\n\r\n".to_owned(), 400),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nx: {}\r\n\r\n", "y".repeat(64 * 1024)), 431),
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "y".repeat(66_000)), 431),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nConnection: close\r\n\r\n".to_owned(), 501),
    ];
    for (request, status) in cases {
        // The last request closes, in case the first one was taken for good.
        let answer = raw(proxy.address(), &request.replacen("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)).await;
        let got = answer.split(' ').nth(1).unwrap_or_default().to_owned();
        let beginning: String = request.chars().take(60).collect();
        assert_eq!(got, status.to_string(), "{beginning:?}: {answer}");
    }
    assert_eq!(mirror.count(), 0);
}

#[tokio::test]
async fn of_two_lengths_the_one_that_counts_is_passed_on() {
    let mirror = mirror().await;
    let proxy = start(config(&[&mirror], &[&mirror], 0.0));
    let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let answer = raw(proxy.address(), request).await;
    assert!(answer.contains("\ntransfer-encoding: chunked\n") && !answer.contains("\ncontent-length: 40") && answer.ends_with("\n3"), "{answer}");
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_upload_holds_up_nobody() {
    let hasty = Backend::speaking("127.0.0.1:0".parse().unwrap(), Arc::default(), |mut stream| async move {
        stream.read(&mut [0; 4096]).await.ok();
        stream.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno").await.ok();
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.ok();
    })
    .await;
    let proxy = start(config(&[&hasty], &[&hasty], 0.0));
    for _ in 0..3 {
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc").await.unwrap();
        let mut answer = [0; 32];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 413 Content Too Large\r\n");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_request() {
    let silent = Backend::serving(|_| std::future::pending()).await;
    let proxy = start(config(&[&silent], &[&silent], 0.0));
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    until("the request is open", || async { proxy.status().versions["1"].open == 1 }).await;
    drop(stream);
    until("it has ended", || async { proxy.status().versions["1"].open == 0 }).await;
    assert_eq!(proxy.series()[0].status, 499);
}

#[tokio::test]
async fn requests_of_http_1_0_and_pipelined_ones_are_answered() {
    let mirror = mirror().await;
    let proxy = start(config(&[&mirror], &[&mirror], 0.0));
    let answer = raw(proxy.address(), "GET /old HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n") && answer.contains("GET /old\n"), "{answer}");
    let answer = raw(proxy.address(), "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(answer.find("GET /1\n") < answer.find("GET /2\n") && answer.contains("GET /2\n"), "{answer}");
}

#[tokio::test]
async fn a_client_that_expects_to_be_asked_for_its_body_is_asked() {
    let mirror = mirror().await;
    let proxy = start(config(&[&mirror], &[&mirror], 0.0));
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut first = [0; 25];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"abc").await.unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert!(rest.starts_with("HTTP/1.1 200") && rest.ends_with("\n3"), "{rest}");
}

#[tokio::test]
async fn a_client_that_is_slow_to_ask_is_let_go() {
    let mirror = mirror().await;
    let mut config = config(&[&mirror], &[&mirror], 0.0);
    config.timeouts.keep_alive = Duration::from_millis(50);
    let proxy = start(config);
    for beginning in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\n"] {
        let answer = raw(proxy.address(), beginning).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    assert_eq!(mirror.count(), 0);
}

#[tokio::test]
async fn one_connection_too_many_is_503() {
    let mirror = mirror().await;
    let mut config = config(&[&mirror], &[&mirror], 0.0);
    config.limits.connections = 1;
    let proxy = start(config);
    let mut first = Client::connect(proxy.address()).await;
    assert_eq!(first.get("/").await.status, StatusCode::OK);
    assert!(raw(proxy.address(), "").await.starts_with("HTTP/1.1 503 "));
    drop(first);
    until("there is room again", || async {
        let answer = raw(proxy.address(), "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        answer.starts_with("HTTP/1.1 200")
    })
    .await;
}

#[tokio::test]
async fn bodies_stream_and_wait_for_whoever_is_slow() {
    const LENGTH: usize = 128 * 1024 * 1024;
    let (sent, stalled) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (count, stalls) = (sent.clone(), stalled.clone());
    let backend = Backend::speaking("127.0.0.1:0".parse().unwrap(), Arc::default(), move |mut stream| {
        let (count, stalls) = (count.clone(), stalls.clone());
        async move {
            stream.read(&mut [0; 4096]).await.ok();
            stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n").as_bytes()).await.ok();
            let piece = vec![0; 64 * 1024];
            while count.load(SeqCst) < LENGTH {
                if tokio::time::timeout(Duration::from_millis(200), stream.writable()).await.is_err() {
                    stalls.fetch_add(1, SeqCst);
                }
                match stream.try_write(&piece[..piece.len().min(LENGTH - count.load(SeqCst))]) {
                    Ok(length) => count.fetch_add(length, SeqCst),
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
                    Err(_) => return,
                };
            }
        }
    })
    .await;
    let proxy = start(config(&[&backend], &[&backend], 0.0));
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    until("the backend has to wait", || async { stalled.load(SeqCst) > 0 }).await;
    // What is missing is in the buffers of four sockets, not in the proxy.
    assert!(sent.load(SeqCst) < LENGTH / 2, "{} bytes were taken from the backend", sent.load(SeqCst));
    let mut received = 0;
    let mut piece = vec![0; 256 * 1024];
    loop {
        match stream.read(&mut piece).await.unwrap() {
            0 => break,
            length => received += length,
        }
    }
    assert!(received > LENGTH, "{received}");
}

#[tokio::test]
async fn a_large_upload_arrives() {
    let mirror = mirror().await;
    let proxy = start(config(&[&mirror], &[&mirror], 0.0));
    let got = Client::connect(proxy.address()).await.send(Request::post("/"), vec![7; 20 * 1024 * 1024]).await.unwrap();
    assert!(got.text().ends_with(&format!("\n{}", 20 * 1024 * 1024)), "{}", got.text());
}

#[tokio::test]
async fn a_body_that_the_backend_cuts_off_is_not_passed_for_whole() {
    let cut = Backend::speaking("127.0.0.1:0".parse().unwrap(), Arc::default(), |mut stream| async move {
        stream.read(&mut [0; 4096]).await.ok();
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n").await.ok();
    })
    .await;
    let proxy = start(config(&[&cut], &[&cut], 0.0));
    assert!(Client::connect(proxy.address()).await.send(Request::get("/"), "").await.is_err());
}

#[tokio::test]
async fn answers_without_body_keep_their_length() {
    let backend = Backend::serving(|request: Request<_>| async move {
        let status = if request.uri().path() == "/same" { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
        let mut answer: Answer = named("one", "hello");
        *answer.status_mut() = status;
        answer
    })
    .await;
    let proxy = start(config(&[&backend], &[&backend], 0.0));
    let mut client = Client::connect(proxy.address()).await;
    let head = client.send(Request::head("/"), "").await.unwrap();
    assert_eq!((head.status, head.headers["content-length"].to_str().unwrap(), head.body.len()), (StatusCode::OK, "5", 0));
    assert_eq!(client.get("/same").await.status, StatusCode::NOT_MODIFIED);
    assert_eq!(client.get("/").await.text(), "hello");
}

async fn http_2(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> SendRequest<Full<Bytes>> {
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn ask(mut sender: SendRequest<Full<Bytes>>, request: Request<Full<Bytes>>) -> Response<Bytes> {
    sender.ready().await.unwrap();
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn http_2_is_spoken_without_being_asked_first() {
    let mirror = mirror().await;
    let proxy = start(config(&[&mirror], &[&mirror], 0.0));
    let sender = http_2(TcpStream::connect(proxy.address()).await.unwrap()).await;
    let requests = (0..50).map(|number| {
        let request = Request::post(format!("http://shop.example/{number}")).header("cookie", "a=1").header("cookie", "b=2").body(Full::new(Bytes::from(vec![0; 100_000]))).unwrap();
        tokio::spawn(ask(sender.clone(), request))
    });
    for (number, answer) in requests.collect::<Vec<_>>().into_iter().enumerate() {
        let answer = answer.await.unwrap();
        let text = std::str::from_utf8(answer.body()).unwrap();
        for expected in [&format!("POST /{number}\n"), "host: shop.example\n", "cookie: a=1; b=2\n", "via: 2.0 mainstay\n", "\n100000"] {
            assert!(text.contains(expected), "{expected:?} in {text}");
        }
        assert_eq!(answer.version(), http::Version::HTTP_2);
    }
}

#[tokio::test]
async fn trailers_reach_a_client_of_http_2() {
    let backend = Backend::speaking("127.0.0.1:0".parse().unwrap(), Arc::default(), |mut stream| async move {
        stream.read(&mut [0; 4096]).await.ok();
        stream.write_all(b"HTTP/1.1 200 OK\r\nTrailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 9\r\n\r\n").await.ok();
    })
    .await;
    let proxy = start(config(&[&backend], &[&backend], 0.0));
    let mut sender = http_2(TcpStream::connect(proxy.address()).await.unwrap()).await;
    let request = Request::get("http://shop/").header("te", "trailers").body(Full::default()).unwrap();
    let collected = sender.send_request(request).await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["x-sum"], "9");
    assert_eq!(collected.to_bytes(), "hello");
}

#[tokio::test]
async fn with_a_certificate_both_versions_are_offered() {
    let mirror = mirror().await;
    let folder = tempfile::tempdir().unwrap();
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = |name: &str, content: String| {
        let path = Path::join(folder.path(), name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let mut config = config(&[&mirror], &[&mirror], 0.0);
    config.tls = Some(Tls { certificate: file("cert.pem", issued.cert.pem()), key: file("key.pem", issued.signing_key.serialize_pem()) });
    let proxy = start(config);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(issued.cert.der().clone()).unwrap();
    for (offered, negotiated) in [(&["h2", "http/1.1"][..], "h2"), (&["http/1.1"][..], "http/1.1")] {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut client = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap().with_root_certificates(roots.clone()).with_no_client_auth();
        client.alpn_protocols = offered.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(proxy.address()).await.unwrap();
        let mut stream = tokio_rustls::TlsConnector::from(Arc::new(client)).connect("localhost".try_into().unwrap(), stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(negotiated.as_bytes()));
        let text = if negotiated == "h2" {
            let answer = ask(http_2(stream).await, Request::get("https://localhost/").body(Full::default()).unwrap()).await;
            String::from_utf8(answer.into_body().to_vec()).unwrap()
        } else {
            stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            text
        };
        assert!(text.contains("x-forwarded-proto: https\n"), "{text}");
    }
}

#[tokio::test]
async fn many_connections_are_served_at_once() {
    let mirror = mirror().await;
    let proxy = start(config(&[&mirror], &[&mirror], 0.0));
    let address = proxy.address();
    let all: Vec<_> = (0..200).map(|_| tokio::spawn(async move { get(address, "/").await.status })).collect();
    for one in all {
        assert_eq!(one.await.unwrap(), StatusCode::OK);
    }
}
