//! Keeps what a command has played on a server, beside the runs that the server played itself.

use kernel::{Clock, SystemClock, Timestamp};
use ledger::Run;
use prepare::runs::Attached;
use wire::runs::{RecordRun, SentAttachment};

use crate::client::{Client, ClientResult};

/// Where a command records what it has played.
#[derive(Debug, Clone, clap::Args)]
pub struct RecordArgs {
    /// A server that keeps the result, and that is asked for what the files do not say
    #[arg(long, env = "MAINSTAY_SERVER", value_name = "URL")]
    pub server: Option<String>,

    /// The access token of that server, if it asks for one
    #[arg(long, env = "MAINSTAY_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub token: Option<String>,

    /// On whose behalf, e.g. user:default/jo
    #[arg(long = "as", env = "MAINSTAY_ACTOR", value_name = "USER")]
    pub actor: Option<String>,
}

impl RecordArgs {
    pub fn client(&self) -> ClientResult<Option<Client>> {
        self.server.as_deref().map(|server| Client::new(server, self.token.as_deref(), self.actor.as_deref())).transpose()
    }
}

pub fn now() -> Timestamp {
    SystemClock.now()
}

/// What a run left behind, as it is sent.
pub fn sent(attached: Vec<Attached>) -> Vec<SentAttachment> {
    attached.into_iter().map(|Attached { number, name, media_type, data }| SentAttachment { number, name, media_type, data }).collect()
}

/// What was played stands, whether or not the server can be told of it.
pub async fn keep(client: Option<&Client>, run: RecordRun) {
    let Some(client) = client else { return };
    match client.post::<Run>("api/runs/recorded", &run).await {
        Ok(run) => eprintln!("recorded: {}/prepare/runs/{}", client.base(), run.id),
        Err(error) => eprintln!("warning: the result could not be recorded: {error}"),
    }
}
