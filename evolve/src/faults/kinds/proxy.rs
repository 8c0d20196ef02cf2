//! `proxy`: toxics on a fault proxy, here or behind a Toxiproxy API.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Begin, Prepared};
use crate::faults::proxy::{Alteration, Proxies, ProxyError, Toxic, Wanted};
use crate::faults::undo::Undo;
use crate::faults::{Bounds, FaultError, ProxyFault};

const FAULT: &str = "proxy";
const LIMIT: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub struct Spoil {
    /// None is this process.
    api: Option<String>,
    proxy: String,
    /// Where the proxy is to be made first: its own address and the server's.
    create: Option<(String, String)>,
    toxics: Vec<Toxic>,
    down: bool,
}

/// Takes back what [`Spoil`] did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Restore {
    api: Option<String>,
    proxy: String,
    remove: bool,
    toxics: Vec<String>,
    enable: bool,
}

pub fn prepare(id: &str, written: &ProxyFault, bounds: &Bounds) -> Result<Prepared, FaultError> {
    let invalid = |message: &str| FaultError::Invalid { fault: FAULT, message: message.to_owned() };
    if written.toxics.is_empty() && !written.down {
        return Err(invalid("give `toxics`, or `down`"));
    }
    let api = written.api.as_ref().map(|api| api.trim_end_matches('/').to_owned());
    if let Some(api) = &api {
        let host = api.strip_prefix("http://").ok_or_else(|| invalid("`api` has to begin with http://"))?;
        bounds.permit_address(host)?;
    }
    let (proxy, create) = match (&written.proxy, &written.listen, &written.upstream) {
        (Some(proxy), None, None) => {
            bounds.permit_proxy(proxy)?;
            (proxy.clone(), None)
        }
        (None, Some(listen), Some(upstream)) => {
            bounds.permit_address(listen)?;
            bounds.permit_address(upstream)?;
            (format!("fault-{id}"), Some((listen.clone(), upstream.clone())))
        }
        _ => return Err(invalid("name a `proxy`, or give both `listen` and `upstream`")),
    };
    // Names of our own: a toxic that somebody else has put there stays.
    let toxics: Vec<Toxic> = written.toxics.iter().map(|toxic| Toxic { name: format!("{}-{id}", toxic.name), ..toxic.clone() }).collect();
    let restore = Restore {
        api: api.clone(),
        proxy: proxy.clone(),
        remove: create.is_some(),
        toxics: toxics.iter().map(|toxic| toxic.name.clone()).collect(),
        enable: written.down && create.is_none(),
    };
    Ok(Prepared { undo: Some(Undo::Proxy(restore)), begin: Begin::Proxy(Spoil { api, proxy, create, toxics, down: written.down }) })
}

impl Spoil {
    pub async fn begin(&self, here: &Proxies) -> Result<(), FaultError> {
        let failed = |message: String| FaultError::Failed { fault: FAULT, message };
        match &self.api {
            None => self.begin_here(here).await.map_err(|error| match error {
                ProxyError::NotFound => FaultError::NotFound { fault: FAULT, message: format!("there is no proxy {:?}", self.proxy) },
                other => failed(other.to_string()),
            }),
            Some(api) => self.begin_there(&Api::new(api).map_err(failed)?).await.map_err(failed),
        }
    }

    async fn begin_here(&self, proxies: &Proxies) -> Result<(), ProxyError> {
        if let Some((listen, upstream)) = &self.create {
            let (name, listen, upstream) = (self.proxy.clone(), listen.clone(), upstream.clone());
            proxies.create(Wanted { name, listen, upstream, enabled: Some(true) }).await?;
        }
        for toxic in &self.toxics {
            proxies.add_toxic(&self.proxy, toxic.clone()).await?;
        }
        if self.down {
            proxies.alter(&self.proxy, Alteration { enabled: Some(false), ..Alteration::default() }).await?;
        }
        Ok(())
    }

    async fn begin_there(&self, api: &Api) -> Result<(), String> {
        if let Some((listen, upstream)) = &self.create {
            api.call("POST", "/proxies", &json!({"name": self.proxy, "listen": listen, "upstream": upstream})).await?;
        }
        let proxy = format!("/proxies/{}", self.proxy);
        for toxic in &self.toxics {
            let toxic = serde_json::to_value(toxic).map_err(|error| error.to_string())?;
            api.call("POST", &format!("{proxy}/toxics"), &toxic).await?;
        }
        if self.down {
            api.call("POST", &proxy, &json!({"enabled": false})).await?;
        }
        Ok(())
    }
}

impl Restore {
    /// The proxies of this process end with it: only it can, and has to, restore them.
    pub fn is_here(&self) -> bool {
        self.api.is_none()
    }

    pub async fn lift_here(&self, proxies: &Proxies) -> Result<(), String> {
        let mut problem = None;
        for toxic in self.toxics.iter().filter(|_| !self.remove) {
            keep(&mut problem, proxies.remove_toxic(&self.proxy, toxic).await);
        }
        if self.enable {
            keep(&mut problem, proxies.alter(&self.proxy, Alteration { enabled: Some(true), ..Alteration::default() }).await.map(drop));
        }
        if self.remove {
            keep(&mut problem, proxies.remove(&self.proxy).await);
        }
        problem.map_or(Ok(()), Err)
    }

    pub async fn lift(&self) -> Result<(), String> {
        let Some(api) = &self.api else { return Ok(()) };
        let api = Api::new(api)?;
        let proxy = format!("/proxies/{}", self.proxy);
        if self.remove {
            return api.call("DELETE", &proxy, &Value::Null).await;
        }
        for toxic in &self.toxics {
            api.call("DELETE", &format!("{proxy}/toxics/{toxic}"), &Value::Null).await?;
        }
        match self.enable {
            true => api.call("POST", &proxy, &json!({"enabled": true})).await,
            false => Ok(()),
        }
    }
}

/// What is gone already is as good as removed.
fn keep(problem: &mut Option<String>, result: Result<(), ProxyError>) {
    match result {
        Ok(()) | Err(ProxyError::NotFound | ProxyError::ToxicNotFound) => {}
        Err(error) => *problem = Some(error.to_string()),
    }
}

/// A Toxiproxy API somewhere else.
struct Api {
    client: reqwest::Client,
    base: String,
}

impl Api {
    fn new(base: &str) -> Result<Self, String> {
        // The client wants one though the API speaks plain HTTP; the program may have chosen another before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().timeout(LIMIT).build().map_err(|error| error.to_string())?;
        Ok(Self { client, base: base.to_owned() })
    }

    /// Removing what is not there is no error.
    async fn call(&self, method: &str, path: &str, body: &Value) -> Result<(), String> {
        let url = format!("{}{path}", self.base);
        let request = match method {
            "DELETE" => self.client.delete(&url),
            _ => self.client.post(&url).json(body),
        };
        let answer = request.send().await.map_err(|error| format!("{url}: {error}"))?;
        let status = answer.status();
        if status.is_success() || (method == "DELETE" && status == reqwest::StatusCode::NOT_FOUND) {
            return Ok(());
        }
        let answer: Value = answer.json().await.unwrap_or_default();
        Err(format!("{url}: {status} {}", answer["error"].as_str().unwrap_or_default()))
    }
}
