//! The project's own chores: `cargo xtask …`.
//!
//! Depends on next to nothing, so that it is there at once; what needs the rooms is a program of its
//! own (`bench/`), which this one builds and runs.

mod page;
mod run;
mod tidy;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use run::Outcome;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Mainstay's own chores")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Build the page and the binaries
    Build,
    /// Build, then play the demo; arguments go to `mainstay demo`
    Demo {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Get what the tests need, build, and run all of them
    Test,
    /// Check what no compiler does: the direction of arrows, the size of files, leftovers
    Tidy,
    /// Measure Mainstay against its peers, in the release profile; arguments go to the bench program
    Bench {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run a public conformance suite, e.g. `conformance promql DIR`
    Conformance {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().chore {
        Chore::Build => build(),
        Chore::Demo { arguments } => build().and_then(|()| run::program("target/debug/mainstay", ["demo".to_owned()].into_iter().chain(arguments))),
        Chore::Test => test(),
        Chore::Tidy => tidy::check(),
        Chore::Bench { arguments } => page::build().and_then(|()| run::cargo(["build", "--release", "-p", "mainstay", "-p", "mainstay-bench"])).and_then(|()| {
            tools::prometheus()?;
            run::program("target/release/mainstay-bench", ["bench".to_owned()].into_iter().chain(arguments))
        }),
        Chore::Conformance { arguments } => {
            let own = ["run", "--quiet", "-p", "mainstay-bench", "--", "conformance"].map(str::to_owned);
            run::cargo(own.into_iter().chain(arguments))
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Outcome {
    with_page(&["build", "-p", "mainstay", "-p", "shop"])
}

/// Runs cargo while the page is built: a binary that is no release reads it where it lies.
fn with_page(arguments: &[&str]) -> Outcome {
    std::thread::scope(|scope| {
        let page = scope.spawn(page::build);
        let cargo = run::cargo(arguments);
        page.join().unwrap_or_else(|_| Err("the page's build panicked".to_owned())).and(cargo)
    })
}

fn test() -> Outcome {
    tidy::check()?;
    let python = tools::python()?;
    let node_modules = tools::node_modules()?;
    let chromium = tools::chromium()?;
    tools::postgres()?;
    tools::nginx()?;
    with_page(&["build", "--workspace", "--all-targets"])?;
    page::test()?;
    let mut tests = run::command("cargo", ["test", "--workspace", "--all-targets", "--no-fail-fast"]);
    tests.env("MAINSTAY_PYTHON", python).env("MAINSTAY_CHROMIUM", chromium).env("MAINSTAY_NODE_MODULES", node_modules);
    let together = run::wait(tests);
    // What measures time needs the machine for itself.
    let timed = run::cargo(["test", "--workspace", "--all-targets", "--", "--ignored", "timed::", "--test-threads", "1"]);
    together.and(timed)
}
