//! Secrets of HashiCorp Vault's key-value engine, by token or AppRole.
//!
//! Source: Chaos Toolkit, "Vault Secrets"; Vault's HTTP API, "KV secrets engine" versions 1 and 2, "AppRole".

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Where the vault is and how to log in, from the experiment's configuration.
#[derive(Debug, Default)]
pub struct Vault {
    address: Option<String>,
    version_1: bool,
    mount: String,
    token: Option<String>,
    role: Option<(String, String)>,
    session: OnceCell<String>,
}

impl Vault {
    pub fn of(configuration: &Map<String, Value>) -> Self {
        let text = |name: &str| configuration.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        Self {
            address: text("vault_addr").map(|address| address.trim_end_matches('/').to_owned()),
            version_1: text("vault_kv_version").as_deref() == Some("1"),
            mount: text("vault_secrets_mount_point").unwrap_or_else(|| "secret".to_owned()),
            token: text("vault_token"),
            role: text("vault_role_id").zip(text("vault_role_secret")),
            session: OnceCell::new(),
        }
    }

    /// Everything at a path, or the value of one key of it.
    pub async fn read(&self, path: &str, key: Option<&str>) -> Result<Value, String> {
        let address = self.address.as_deref().ok_or("set `vault_addr` in the configuration")?;
        let token = self.session.get_or_try_init(|| self.log_in(address)).await?;
        let middle = if self.version_1 { "" } else { "data/" };
        let url = format!("{address}/v1/{}/{middle}{}", self.mount, path.trim_start_matches('/'));
        let answer = ask(client()?.get(&url).header("X-Vault-Token", token), &url).await?;
        let found = if self.version_1 { &answer["data"] } else { &answer["data"]["data"] };
        match key {
            None if found.is_object() => Ok(found.clone()),
            None => Err(format!("the vault has nothing at {path}")),
            Some(key) => found.get(key).cloned().ok_or_else(|| format!("the vault's {path} has no key `{key}`")),
        }
    }

    async fn log_in(&self, address: &str) -> Result<String, String> {
        if let Some(token) = &self.token {
            return Ok(token.clone());
        }
        let Some((role, secret)) = &self.role else {
            return Err("set `vault_token`, or `vault_role_id` and `vault_role_secret`, in the configuration".to_owned());
        };
        let url = format!("{address}/v1/auth/approle/login");
        let answer = ask(client()?.post(&url).json(&json!({ "role_id": role, "secret_id": secret })), &url).await?;
        let token = answer["auth"]["client_token"].as_str();
        token.map(str::to_owned).ok_or_else(|| "the vault did not log the role in".to_owned())
    }
}

fn client() -> Result<reqwest::Client, String> {
    reqwest::Client::builder().timeout(TIMEOUT).build().map_err(|error| error.to_string())
}

async fn ask(request: reqwest::RequestBuilder, url: &str) -> Result<Value, String> {
    let unreachable = |error: reqwest::Error| format!("the vault at {url} does not answer: {}", super::providers::chain(&error));
    let answer = request.send().await.map_err(unreachable)?;
    if !answer.status().is_success() {
        return Err(format!("the vault answers {} to {url}", answer.status()));
    }
    answer.json().await.map_err(unreachable)
}
