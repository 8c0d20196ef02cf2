//! Who may reach the server at all.
//!
//! Without an access setting only this machine may: the server then listens on loopback and answers
//! only requests that were meant for loopback, so that a page from elsewhere, open in a browser on
//! this machine, can neither read nor act (DNS rebinding, cross-site requests).

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use std::sync::Arc;

use crate::error::ApiError;
use kernel::Kind;
use kernel::guard::{is_loopback_host, same_secret};

#[derive(Clone)]
pub enum Access {
    /// No log-in; loopback only.
    Loopback,
    /// Everybody shows this token: as bearer token, as the password of basic authentication (so that
    /// Grafana can), or as the session cookie that the page sets.
    Token(Arc<str>),
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Loopback => "Loopback",
            Self::Token(_) => "Token",
        })
    }
}

pub const SESSION_COOKIE: &str = "mainstay_session";

impl Access {
    /// Whether a request with these headers may pass.
    pub fn admits(&self, method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
        match self {
            Self::Loopback => admits_loopback(method, headers),
            Self::Token(token) if shown_tokens(headers).any(|shown| same_secret(shown.as_bytes(), token.as_bytes())) => Ok(()),
            Self::Token(_) => Err(ApiError::unauthorized(
                "this server asks for its access token: send it as 'Authorization: Bearer TOKEN'",
            )),
        }
    }
}

/// Middleware for every route but the health checks.
pub async fn guard(State(access): State<Access>, request: Request, next: Next) -> Response {
    match access.admits(request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn admits_loopback(method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let host = text(header::HOST);
    if let Some(host) = host
        && !is_loopback_host(host)
    {
        return Err(ApiError::new(
            Kind::Forbidden,
            format!("this server answers on loopback only, not as {host:?}; open it as http://127.0.0.1 or set an access token"),
        ));
    }
    let safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if let (false, Some(origin), Some(host)) = (safe, text(header::ORIGIN), host)
        && origin.split_once("://").is_none_or(|(_, authority)| authority != host)
    {
        return Err(ApiError::new(Kind::Forbidden, format!("requests from pages of {origin} are refused")));
    }
    Ok(())
}

fn shown_tokens(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = authorization.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
    let basic = authorization
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|encoded| base64::engine::general_purpose::STANDARD.decode(encoded).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|pair| pair.split_once(':').map(|(_, password)| password.to_owned()));
    let cookie = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, _)| *name == SESSION_COOKIE)
        .map(|(_, value)| value.to_owned());
    [bearer, basic, cookie].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn loopback_admits_this_machine_only() {
        let admits = |method, pairs: &[_]| Access::Loopback.admits(&method, &headers(pairs)).is_ok();
        for host in ["127.0.0.1:8080", "localhost:1", "[::1]:8080", "LOCALHOST"] {
            assert!(admits(Method::GET, &[("host", host)]), "{host}");
        }
        assert!(!admits(Method::GET, &[("host", "evil.example")]));
        assert!(!admits(Method::POST, &[("host", "localhost:1"), ("origin", "http://evil.example")]));
        assert!(admits(Method::POST, &[("host", "localhost:1"), ("origin", "http://localhost:1")]));
    }

    #[test]
    fn a_token_is_asked_for_in_three_ways() {
        let access = Access::Token("s3cret".into());
        let admits = |pairs: &[_]| access.admits(&Method::POST, &headers(pairs)).is_ok();
        assert!(!admits(&[]));
        assert!(!admits(&[("authorization", "Bearer wrong!")]));
        assert!(admits(&[("authorization", "Bearer s3cret")]));
        // base64 of "grafana:s3cret"
        assert!(admits(&[("authorization", "Basic Z3JhZmFuYTpzM2NyZXQ=")]));
        assert!(admits(&[("cookie", "a=b; mainstay_session=s3cret")]));
    }
}
