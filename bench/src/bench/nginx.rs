//! nginx as a server to be asked, and as the proxy to stand beside.

use anyhow::Context;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::process::{Process, find};

/// One process.
pub struct Nginx {
    pub url: String,
    pub process: Process,
    _folder: TempDir,
}

/// What its only server answers with: a page of 1 KiB, and an answer in JSON.
pub const FILES: &str = "root FOLDER;";
pub const PAGE: &str = "page.html";

impl Nginx {
    /// `http` and `server` are what stands in those blocks; `FOLDER` in them is where [`FILES`] are.
    pub async fn start(http: &str, server: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path();
        let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
        std::fs::write(path.join(PAGE), "x".repeat(1024))?;
        std::fs::write(path.join("item.json"), r#"{"id":"i-7","price":3,"name":"a thing"}"#)?;
        // Without a master, so that all its processor time is that of one process.
        let config = format!(
            "daemon off; master_process off; pid FOLDER/pid; error_log FOLDER/error.log;
             events {{ worker_connections 20000; }}
             http {{ access_log off; types {{ text/html html; application/json json; }} keepalive_requests 100000000;
               client_body_temp_path FOLDER; proxy_temp_path FOLDER; fastcgi_temp_path FOLDER;
               uwsgi_temp_path FOLDER; scgi_temp_path FOLDER; {http}
               server {{ listen 127.0.0.1:{port} backlog=4096; {server} }} }}"
        );
        std::fs::write(path.join("nginx.conf"), config.replace("FOLDER", &path.display().to_string()))?;
        let program = find("nginx").context("nginx is not installed: apt-get install nginx-light")?;
        let arguments = ["-p", &path.display().to_string(), "-c", &path.join("nginx.conf").display().to_string()].map(str::to_owned);
        let mut process = Process::start(program, &arguments, &path.join("log"))?;
        let url = format!("http://127.0.0.1:{port}");
        let client = super::peer::client()?;
        process.ready(async || client.get(format!("{url}/{PAGE}")).send().await.is_ok_and(|answer| answer.status().is_success())).await?;
        Ok(Self { url, process, _folder: folder })
    }
}
