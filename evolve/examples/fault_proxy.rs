//! A fault proxy by itself: its API on the first argument's address. `cargo run --release --example fault_proxy 127.0.0.1:8474`

use mainstay_evolve::faults::proxy::{DEFAULT_PORT, Proxies, router};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| format!("127.0.0.1:{DEFAULT_PORT}"));
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("{}", listener.local_addr()?);
    axum::serve(listener, router(Proxies::new())).await
}
