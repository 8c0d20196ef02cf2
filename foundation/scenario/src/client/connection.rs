//! One connection and one exchange on it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};

use super::address::Endpoint;
use super::answer::{self, RawAnswer};
use super::connect::Io;
use super::error::RequestError;

/// A connection that waits for its next request.
pub(crate) struct Connection {
    pub endpoint: Endpoint,
    wire: Wire,
    /// Whether it has answered before.
    used: bool,
}

enum Wire {
    Http1 { sender: http1::SendRequest<Full<Bytes>>, driver: Driver },
    /// Driven by a task of its own, since many requests share it.
    Http2 { sender: http2::SendRequest<Full<Bytes>> },
}

/// The part of an HTTP/1.1 connection that reads and writes. It moves only while its user waits for an answer.
pub(super) struct Driver(Option<Pin<Box<http1::Connection<Io, Full<Bytes>>>>>);

/// An exchange that failed.
pub(super) struct Failed {
    pub error: RequestError,
    /// Whether the server had closed the connection before it saw the request.
    pub was_stale: bool,
}

impl Connection {
    pub fn http1(
        endpoint: Endpoint,
        sender: http1::SendRequest<Full<Bytes>>,
        connection: http1::Connection<Io, Full<Bytes>>,
    ) -> Self {
        Self { endpoint, wire: Wire::Http1 { sender, driver: Driver(Some(Box::pin(connection))) }, used: false }
    }

    pub fn http2(endpoint: Endpoint, sender: http2::SendRequest<Full<Bytes>>) -> Self {
        Self { endpoint, wire: Wire::Http2 { sender }, used: false }
    }

    pub fn is_http2(&self) -> bool {
        matches!(self.wire, Wire::Http2 { .. })
    }

    /// Another handle of an HTTP/2 connection.
    pub fn share(&self) -> Option<Self> {
        match &self.wire {
            Wire::Http1 { .. } => None,
            Wire::Http2 { sender } => Some(Self {
                endpoint: self.endpoint.clone(),
                wire: Wire::Http2 { sender: sender.clone() },
                used: true,
            }),
        }
    }

    /// Whether another request can follow.
    pub fn is_open(&self) -> bool {
        match &self.wire {
            Wire::Http1 { sender, driver } => driver.0.is_some() && !sender.is_closed(),
            Wire::Http2 { sender } => !sender.is_closed(),
        }
    }

    pub async fn exchange(&mut self, request: Request<Full<Bytes>>, keep_body: bool) -> Result<RawAnswer, Failed> {
        let used = std::mem::replace(&mut self.used, true);
        let may_repeat = used && *request.method() != Method::POST && *request.method() != Method::PATCH;
        match &mut self.wire {
            Wire::Http1 { sender, driver } => {
                if !driver.settle(sender).await {
                    let error = RequestError::Reset { peer: self.endpoint.peer() };
                    return Err(Failed { error, was_stale: used });
                }
                let response = driver.drive(sender.send_request(request)).await;
                let response = response.map_err(|error| Failed::new(&self.endpoint, &error, may_repeat))?;
                let first_byte = Instant::now();
                let (head, body) = response.into_parts();
                let read = driver.drive(answer::read(&head, body, keep_body)).await;
                let body = read.map_err(|error| Failed::within(&self.endpoint, error))?;
                // Lets the connection notice that the answer has ended.
                driver.settle(sender).await;
                Ok(RawAnswer { head, body, first_byte })
            }
            Wire::Http2 { sender } => {
                let response: Response<Incoming> = sender
                    .send_request(request)
                    .await
                    .map_err(|error| Failed::new(&self.endpoint, &error, may_repeat))?;
                let first_byte = Instant::now();
                let (head, body) = response.into_parts();
                let read = answer::read(&head, body, keep_body).await;
                let body = read.map_err(|error| Failed::within(&self.endpoint, error))?;
                Ok(RawAnswer { head, body, first_byte })
            }
        }
    }
}

impl Driver {
    /// Moves the connection until `wanted` is there.
    async fn drive<T>(&mut self, wanted: impl Future<Output = T>) -> T {
        let mut wanted = pin!(wanted);
        poll_fn(|cx| {
            // The connection must have read before there is anything to be had, and it reads a body only when
            // somebody wants it.
            self.advance(cx);
            if let Poll::Ready(found) = wanted.as_mut().poll(cx) {
                return Poll::Ready(found);
            }
            self.advance(cx);
            wanted.as_mut().poll(cx)
        })
        .await
    }

    /// Lets the connection do what it can without waiting. False if it is closed.
    async fn settle(&mut self, sender: &mut http1::SendRequest<Full<Bytes>>) -> bool {
        poll_fn(|cx| {
            self.advance(cx);
            Poll::Ready(self.0.is_some() && matches!(sender.poll_ready(cx), Poll::Ready(Ok(()))))
        })
        .await
    }

    fn advance(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.0
            && connection.as_mut().poll(cx).is_ready()
        {
            // What went wrong is told to the request that was under way.
            self.0 = None;
        }
    }
}

impl Failed {
    fn new(endpoint: &Endpoint, error: &hyper::Error, may_repeat: bool) -> Self {
        let cause = RequestError::from_hyper(&endpoint.peer(), error);
        let closed = matches!(cause, RequestError::Reset { .. } | RequestError::BrokenPipe { .. });
        Self { was_stale: closed && may_repeat, error: cause }
    }

    fn within(endpoint: &Endpoint, error: answer::ReadError) -> Self {
        Self { error: error.at(&endpoint.peer()), was_stale: false }
    }
}
