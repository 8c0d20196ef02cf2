//! How a call ended. Source: `doc/statuscodes.md` of grpc/grpc.

use http::HeaderMap;
use serde_json::{Value, json};

use crate::client::Answer;
use crate::nearest;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub code: u16,
    pub message: String,
}

/// In the order of their codes, from 0.
const NAMES: [&str; 17] = [
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
];
pub(super) const OK: u16 = 0;
pub(super) const UNIMPLEMENTED: u16 = 12;
const UNKNOWN: u16 = 2;
const DEADLINE_EXCEEDED: u16 = 4;

/// The code of a name, or a mend.
pub(crate) fn code_of(name: &str) -> Result<u16, String> {
    let wanted = name.trim().to_uppercase();
    match NAMES.iter().position(|known| *known == wanted) {
        Some(code) => Ok(code as u16),
        None => Err(nearest::mend(&wanted, &NAMES.map(str::to_owned))),
    }
}

impl Status {
    /// A call whose time was over before its answer was there.
    pub fn deadline_exceeded() -> Self {
        Self { code: DEADLINE_EXCEEDED, message: "the deadline of the call is over".to_owned() }
    }

    /// In the trailers, or among the headers where there is nothing else; if in neither, the answer was none of
    /// gRPC's, and its HTTP status stands for one.
    pub(super) fn of(answer: &Answer) -> Self {
        let found = [&answer.trailers, &answer.headers].into_iter().find_map(in_headers);
        found.unwrap_or_else(|| {
            let status = answer.status.as_u16();
            let code = match status {
                400 => 13,
                401 => 16,
                403 => 7,
                404 => UNIMPLEMENTED,
                429 | 502..=504 => 14,
                _ => UNKNOWN,
            };
            Self { code, message: format!("no gRPC, but HTTP with status {status}") }
        })
    }

    pub fn is_ok(&self) -> bool {
        self.code == OK
    }

    /// What stands for the message of an answer that has none.
    pub fn to_json(&self) -> Value {
        let name = NAMES.get(usize::from(self.code)).copied().unwrap_or("UNKNOWN");
        json!({ "code": self.code, "status": name, "message": self.message })
    }
}

fn in_headers(headers: &HeaderMap) -> Option<Status> {
    let code = headers.get("grpc-status")?.to_str().ok()?.trim().parse().unwrap_or(UNKNOWN);
    let message = headers.get("grpc-message").map(|text| percent_decoded(text.as_bytes())).unwrap_or_default();
    Some(Status { code, message })
}

fn percent_decoded(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let escaped = (*first == b'%').then(|| after.get(..2)).flatten();
        let byte = escaped.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_codes() {
        assert_eq!(code_of("NOT_FOUND"), Ok(5));
        assert_eq!(code_of("ok"), Ok(0));
        assert_eq!(code_of("NOTFOUND"), Err("did you mean `NOT_FOUND`?".to_owned()));
    }

    #[test]
    fn a_message_is_percent_encoded() {
        assert_eq!(percent_decoded(b"no caf%C3%A9 100% 5%2"), "no café 100% 5%2");
    }
}
