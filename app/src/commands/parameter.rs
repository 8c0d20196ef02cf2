//! `mainstay parameter …`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::ValueEnum;
use ledger::{Parameter, ParameterKind, ParameterVersion};
use prepare::values::written;
use reqwest::Method;
use serde_json::{Value, json};
use wire::parameters::{LabelParameter, ParameterHistory, ParameterSummary, PutParameter};

use crate::cli::{Format, ServerArgs};
use crate::print::{self, Answer};
use crate::reading;
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Print a value: the newest, a version's, or where a label stands
    #[command(disable_version_flag = true)]
    Get {
        path: String,
        #[arg(long, value_name = "N")]
        version: Option<i64>,
        #[arg(long, conflicts_with = "version")]
        label: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Write a new version, from standard input or a file
    Put {
        path: String,
        /// A text, a list of one item a line, or JSON
        #[arg(long, value_enum, default_value_t = Kind::String)]
        kind: Kind,
        /// Holds the value; standard input if absent
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        #[arg(long)]
        description: Option<String>,
        /// A label to move to the new version
        #[arg(long)]
        label: Option<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List parameters with their newest values
    List {
        /// Only those below this folder, such as /shop
        #[arg(default_value = "/")]
        under: String,
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Move a label to a version; to the newest if none is named
    #[command(disable_version_flag = true)]
    Label {
        path: String,
        label: String,
        #[arg(long, value_name = "N")]
        version: Option<i64>,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List the versions of a parameter, newest first
    History {
        path: String,
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        #[command(flatten)]
        server: ServerArgs,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    String,
    List,
    Json,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Get { path, version, label, server } => {
            let session = Session::lasting(&server).await?;
            let mut query = vec![("path", path)];
            query.extend(version.map(|version| ("version", version.to_string())));
            query.extend(label.map(|label| ("label", label)));
            let version: ParameterVersion = session.client.get("api/parameters/value", &query).await?;
            println!("{}", written(&version.value));
            session.close().await;
        }
        Action::Put { path, kind, file, description, label, server } => {
            let text = reading::value(file.as_deref())?;
            let (kind, value) = parsed(kind, &text)?;
            let session = Session::lasting(&server).await?;
            let put = PutParameter { path, kind, value, description, label };
            told(&session.client.send(Method::PUT, "api/parameters", &put).await?);
            session.close().await;
        }
        Action::List { under, format, server } => {
            let session = Session::lasting(&server).await?;
            let all: Vec<ParameterSummary> = session.client.get("api/parameters", &[("under", under)]).await?;
            print::table(&list(&all), format)?;
            session.close().await;
        }
        Action::Label { path, label, version, server } => {
            let session = Session::lasting(&server).await?;
            told(&session.client.post("api/parameters/labels", &LabelParameter { path, label, version }).await?);
            session.close().await;
        }
        Action::History { path, format, server } => {
            let session = Session::lasting(&server).await?;
            let history: ParameterHistory = session.client.get("api/parameters/history", &[("path", path)]).await?;
            print::table(&versions(&history), format)?;
            session.close().await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn parsed(kind: Kind, text: &str) -> anyhow::Result<(ParameterKind, Value)> {
    Ok(match kind {
        Kind::String => (ParameterKind::String, json!(text)),
        Kind::List => (ParameterKind::List, json!(text.lines().collect::<Vec<_>>())),
        Kind::Json => (ParameterKind::Json, serde_json::from_str(text).context("the value is not JSON")?),
    })
}

fn told(parameter: &Parameter) {
    let labels: Vec<String> = parameter.labels.iter().map(|(label, version)| format!("{label} at {version}")).collect();
    let labels = if labels.is_empty() { String::new() } else { format!(" ({})", labels.join(", ")) };
    println!("{} version {}{labels}", parameter.path, parameter.latest);
}

fn list(all: &[ParameterSummary]) -> Answer {
    let row = |one: &ParameterSummary| {
        let Parameter { path, latest, labels, changed_at, .. } = &one.parameter;
        vec![json!(path), json!(one.kind), json!(written(&one.value)), json!(latest), json!(labels), json!(changed_at)]
    };
    Answer::new(["path", "type", "value", "version", "labels", "changed"], all.iter().map(row).collect())
}

fn versions(history: &ParameterHistory) -> Answer {
    let labels = |version: i64| history.parameter.labels.iter().filter(|(_, at)| **at == version).map(|(label, _)| label.as_str()).collect::<Vec<_>>().join(", ");
    let row = |one: &ParameterVersion| {
        vec![json!(one.version), json!(labels(one.version)), json!(written(&one.value)), json!(one.written_at), json!(one.written_by)]
    };
    Answer::new(["version", "labels", "value", "written", "by"], history.versions.iter().map(row).collect())
}
