//! Whom a run trusts. Read from disk when the first TLS connection is opened, not before.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// TLS as a script sets it; files are absolute.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Whether any certificate will do.
    pub accept_all: bool,
    pub ca: Option<PathBuf>,
    /// The certificate and the key of a client that shows its own.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Asked for instead of the host's own name.
    pub server_name: Option<String>,
    /// For HTTP/1.1, and for HTTP/2.
    built: Arc<[OnceLock<Result<Arc<ClientConfig>, TlsError>>; 2]>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    #[error("`config.tls.{key}`: {path} cannot be read: {reason}")]
    Unreadable { key: &'static str, path: PathBuf, reason: String },
    #[error("`config.tls.{key}`: {path} holds none, in PEM form")]
    Empty { key: &'static str, path: PathBuf },
    #[error("`config.tls`: {0}")]
    Refused(String),
}

impl Tls {
    /// Shared by all workers of a run.
    pub fn config(&self, http2: bool) -> Result<Arc<ClientConfig>, TlsError> {
        self.built[usize::from(http2)].get_or_init(|| self.build(http2).map(Arc::new)).clone()
    }

    fn build(&self, http2: bool) -> Result<ClientConfig, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Refused(error.to_string()))?;
        let builder = if self.accept_all {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAll(provider)))
        } else {
            builder.with_root_certificates(self.roots()?)
        };
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => builder
                .with_client_auth_cert(certificates("cert", certificate)?, private_key(key)?)
                .map_err(|error| TlsError::Refused(error.to_string()))?,
        };
        config.alpn_protocols = if http2 { vec![b"h2".to_vec()] } else { vec![b"http/1.1".to_vec()] };
        Ok(config)
    }

    /// The script's own authority if it names one; else those that this machine trusts, or where it has none,
    /// Mozilla's.
    fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        if let Some(path) = &self.ca {
            for certificate in certificates("ca", path)? {
                roots.add(certificate).map_err(|error| TlsError::Refused(error.to_string()))?;
            }
            return Ok(roots);
        }
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        Ok(roots)
    }
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found: Vec<_> = read.map_err(|error| unreadable(key, path, &error))?;
    if found.is_empty() {
        return Err(TlsError::Empty { key, path: path.to_owned() });
    }
    Ok(found)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| unreadable("key", path, &error))
}

fn unreadable(key: &'static str, path: &Path, error: &rustls::pki_types::pem::Error) -> TlsError {
    TlsError::Unreadable { key, path: path.to_owned(), reason: error.to_string() }
}

/// `rejectUnauthorized: false`.
#[derive(Debug)]
struct AcceptAll(Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for AcceptAll {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
