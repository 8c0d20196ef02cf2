//! What came back, and when.

use std::io::Read;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap};
use http::{StatusCode, response};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::address::Address;
use super::error::RequestError;

/// A longer body ends a request with an error, so that a target cannot fill the memory.
pub const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Decompressed; empty if nobody asked for it.
    pub body: Bytes,
    /// As sent.
    pub body_bytes: u64,
    /// Headers that came behind the body.
    pub trailers: HeaderMap,
    /// After redirects.
    pub address: Address,
    pub sent: Instant,
    pub first_byte: Instant,
    pub last_byte: Instant,
    /// If a connection was opened for it.
    pub connected: Option<Connected>,
}

/// What opening a connection took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Connected {
    pub resolve: Duration,
    pub connect: Duration,
    pub tls: Option<Duration>,
}

pub(super) struct RawAnswer {
    pub head: response::Parts,
    pub body: ReadBody,
    pub first_byte: Instant,
}

#[derive(Default)]
pub(super) struct ReadBody {
    body: Bytes,
    bytes: u64,
    trailers: HeaderMap,
}

pub(super) enum ReadError {
    Connection(hyper::Error),
    TooLarge,
    Encoding(String),
}

/// Reads a body to its end, and decompresses it.
pub(super) async fn read(
    head: &response::Parts,
    mut body: Incoming,
    keep: bool,
) -> Result<ReadBody, ReadError> {
    if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
        return Err(ReadError::TooLarge);
    }
    let mut read = ReadBody::default();
    let mut more = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(ReadError::Connection)?;
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(frame) => {
                read.trailers = frame.into_trailers().unwrap_or_default();
                continue;
            }
        };
        read.bytes += data.len() as u64;
        if read.bytes > BODY_BYTES_MAX as u64 {
            return Err(ReadError::TooLarge);
        }
        if !keep {
            continue;
        }
        // Most bodies come in one piece, which is then kept as it is.
        if read.body.is_empty() {
            read.body = data;
        } else {
            if more.is_empty() {
                more.extend_from_slice(&read.body);
            }
            more.extend_from_slice(&data);
        }
    }
    if !more.is_empty() {
        read.body = more.freeze();
    }
    if keep && let Some(encoding) = head.headers.get(header::CONTENT_ENCODING) {
        read.body = decompress(encoding.as_bytes(), read.body)?;
    }
    Ok(read)
}

fn decompress(encoding: &[u8], body: Bytes) -> Result<Bytes, ReadError> {
    let reader: Box<dyn Read + '_> = match encoding {
        _ if body.is_empty() => return Ok(body),
        b"gzip" | b"x-gzip" => Box::new(flate2::read::MultiGzDecoder::new(&*body)),
        b"deflate" => Box::new(flate2::read::ZlibDecoder::new(&*body)),
        _ => return Ok(body),
    };
    let mut plain = Vec::with_capacity(body.len() * 4);
    let limit = BODY_BYTES_MAX as u64 + 1;
    let read = reader.take(limit).read_to_end(&mut plain);
    read.map_err(|_| ReadError::Encoding(String::from_utf8_lossy(encoding).into_owned()))?;
    if plain.len() > BODY_BYTES_MAX { Err(ReadError::TooLarge) } else { Ok(plain.into()) }
}

impl RawAnswer {
    /// Read just now, from this address.
    pub fn from(self, address: Address, connected: Option<Connected>) -> Answer {
        Answer {
            status: self.head.status,
            headers: self.head.headers,
            body: self.body.body,
            body_bytes: self.body.bytes,
            trailers: self.body.trailers,
            address,
            sent: self.first_byte,
            first_byte: self.first_byte,
            last_byte: Instant::now(),
            connected,
        }
    }
}

impl ReadError {
    pub fn at(self, peer: &str) -> RequestError {
        match self {
            Self::Connection(error) => RequestError::from_hyper(peer, &error),
            Self::TooLarge => RequestError::BodyTooLarge,
            Self::Encoding(encoding) => RequestError::Encoding { encoding },
        }
    }
}
