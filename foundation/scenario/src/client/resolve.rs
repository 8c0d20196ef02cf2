//! Names to addresses. Looked up once a while, not for each connection, as a browser does.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::address::Endpoint;
use super::error::RequestError;

/// How long an answer of the name service is used.
const KEPT: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(super) struct Resolver {
    known: RefCell<HashMap<String, Known>>,
}

struct Known {
    addresses: Vec<IpAddr>,
    until: Instant,
}

impl Resolver {
    /// All addresses of a host, the one that last worked first.
    pub async fn look_up(&self, endpoint: &Endpoint) -> Result<Vec<SocketAddr>, RequestError> {
        let host = endpoint.host();
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, endpoint.port())]);
        }
        if let Some(known) = self.known.borrow().get(host).filter(|known| known.until > Instant::now()) {
            return Ok(with_port(&known.addresses, endpoint.port()));
        }
        let addresses = ask(host).await?;
        let found = with_port(&addresses, endpoint.port());
        self.known.borrow_mut().insert(host.to_owned(), Known { addresses, until: Instant::now() + KEPT });
        Ok(found)
    }

    pub fn worked(&self, endpoint: &Endpoint, address: IpAddr) {
        if let Some(known) = self.known.borrow_mut().get_mut(endpoint.host())
            && let Some(at) = known.addresses.iter().position(|other| *other == address)
        {
            known.addresses[..=at].rotate_right(1);
        }
    }
}

async fn ask(host: &str) -> Result<Vec<IpAddr>, RequestError> {
    let found = tokio::net::lookup_host((host, 0)).await.map_err(|error| {
        let reason = error.to_string();
        let host = host.to_owned();
        // The standard library gives the name service's answer as text only.
        if reason.contains("Temporary failure") || reason.contains("try again") {
            RequestError::NameService { host, reason }
        } else {
            RequestError::UnknownHost { host, reason }
        }
    })?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found {
        if !addresses.contains(&address.ip()) {
            addresses.push(address.ip());
        }
    }
    if addresses.is_empty() {
        return Err(RequestError::UnknownHost { host: host.to_owned(), reason: "it has no address".to_owned() });
    }
    Ok(addresses)
}

fn with_port(addresses: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    addresses.iter().map(|address| SocketAddr::new(*address, port)).collect()
}
