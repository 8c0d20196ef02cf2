//! Whether a name resolves, and to what it should.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use documents::canary::{DnsCheck, DnsRecord};
use hickory_resolver::Resolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RecordType;

use super::tls::host_of;
use super::{Outcome, Reading};

pub async fn look(check: &DnsCheck, readings: &mut Vec<Reading>) -> Outcome {
    let resolver = resolver(check.resolver.as_deref()).await?;
    let begun = Instant::now();
    let lookup = resolver.lookup(check.name.as_str(), record_type(check.record)).await;
    let lookup = lookup.map_err(|error| format!("{} was not resolved: {error}", check.name))?;
    readings.push(Reading::new("probe_dns_lookup_time_seconds", begun.elapsed().as_secs_f64()));
    let answers: Vec<String> = lookup.answers().iter().map(|record| record.data.to_string()).collect();
    readings.push(Reading::new("probe_dns_answer_rrs", answers.len() as f64));
    let same = |a: &str, b: &str| a.trim_end_matches('.').eq_ignore_ascii_case(b.trim_end_matches('.'));
    match check.expect.iter().find(|expected| !answers.iter().any(|answer| same(answer, expected))) {
        Some(missing) => Err(format!("{missing} is not among the answers: {}", answers.join(", "))),
        None => Ok(()),
    }
}

async fn resolver(server: Option<&str>) -> Result<Resolver<TokioRuntimeProvider>, String> {
    let provider = TokioRuntimeProvider::default();
    let builder = match server {
        Some(server) => {
            let address = address(server).await?;
            let mut server = NameServerConfig::udp_and_tcp(address.ip());
            for connection in &mut server.connections {
                connection.port = address.port();
            }
            Resolver::builder_with_config(ResolverConfig::from_parts(None, vec![], vec![server]), provider)
        }
        None => Resolver::builder(provider).map_err(|error| format!("the system's resolver cannot be used: {error}"))?,
    };
    let mut options = ResolverOpts::default();
    // An answer from memory would say nothing of the server.
    options.cache_size = 0;
    builder.with_options(options).build().map_err(|error| format!("the resolver cannot be used: {error}"))
}

/// `host` or `host:port`
async fn address(server: &str) -> Result<SocketAddr, String> {
    let with_port = if server.parse::<IpAddr>().is_ok() || !server.contains(':') { lookup_host((server, 53)).await } else { lookup_host((host_of(server), port_of(server))).await };
    let found = with_port.map_err(|error| format!("the resolver {server} has no address: {error}"))?;
    found.into_iter().next().ok_or_else(|| format!("the resolver {server} has no address"))
}

async fn lookup_host(address: (&str, u16)) -> std::io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host(address).await?.collect())
}

fn port_of(address: &str) -> u16 {
    address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(53)
}

fn record_type(record: DnsRecord) -> RecordType {
    match record {
        DnsRecord::A => RecordType::A,
        DnsRecord::Aaaa => RecordType::AAAA,
        DnsRecord::Cname => RecordType::CNAME,
        DnsRecord::Mx => RecordType::MX,
        DnsRecord::Ns => RecordType::NS,
        DnsRecord::Soa => RecordType::SOA,
        DnsRecord::Srv => RecordType::SRV,
        DnsRecord::Txt => RecordType::TXT,
        DnsRecord::Caa => RecordType::CAA,
        DnsRecord::Ptr => RecordType::PTR,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UdpSocket;

    use super::*;

    /// A name server that knows one thing: every A record is 192.0.2.7.
    async fn name_server() -> String {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let mut question = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut question).await {
                // RFC 1035: the header says one answer, which points to the question's name.
                let name = 12 + question[12..length].iter().position(|byte| *byte == 0).unwrap();
                let mut answer = question[..name + 5].to_vec();
                answer[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
                socket.send_to(&answer, from).await.unwrap();
            }
        });
        address
    }

    #[tokio::test]
    async fn answers_are_compared_with_what_is_expected() {
        let check = |expect: &[&str], resolver: String| DnsCheck {
            name: "shop.example.".to_owned(),
            record: DnsRecord::A,
            resolver: Some(resolver),
            expect: expect.iter().map(|value| (*value).to_owned()).collect(),
        };
        let server = name_server().await;
        let mut readings = Vec::new();
        assert_eq!(look(&check(&["192.0.2.7"], server.clone()), &mut readings).await, Ok(()));
        assert!(readings.iter().any(|reading| reading.name == "probe_dns_answer_rrs" && reading.value == 1.0));
        let other = look(&check(&["192.0.2.8"], server), &mut readings).await;
        assert_eq!(other, Err("192.0.2.8 is not among the answers: 192.0.2.7".to_owned()));
    }
}
