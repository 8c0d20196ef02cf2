//! Measurements beside the peers, and the harnesses of public conformance suites.

mod bench;
mod conformance;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use conformance::promql::Names;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Measurements and conformance of Mainstay")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Measure Mainstay beside its peers.
    Bench(bench::Args),
    /// Run the tests of a format's specification against our implementation of it.
    #[command(subcommand)]
    Conformance(Conformance),
}

#[derive(Subcommand)]
enum Conformance {
    /// Run every script of Prometheus's test format below a folder: prints `FILE passed failed
    /// unsupported` for each file and a total; exit code 1 if a statement failed.
    Promql {
        folder: PathBuf,
        /// Also tell why statements are unsupported.
        #[arg(long)]
        verbose: bool,
        /// Let functions drop the metric name at once, as servers do, instead of at the end, as
        /// Prometheus does when it tests itself.
        #[arg(long)]
        names_at_once: bool,
    },
    /// Play every Chaos Toolkit experiment below a folder, each in a copy of the folder: prints a line for
    /// each and `total passed failed unsupported`; exit code 1 if one failed. What the experiments do to other
    /// systems, they do.
    Chaostoolkit { folder: PathBuf },
    /// Read and compile every Artillery script below a folder, without playing any: prints a line for each and
    /// `total plays needs missing wrong`; exit code 1 if one is neither playable nor names what it lacks.
    Artillery { folder: PathBuf },
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let fine = match Arguments::parse().chore {
        Chore::Bench(args) => bench::run(args).await.map(|()| true)?,
        Chore::Conformance(Conformance::Promql { folder, verbose, names_at_once }) => {
            let names = if names_at_once { Names::DroppedAtOnce } else { Names::DroppedLast };
            conformance::promql::report(&folder, names, verbose).await?
        }
        Chore::Conformance(Conformance::Artillery { folder }) => conformance::artillery::report(&folder)?,
        Chore::Conformance(Conformance::Chaostoolkit { folder }) => conformance::chaostoolkit::report(&folder).await?,
    };
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
