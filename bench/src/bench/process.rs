//! A server as a child process, and what it uses.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// Killed when dropped.
pub struct Process {
    child: Child,
    begun: Instant,
}

impl Process {
    pub fn start(program: impl AsRef<OsStr>, arguments: &[String], log: &Path) -> anyhow::Result<Self> {
        let shown = program.as_ref().to_owned();
        let begun = Instant::now();
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(log)?)
            .spawn()
            .with_context(|| format!("{} cannot be started", shown.display()))?;
        Ok(Self { child, begun })
    }

    /// Waits until `answers`; the time since the start of the process.
    pub async fn ready(&mut self, mut answers: impl AsyncFnMut() -> bool) -> anyhow::Result<Duration> {
        const LIMIT: Duration = Duration::from_secs(60);
        while !answers().await {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status} before it answered");
            }
            anyhow::ensure!(self.begun.elapsed() < LIMIT, "the server did not answer within {LIMIT:?}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(self.begun.elapsed())
    }

    /// All its threads run only on these cores, written as `taskset` reads them.
    pub fn keep_to(&self, cores: &str) -> anyhow::Result<()> {
        let done = Command::new("taskset").args(["-acp", cores, &self.child.id().to_string()]).output().context("taskset is not installed: apt-get install util-linux")?;
        anyhow::ensure!(done.status.success(), "taskset: {}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }

    /// User and system time so far.
    pub fn cpu_s(&self) -> f64 {
        // Linux counts in hundredths of a second on every architecture that user space sees.
        const TICKS_PER_S: f64 = 100.0;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // The second field, the name, is in brackets and may hold blanks.
        let fields: Vec<f64> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().map(|f| f.parse().unwrap_or_default()).collect();
        fields.get(11..13).map_or(0.0, |times| times.iter().sum::<f64>() / TICKS_PER_S)
    }

    pub fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        line.and_then(|kilobytes| kilobytes.trim().parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Mainstay, as it was built beside this program.
pub fn mainstay() -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("mainstay");
    anyhow::ensure!(path.is_file(), "{} is not built; run `cargo xtask bench`", path.display());
    Ok(path)
}

/// On PATH, as a shell would.
pub fn find(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths).map(|folder| folder.join(name)).find(|path| path.is_file())
}

pub fn folder_mib(folder: &Path) -> f64 {
    fn bytes(path: &Path) -> u64 {
        match std::fs::read_dir(path) {
            Ok(entries) => entries.flatten().map(|entry| bytes(&entry.path())).sum(),
            Err(_) => std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
        }
    }
    bytes(folder) as f64 / f64::from(1 << 20)
}
