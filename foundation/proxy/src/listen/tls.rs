use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::Tls;
use crate::error::ProxyError;

/// HTTP/2 and HTTP/1.1 by ALPN.
pub(crate) fn acceptor(settings: &Tls) -> Result<TlsAcceptor, ProxyError> {
    let wrong = |path: &Path, reason: String| ProxyError::Certificate { path: path.to_owned(), reason };
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&settings.certificate)
        .and_then(|all| all.collect())
        .map_err(|error| wrong(&settings.certificate, error.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(&settings.key).map_err(|error| wrong(&settings.key, error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key))
        .map_err(|error| wrong(&settings.certificate, error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
