//! `mainstay secret …`

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use ledger::{Rotation, Secret, Stage};
use reqwest::Method;
use serde_json::json;
use wire::secrets::{NameSecret, PutSecret, ReadSecret, RewrapSecrets, Rewrapped, RotateSecret, SecretDetail, SecretSummary, SecretValue};

use super::EXIT_PROBLEMS;
use crate::cli::{Format, ServerArgs};
use crate::client::Client;
use crate::print::{self, Answer};
use crate::reading;
use crate::session::Session;

/// Between two looks at a rotation.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List secrets, without their values
    List {
        /// Only those below this folder, such as /shop
        #[arg(default_value = "/")]
        under: String,
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show the versions of a secret, without their values
    Show {
        path: String,
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Write a new version, from standard input or a file
    Put {
        path: String,
        /// Holds the value; standard input if absent
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        #[arg(long)]
        description: Option<String>,
        /// Not in use until it is promoted
        #[arg(long)]
        pending: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Print a value; the reading is recorded
    #[command(disable_version_flag = true)]
    Read {
        path: String,
        /// Why; it is recorded
        #[arg(long)]
        why: String,
        /// current, pending or previous
        #[arg(long)]
        stage: Option<Stage>,
        #[arg(long, value_name = "N", conflicts_with = "stage")]
        version: Option<i64>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Let a runbook put a new value to use, and make it current if the runbook succeeds
    Rotate {
        path: String,
        /// The runbook; it finds the values in MAINSTAY_SECRET_PENDING and MAINSTAY_SECRET_CURRENT
        #[arg(long)]
        runbook: String,
        /// Holds the new value, - is standard input; one is made if absent
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Of a value that is made: so many letters and digits
        #[arg(long, value_name = "N", conflicts_with = "file")]
        length: Option<usize>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Make the pending version current
    Promote {
        path: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Make the previous version current again
    Rollback {
        path: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Drop the pending version
    DropPending {
        path: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Wrap all data keys under the present master key
    Rewrap {
        /// Make a new master key first; only where it lies in a file
        #[arg(long)]
        new_key: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::List { under, format, server } => {
            let session = Session::lasting(&server).await?;
            let all: Vec<SecretSummary> = session.client.get("api/secrets", &[("under", under)]).await?;
            print::table(&list(&all), format)?;
            session.close().await;
        }
        Action::Show { path, format, server } => {
            let session = Session::lasting(&server).await?;
            print::table(&versions(&detail(&session.client, &path).await?), format)?;
            session.close().await;
        }
        Action::Put { path, file, description, pending, server } => {
            let value = reading::value(file.as_deref())?;
            let session = Session::lasting(&server).await?;
            let put = PutSecret { path, value: value.to_string(), description, pending };
            told(&session.client.send(Method::PUT, "api/secrets", &put).await?);
            session.close().await;
        }
        Action::Read { path, why, stage, version, server } => {
            let session = Session::lasting(&server).await?;
            let read: SecretValue = session.client.post("api/secrets/read", &ReadSecret { path, stage, version, why }).await?;
            println!("{}", read.value);
            session.close().await;
        }
        Action::Rotate { path, runbook, file, length, server } => {
            let value = file.as_deref().map(|file| reading::value(Some(file))).transpose()?;
            let session = Session::lasting(&server).await?;
            let rotate = RotateSecret { path, runbook, value: value.map(|value| value.to_string()), length };
            let secret: Secret = session.client.post("api/secrets/rotate", &rotate).await?;
            let rotated = followed(&session.client, secret).await;
            session.close().await;
            return rotated;
        }
        Action::Promote { path, server } => move_stage(&server, "promote", path).await?,
        Action::Rollback { path, server } => move_stage(&server, "rollback", path).await?,
        Action::DropPending { path, server } => move_stage(&server, "drop-pending", path).await?,
        Action::Rewrap { new_key, server } => {
            let session = Session::lasting(&server).await?;
            let done: Rewrapped = session.client.post("api/secrets/rewrap", &RewrapSecrets { new_key }).await?;
            println!("{} wrapped anew; the master key is {}", done.count, done.key);
            session.close().await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn move_stage(server: &ServerArgs, how: &str, path: String) -> anyhow::Result<()> {
    let session = Session::lasting(server).await?;
    told(&session.client.post(&format!("api/secrets/{how}"), &NameSecret { path }).await?);
    session.close().await;
    Ok(())
}

/// Until the rotation is over.
async fn followed(client: &Client, secret: Secret) -> anyhow::Result<ExitCode> {
    let Some(Rotation { run, runbook, version, .. }) = &secret.rotation else { return Ok(ExitCode::SUCCESS) };
    eprintln!("the run {run} of {runbook} puts version {version} to use");
    loop {
        let now = detail(client, &secret.path).await?.summary.secret;
        if now.rotation.as_ref().is_none_or(|rotation| rotation.run != *run) {
            told(&now);
            let succeeded = now.stages.values().any(|at| at == version);
            if !succeeded {
                eprintln!("the run {run} did not succeed; version {version} was dropped");
            }
            return Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::from(EXIT_PROBLEMS) });
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn detail(client: &Client, path: &str) -> anyhow::Result<SecretDetail> {
    Ok(client.get("api/secrets/detail", &[("path", path.to_owned())]).await?)
}

fn told(secret: &Secret) {
    println!("{}: {}", secret.path, stages(secret));
}

fn stages(secret: &Secret) -> String {
    secret.stages.iter().map(|(stage, version)| format!("{stage} is version {version}")).collect::<Vec<_>>().join(", ")
}

fn list(all: &[SecretSummary]) -> Answer {
    let row = |one: &SecretSummary| {
        let read = one.last_read.as_ref();
        vec![
            json!(one.secret.path),
            json!(stages(&one.secret)),
            json!(one.secret.changed_at),
            json!(read.map(|read| read.at)),
            json!(read.map(|read| &read.by)),
            json!(read.map(|read| &read.why)),
        ]
    };
    Answer::new(["path", "stages", "changed", "read", "by", "why"], all.iter().map(row).collect())
}

fn versions(detail: &SecretDetail) -> Answer {
    let row = |one: &wire::secrets::SecretVersionSummary| {
        let stages: Vec<&str> = one.stages.iter().map(|stage| stage.name()).collect();
        vec![json!(one.version), json!(stages.join(", ")), json!(one.written_at), json!(one.written_by), json!(one.key)]
    };
    Answer::new(["version", "stages", "written", "by", "master key"], detail.versions.iter().map(row).collect())
}
