//! Why a request over HTTP failed, in as few words as possible.

use std::error::Error;

/// The innermost reason; the outer ones repeat the URL.
pub fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    innermost.to_string()
}
