//! A TCP and HTTP proxy that spoils what passes through it, with Toxiproxy's toxics and HTTP API.
//!
//! [`Proxies`] holds the proxies by name and [`router`] is the API over them. Each connection is two sockets
//! and two pipelines ([`pipeline`]); the [`toxics`] and the [`http`] gate decide without clock or socket
//! what passes when.

mod api;
mod connection;
mod http;
mod listener;
mod pipeline;
mod proxies;
mod toxic;
mod toxics;

#[cfg(test)]
mod tests;

pub use api::{DEFAULT_PORT, router};
pub use http::{HttpDelay, HttpStatus, Route};
pub use proxies::{Alteration, Proxies, ProxyError, Shown, Wanted};
pub use toxic::{Direction, Effect, Toxic, ToxicError};
pub use toxics::{Bandwidth, Latency, LimitData, ResetPeer, Slicer, SlowClose, Timeout};
