//! The example workload as processes: three services and the people who use them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// How long a service may take until it answers.
const START: Duration = Duration::from_secs(20);

/// What people do, below the repository.
const SCENARIO: &str = "ops/scenarios/checkout.yaml";

/// The addresses are chosen before the server starts, because its documents' runbooks need them.
pub struct Reserved;

/// Its processes end when this is dropped.
pub struct Running {
    processes: Vec<Child>,
}

pub struct Shop<State> {
    web: SocketAddr,
    orders: SocketAddr,
    worker: SocketAddr,
    state: State,
}

impl Shop<Reserved> {
    pub async fn reserve() -> anyhow::Result<Self> {
        Ok(Self { web: free().await?, orders: free().await?, worker: free().await?, state: Reserved })
    }

    /// What a runbook finds in its environment.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let url = |address: SocketAddr| format!("http://{address}");
        BTreeMap::from([
            ("SHOP_WEB_URL".to_owned(), url(self.web)),
            ("SHOP_ORDERS_URL".to_owned(), url(self.orders)),
            ("SHOP_WORKER_URL".to_owned(), url(self.worker)),
        ])
    }

    /// Returns once all services answer.
    pub async fn start(self, otlp_endpoint: &str, repository: &Path) -> anyhow::Result<Shop<Running>> {
        let program = program()?;
        let environment = self.environment();
        let launch = |program: &Path, arguments: &[&str]| {
            Command::new(program)
                .args(arguments)
                .current_dir(repository)
                .envs(&environment)
                .env("OTEL_EXPORTER_OTLP_ENDPOINT", otlp_endpoint)
                // A story of two minutes cannot wait for the usual intervals of a minute.
                .env("OTEL_METRIC_EXPORT_INTERVAL", "1000")
                .env("OTEL_BSP_SCHEDULE_DELAY", "500")
                .env("OTEL_BLRP_SCHEDULE_DELAY", "500")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .kill_on_drop(true)
                .spawn()
                .with_context(|| format!("{} cannot be started", program.display()))
        };
        let mut processes = vec![
            launch(&program, &["orders", "--listen", &self.orders.to_string()])?,
            launch(&program, &["web", "--listen", &self.web.to_string()])?,
            launch(&program, &["worker", "--listen", &self.worker.to_string()])?,
        ];
        for (name, address) in [("orders", self.orders), ("web", self.web), ("worker", self.worker)] {
            answers(name, address).await?;
        }
        // People are the scenario, played all day.
        let mainstay = own_path()?;
        processes.push(launch(&mainstay, &["load", SCENARIO, "--environment", "all-day"])?);
        Ok(Shop { web: self.web, orders: self.orders, worker: self.worker, state: Running { processes } })
    }
}

impl Shop<Running> {
    /// Switches a fault of the orders service on.
    pub async fn break_orders(&self, fault: &str, settings: &Value) -> anyhow::Result<()> {
        let url = format!("http://{}/faults/{fault}", self.orders);
        let response = reqwest::Client::builder().no_proxy().build()?.post(&url).json(settings).send().await?;
        response.error_for_status().with_context(|| format!("the fault {fault} cannot be switched on"))?;
        Ok(())
    }

    pub async fn stop(mut self) {
        for process in &mut self.state.processes {
            // One that has ended already needs no killing.
            let _ = process.kill().await;
        }
    }
}

/// Beside this very program, as a build and an installation both lay them.
fn program() -> anyhow::Result<PathBuf> {
    let program = own_path()?.with_file_name("shop");
    anyhow::ensure!(
        program.is_file(),
        "the example workload is not at {}; build it with `cargo build -p shop`",
        program.display()
    );
    Ok(program)
}

fn own_path() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("this program's own path cannot be read")
}

async fn free() -> anyhow::Result<SocketAddr> {
    let socket = TcpListener::bind("127.0.0.1:0").await.context("no free port on loopback")?;
    Ok(socket.local_addr()?)
}

async fn answers(name: &str, address: SocketAddr) -> anyhow::Result<()> {
    const PAUSE: Duration = Duration::from_millis(50);
    let connected = async {
        while tokio::net::TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(START, connected).await.with_context(|| format!("{name} did not answer at {address} within {START:?}"))
}
