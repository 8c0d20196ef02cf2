//! Master keys: what wraps the data keys, behind one port.
//!
//! A key lies in a file of the data folder, in an environment variable, or in AWS KMS, which never gives it out. The
//! first of a [`Ring`] wraps what is new; all of them open what they once wrapped, so that a change of key takes no
//! value away.

mod file;
mod kms;
mod local;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Classified, Kind};
use tokio::sync::Mutex;

use super::seal::{Bound, Key};
use crate::aws;
pub use kms::Kms;
pub use local::Local;

/// A key that wraps keys.
#[async_trait]
pub trait MasterKey: Send + Sync {
    /// Kept with whatever it wraps.
    fn id(&self) -> &str;

    /// A fresh data key, and the same wrapped.
    async fn generate(&self, bound: &Bound) -> Result<(Key, Vec<u8>), KeyError>;

    async fn wrap(&self, key: &Key, bound: &Bound) -> Result<Vec<u8>, KeyError>;

    /// Refuses what was wrapped for something else.
    async fn unwrap(&self, wrapped: &[u8], bound: &Bound) -> Result<Key, KeyError>;
}

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{text:?} names no master key; write file:PATH, env:VARIABLE or kms:KEY-ID")]
    Source { text: String },
    #[error("the master key's file {} cannot be read or written: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("the master key's file {} can be read by others (mode {mode:o}); allow nobody else: chmod 600 {}", path.display(), path.display())]
    Mode { path: PathBuf, mode: u32 },
    #[error("{place} holds no master key: a key is 32 bytes in Base64, one a line, the newest first, e.g. from `openssl rand -base64 32`")]
    Malformed { place: String },
    #[error("the environment has no variable {variable}, which should hold the master key")]
    Unset { variable: String },
    #[error("the variable {variable} would be seen by the cells of runbooks; choose a name that begins with MAINSTAY_, which they do not see")]
    Seen { variable: String },
    #[error("the master key's file {} is gone, and values in the ledger are sealed with it; put it back, or name the key by --master-key", path.display())]
    Gone { path: PathBuf },
    #[error("this server does not have the master key {id}, which this value is sealed with; name where it is by --old-master-key")]
    Unknown { id: String },
    #[error("a new key can be made in a file only; {place} is given from outside: name the new one by --master-key and this one by --old-master-key")]
    Foreign { place: String },
    /// What was wrapped is not what the key is asked to open.
    #[error("the master key {id} does not open it")]
    Refused { id: String },
    #[error("the machine gives no random numbers")]
    Random,
    #[error("AWS KMS: {0}")]
    Aws(#[from] aws::AwsError),
}

impl Classified for KeyError {
    fn kind(&self) -> Kind {
        match self {
            Self::Source { .. } | Self::Foreign { .. } => Kind::Invalid,
            Self::Unknown { .. } | Self::Gone { .. } => Kind::Conflict,
            _ => Kind::Internal,
        }
    }
}

/// Where a master key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// Made at first use.
    File(PathBuf),
    Environment(String),
    /// The key's id, alias or ARN.
    Kms(String),
}

impl FromStr for KeySource {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("env", variable)) if variable.starts_with("MAINSTAY_") => Ok(Self::Environment(variable.to_owned())),
            Some(("env", variable)) if !variable.is_empty() => Err(KeyError::Seen { variable: variable.to_owned() }),
            Some(("kms", key)) if !key.is_empty() => Ok(Self::Kms(key.to_owned())),
            _ => Err(KeyError::Source { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Environment(variable) => write!(f, "env:{variable}"),
            Self::Kms(key) => write!(f, "kms:{key}"),
        }
    }
}

/// The keys at hand.
pub struct Ring {
    keys: Vec<Arc<dyn MasterKey>>,
}

impl Ring {
    /// The first is the present one; there must be one.
    pub fn new(first: Arc<dyn MasterKey>, older: impl IntoIterator<Item = Arc<dyn MasterKey>>) -> Self {
        Self { keys: [first].into_iter().chain(older).collect() }
    }

    pub fn current(&self) -> &dyn MasterKey {
        &*self.keys[0]
    }

    pub fn named(&self, id: &str) -> Result<&dyn MasterKey, KeyError> {
        let found = self.keys.iter().find(|key| key.id() == id);
        found.map(|key| &**key).ok_or_else(|| KeyError::Unknown { id: id.to_owned() })
    }
}

/// Reads the keys when they are first needed.
pub struct Keys {
    first: KeySource,
    older: Vec<KeySource>,
    ring: Mutex<Option<Arc<Ring>>>,
}

impl Keys {
    pub fn new(first: KeySource, older: Vec<KeySource>) -> Self {
        Self { first, older, ring: Mutex::default() }
    }

    /// Tells of a key that cannot be used before anything depends on it. A file that is not there yet is none.
    pub async fn check(&self) -> Result<(), KeyError> {
        match &self.first {
            KeySource::File(path) if !path.exists() => Ok(()),
            _ => self.ring(false).await.map(drop),
        }
    }

    /// `may_create` if nothing was ever sealed, so that a lost file is not taken for the first use.
    pub async fn ring(&self, may_create: bool) -> Result<Arc<Ring>, KeyError> {
        let mut held = self.ring.lock().await;
        if let Some(ring) = &*held {
            return Ok(ring.clone());
        }
        let ring = self.read(may_create).await?;
        *held = Some(ring.clone());
        Ok(ring)
    }

    /// Makes a new key in the file; what the older ones wrapped still opens.
    pub async fn renew(&self) -> Result<Arc<Ring>, KeyError> {
        let KeySource::File(path) = &self.first else { return Err(KeyError::Foreign { place: self.first.to_string() }) };
        let mut held = self.ring.lock().await;
        file::prepend(path)?;
        let ring = self.read(false).await?;
        *held = Some(ring.clone());
        Ok(ring)
    }

    async fn read(&self, may_create: bool) -> Result<Arc<Ring>, KeyError> {
        let mut keys = read(&self.first, may_create).await?;
        for source in &self.older {
            keys.extend(read(source, false).await?);
        }
        Ok(Arc::new(Ring { keys }))
    }
}

/// At least one.
async fn read(source: &KeySource, may_create: bool) -> Result<Vec<Arc<dyn MasterKey>>, KeyError> {
    let locals = match source {
        KeySource::File(path) => file::read(path, may_create)?,
        KeySource::Environment(variable) => {
            let text = std::env::var(variable).map_err(|_| KeyError::Unset { variable: variable.clone() })?;
            local::parse(&zeroize::Zeroizing::new(text), &source.to_string())?
        }
        KeySource::Kms(key) => return Ok(vec![Arc::new(Kms::new(key).await?)]),
    };
    Ok(locals.into_iter().map(|key| Arc::new(key) as Arc<dyn MasterKey>).collect())
}
