//! The path of AppConfig's agent, so that its clients keep working.
//!
//! The application is the name of the profile's component or of its system. Errors are plain text, as the agent's are.
//!
//! Source: AWS AppConfig's user guide, "Retrieving basic and multi-variant feature flags" and the agent's OpenAPI
//! description.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flags::{Ask, Context};
use kernel::Classified;
use prepare::configuration::ConfigError;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ofrep;
use crate::error::status_of;
use crate::extract::{Path, Query};
use crate::state::App;

/// One `key=value` of the caller's context; may be repeated.
const CONTEXT: HeaderName = HeaderName::from_static("context");
/// The names of the version that the agent and the API before it have used.
const VERSIONS: [HeaderName; 2] = [HeaderName::from_static("configuration-version"), HeaderName::from_static("configurationversion")];
const LABEL: HeaderName = HeaderName::from_static("version-label");

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(configuration))
}

/// A configuration as AppConfig's agent serves it.
#[utoipa::path(get, path = "/applications/{application}/environments/{environment}/configurations/{configuration}", tag = "prepare",
    params(
        ("application" = String, Path, description = "The name of the component, or of its system."),
        ("environment" = String, Path),
        ("configuration" = String, Path, description = "The name of the profile."),
        ("flag" = Option<Vec<String>>, Query, description = "Only these flags; may be repeated."),
        ("Context" = Option<String>, Header, description = "key=value of the caller's context; may be repeated."),
    ),
    responses(
        (status = 200, description = "The content, with its version in Configuration-Version and, of the newest, the commit in Version-Label.", content_type = "application/octet-stream"),
        (status = 400, description = "A request that cannot be answered.", content_type = "text/plain"),
        (status = 404, description = "No such configuration, or no such flag.", content_type = "text/plain")
    ))]
async fn configuration(
    State(app): State<App>,
    Path((application, environment, configuration)): Path<(String, String, String)>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    let wanted: Vec<&str> = query.iter().filter(|(name, _)| name == "flag").map(|(_, key)| key.as_str()).collect();
    let context = match context(&headers) {
        Ok(context) => context,
        Err(wrong) => return refused(StatusCode::BAD_REQUEST, wrong),
    };
    let served = app.configurations.served();
    let seat = match served.find(&application, &environment, &configuration) {
        Ok(seat) => seat,
        Err(error) => return refused(status_of(error.kind()), error.to_string()),
    };
    let content = app.configurations.version(&seat, ofrep::entity(&context));
    let body = match &content.flags {
        None if wanted.is_empty() => content.bytes.to_vec(),
        None => return refused(StatusCode::BAD_REQUEST, ConfigError::NoFlags(configuration).to_string()),
        Some(set) => match set.appconfig_view(&wanted, Ask { context: &context, now: app.clock.now() }) {
            Ok(view) => Value::Object(view).to_string().into_bytes(),
            Err(flags::Failure::NotFound(key)) => return refused(StatusCode::NOT_FOUND, ConfigError::NoFlag(key).to_string()),
            Err(failure) => return refused(StatusCode::INTERNAL_SERVER_ERROR, failure.to_string()),
        },
    };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    };
    put(header::CONTENT_TYPE, &content.content_type);
    VERSIONS.into_iter().for_each(|name| put(name, &content.version));
    // Of what is not the folder's version, the folder's commit would say the wrong thing.
    let is_folders = content.version == seat.environment.content.version;
    if let Some(commit) = app.documents.borrow().graph.revision.as_ref().filter(|_| is_folders) {
        put(LABEL, commit);
    }
    response
}

fn context(headers: &HeaderMap) -> Result<Context, String> {
    let mut context = Context::new();
    for value in headers.get_all(CONTEXT) {
        let text = std::str::from_utf8(value.as_bytes()).map_err(|_| "a Context header is not UTF-8 text".to_owned())?;
        let (key, value) = text.split_once('=').ok_or_else(|| format!("the Context header `{text}` is not of the form key=value"))?;
        context.insert(key.trim().to_owned(), Value::from(value.trim()));
    }
    Ok(context)
}

fn refused(status: StatusCode, message: String) -> Response {
    (status, message).into_response()
}
