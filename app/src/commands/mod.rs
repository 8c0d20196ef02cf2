//! One module per command.

pub mod check;
pub mod config;
pub mod demo;
pub mod deploy;
pub mod experiment;
pub mod fault_proxy;
pub mod guard;
pub mod incident;
pub mod init;
pub mod judge;
pub mod load;
pub mod parameter;
pub mod postmortem;
pub mod promql;
pub mod proxy;
pub mod query;
pub mod run;
pub mod runner;
pub mod scenario;
pub mod schema;
pub mod secret;
pub mod serve;

use std::process::ExitCode;

use crate::cli::{Cli, Command};

/// The thing that ran failed, or problems were found.
pub const EXIT_PROBLEMS: u8 = 1;
/// It could not run at all.
pub const EXIT_COULD_NOT_RUN: u8 = 2;

pub fn dispatch(cli: Cli) -> ExitCode {
    match cli.command {
        Command::Init(args) => init::run(args),
        Command::Check(args) => check::run(args),
        Command::Schema(args) => schema::run(args),
        Command::Demo(args) => block_on(demo::run(args)),
        Command::Deploy(args) => block_on(deploy::run(args)),
        Command::Serve(args) => block_on(serve::run(args)),
        Command::Query(args) => block_on(query::run(args)),
        Command::Promql(args) => block_on(promql::run(args)),
        Command::Run(args) => block_on(run::run(args)),
        Command::Runner(args) => block_on(runner::run(args)),
        Command::Incident(args) => block_on(incident::run(args)),
        Command::Judge(args) => block_on(judge::run(args)),
        Command::Parameter(args) => block_on(parameter::run(args)),
        Command::Secret(args) => block_on(secret::run(args)),
        Command::Load(args) => block_on(load::run(args)),
        Command::Config(args) => block_on(config::run(args)),
        Command::Flags(args) => block_on(config::flags(args)),
        Command::Experiment(args) => block_on(experiment::run(args)),
        Command::Proxy(args) => block_on(proxy::run(args)),
        Command::FaultProxy(args) => block_on(fault_proxy::run(args)),
        Command::Guard => block_on(guard::run()),
        Command::Postmortem(args) => block_on(postmortem::run(args)),
    }
}

fn block_on(command: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return could_not_run(&error.into()),
    };
    runtime.block_on(command).unwrap_or_else(|error| could_not_run(&error))
}

fn could_not_run(error: &anyhow::Error) -> ExitCode {
    eprintln!("mainstay: {error:#}");
    ExitCode::from(EXIT_COULD_NOT_RUN)
}
