//! A small shop in three services, as an example workload: `web` takes orders from people, `orders`
//! charges and queues them, `worker` sends them out. Each is instrumented with OpenTelemetry as any
//! service would be, and has faults that can be switched on while it runs.

mod faults;
mod flags;
mod http;
mod orders;
mod queue;
mod telemetry;
mod web;
mod worker;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// An example workload: a shop in three services. Telemetry goes to OTEL_EXPORTER_OTLP_ENDPOINT.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// What people see: products and the checkout.
    Web {
        /// Port 0 takes a free one; the first line of output tells the address.
        #[arg(long, env = "SHOP_WEB_LISTEN", default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
        /// Where the orders service is.
        #[arg(long, env = "SHOP_ORDERS_URL", default_value = "http://127.0.0.1:8081")]
        orders: String,
        /// Who answers for feature flags, by OFREP. Without it all are off.
        #[arg(long, env = "SHOP_FLAGS_URL")]
        flags: Option<String>,
    },
    /// Charges orders and queues them for the worker.
    Orders {
        #[arg(long, env = "SHOP_ORDERS_LISTEN", default_value = "127.0.0.1:8081")]
        listen: SocketAddr,
        /// A job that is not acknowledged in this time goes back to the queue.
        #[arg(long, env = "SHOP_LEASE", default_value = "10s", value_parser = parse_duration)]
        lease: Duration,
        /// Which release of the service this is. The second has a mistake in it that no quick test finds.
        #[arg(long, env = "SHOP_ORDERS_RELEASE", default_value_t = 1)]
        release: u32,
    },
    /// Takes jobs from the queue, packs and sends.
    Worker {
        #[arg(long, env = "SHOP_WORKER_LISTEN", default_value = "127.0.0.1:8082")]
        listen: SocketAddr,
        #[arg(long, env = "SHOP_ORDERS_URL", default_value = "http://127.0.0.1:8081")]
        orders: String,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    // Without the provider, the HTTP client refuses to start even where no TLS is spoken. It can only
    // fail to install if there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run(Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shop: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Web { listen, orders, flags } => web::run(listen, orders, flags.as_deref()).await,
        Command::Orders { listen, lease, release } => orders::run(listen, lease, release).await,
        Command::Worker { listen, orders } => worker::run(listen, orders).await,
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration such as 500ms, 30s or 5m");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_ms = match &text[digits.len()..] {
        "ms" => 1.0,
        "s" => 1e3,
        "m" => 60e3,
        "h" => 3_600e3,
        _ => return Err(wrong()),
    };
    let number: f64 = digits.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(number * unit_ms / 1e3).map_err(|_| wrong())
}
