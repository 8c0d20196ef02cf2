//! The story in the terminal: a spinner while something is awaited, a line once it happened.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

pub struct Narrator {
    begun: Instant,
}

impl Narrator {
    pub fn new() -> Self {
        Self { begun: Instant::now() }
    }

    /// Something that takes a while.
    pub fn step(&self, what: &str) -> Step<'_> {
        let spinner = ProgressBar::new_spinner().with_style(
            ProgressStyle::with_template("        {spinner:.cyan} {msg} {elapsed:.dim}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        spinner.set_message(what.to_owned());
        spinner.enable_steady_tick(Duration::from_millis(100));
        Step { narrator: self, spinner }
    }

    pub fn note(&self, text: &str) {
        println!("        {text}");
    }

    pub fn failure(&self, text: &str) {
        println!("{} ✗ {text}", self.clock());
    }

    fn tell(&self, text: &str) {
        println!("{} ✓ {text}", self.clock());
    }

    /// Minutes and seconds since the beginning.
    fn clock(&self) -> String {
        let seconds = self.begun.elapsed().as_secs();
        format!("[{:02}:{:02}]", seconds / 60, seconds % 60)
    }
}

pub struct Step<'a> {
    narrator: &'a Narrator,
    spinner: ProgressBar,
}

impl Step<'_> {
    pub fn done(self, text: &str) {
        self.spinner.finish_and_clear();
        self.narrator.tell(text);
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        self.spinner.finish_and_clear();
    }
}
