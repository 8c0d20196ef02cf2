use std::net::SocketAddr;
use std::path::PathBuf;

use kernel::{Classified, Kind};

#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    #[error("no version is named {name:?}; there are: {known}")]
    NoVersion { name: String, known: String },
    #[error("version {version:?} has no backend {url:?}")]
    NoBackend { version: String, url: String },
    #[error("a weight is from 0 to 100 percent, not {0}")]
    Weight(f64),
    #[error("the old and the new version are both {0:?}")]
    SameVersion(String),
    #[error("version {0:?} has a share of the traffic; give it to another version first")]
    InUse(String),
    #[error("a version needs a name of 1 to 100 printable characters, not {0:?}")]
    VersionName(String),
    #[error("{url:?} is not a backend: {reason}; write it as http://HOST:PORT")]
    BackendUrl { url: String, reason: &'static str },
    #[error("{setting}: {reason}")]
    Setting { setting: &'static str, reason: String },
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("cannot keep the shares in {path}")]
    State { path: PathBuf, source: std::io::Error },
    #[error("{path} does not hold the shares of a proxy: {reason}; mend it, or remove it to begin with those of the configuration")]
    StateContent { path: PathBuf, reason: String },
    #[error("cannot read the certificate or key {path}: {reason}")]
    Certificate { path: PathBuf, reason: String },
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
}

impl Classified for ProxyError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoVersion { .. } | Self::NoBackend { .. } => Kind::NotFound,
            Self::Weight(_) | Self::SameVersion(_) | Self::VersionName(_) | Self::BackendUrl { .. } | Self::Setting { .. } => Kind::Invalid,
            Self::InUse(_) => Kind::Conflict,
            Self::Listen { .. } | Self::State { .. } | Self::StateContent { .. } | Self::Certificate { .. } | Self::Thread(_) => Kind::Internal,
        }
    }
}
