//! The proxy from outside: real sockets, real backends, on loopback.

mod control;
mod draining;
mod health;
mod protocol;
mod retries;
mod sharing;
mod support;
mod upgrade;
