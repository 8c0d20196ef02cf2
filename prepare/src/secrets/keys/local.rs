//! A master key whose bytes this process holds.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{KeyError, MasterKey};
use crate::secrets::seal::{self, Bound, KEY_BYTES, Key};

pub struct Local {
    id: String,
    key: Key,
}

/// Of the id: enough to tell keys apart, too little to say anything of them.
const ID_BYTES: usize = 8;

impl Local {
    pub fn new(key: Key) -> Self {
        let digest = Sha256::new().chain_update(b"mainstay/master-key/1").chain_update(&key[..]).finalize();
        let id: String = digest[..ID_BYTES].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { id: format!("aes:{id}"), key }
    }

    pub fn random() -> Result<Self, KeyError> {
        seal::random_key().map(Self::new).map_err(|_| KeyError::Random)
    }

    /// As a line of a key file.
    pub fn line(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(&self.key[..]))
    }

    fn bound(&self, bound: &Bound) -> Vec<u8> {
        [seal::joined(&["mainstay/data-key/1", &self.id]), bound.bytes()].concat()
    }
}

/// One key a line, or separated by commas; the newest first.
pub fn parse(text: &str, place: &str) -> Result<Vec<Local>, KeyError> {
    let malformed = || KeyError::Malformed { place: place.to_owned() };
    let lines = text.split(['\n', ',']).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let key = |line: &str| {
        let bytes = Zeroizing::new(STANDARD.decode(line).map_err(|_| malformed())?);
        if bytes.len() != KEY_BYTES {
            return Err(malformed());
        }
        let mut key = Key::default();
        key.copy_from_slice(&bytes);
        Ok(Local::new(key))
    };
    let keys = lines.map(key).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() { Err(malformed()) } else { Ok(keys) }
}

#[async_trait]
impl MasterKey for Local {
    fn id(&self) -> &str {
        &self.id
    }

    async fn generate(&self, bound: &Bound) -> Result<(Key, Vec<u8>), KeyError> {
        let key = seal::random_key().map_err(|_| KeyError::Random)?;
        let wrapped = self.wrap(&key, bound).await?;
        Ok((key, wrapped))
    }

    async fn wrap(&self, key: &Key, bound: &Bound) -> Result<Vec<u8>, KeyError> {
        seal::encrypt(&self.key, &self.bound(bound), &key[..]).map_err(|_| KeyError::Random)
    }

    async fn unwrap(&self, wrapped: &[u8], bound: &Bound) -> Result<Key, KeyError> {
        let refused = || KeyError::Refused { id: self.id.clone() };
        let plain = seal::decrypt(&self.key, &self.bound(bound), wrapped).ok_or_else(refused)?;
        let mut key = Key::default();
        if plain.len() != KEY_BYTES {
            return Err(refused());
        }
        key.copy_from_slice(&plain);
        Ok(key)
    }
}
