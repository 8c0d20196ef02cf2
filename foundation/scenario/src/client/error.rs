//! Why a request got no answer, each cause with the short code that metrics count it under.

use std::io;
use std::time::Duration;

use super::address::AddressError;
use super::answer::BODY_BYTES_MAX;
use super::tls::TlsError;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error(transparent)]
    Address(AddressError),
    #[error("the name {host} is not known: {reason}")]
    UnknownHost { host: String, reason: String },
    #[error("the name {host} could not be looked up just now: {reason}")]
    NameService { host: String, reason: String },
    #[error("{address} refused the connection: nothing listens there")]
    Refused { address: String },
    #[error("no whole answer within {} ms", limit.as_millis())]
    Timeout { limit: Duration },
    #[error("{peer} closed the connection before its answer was whole")]
    Reset { peer: String },
    #[error("{peer} closed the connection while the request was being sent")]
    BrokenPipe { peer: String },
    #[error("{peer} has no certificate to be trusted: {reason}")]
    Certificate { peer: String, code: &'static str, reason: String },
    #[error("no TLS with {peer}: {reason}")]
    Tls { peer: String, reason: String },
    #[error(transparent)]
    TlsSettings(TlsError),
    #[error("more than {limit} redirects, the last to {url}: is it endless? `followRedirect: false` shows the first")]
    TooManyRedirects { limit: u32, url: String },
    #[error("the answer's body is longer than {} MiB", BODY_BYTES_MAX / 1024 / 1024)]
    BodyTooLarge,
    #[error("the answer's body is not the {encoding} it says it is")]
    Encoding { encoding: String },
    #[error("{peer} does not speak HTTP as expected: {reason}")]
    Protocol { peer: String, reason: String },
    #[error("{peer} does not open a WebSocket but answers {status}: {beginning}")]
    NoUpgrade { peer: String, status: u16, beginning: String },
    #[error("no message within {} ms", limit.as_millis())]
    NoMessage { limit: Duration },
    #[error("{peer} closed the WebSocket with code {code}{}", said(reason))]
    Closed { peer: String, code: u16, reason: String },
    #[error("a message of {size} bytes, and the longest that is read has {limit}: raise `config.ws.maxPayload`")]
    MessageTooLong { size: usize, limit: usize },
    #[error("this machine has no more {what}: {mend}")]
    Exhausted { what: &'static str, mend: &'static str, code: &'static str },
    #[error("{peer}: {reason}")]
    Network { peer: String, code: &'static str, reason: String },
}

impl RequestError {
    /// As Node, Artillery and its WebSocket library name it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address(_) => "ERR_INVALID_URL",
            Self::UnknownHost { .. } => "ENOTFOUND",
            Self::NameService { .. } => "EAI_AGAIN",
            Self::Refused { .. } => "ECONNREFUSED",
            Self::Timeout { .. } => "ETIMEDOUT",
            Self::Reset { .. } => "ECONNRESET",
            Self::BrokenPipe { .. } => "EPIPE",
            Self::Certificate { code, .. } | Self::Exhausted { code, .. } | Self::Network { code, .. } => code,
            Self::NoUpgrade { .. } => "Unexpected server response",
            Self::NoMessage { .. } => "response timeout",
            Self::Closed { .. } => "ERR_WEBSOCKET_CLOSED",
            Self::MessageTooLong { .. } => "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
            Self::Tls { .. } | Self::Protocol { .. } => "EPROTO",
            Self::TlsSettings(_) => "ERR_TLS_SETTINGS",
            Self::TooManyRedirects { .. } => "ERR_TOO_MANY_REDIRECTS",
            Self::BodyTooLarge => "ERR_BODY_TOO_LARGE",
            Self::Encoding { .. } => "ERR_DECODING",
        }
    }

    /// Whether it is this machine that could not, rather than the target.
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::Exhausted { .. })
    }

    pub(super) fn from_io(peer: &str, error: &io::Error) -> Self {
        if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Self::from_tls(peer, tls);
        }
        let peer = peer.to_owned();
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused { address: peer },
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::UnexpectedEof => {
                Self::Reset { peer }
            }
            io::ErrorKind::BrokenPipe => Self::BrokenPipe { peer },
            io::ErrorKind::AddrNotAvailable => Self::Exhausted {
                what: "local ports",
                mend: "keep connections open (`http.pool`), or spread the load over several runners",
                code: "EADDRNOTAVAIL",
            },
            io::ErrorKind::TimedOut => Self::Network { peer, code: "ETIMEDOUT", reason: error.to_string() },
            io::ErrorKind::HostUnreachable => Self::Network { peer, code: "EHOSTUNREACH", reason: error.to_string() },
            io::ErrorKind::NetworkUnreachable => {
                Self::Network { peer, code: "ENETUNREACH", reason: error.to_string() }
            }
            _ if is_out_of_files(error) => Self::Exhausted {
                what: "file descriptors",
                mend: "raise the limit (`ulimit -n`), or limit the users (`maxVusers`)",
                code: "EMFILE",
            },
            _ => Self::Network { peer, code: "EIO", reason: error.to_string() },
        }
    }

    fn from_tls(peer: &str, error: &rustls::Error) -> Self {
        use rustls::CertificateError as C;
        let peer = peer.to_owned();
        let rustls::Error::InvalidCertificate(certificate) = error else {
            return Self::Tls { peer, reason: error.to_string() };
        };
        let (code, reason) = match certificate {
            C::Expired | C::ExpiredContext { .. } => ("CERT_HAS_EXPIRED", "it has expired".to_owned()),
            C::NotValidYet | C::NotValidYetContext { .. } => {
                ("CERT_NOT_YET_VALID", "it is not valid yet; is the clock right?".to_owned())
            }
            C::NotValidForName | C::NotValidForNameContext { .. } => {
                ("ERR_TLS_CERT_ALTNAME_INVALID", "it is for another name".to_owned())
            }
            C::UnknownIssuer => (
                "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
                "its issuer is unknown; name the issuer's certificate in `config.tls.ca`".to_owned(),
            ),
            C::Revoked => ("CERT_REVOKED", "it was revoked".to_owned()),
            other => ("CERT_REJECTED", format!("{other:?}")),
        };
        Self::Certificate { peer, code, reason }
    }

    pub(super) fn from_hyper(peer: &str, error: &hyper::Error) -> Self {
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            if let Some(io) = inner.downcast_ref::<io::Error>() {
                return Self::from_io(peer, io);
            }
            source = inner.source();
        }
        let peer = peer.to_owned();
        if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
            return Self::Reset { peer };
        }
        let reason = match std::error::Error::source(error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        Self::Protocol { peer, reason }
    }
}

fn said(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}

fn is_out_of_files(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    code == Some(rustix::io::Errno::MFILE.raw_os_error()) || code == Some(rustix::io::Errno::NFILE.raw_os_error())
}
