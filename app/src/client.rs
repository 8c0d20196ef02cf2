//! A client of the public API: what the command line and the demo speak.

use reqwest::{Method, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::error::Problem;

#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
}

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("the server at {base} cannot be reached: {source}")]
    Unreachable { base: String, source: reqwest::Error },
    /// In the server's own words.
    #[error("{detail}")]
    Refused { status: StatusCode, detail: String },
    #[error("the server at {base} answered something unexpected: {source}")]
    Unexpected { base: String, source: reqwest::Error },
    #[error("{0}")]
    Argument(String),
}

pub type ClientResult<T> = Result<T, ClientError>;

impl Client {
    pub fn new(base: &str, token: Option<&str>, actor: Option<&str>) -> ClientResult<Self> {
        let mut headers = header::HeaderMap::new();
        let mut set = |name: &'static str, value: String| -> ClientResult<()> {
            let value = value.parse().map_err(|_| ClientError::Argument(format!("{value:?} cannot be sent as {name}")))?;
            headers.insert(name, value);
            Ok(())
        };
        if let Some(token) = token {
            set("authorization", format!("Bearer {token}"))?;
        }
        if let Some(actor) = actor {
            set(server::ACTOR_HEADER, actor.to_owned())?;
        }
        let http = reqwest::Client::builder()
            .default_headers(headers)
            .no_proxy()
            .build()
            .map_err(|source| ClientError::Unreachable { base: base.to_owned(), source })?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), http })
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> ClientResult<T> {
        let request = self.http.get(self.url(path)).query(query);
        self.answer(request).await
    }

    pub async fn send<T: DeserializeOwned>(&self, method: Method, path: &str, body: &impl Serialize) -> ClientResult<T> {
        let request = self.http.request(method, self.url(path)).json(body);
        self.answer(request).await
    }

    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> ClientResult<T> {
        self.send(Method::POST, path, body).await
    }

    /// JSON that is written already; the answer holds nothing.
    pub async fn send_bytes(&self, method: Method, path: &str, query: &[(&str, String)], body: Vec<u8>) -> ClientResult<()> {
        let request = self.http.request(method, self.url(path)).query(query).header(header::CONTENT_TYPE, "application/json").body(body);
        self.accepted(request).await.map(drop)
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{}", self.base, path.trim_start_matches('/'))
    }

    async fn answer<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> ClientResult<T> {
        let response = self.accepted(request).await?;
        response.json().await.map_err(|source| ClientError::Unexpected { base: self.base.clone(), source })
    }

    /// The answer, if it is one of success.
    async fn accepted(&self, request: reqwest::RequestBuilder) -> ClientResult<reqwest::Response> {
        let unreachable = |source| ClientError::Unreachable { base: self.base.clone(), source };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let text = response.text().await.map_err(unreachable)?;
        Err(ClientError::Refused { status, detail: detail(status, &text) })
    }
}

/// The message of a problem document or of Prometheus's error envelope, else the status alone.
fn detail(status: StatusCode, text: &str) -> String {
    if let Ok(problem) = serde_json::from_str::<Problem>(text) {
        return problem.detail;
    }
    serde_json::from_str::<serde_json::Value>(text)
        .ok()
        .and_then(|value| value.get("error")?.as_str().map(str::to_owned))
        .unwrap_or_else(|| format!("the server answered {status}"))
}
