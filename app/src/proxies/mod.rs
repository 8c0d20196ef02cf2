//! Reverse proxies that this process runs, and what they tell of what went through them.

mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proxy::{Config, Proxy, ProxyError};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use report::Collector;

/// How long requests may take to end when the process does.
const GRACE: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum ProxyFileError {
    #[error("{path} cannot be read: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path}: {source}")]
    Parse { path: PathBuf, source: serde_json::Error },
    #[error("{path}: {source}")]
    Start { path: PathBuf, source: ProxyError },
}

/// A proxy, and who reports of it.
pub struct Running {
    proxy: Arc<Proxy>,
    reporting: Option<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Running {
    /// Accepts connections when it returns. `keep` is where its shares are kept if the file does not say.
    pub fn start(path: &Path, keep: Option<&Path>, collector: Option<Collector>) -> Result<Self, ProxyFileError> {
        let path = path.to_owned();
        let text = std::fs::read(&path).map_err(|source| ProxyFileError::Read { path: path.clone(), source })?;
        let mut config: Config = serde_json::from_slice(&text).map_err(|source| ProxyFileError::Parse { path: path.clone(), source })?;
        if let (None, Some(folder)) = (&config.state, keep) {
            // Each file has its own, also where two folders have files of one name.
            let whole = path.canonicalize().map_err(|source| ProxyFileError::Read { path: path.clone(), source })?;
            config.state = Some(folder.join(whole.display().to_string().trim_start_matches('/').replace('/', "-")));
        }
        let telemetry = config.telemetry.clone();
        let proxy = Arc::new(Proxy::start(config).map_err(|source| ProxyFileError::Start { path, source })?);
        let stop = CancellationToken::new();
        let reporting = collector.map(|collector| tokio::spawn(report::report(proxy.clone(), telemetry, collector, stop.clone())));
        Ok(Self { proxy, reporting, stop })
    }

    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// Lets requests under way end, and tells of them.
    pub async fn stop(self) {
        self.proxy.shutdown(GRACE).await;
        self.stop.cancel();
        if let Some(reporting) = self.reporting
            && reporting.await.is_err()
        {
            tracing::error!("the report of the proxy has failed");
        }
    }
}
