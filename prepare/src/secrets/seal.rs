//! Envelopes: each value under a data key of its own, each data key under the master key. Decides only: no clock, disk
//! or socket but for the master key's own port.
//!
//! The ciphers are ring's. What a value is bound to, its path and version and kind, is authenticated with it, so that a
//! row that was moved or changed does not open.
//!
//! Source: NIST SP 800-38D (AES-GCM); AWS Encryption SDK, "Envelope encryption".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ledger::Sealed;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::keys::{KeyError, Ring};

pub const KEY_BYTES: usize = 32;

/// A key of AES-256; its bytes are wiped when it is dropped.
pub type Key = Zeroizing<[u8; KEY_BYTES]>;

/// What a value is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    pub kind: &'static str,
    pub path: String,
    pub version: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("version {version} of {path} cannot be opened: it was changed, or moved here from another place, after it was sealed")]
    Tampered { path: String, version: i64 },
    #[error("the machine gives no random numbers")]
    Random,
}

impl Bound {
    pub fn secret(path: &str, version: i64) -> Self {
        Self { kind: "secret", path: path.to_owned(), version }
    }

    /// Each part behind its length, so that no two bindings have the same bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let version = self.version.to_string();
        joined(&["mainstay/value/1", self.kind, &self.path, &version])
    }
}

pub fn joined(parts: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(part.as_bytes());
    }
    bytes
}

pub fn random_key() -> Result<Key, SealError> {
    let mut key = Key::default();
    fill_random(&mut *key)?;
    Ok(key)
}

pub fn fill_random(bytes: &mut [u8]) -> Result<(), SealError> {
    SystemRandom::new().fill(bytes).map_err(|_| SealError::Random)
}

/// Under a data key that nothing else was ever sealed with.
pub async fn seal(ring: &Ring, bound: &Bound, value: &SecretString) -> Result<Sealed, SealError> {
    let master = ring.current();
    let (key, wrapped) = master.generate(bound).await?;
    let ciphertext = encrypt(&key, &bound.bytes(), value.expose_secret().as_bytes())?;
    Ok(Sealed { key: master.id().to_owned(), wrapped: STANDARD.encode(wrapped), ciphertext: STANDARD.encode(ciphertext) })
}

pub async fn open(ring: &Ring, bound: &Bound, sealed: &Sealed) -> Result<SecretString, SealError> {
    let tampered = || SealError::Tampered { path: bound.path.clone(), version: bound.version };
    let key = data_key(ring, bound, sealed).await?;
    let ciphertext = STANDARD.decode(&sealed.ciphertext).map_err(|_| tampered())?;
    let plain = decrypt(&key, &bound.bytes(), &ciphertext).ok_or_else(tampered)?;
    let text = std::str::from_utf8(&plain).map_err(|_| tampered())?;
    Ok(SecretString::from(text))
}

/// The same ciphertext with its data key under the present master key.
pub async fn rewrap(ring: &Ring, bound: &Bound, sealed: &Sealed) -> Result<Sealed, SealError> {
    let key = data_key(ring, bound, sealed).await?;
    // A data key that does not open its value was not wrapped for it.
    let opens = STANDARD.decode(&sealed.ciphertext).ok().and_then(|ciphertext| decrypt(&key, &bound.bytes(), &ciphertext)).is_some();
    if !opens {
        return Err(SealError::Tampered { path: bound.path.clone(), version: bound.version });
    }
    let master = ring.current();
    let wrapped = master.wrap(&key, bound).await?;
    Ok(Sealed { key: master.id().to_owned(), wrapped: STANDARD.encode(wrapped), ciphertext: sealed.ciphertext.clone() })
}

async fn data_key(ring: &Ring, bound: &Bound, sealed: &Sealed) -> Result<Key, SealError> {
    let tampered = || SealError::Tampered { path: bound.path.clone(), version: bound.version };
    let wrapped = STANDARD.decode(&sealed.wrapped).map_err(|_| tampered())?;
    match ring.named(&sealed.key)?.unwrap(&wrapped, bound).await {
        Err(KeyError::Refused { .. }) => Err(tampered()),
        other => Ok(other?),
    }
}

/// The nonce, the ciphertext, the tag.
pub fn encrypt(key: &Key, authenticated: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut nonce = [0; NONCE_LEN];
    fill_random(&mut nonce)?;
    let mut sealed = Zeroizing::new(plain.to_vec());
    let tag = cipher(key).seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(authenticated), &mut sealed);
    let tag = tag.map_err(|_| SealError::Random)?;
    Ok([&nonce[..], &sealed, tag.as_ref()].concat())
}

/// Nothing unless key, authenticated data and every byte are those of the sealing.
pub fn decrypt(key: &Key, authenticated: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut plain = Zeroizing::new(ciphertext.to_vec());
    let length = cipher(key).open_in_place(nonce, Aad::from(authenticated), &mut plain).ok()?.len();
    plain.truncate(length);
    Some(plain)
}

fn cipher(key: &Key) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key[..]).expect("a key of AES-256 has 32 bytes"))
}
