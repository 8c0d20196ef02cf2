//! How soon an empty server answers, and how much memory it has then.

use super::peer::{Mainstay, Prometheus, client};
use super::report::{Report, median};

const STARTS: usize = 5;

pub async fn run(report: &mut Report) -> anyhow::Result<()> {
    let client = client()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let mainstay = Mainstay::start(&client).await?;
        let prometheus = Prometheus::start(&client).await?;
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        ours.push((mainstay.ready_after.as_secs_f64(), mainstay.process.resident_mib()));
        theirs.push((prometheus.ready_after.as_secs_f64(), prometheus.process.resident_mib()));
    }
    let row = |name: &str, ours: f64, theirs: f64| [name.to_owned(), format!("{ours:.2}"), format!("{theirs:.2}"), format!("{:.2}", ours / theirs)];
    let middle = |values: &[(f64, f64)], pick: fn(&(f64, f64)) -> f64| median(values.iter().map(pick).collect());
    report.table(
        "Start on an empty folder, and idle",
        ["", "Mainstay", "Prometheus", "ratio"],
        vec![
            row("ready after, s", middle(&ours, |v| v.0), middle(&theirs, |v| v.0)),
            row("resident after 3 s, MiB", middle(&ours, |v| v.1), middle(&theirs, |v| v.1)),
        ],
    );
    Ok(())
}
