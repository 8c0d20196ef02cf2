//! Extractors whose refusals are problem details too, and who is asking.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use kernel::EntityRef;
use ledger::Actor;

use crate::error::ApiError;

/// A JSON body.
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let axum::Json(value) = axum::Json::from_request(request, state).await.map_err(|r| ApiError::refused(r.status(), r.body_text()))?;
        Ok(Self(value))
    }
}

/// A query string.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let axum::extract::Query(value) = axum::extract::Query::from_request_parts(parts, state).await.map_err(|r| ApiError::refused(r.status(), r.body_text()))?;
        Ok(Self(value))
    }
}

/// The variable parts of the path.
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let axum::extract::Path(value) = axum::extract::Path::from_request_parts(parts, state).await.map_err(|r| ApiError::refused(r.status(), r.body_text()))?;
        Ok(Self(value))
    }
}

/// The header that names the person on whose behalf a request acts.
pub const ACTOR_HEADER: &str = "x-mainstay-actor";

/// Who acts. Without the header it is `user:default/local`, the person at this machine: until access
/// is controlled, names are taken at their word, as whoever reaches a loopback port owns the machine.
pub struct Acting(pub Actor);

impl<S: Send + Sync> FromRequestParts<S> for Acting {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get(ACTOR_HEADER) else {
            return Ok(Self(Actor::user(&EntityRef::new("user", "default", "local"))));
        };
        let reference = value
            .to_str()
            .map_err(|error| error.to_string())
            .and_then(|text| EntityRef::parse_with_default_kind(text, "user").map_err(|error| error.to_string()))
            .map_err(|error| ApiError::invalid(format!("the header {ACTOR_HEADER} does not name a user: {error}")))?;
        Ok(Self(Actor::user(&reference)))
    }
}
