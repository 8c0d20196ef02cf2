//! The server's settings: flags, then `MAINSTAY_…`, then a settings file, then defaults.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use prepare::secrets::keys::{KeyError, KeySource};
use serde::Deserialize;
use server::Access;

#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// The documents [default: ops]
    #[arg(long, env = "MAINSTAY_OPS", value_name = "DIR")]
    pub ops: Option<PathBuf>,

    /// Where the ledger and the lake live [default: .mainstay]
    #[arg(long, env = "MAINSTAY_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// The API and the page; port 0 takes a free one [default: 127.0.0.1:4316]
    #[arg(long, env = "MAINSTAY_LISTEN", value_name = "ADDR")]
    pub listen: Option<SocketAddr>,

    /// OTLP over gRPC [default: 127.0.0.1:4317]
    #[arg(long, env = "MAINSTAY_OTLP_GRPC", value_name = "ADDR")]
    pub otlp_grpc: Option<SocketAddr>,

    /// OTLP over HTTP [default: 127.0.0.1:4318]
    #[arg(long, env = "MAINSTAY_OTLP_HTTP", value_name = "ADDR")]
    pub otlp_http: Option<SocketAddr>,

    /// sqlite:PATH or postgres://… [default: a SQLite file in the data folder]
    #[arg(long, env = "MAINSTAY_LEDGER", value_name = "URL", hide_env_values = true)]
    pub ledger: Option<String>,

    /// Where the lake's files go: file:///PATH [default: a folder in the data folder]
    #[arg(long, env = "MAINSTAY_LAKE", value_name = "URL")]
    pub lake: Option<String>,

    /// The workload's repository, where post-mortems are written [default: the git repository around the documents]
    #[arg(long, env = "MAINSTAY_REPOSITORY", value_name = "DIR")]
    pub repository: Option<PathBuf>,

    /// A file that holds the access token which every request must show; needed to listen beyond loopback
    #[arg(long, env = "MAINSTAY_ACCESS_TOKEN_FILE", value_name = "FILE")]
    pub access_token_file: Option<PathBuf>,

    /// What secrets are sealed under: file:PATH, env:MAINSTAY_… or kms:KEY-ID [default: a file in the data folder, made at first use]
    #[arg(long, env = "MAINSTAY_MASTER_KEY", value_name = "KEY")]
    pub master_key: Option<String>,

    /// Where secrets were sealed before; may be repeated
    #[arg(long = "old-master-key", env = "MAINSTAY_OLD_MASTER_KEYS", value_name = "KEY", value_delimiter = ' ')]
    pub old_master_keys: Vec<String>,

    /// A reverse proxy to run, described in JSON (docs/proxy.md); may be repeated
    #[arg(long = "proxy", env = "MAINSTAY_PROXIES", value_name = "FILE", value_delimiter = ' ')]
    pub proxies: Vec<PathBuf>,

    /// Receives the addresses as JSON once everything answers
    #[arg(long, env = "MAINSTAY_READY_FILE", value_name = "FILE")]
    pub ready_file: Option<PathBuf>,

    /// A settings file (TOML) with the same names: listen = "127.0.0.1:4316" [default: mainstay.toml, if there is one]
    #[arg(long, env = "MAINSTAY_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct SettingsFile {
    ops: Option<PathBuf>,
    data: Option<PathBuf>,
    listen: Option<SocketAddr>,
    otlp_grpc: Option<SocketAddr>,
    otlp_http: Option<SocketAddr>,
    ledger: Option<String>,
    lake: Option<String>,
    repository: Option<PathBuf>,
    access_token_file: Option<PathBuf>,
    master_key: Option<String>,
    #[serde(default)]
    old_master_keys: Vec<String>,
    #[serde(default)]
    proxies: Vec<PathBuf>,
    ready_file: Option<PathBuf>,
}

/// Complete and checked.
#[derive(Debug, Clone)]
pub struct Settings {
    pub ops: PathBuf,
    pub data: PathBuf,
    pub listen: SocketAddr,
    pub otlp_grpc: SocketAddr,
    pub otlp_http: SocketAddr,
    pub ledger: String,
    pub lake: Option<String>,
    pub repository: PathBuf,
    pub access: Access,
    pub master_key: KeySource,
    pub old_master_keys: Vec<KeySource>,
    pub proxies: Vec<PathBuf>,
    pub ready_file: Option<PathBuf>,
    /// Whether the server sends its own telemetry to itself, and what it then tells the terminal.
    pub observe_itself: Option<&'static str>,
    /// What the cells of runbooks find in their environment besides the server's own.
    pub run_environment: BTreeMap<String, String>,
}

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("the settings file {path} cannot be read: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("the settings file {path} is wrong: {source}")]
    Parse { path: PathBuf, source: toml::de::Error },
    #[error("the access token file {path} cannot be read: {source}")]
    Token { path: PathBuf, source: std::io::Error },
    #[error("the access token in {path} has fewer than 16 characters; write a longer one, e.g. `openssl rand -hex 24 > {path}`")]
    ShortToken { path: PathBuf },
    #[error(transparent)]
    MasterKey(#[from] KeyError),
    #[error(
        "{flag} {address} can be reached from other machines, but nothing says who may: \
         give --access-token-file FILE, or listen on 127.0.0.1"
    )]
    OpenToAll { flag: &'static str, address: SocketAddr },
}

