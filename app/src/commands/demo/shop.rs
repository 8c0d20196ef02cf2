//! The example workload as processes: three services and the people who use them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// How long a service may take until it answers.
const START: Duration = Duration::from_secs(20);

pub const FIRST_RELEASE: &str = "1";
pub const NEXT_RELEASE: &str = "2";

/// What people do, below the repository.
const SCENARIO: &str = "ops/scenarios/checkout.yaml";
const FLAGS: &str = "ops/flags/web.json";

/// The addresses are chosen before the server starts, because its documents' runbooks need them.
pub struct Reserved;

/// Its processes end when this is dropped.
pub struct Running {
    launcher: Launcher,
    processes: Vec<Child>,
}

pub struct Shop<State> {
    web: SocketAddr,
    orders: SocketAddr,
    /// The release of orders that is to come.
    next_orders: SocketAddr,
    worker: SocketAddr,
    /// Between web and orders.
    proxy: SocketAddr,
    proxy_control: SocketAddr,
    state: State,
}

impl Shop<Reserved> {
    pub async fn reserve() -> anyhow::Result<Self> {
        Ok(Self {
            web: free().await?,
            orders: free().await?,
            next_orders: free().await?,
            worker: free().await?,
            proxy: free().await?,
            proxy_control: free().await?,
            state: Reserved,
        })
    }

    /// What a runbook finds in its environment.
    pub fn environment(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            ("SHOP_WEB_URL".to_owned(), url(self.web)),
            ("SHOP_ORDERS_URL".to_owned(), url(self.orders)),
            ("SHOP_ORDERS_NEXT_URL".to_owned(), url(self.next_orders)),
            ("SHOP_ORDERS_PROXY_CONTROL".to_owned(), url(self.proxy_control)),
            ("SHOP_WORKER_URL".to_owned(), url(self.worker)),
        ])
    }

    /// The settings of the proxy that shares the orders between two releases.
    pub fn proxy(&self) -> Value {
        json!({
            "listen": self.proxy,
            "control": { "listen": self.proxy_control },
            "versions": { FIRST_RELEASE: [url(self.orders)] },
            "telemetry": { "service": "orders-proxy", "every": "1s" },
        })
    }

    /// Returns once all services answer.
    pub async fn start(self, mainstay: &str, otlp_endpoint: &str, repository: &Path) -> anyhow::Result<Shop<Running>> {
        let launcher = Launcher { program: program()?, environment: self.environment(), otlp_endpoint: otlp_endpoint.to_owned(), repository: repository.to_owned() };
        let mut processes = vec![
            launcher.service(&["orders", "--listen", &self.orders.to_string(), "--release", FIRST_RELEASE])?,
            launcher.service(&["web", "--listen", &self.web.to_string(), "--orders", &url(self.proxy), "--flags", mainstay])?,
            launcher.service(&["worker", "--listen", &self.worker.to_string()])?,
        ];
        for (name, address) in [("orders", self.orders), ("web", self.web), ("worker", self.worker)] {
            answers(name, address).await?;
        }
        // People are the scenario, played all day.
        processes.push(launcher.launch(&own_path()?, &["load", SCENARIO, "--environment", "all-day"])?);
        let Self { web, orders, next_orders, worker, proxy, proxy_control, state: Reserved } = self;
        Ok(Shop { web, orders, next_orders, worker, proxy, proxy_control, state: Running { launcher, processes } })
    }
}

struct Launcher {
    program: PathBuf,
    environment: BTreeMap<String, String>,
    otlp_endpoint: String,
    repository: PathBuf,
}

impl Launcher {
    fn service(&self, arguments: &[&str]) -> anyhow::Result<Child> {
        self.launch(&self.program, arguments)
    }

    fn launch(&self, program: &Path, arguments: &[&str]) -> anyhow::Result<Child> {
        Command::new(program)
            .args(arguments)
            .current_dir(&self.repository)
            .envs(&self.environment)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", &self.otlp_endpoint)
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

    /// Starts the next release of orders beside the present one. Nobody is sent there yet. It ends when dropped.
    pub async fn start_next_orders(&self) -> anyhow::Result<Child> {
        let next = self.state.launcher.service(&["orders", "--listen", &self.next_orders.to_string(), "--release", NEXT_RELEASE])?;
        answers("orders", self.next_orders).await?;
        Ok(next)
    }

    /// As a person would in the repository: the flag is on for everybody from now on, says the document.
    pub fn switch_gift_wrap_on(&self) -> anyhow::Result<()> {
        let path = self.state.launcher.repository.join(FLAGS);
        let switch = || {
            let mut flags: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
            flags["flags"]["gift-wrap"]["defaultVariant"] = json!("on");
            std::fs::write(&path, format!("{flags:#}\n"))
        };
        switch().with_context(|| format!("{} cannot be changed", path.display()))
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

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
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
