//! A master key of AWS KMS, which never leaves it.
//!
//! What a value is bound to travels as the encryption context: KMS authenticates it, and shows it in its own log.
//!
//! Source: AWS KMS API reference, GenerateDataKey, Encrypt, Decrypt.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{KeyError, MasterKey};
use crate::aws::{AwsError, account};
use crate::secrets::seal::{Bound, KEY_BYTES, Key};

pub struct Kms {
    id: String,
    key: String,
}

impl Kms {
    /// `key` is an id, an alias or an ARN. An error if nobody is found to ask as.
    pub async fn new(key: &str) -> Result<Self, AwsError> {
        account().await?.credentials().await?;
        Ok(Self { id: format!("kms:{key}"), key: key.to_owned() })
    }

    async fn ask(&self, action: &str, body: Value) -> Result<Value, KeyError> {
        match account().await?.call("kms", &format!("TrentService.{action}"), &body).await {
            // The context or the ciphertext is not that of the wrapping.
            Err(AwsError::Refused { kind, .. }) if kind == "InvalidCiphertextException" => Err(KeyError::Refused { id: self.id.clone() }),
            other => Ok(other?),
        }
    }
}

#[async_trait]
impl MasterKey for Kms {
    fn id(&self) -> &str {
        &self.id
    }

    async fn generate(&self, bound: &Bound) -> Result<(Key, Vec<u8>), KeyError> {
        let answer = self.ask("GenerateDataKey", json!({ "KeyId": self.key, "KeySpec": "AES_256", "EncryptionContext": context(bound) })).await?;
        Ok((key(&answer)?, bytes(&answer, "CiphertextBlob")?.to_vec()))
    }

    async fn wrap(&self, key: &Key, bound: &Bound) -> Result<Vec<u8>, KeyError> {
        let plain = Zeroizing::new(STANDARD.encode(&key[..]));
        let answer = self.ask("Encrypt", json!({ "KeyId": self.key, "Plaintext": *plain, "EncryptionContext": context(bound) })).await?;
        Ok(bytes(&answer, "CiphertextBlob")?.to_vec())
    }

    async fn unwrap(&self, wrapped: &[u8], bound: &Bound) -> Result<Key, KeyError> {
        let body = json!({ "KeyId": self.key, "CiphertextBlob": STANDARD.encode(wrapped), "EncryptionContext": context(bound) });
        key(&self.ask("Decrypt", body).await?)
    }
}

fn context(bound: &Bound) -> Value {
    json!({ "mainstay:kind": bound.kind, "mainstay:path": bound.path, "mainstay:version": bound.version.to_string() })
}

fn key(answer: &Value) -> Result<Key, KeyError> {
    let plain = bytes(answer, "Plaintext")?;
    let mut key = Key::default();
    if plain.len() != KEY_BYTES {
        return Err(AwsError::Unexpected { service: "kms".to_owned() }.into());
    }
    key.copy_from_slice(&plain);
    Ok(key)
}

fn bytes(answer: &Value, field: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let decoded = answer[field].as_str().and_then(|text| STANDARD.decode(text).ok());
    decoded.map(Zeroizing::new).ok_or_else(|| AwsError::Unexpected { service: "kms".to_owned() }.into())
}
