//! Headers filled in, of a request, a handshake or a call.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::super::ended::Ended;
use crate::value::{Scope, Text};

pub(super) fn render(written: &[(HeaderName, Text)], scope: &Scope, into: &mut HeaderMap) -> Result<(), Ended> {
    for (name, text) in written {
        let text = text.render(scope).map_err(Ended::Template)?;
        let value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| Ended::Value {
            what: format!("the header {name}"),
            reason: format!("`{text}` holds what no header can"),
        })?;
        into.insert(name.clone(), value);
    }
    Ok(())
}
