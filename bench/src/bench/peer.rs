//! Mainstay and Prometheus side by side, each on its own folder and ports.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::process::{Process, mainstay};

pub struct Mainstay {
    pub process: Process,
    pub http: String,
    pub otlp_http: String,
    pub ready_after: Duration,
    folder: TempDir,
}

pub struct Prometheus {
    pub process: Process,
    pub http: String,
    pub ready_after: Duration,
    folder: TempDir,
}

pub struct Pair {
    pub mainstay: Mainstay,
    pub prometheus: Prometheus,
    pub client: reqwest::Client,
}

impl Pair {
    pub async fn start() -> anyhow::Result<Self> {
        let client = client()?;
        Ok(Self { mainstay: Mainstay::start(&client).await?, prometheus: Prometheus::start(&client).await?, client })
    }
}

pub fn client() -> anyhow::Result<reqwest::Client> {
    // The client refuses to be made without a provider, though no TLS is spoken; a second install changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().no_proxy().build()?)
}

impl Mainstay {
    pub async fn start(client: &reqwest::Client) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let ready_file = folder.path().join("ready.json");
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--otlp-grpc", "127.0.0.1:0", "--otlp-http", "127.0.0.1:0"].map(str::to_owned);
        let paths = [("--ops", "ops"), ("--data", "data"), ("--ready-file", "ready.json")];
        let paths = paths.into_iter().flat_map(|(flag, name)| [flag.to_owned(), folder.path().join(name).display().to_string()]);
        std::fs::create_dir(folder.path().join("ops"))?;
        let arguments: Vec<String> = arguments.into_iter().chain(paths).collect();
        let mut process = Process::start(mainstay()?, &arguments, &folder.path().join("log"))?;
        let ready_after = process.ready(async || ready_file.is_file()).await?;
        let addresses: Value = serde_json::from_slice(&std::fs::read(&ready_file)?)?;
        let url = |name: &str| format!("http://{}", addresses[name].as_str().unwrap_or_default());
        let http = url("http");
        anyhow::ensure!(client.get(format!("{http}/readyz")).send().await?.status().is_success(), "mainstay is not ready");
        Ok(Self { process, otlp_http: url("otlp_http"), http, ready_after, folder })
    }

    pub fn data(&self) -> &Path {
        self.folder.path()
    }
}

impl Prometheus {
    pub async fn start(client: &reqwest::Client) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("prometheus.yml");
        std::fs::write(&config, "global: {}\n")?;
        let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        let http = format!("http://127.0.0.1:{port}");
        let arguments = [
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", folder.path().join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--web.enable-remote-write-receiver".to_owned(),
            "--query.max-samples=500000000".to_owned(),
        ];
        let mut process = Process::start("prometheus", &arguments, &folder.path().join("log"))?;
        let ready = format!("{http}/-/ready");
        let ready_after = process.ready(async || client.get(&ready).send().await.is_ok_and(|r| r.status().is_success())).await?;
        Ok(Self { process, http, ready_after, folder })
    }

    pub fn data(&self) -> &Path {
        self.folder.path()
    }
}
