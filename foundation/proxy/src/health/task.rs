use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::state::Standing;
use crate::backend::Backend;
use crate::config::HealthCheck;
use crate::routing::Routing;

/// Asks every backend of every version, also of one without traffic: whether it answers must be known before.
pub(crate) async fn watch(routing: Arc<ArcSwap<Routing>>, settings: HealthCheck) {
    let mut standings: HashMap<u64, Standing> = HashMap::new();
    let mut ticks = interval(settings.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let backends: Vec<Arc<Backend>> = routing.load().versions.values().flat_map(|version| version.backends.iter().cloned()).collect();
        standings.retain(|id, _| backends.iter().any(|backend| backend.id == *id));
        let mut checks = JoinSet::new();
        for backend in backends {
            let settings = settings.clone();
            checks.spawn(async move {
                let passed = timeout(settings.timeout, passes(&backend, &settings.path)).await.unwrap_or(false);
                (backend, passed)
            });
        }
        while let Some(Ok((backend, passed))) = checks.join_next().await {
            let was = standings.get(&backend.id).copied().unwrap_or_default();
            let standing = was.after(passed, &settings);
            standings.insert(backend.id, standing);
            if standing.healthy != was.healthy {
                tracing::warn!(backend = backend.url, healthy = standing.healthy, "a backend's health has changed");
                backend.set_healthy(standing.healthy);
            }
        }
    }
}

/// Any status from 200 to 399, on a connection of its own.
async fn passes(backend: &Backend, path: &str) -> bool {
    let Ok(stream) = TcpStream::connect(&backend.authority).await else { return false };
    let Ok((mut sender, connection)) = http1::handshake(TokioIo::new(stream)).await else { return false };
    let request = Request::builder().method(Method::GET).uri(path).header(header::HOST, &backend.authority).header(header::USER_AGENT, "mainstay-health").body(Empty::<Bytes>::new());
    let Ok(request) = request else { return false };
    tokio::spawn(connection);
    sender.send_request(request).await.is_ok_and(|response| response.status().as_u16() < 400)
}
