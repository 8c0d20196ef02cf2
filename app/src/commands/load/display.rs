//! What a person sees while a load runs: where it is, its rate, its latency, its errors.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use scenario::load::{Observer, Snapshot};

pub struct Display {
    bar: ProgressBar,
}

impl Display {
    /// On standard error; nothing where that is no terminal.
    pub fn new() -> Self {
        let style = ProgressStyle::with_template("{bar:24.cyan/dim} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr()).with_style(style);
        Self { bar }
    }

    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Display {
    fn snapshot(&self, snapshot: &Snapshot) {
        self.bar.set_length(snapshot.planned_ms.max(1));
        self.bar.set_position(snapshot.elapsed_ms.min(snapshot.planned_ms));
        let now = &snapshot.latency_ms_now;
        let errors = if snapshot.errors == 0 { String::new() } else { format!("   {} errors", snapshot.errors) };
        let late = if snapshot.late_arrivals == 0 { String::new() } else { format!("   {} late", snapshot.late_arrivals) };
        self.bar.set_message(format!(
            "{} of {}   {:.0}/s   {} users   p50 {:.1}  p95 {:.1}  p99 {:.1} ms{errors}{late}",
            seconds(snapshot.elapsed_ms),
            seconds(snapshot.planned_ms),
            snapshot.requests_per_second,
            snapshot.active,
            now.p50,
            now.p95,
            now.p99,
        ));
    }

    fn logged(&self, lines: &[String]) {
        for line in lines {
            self.bar.suspend(|| eprintln!("{line}"));
        }
    }
}

fn seconds(ms: u64) -> String {
    kernel::format_duration(Duration::from_secs(ms / 1000))
}
