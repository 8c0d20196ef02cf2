//! Where an HTTP/1 message ends (RFC 9112, sections 6 and 7).

use httparse::{EMPTY_HEADER, Header, Request, Response};

/// A head that is longer, or has more fields, is passed on unread.
pub const LARGEST_HEAD_BYTES: usize = 64 * 1024;
const MOST_FIELDS: usize = 128;

/// The body of a message, as far as it is still to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    Length(u64),
    Chunked(Chunk),
    /// To the end of the connection.
    Rest,
}

/// What comes next of a chunked body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunk {
    /// The size is being read; its extensions are passed over.
    Size { size: u64, extension: bool },
    Data { left: u64 },
    /// The line end after the data.
    DataEnd,
    /// A line after the last chunk, of which so many bytes were read.
    Trailer { length: u64 },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    pub method: String,
    pub target: String,
    pub body: Body,
    /// The client does not go on with this connection after the answer.
    pub last: bool,
    pub length: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHead {
    pub status: u16,
    pub body: Body,
    pub length: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed<T> {
    Head(T),
    Incomplete,
    /// Not HTTP/1.
    Other,
}

pub fn request(bytes: &[u8]) -> Parsed<RequestHead> {
    let mut fields = [EMPTY_HEADER; MOST_FIELDS];
    let mut request = Request::new(&mut fields);
    let length = match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < LARGEST_HEAD_BYTES => return Parsed::Incomplete,
        _ => return Parsed::Other,
    };
    let fields = &*request.headers;
    let closes = has_token(fields, "connection", "close") || has_field(fields, "expect") || request.version == Some(0);
    Parsed::Head(RequestHead {
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        body: written_body(fields).unwrap_or(Body::Length(0)),
        last: closes,
        length,
    })
}

/// `answers_head`: there is no body, whatever the fields say.
pub fn response(bytes: &[u8], answers_head: bool) -> Parsed<ResponseHead> {
    let mut fields = [EMPTY_HEADER; MOST_FIELDS];
    let mut response = Response::new(&mut fields);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < LARGEST_HEAD_BYTES => return Parsed::Incomplete,
        _ => return Parsed::Other,
    };
    let status = response.code.unwrap_or_default();
    let body = match status {
        101 => Body::Rest,
        100..200 | 204 | 304 => Body::Length(0),
        _ if answers_head => Body::Length(0),
        _ => written_body(response.headers).unwrap_or(Body::Rest),
    };
    Parsed::Head(ResponseHead { status, body, length })
}

impl Body {
    /// How many of these bytes belong to the body, and whether it is complete with them.
    pub fn pass(&mut self, bytes: &[u8]) -> (usize, bool) {
        match self {
            Self::Rest => (bytes.len(), false),
            Self::Length(left) => {
                let passed = take(left, bytes.len());
                (passed, *left == 0)
            }
            Self::Chunked(chunk) => {
                let mut passed = 0;
                while passed < bytes.len() {
                    let (some, ended) = chunk.pass(&bytes[passed..]);
                    passed += some;
                    if ended {
                        return (passed, true);
                    }
                }
                (passed, false)
            }
        }
    }
}

impl Chunk {
    const START: Self = Self::Size { size: 0, extension: false };

    /// Takes at least one byte.
    fn pass(&mut self, bytes: &[u8]) -> (usize, bool) {
        if let Self::Data { left } = self {
            let passed = take(left, bytes.len());
            if *left == 0 {
                *self = Self::DataEnd;
            }
            return (passed, false);
        }
        let byte = bytes[0];
        let (next, ended) = match self.clone() {
            Self::Size { size: 0, .. } if byte == b'\n' => (Self::Trailer { length: 0 }, false),
            Self::Size { size, .. } if byte == b'\n' => (Self::Data { left: size }, false),
            Self::Size { size, extension: false } => match char::from(byte).to_digit(16) {
                Some(digit) => (Self::Size { size: size.saturating_mul(16).saturating_add(u64::from(digit)), extension: false }, false),
                None => (Self::Size { size, extension: true }, false),
            },
            Self::DataEnd if byte == b'\n' => (Self::START, false),
            Self::Trailer { length } if byte == b'\n' => (Self::Trailer { length: 0 }, length == 0),
            Self::Trailer { length } if byte != b'\r' => (Self::Trailer { length: length + 1 }, false),
            same => (same, false),
        };
        *self = next;
        (1, ended)
    }
}

fn take(left: &mut u64, available: usize) -> usize {
    let passed = available.min(usize::try_from(*left).unwrap_or(usize::MAX));
    *left -= passed as u64;
    passed
}

/// As the fields say; none where they say nothing.
fn written_body(fields: &[Header<'_>]) -> Option<Body> {
    if has_token(fields, "transfer-encoding", "chunked") {
        return Some(Body::Chunked(Chunk::START));
    }
    let length = values(fields, "content-length").next()?;
    Some(std::str::from_utf8(length).ok().and_then(|length| length.trim().parse().ok()).map_or(Body::Rest, Body::Length))
}

fn has_field(fields: &[Header<'_>], name: &str) -> bool {
    values(fields, name).next().is_some()
}

fn has_token(fields: &[Header<'_>], name: &str, token: &str) -> bool {
    let mut tokens = values(fields, name).flat_map(|value| value.split(|byte| *byte == b','));
    tokens.any(|written| written.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

fn values<'a>(fields: &'a [Header<'_>], name: &str) -> impl Iterator<Item = &'a [u8]> {
    fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_body_ends_after_its_trailer_however_it_is_cut() {
        let body = b"5;x=1\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nsum: 1\r\n\r\n";
        for piece in 1..=body.len() {
            let mut framing = Body::Chunked(Chunk::START);
            let mut text = body.to_vec();
            text.extend_from_slice(b"GET / HTTP/1.1\r\n");
            let mut at = 0;
            loop {
                let end = (at + piece).min(text.len());
                let (passed, ended) = framing.pass(&text[at..end]);
                at += passed;
                if ended {
                    break;
                }
            }
            assert_eq!(at, body.len(), "in pieces of {piece}");
        }
    }

    #[test]
    fn what_a_response_carries() {
        let body = |text: &str, head| match response(text.as_bytes(), head) {
            Parsed::Head(head) => head.body,
            other => panic!("{other:?}"),
        };
        assert_eq!(body("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", false), Body::Length(5));
        assert_eq!(body("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", true), Body::Length(0));
        assert_eq!(body("HTTP/1.1 204 No Content\r\n\r\n", false), Body::Length(0));
        assert_eq!(body("HTTP/1.0 200 OK\r\n\r\n", false), Body::Rest);
        assert_eq!(body("HTTP/1.1 101 Switching Protocols\r\n\r\n", false), Body::Rest);
    }
}
