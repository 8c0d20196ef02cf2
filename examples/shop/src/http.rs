//! HTTP between the services: server spans and metrics by OpenTelemetry's semantic conventions, and
//! calls that carry the trace along.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use opentelemetry::metrics::Histogram;
use opentelemetry::{KeyValue, global};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use tracing::{Instrument, Span, field, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::Error;
use crate::faults::Faults;

/// Serves until SIGINT or SIGTERM. The first line of output tells the address. The routes of machines,
/// who poll, get neither spans nor metrics.
pub async fn serve(service: &'static str, listen: SocketAddr, people: Router, machines: Router, faults: &Faults) -> Result<(), Error> {
    let people = people.layer(middleware::from_fn(observe));
    let routes = people.merge(machines).merge(faults.router()).route("/healthz", get(async || "ok\n"));
    let listener = tokio::net::TcpListener::bind(listen).await.map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    println!("{service} listening on http://{}", listener.local_addr()?);
    tracing::info!("{service} is ready");
    tokio::select! {
        served = axum::serve(listener, routes) => Ok(served?),
        () = asked_to_stop() => Ok(()),
    }
}

pub fn client() -> Result<reqwest::Client, Error> {
    Ok(reqwest::Client::builder().connect_timeout(Duration::from_secs(2)).timeout(Duration::from_secs(30)).build()?)
}

/// Sends a request to another service within a client span.
pub async fn call(client: &reqwest::Client, mut request: reqwest::Request) -> Result<reqwest::Response, reqwest::Error> {
    let span = info_span!(
        "http client",
        otel.name = %request.method(),
        otel.kind = "client",
        http.request.method = %request.method(),
        url.full = %request.url(),
        server.address = request.url().host_str(),
        server.port = request.url().port_or_known_default(),
        http.response.status_code = field::Empty,
        error.type = field::Empty,
        otel.status_code = field::Empty,
        otel.status_description = field::Empty,
    );
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&span.context(), &mut HeaderInjector(request.headers_mut()));
    });
    let answer = client.execute(request).instrument(span.clone()).await;
    match &answer {
        Ok(response) => {
            record_status(&span, response.status());
            if response.status().is_client_error() {
                span.record("otel.status_code", "ERROR");
            }
        }
        Err(error) => {
            span.record("error.type", if error.is_timeout() { "timeout" } else { "connection" });
            span.record("otel.status_code", "ERROR").record("otel.status_description", error.to_string());
        }
    }
    answer
}

/// Wraps a request in a server span that continues the caller's trace, and measures it.
async fn observe(request: Request, next: Next) -> Response {
    let method = request.method().to_string();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let span = server_span(&request, &method, &route);
    let started = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    record_status(&span, response.status());
    let status = response.status();
    let mut attributes = vec![
        KeyValue::new("http.request.method", method),
        KeyValue::new("http.route", route),
        KeyValue::new("http.response.status_code", i64::from(status.as_u16())),
        KeyValue::new("url.scheme", "http"),
    ];
    if status.is_server_error() {
        attributes.push(KeyValue::new("error.type", status.as_str().to_owned()));
    }
    request_duration().record(started.elapsed().as_secs_f64(), &attributes);
    response
}

fn server_span(request: &Request, method: &str, route: &str) -> Span {
    let span = info_span!(
        "http server",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        url.path = request.uri().path(),
        url.scheme = "http",
        http.response.status_code = field::Empty,
        error.type = field::Empty,
        otel.status_code = field::Empty,
    );
    let caller = global::get_text_map_propagator(|propagator| propagator.extract(&HeaderExtractor(request.headers())));
    // Fails only for a span that has begun elsewhere, or that nobody records.
    let _ = span.set_parent(caller);
    span
}

fn record_status(span: &Span, status: axum::http::StatusCode) {
    span.record("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.record("error.type", status.as_str()).record("otel.status_code", "ERROR");
    }
}

/// `http.server.request.duration`, with the bounds that its convention advises.
fn request_duration() -> &'static Histogram<f64> {
    static HISTOGRAM: OnceLock<Histogram<f64>> = OnceLock::new();
    HISTOGRAM.get_or_init(|| {
        let bounds = vec![0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
        let meter = global::meter("shop");
        let histogram = meter.f64_histogram("http.server.request.duration").with_unit("s").with_boundaries(bounds);
        histogram.with_description("Duration of HTTP server requests.").build()
    })
}

fn asked_to_stop() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let terminate = signal(SignalKind::terminate());
    async {
        match terminate {
            Ok(mut terminate) => tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            },
            Err(_) => drop(tokio::signal::ctrl_c().await),
        }
    }
}
