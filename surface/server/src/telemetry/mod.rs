//! Telemetry in and out over the network.

mod intake;
pub mod otlp_grpc;
pub mod otlp_http;

pub use intake::Limits;
pub use otlp_grpc::grpc_routes;
pub use otlp_http::http_router;

#[cfg(test)]
mod otlp_tests;
