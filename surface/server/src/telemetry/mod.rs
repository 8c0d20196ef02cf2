//! Telemetry in and out over the network.

mod intake;
pub mod otlp_grpc;
pub mod otlp_http;
pub mod prometheus;

pub use intake::Limits;

#[cfg(test)]
mod otlp_tests;
