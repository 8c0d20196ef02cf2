//! The binary: command line, settings, wiring, signals, shutdown.

mod cli;
mod client;
mod commands;
mod observe;
mod players;
mod print;
mod proxies;
mod reading;
mod record;
mod runner;
mod remote_sql;
mod session;
mod settings;
mod values;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // The first provider installed serves every TLS client of the process; a second install cannot happen here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    commands::dispatch(cli::Cli::parse())
}
