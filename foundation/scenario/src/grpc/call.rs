//! One call: messages in their frames, sent over HTTP/2.

use std::borrow::Cow;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderValue};
use http::{HeaderName, Method};

use super::status::Status;
use crate::client::{self, Address, Answer, Client, RequestError, Session};

/// A call, ready to be sent.
pub(crate) struct Outgoing {
    /// `/package.Service/Method` at its target.
    pub address: Address,
    pub metadata: HeaderMap,
    /// Encoded.
    pub messages: Vec<Bytes>,
    /// Told to the server.
    pub deadline: Option<Duration>,
    pub timeout: Duration,
    /// Whether anybody reads the messages that come back.
    pub keep_messages: bool,
}

/// An answer in three parts: as it came, how the call ended, and its messages, still encoded.
pub(crate) struct Incoming {
    pub answer: Answer,
    pub status: Status,
    pub messages: Vec<Bytes>,
}

const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
/// A flag, and the length of the message.
const PREFIX_BYTES: usize = 5;

pub(crate) async fn call(client: &Client, session: &Session, call: Outgoing) -> Result<Incoming, RequestError> {
    let peer = call.address.endpoint().peer();
    let mut headers = call.metadata;
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    if let Some(deadline) = call.deadline {
        // Eight digits at most.
        let text = format!("{}m", deadline.as_millis().clamp(1, 99_999_999));
        headers.insert(TIMEOUT, HeaderValue::try_from(text).expect("digits can stand in a header"));
    }
    let outgoing = client::Outgoing {
        method: Method::POST,
        address: call.address,
        headers: Cow::Owned(headers),
        body: framed(&call.messages),
        http2: true,
        timeout: call.deadline.unwrap_or(call.timeout),
        redirects_max: None,
        keep_body: call.keep_messages,
    };
    let answer = client.send(session, outgoing).await?;
    let status = Status::of(&answer);
    let messages = if status.is_ok() { messages(&answer.body, &peer)? } else { Vec::new() };
    Ok(Incoming { answer, status, messages })
}

fn framed(messages: &[Bytes]) -> Bytes {
    let length = messages.iter().map(|message| PREFIX_BYTES + message.len()).sum();
    let mut body = BytesMut::with_capacity(length);
    for message in messages {
        body.put_u8(0);
        body.put_u32(message.len() as u32);
        body.put_slice(message);
    }
    body.freeze()
}

fn messages(body: &Bytes, peer: &str) -> Result<Vec<Bytes>, RequestError> {
    let faulty = |reason: &str| RequestError::Protocol { peer: peer.to_owned(), reason: reason.to_owned() };
    let mut messages = Vec::new();
    let mut rest = body.clone();
    while let Some(prefix) = rest.first_chunk::<PREFIX_BYTES>() {
        let [compressed, length @ ..] = *prefix;
        if compressed != 0 {
            return Err(faulty("it compresses messages, which was not asked for"));
        }
        let end = PREFIX_BYTES + u32::from_be_bytes(length) as usize;
        if rest.len() < end {
            return Err(faulty("the last message is cut short"));
        }
        messages.push(rest.split_to(end).slice(PREFIX_BYTES..));
    }
    if rest.is_empty() { Ok(messages) } else { Err(faulty("the last message is cut short")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_framed_is_found_again() {
        let sent = [Bytes::from_static(b"one"), Bytes::new(), Bytes::from_static(b"three")];
        let body = framed(&sent);
        assert_eq!(messages(&body, "p").expect("whole frames"), sent);
        for cut in [1, 4, 6, body.len() - 1] {
            messages(&body.slice(..cut), "p").expect_err("cut short");
        }
    }
}
