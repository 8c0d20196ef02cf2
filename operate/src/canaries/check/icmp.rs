//! Whether a host answers echo requests, where this process may send them.

use std::net::IpAddr;

use surge_ping::{Client, Config, ICMP, PingIdentifier, PingSequence};

use super::{Outcome, Reading};

const PAYLOAD: [u8; 56] = [0; 56];

pub async fn look(host: &str, readings: &mut Vec<Reading>) -> Outcome {
    let address = address(host).await?;
    let kind = if address.is_ipv4() { ICMP::V4 } else { ICMP::V6 };
    // Unprivileged where the system allows it (`net.ipv4.ping_group_range`), else a raw socket.
    let client = Client::new(&Config::builder().kind(kind).build()).map_err(|error| {
        format!("this process may not send echo requests ({error}); allow its group in net.ipv4.ping_group_range, or give it CAP_NET_RAW")
    })?;
    let mut pinger = client.pinger(address, PingIdentifier(std::process::id() as u16)).await;
    let (_, took) = pinger.ping(PingSequence(0), &PAYLOAD).await.map_err(|error| format!("{address} did not answer: {error}"))?;
    readings.push(Reading::phase("probe_icmp_duration_seconds", "rtt", took));
    Ok(())
}

async fn address(host: &str) -> Result<IpAddr, String> {
    let failed = |reason: String| format!("{host} cannot be resolved: {reason}");
    let mut found = tokio::net::lookup_host((host, 0)).await.map_err(|error| failed(error.to_string()))?;
    found.next().map(|address| address.ip()).ok_or_else(|| failed("it has no address".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn this_machine_answers_or_it_is_said_what_is_missing() {
        let mut readings = Vec::new();
        match look("127.0.0.1", &mut readings).await {
            Ok(()) => assert_eq!(readings[0].name, "probe_icmp_duration_seconds"),
            Err(error) => assert!(error.contains("ping_group_range"), "{error}"),
        }
    }
}
