//! Whether a port takes connections.

use std::net::SocketAddr;
use std::time::Instant;

use tokio::net::TcpStream;

use super::{Outcome, Reading};

pub async fn look(address: &str, readings: &mut Vec<Reading>) -> Outcome {
    connect(address, readings).await.map(drop)
}

/// Tries the addresses of a name one after the other.
pub async fn connect(address: &str, readings: &mut Vec<Reading>) -> Result<TcpStream, String> {
    let addresses = resolve(address, readings).await?;
    let begun = Instant::now();
    let mut last = format!("{address} has no address");
    for candidate in addresses {
        match TcpStream::connect(candidate).await {
            Ok(stream) => {
                readings.push(Reading::phase("probe_tcp_duration_seconds", "connect", begun.elapsed()));
                return Ok(stream);
            }
            Err(error) => last = format!("{candidate} cannot be connected to: {error}"),
        }
    }
    Err(last)
}

async fn resolve(address: &str, readings: &mut Vec<Reading>) -> Result<Vec<SocketAddr>, String> {
    let begun = Instant::now();
    let found = tokio::net::lookup_host(address).await.map_err(|error| format!("{address} cannot be resolved: {error}"))?;
    readings.push(Reading::new("probe_dns_lookup_time_seconds", begun.elapsed().as_secs_f64()));
    Ok(found.collect())
}
