//! `mainstay run DOCUMENT`: by its name on a server, or a file at once.

mod file;
mod followed;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::scenario::With;
pub use followed::request_and_follow;
use crate::cli::ServerArgs;

#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 it succeeded; 1 it failed; 2 it could not be run.")]
pub struct Args {
    /// The name of a runbook, playbook, scenario or experiment; or the file of a scenario or an experiment
    document: String,

    /// A parameter, name=value; may be repeated
    #[arg(short, long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,

    /// The incident it belongs to, e.g. INC-12
    #[arg(long)]
    incident: Option<kernel::IncidentId>,

    /// Request it and leave
    #[arg(long)]
    detach: bool,

    #[command(flatten)]
    with: With,

    /// Of a scenario's file, play only the scenario of this name
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,

    /// Of a scenario's file, also write the result as JUnit's XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// Of a scenario's file, write the pictures and records of browsers into this folder
    #[arg(long, value_name = "FOLDER")]
    attachments: Option<PathBuf>,

    /// Of a scenario's file, print the result as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    server: ServerArgs,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    if Path::new(&args.document).is_file() { file::run(args).await } else { followed::run(args).await }
}

pub fn parameter(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| format!("{text:?} is not NAME=VALUE"))
}
