//! Plays a folder of Chaos Toolkit experiments, each in a copy of the folder, and compares it with its
//! `NAME.expect.json` if there is one; see `evolve::experiments::conformance`.

use std::path::Path;

use evolve::experiments::conformance::{Outcome, run_folder};
use evolve::experiments::{NoPlatform, Settings};

/// Prints a line for each experiment, then the total. Says whether nothing failed.
pub async fn report(folder: &Path) -> std::io::Result<bool> {
    // Whoever installed one before is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let checked = run_folder(folder, &Settings::default(), &NoPlatform).await?;
    let (mut passed, mut failed, mut unsupported) = (0, 0, 0);
    for experiment in &checked {
        let (word, why) = match &experiment.outcome {
            Outcome::Passed => ("passed", ""),
            Outcome::Failed(why) => ("failed", why.as_str()),
            Outcome::Unsupported(why) => ("unsupported", why.as_str()),
        };
        passed += usize::from(word == "passed");
        failed += usize::from(word == "failed");
        unsupported += usize::from(word == "unsupported");
        println!("{word:<11} {}{}{why}", experiment.file, if why.is_empty() { "" } else { ": " });
    }
    println!("total {passed} {failed} {unsupported}");
    Ok(failed == 0)
}
