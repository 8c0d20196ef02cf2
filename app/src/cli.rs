//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands;
use crate::settings::ServeArgs;

/// The hidden command of the process that holds the undos of faults.
pub const GUARD: &str = "guard";

#[derive(Debug, Parser)]
#[command(
    name = "mainstay",
    version,
    about = "Operations as code: documents and telemetry in; alarms, responses, incidents and lessons out.",
    long_about = "Mainstay carries a team's services through the whole loop of operational excellence.\n\n\
        It reads two things a team already has: an ops/ folder of documents (Backstage entities, Prometheus rules, \
        EventBridge-style event rules, Markdown runbooks) and the telemetry of its services (OTLP).\n\n\
        Begin with `mainstay demo` to watch the loop once, or with `mainstay init` in your own repository.",
    after_help = "Exit codes: 0 fine, 1 problems found or the thing that ran failed, 2 could not run.",
    propagate_version = true,
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play the whole loop once on an example workload, then stay up for looking around
    Demo(commands::demo::Args),
    /// Write a first ops/ folder for the repository it stands in, and explain each file
    Init(commands::init::Args),
    /// Report every problem of the documents below a folder
    Check(commands::check::Args),
    /// Print the JSON Schemas of Mainstay's own document kinds
    Schema(commands::schema::Args),
    /// Run the server: OTLP in, the API and the page out, alarms and responses in between
    Serve(ServeArgs),
    /// Run a SQL statement over logs, spans, metrics and ops.*
    Query(commands::query::Args),
    /// Evaluate a PromQL expression
    Promql(commands::promql::Args),
    /// Run a runbook, playbook, scenario or experiment and follow its output; a scenario's file is played at once
    Run(commands::run::Args),
    /// Send a new version of a component through its environments, and follow it
    Deploy(commands::deploy::Args),
    /// Declare, list, show, note, change and resolve incidents
    Incident(commands::incident::Args),
    /// Get, put, list and label parameters: named values with versions
    Parameter(commands::parameter::Args),
    /// Keep, read, rotate and roll back secrets; values come from standard input or a file, never from the arguments
    Secret(commands::secret::Args),
    /// Play a scenario at its rates: a load test, or the search for the limit
    Load(commands::load::Args),
    /// Compare two series of points, of an old and a new version, and say whether the new one is as good
    Judge(commands::judge::Args),
    /// Play what a server gives, from another place: shares of loads, and the canaries of a location
    Runner(commands::runner::Args),
    /// List configurations and sets of flags, or print one
    Config(commands::config::ConfigArgs),
    /// Evaluate the flags of a profile for somebody
    Flags(commands::config::FlagsArgs),
    /// Play a chaos experiment in Chaos Toolkit's format
    Experiment(commands::experiment::Args),
    /// Share the traffic of a component between two versions: a reverse proxy that deployments shift
    Proxy(commands::proxy::Args),
    /// Stand between services and disturb their connections, with Toxiproxy's toxics and API
    FaultProxy(commands::fault_proxy::Args),
    /// Undoes faults when the server that began them is gone
    #[command(name = GUARD, hide = true)]
    Guard,
    /// Draft the post-mortem of an incident, as Markdown in the workload's repository
    Postmortem(commands::postmortem::Args),
}

/// Which server a command speaks to.
#[derive(Debug, Clone, Args)]
pub struct ServerArgs {
    /// A running server, e.g. http://127.0.0.1:4316; without it, an embedded one lives as long as the command
    #[arg(long, env = "MAINSTAY_SERVER", value_name = "URL")]
    pub server: Option<String>,

    /// The access token of that server, if it asks for one
    #[arg(long, env = "MAINSTAY_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub token: Option<String>,

    /// Where the embedded server keeps its records; a temporary folder if absent
    #[arg(long, env = "MAINSTAY_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// The documents of the embedded server
    #[arg(long, env = "MAINSTAY_OPS", value_name = "DIR", default_value = "ops")]
    pub ops: PathBuf,

    /// On whose behalf, e.g. user:default/jo; you by your log-in name if absent
    #[arg(long = "as", env = "MAINSTAY_ACTOR", value_name = "USER")]
    pub actor: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Json,
    Csv,
}
