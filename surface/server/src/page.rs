//! The page: files inside a release binary, and those of `ui/dist` for any other, so that both can be built at once.

use axum::body::Body;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Page;

const NOT_BUILT: &str = "<!doctype html><title>Mainstay</title><p>The page is not built. Build it with <code>cargo xtask build</code>. \
    The API is described at <a href=/api/openapi.json>/api/openapi.json</a>.";

/// A file of the page, or its entry for every other path: the page's own router takes it from there.
pub async fn serve(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    match Page::get(path) {
        Some(file) => respond(path, file),
        None => match Page::get("index.html") {
            Some(file) => respond("index.html", file),
            None => Html(NOT_BUILT).into_response(),
        },
    }
}

fn respond(path: &str, file: rust_embed::EmbeddedFile) -> Response {
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    // Built files carry a hash of their content in their name, so they never change.
    let caching = if path.starts_with("_app/immutable/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = Response::new(Body::from(file.data));
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(mime.as_ref()) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'self'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
        ),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
