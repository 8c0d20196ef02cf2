//! A TCP and HTTP proxy that spoils what passes through it, with Toxiproxy's toxics and HTTP API.

mod toxic;

pub use toxic::{Direction, Effect, Toxic};