const DEFAULT_FILE: &str = "mainstay.toml";

impl Settings {
    pub fn resolve(args: ServeArgs) -> Result<Self, SettingsError> {
        let file = SettingsFile::load(args.config.as_deref())?;
        let data = args.data.or(file.data).unwrap_or_else(|| ".mainstay".into());
        let ops = args.ops.or(file.ops).unwrap_or_else(|| "ops".into());
        let access = match args.access_token_file.or(file.access_token_file) {
            Some(path) => Access::Token(read_token(path)?),
            None => Access::Loopback,
        };
        let old = if args.old_master_keys.is_empty() { file.old_master_keys } else { args.old_master_keys };
        let settings = Self {
            master_key: args.master_key.or(file.master_key).map_or_else(|| Ok(key_file(&data)), |text| text.parse::<KeySource>())?,
            old_master_keys: old.iter().map(|text| text.parse()).collect::<Result<Vec<KeySource>, KeyError>>()?,
            listen: args.listen.or(file.listen).unwrap_or_else(|| loopback(4316)),
            otlp_grpc: args.otlp_grpc.or(file.otlp_grpc).unwrap_or_else(|| loopback(4317)),
            otlp_http: args.otlp_http.or(file.otlp_http).unwrap_or_else(|| loopback(4318)),
            ledger: args.ledger.or(file.ledger).unwrap_or_else(|| format!("sqlite:{}", data.join("ledger.sqlite").display())),
            lake: args.lake.or(file.lake),
            repository: args.repository.or(file.repository).unwrap_or_else(|| repository_of(&ops)),
            proxies: if args.proxies.is_empty() { file.proxies } else { args.proxies },
            ready_file: args.ready_file.or(file.ready_file),
            observe_itself: Some("info"),
            run_environment: BTreeMap::new(),
            ops,
            data,
            access,
        };
        settings.check_access()?;
        Ok(settings)
    }

    /// A server for one command: free ports, loopback, no telemetry of its own.
    pub fn embedded(ops: &Path, data: &Path) -> Self {
        Self {
            ops: ops.to_owned(),
            data: data.to_owned(),
            listen: loopback(0),
            otlp_grpc: loopback(0),
            otlp_http: loopback(0),
            ledger: format!("sqlite:{}", data.join("ledger.sqlite").display()),
            lake: None,
            repository: repository_of(ops),
            access: Access::Loopback,
            master_key: key_file(data),
            old_master_keys: Vec::new(),
            proxies: Vec::new(),
            ready_file: None,
            observe_itself: None,
            run_environment: BTreeMap::new(),
        }
    }

    fn check_access(&self) -> Result<(), SettingsError> {
        let addresses = [("--listen", self.listen), ("--otlp-grpc", self.otlp_grpc), ("--otlp-http", self.otlp_http)];
        match (&self.access, addresses.into_iter().find(|(_, address)| !address.ip().is_loopback())) {
            (Access::Loopback, Some((flag, address))) => Err(SettingsError::OpenToAll { flag, address }),
            _ => Ok(()),
        }
    }
}

impl SettingsFile {
    fn load(path: Option<&Path>) -> Result<Self, SettingsError> {
        let path = match path {
            Some(path) => path,
            None if Path::new(DEFAULT_FILE).is_file() => Path::new(DEFAULT_FILE),
            None => return Ok(Self::default()),
        };
        let text = std::fs::read_to_string(path).map_err(|source| SettingsError::Read { path: path.into(), source })?;
        toml::from_str(&text).map_err(|source| SettingsError::Parse { path: path.into(), source })
    }
}

fn key_file(data: &Path) -> KeySource {
    KeySource::File(data.join("master.key"))
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn read_token(path: PathBuf) -> Result<Arc<str>, SettingsError> {
    let text = std::fs::read_to_string(&path).map_err(|source| SettingsError::Token { path: path.clone(), source })?;
    match text.trim() {
        token if token.len() < 16 => Err(SettingsError::ShortToken { path }),
        token => Ok(token.into()),
    }
}

/// The nearest folder above that holds `.git`, else the folder above the documents.
fn repository_of(ops: &Path) -> PathBuf {
    let full = std::path::absolute(ops).unwrap_or_else(|_| ops.to_owned());
    full.ancestors()
        .find(|folder| folder.join(".git").exists())
        .or_else(|| full.parent())
        .unwrap_or(&full)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_loopback_needs_a_token() {
        let args = ServeArgs { listen: Some("0.0.0.0:4316".parse().unwrap()), ..Default::default() };
        let refusal = Settings::resolve(args.clone()).unwrap_err().to_string();
        assert!(refusal.contains("--access-token-file"), "{refusal}");
        let token = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(token.path(), "0123456789abcdef\n").unwrap();
        let args = ServeArgs { access_token_file: Some(token.path().into()), ..args };
        assert!(matches!(Settings::resolve(args).unwrap().access, Access::Token(_)));
    }

    #[test]
    fn an_unknown_setting_is_refused_by_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "lisen = \"127.0.0.1:1\"\n").unwrap();
        let refusal = Settings::resolve(ServeArgs { config: Some(file.path().into()), ..Default::default() }).unwrap_err();
        assert!(refusal.to_string().contains("lisen"), "{refusal}");
    }
}
