//! `mainstay check` over ten thousand documents.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::ensure;

use super::generate::generate;
use super::process::mainstay;
use super::report::{Report, median};

const DOCUMENTS: usize = 10_000;
const ROUNDS: usize = 5;

pub fn run(report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    generate(folder.path(), DOCUMENTS)?;
    let mut times_s = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let status = Command::new(mainstay()?).arg("check").arg(folder.path()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        ensure!(status.success(), "the generated documents have problems");
        times_s.push(begun.elapsed().as_secs_f64());
    }
    report.table(
        &format!("`mainstay check`, median of {ROUNDS}"),
        ["documents", "s", "documents per second"],
        vec![[DOCUMENTS.to_string(), format!("{:.2}", median(times_s.clone())), format!("{:.0}", DOCUMENTS as f64 / median(times_s))]],
    );
    Ok(())
}
