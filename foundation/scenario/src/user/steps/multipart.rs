//! `multipart/form-data`, after RFC 7578.

use std::path::Path;

use bytes::Bytes;
use http::header::HeaderValue;

use super::super::ended::Ended;
use crate::program::{Part, PartContent};
use crate::value::Scope;

/// A larger file is refused: it would be held in memory for each user.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The body, and the content type that names its boundary.
pub(super) fn encode(parts: &[Part], scope: &Scope) -> Result<(Bytes, HeaderValue), Ended> {
    let boundary = format!("mainstay-{:032x}", fastrand::u128(..));
    let mut body = Vec::new();
    for part in parts {
        body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
        body.extend_from_slice(format!("Content-Disposition: form-data; name=\"{}\"", quoted(&part.name)).as_bytes());
        match &part.content {
            PartContent::Text(text) => {
                let text = text.to_text(scope).map_err(Ended::Template)?;
                open(&mut body, part.file_name.as_deref(), part.content_type.as_deref());
                body.extend_from_slice(text.as_bytes());
            }
            PartContent::File { folder, path } => {
                let path = path.render(scope).map_err(Ended::Template)?;
                let name = part.file_name.as_deref().or_else(|| Path::new(&*path).file_name()?.to_str());
                open(&mut body, name, part.content_type.as_deref().or(Some("application/octet-stream")));
                body.extend_from_slice(&read(&folder.join(&*path))?);
            }
        }
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let kind = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"));
    Ok((body.into(), kind.expect("letters and digits can stand in a header")))
}

fn open(body: &mut Vec<u8>, file_name: Option<&str>, content_type: Option<&str>) {
    if let Some(name) = file_name {
        body.extend_from_slice(format!("; filename=\"{}\"", quoted(name)).as_bytes());
    }
    if let Some(kind) = content_type {
        body.extend_from_slice(format!("\r\nContent-Type: {kind}").as_bytes());
    }
    body.extend_from_slice(b"\r\n\r\n");
}

fn read(path: &Path) -> Result<Vec<u8>, Ended> {
    let faulty = |reason: String| Ended::Value { what: format!("the file {}", path.display()), reason };
    let bytes = std::fs::metadata(path).map_err(|error| faulty(error.to_string()))?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(faulty(format!("it is larger than {} MiB", FILE_BYTES_MAX / 1024 / 1024)));
    }
    std::fs::read(path).map_err(|error| faulty(error.to_string()))
}

fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace(['\r', '\n'], " ")
}
