//! Whether a server's certificate is trusted, and for how long yet.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use documents::canary::TlsCheck;
use kernel::Timestamp;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Outcome, Reading, tcp};

pub async fn look(check: &TlsCheck, now: Timestamp, readings: &mut Vec<Reading>) -> Outcome {
    look_trusting(config(), check, now, readings).await
}

async fn look_trusting(config: Arc<ClientConfig>, check: &TlsCheck, now: Timestamp, readings: &mut Vec<Reading>) -> Outcome {
    let stream = tcp::connect(&check.address, readings).await?;
    let host = check.server_name.as_deref().unwrap_or_else(|| host_of(&check.address));
    let stream = handshake_trusting(config, stream, host, readings).await?;
    let soon = now.checked_add(check.expires_in).unwrap_or(Timestamp::MAX);
    match earliest_expiry(&stream) {
        Some(expiry) if expiry <= soon => Err(format!("the certificate ends at {expiry}")),
        _ => Ok(()),
    }
}

/// Speaks TLS with the server and reads when its certificates end.
pub async fn handshake(stream: TcpStream, host: &str, readings: &mut Vec<Reading>) -> Result<TlsStream<TcpStream>, String> {
    handshake_trusting(config(), stream, host, readings).await
}

async fn handshake_trusting(
    config: Arc<ClientConfig>,
    stream: TcpStream,
    host: &str,
    readings: &mut Vec<Reading>,
) -> Result<TlsStream<TcpStream>, String> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| format!("{host} is no name that a certificate can have"))?;
    let connector = TlsConnector::from(config);
    let begun = Instant::now();
    let stream = connector.connect(name, stream).await.map_err(|error| format!("TLS with {host} failed: {error}"))?;
    readings.push(Reading::phase("probe_tcp_duration_seconds", "tls", begun.elapsed()));
    if let Some(expiry) = earliest_expiry(&stream) {
        readings.push(Reading::new("probe_ssl_earliest_cert_expiry", expiry.as_second() as f64));
    }
    Ok(stream)
}

fn earliest_expiry(stream: &TlsStream<TcpStream>) -> Option<Timestamp> {
    let (_, connection) = stream.get_ref();
    connection.peer_certificates()?.iter().filter_map(expiry).min()
}

fn expiry(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

/// Trusts what the system trusts; `SSL_CERT_FILE` and `SSL_CERT_DIR` name other certificates.
fn config() -> Arc<ClientConfig> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    let config = CONFIG.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        // A root that cannot be read trusts nobody, which is safe.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
    });
    config.clone()
}

/// `[::1]:443` → `::1`
pub fn host_of(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{CertificateParams, KeyPair};
    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A server for `localhost` with a certificate of its own that ends with the year 2030, and a client that
    /// trusts it.
    async fn server() -> (TlsCheck, Arc<ClientConfig>) {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(2030, 12, 31);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], private).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = acceptor.accept(stream).await;
            }
        });
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).unwrap();
        let trusting = Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth());
        (TlsCheck { address, server_name: Some("localhost".to_owned()), expires_in: Duration::from_secs(30 * 86_400) }, trusting)
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_certificate_that_is_trusted_is_fine_until_it_ends_soon() {
        let (check, trusting) = server().await;
        let mut readings = Vec::new();
        assert_eq!(look_trusting(trusting.clone(), &check, at("2026-11-21T12:00:00Z"), &mut readings).await, Ok(()));
        let expiry = readings.iter().find(|reading| reading.name == "probe_ssl_earliest_cert_expiry").unwrap();
        assert_eq!(expiry.value, at("2030-12-31T00:00:00Z").as_second() as f64);
        let soon = look_trusting(trusting, &check, at("2030-12-10T12:00:00Z"), &mut readings).await;
        assert_eq!(soon, Err("the certificate ends at 2030-12-31T00:00:00Z".to_owned()));
    }

    #[tokio::test]
    async fn a_stranger_s_certificate_is_not_trusted() {
        let (check, _) = server().await;
        let error = look(&check, at("2026-11-21T12:00:00Z"), &mut Vec::new()).await.unwrap_err();
        assert!(error.starts_with("TLS with localhost failed: invalid peer certificate"), "{error}");
    }
}
