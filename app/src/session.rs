//! What a command speaks to: a server that runs already, or an embedded one that lives as long as it.

use anyhow::Context;

use crate::cli::ServerArgs;
use crate::client::Client;
use crate::observe;
use crate::wiring::Server;
use crate::settings::Settings;

pub struct Session {
    pub client: Client,
    embedded: Option<Embedded>,
}

struct Embedded {
    server: Server,
    /// Removed with the session, where the records were not asked to be kept.
    _temporary: Option<tempfile::TempDir>,
}

impl Session {
    pub async fn open(args: &ServerArgs) -> anyhow::Result<Self> {
        observe::terminal_only();
        let actor = args.actor.clone().or_else(log_in_name);
        let (base, embedded) = match &args.server {
            Some(url) => (url.clone(), None),
            None => {
                let embedded = Embedded::start(args).await?;
                (embedded.server.addresses.http_url(), Some(embedded))
            }
        };
        let client = Client::new(&base, args.token.as_deref(), actor.as_deref())?;
        Ok(Self { client, embedded })
    }

    /// For what would be gone with a temporary server.
    pub async fn lasting(args: &ServerArgs) -> anyhow::Result<Self> {
        if args.server.is_none() && args.data.is_none() {
            anyhow::bail!("nothing says where the values are kept; name the server by --server, or its data folder by --data");
        }
        Self::open(args).await
    }

    pub async fn close(self) {
        if let Some(embedded) = self.embedded {
            embedded.server.stop().await;
        }
    }
}

impl Embedded {
    async fn start(args: &ServerArgs) -> anyhow::Result<Self> {
        let (data, temporary) = match &args.data {
            Some(data) => (data.clone(), None),
            None => {
                let folder = tempfile::tempdir().context("a temporary folder cannot be made")?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        let server = Server::start(Settings::embedded(&args.ops, &data)).await?;
        Ok(Self { server, _temporary: temporary })
    }
}

/// Taken at its word, as the shell's user owns the machine's loopback anyway.
fn log_in_name() -> Option<String> {
    let name = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok()?;
    kernel::entity::is_name(&name).then(|| format!("user:default/{name}"))
}
