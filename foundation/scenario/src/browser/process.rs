//! The browser's processes: one group with a private profile, and an end that is sure.
//!
//! A shell is the group's leader. It holds the reading end of a pipe whose other end is ours: when we are gone, in
//! whatever way, the pipe closes and the shell kills the group. When the browser is gone, the shell goes too.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use cdpkit::CDP;
use documents::script::BrowserSettings;
use rustix::process::{Pid, Signal, geteuid, kill_process_group, test_kill_process_group};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use super::error::BrowserError;

pub(super) struct Process {
    pub cdp: CDP,
    pub size: (u32, u32),
    /// Its input is the pipe that the shell watches.
    _child: Child,
    group: Pid,
    profile: Option<TempDir>,
}

/// Behind it stands the number of our process.
pub(super) const PROFILE_PREFIX: &str = "mainstay-browser-";
/// Arguments besides ours, divided by spaces.
const ARGUMENTS: &str = "MAINSTAY_CHROMIUM_ARGS";
const GUARD: &str = r#"( "$0" "$@" </dev/null; kill -s KILL 0 ) & read -r gone; kill -s KILL 0"#;
const STARTS_WITHIN: Duration = Duration::from_secs(30);
/// Steps have limits of their own.
const COMMAND_LIMIT: Duration = Duration::from_secs(600);
/// How long the end of the processes is waited for.
const ENDS_WITHIN: Duration = Duration::from_secs(2);
const ADDRESS: &str = "DevTools listening on ";
/// Of what the browser says while it starts, the last lines tell why it did not.
const LINES_MAX: usize = 20;

/// It asks nobody but the pages' servers, and does not slow down tabs that nobody looks at.
const FLAGS: [&str; 23] = [
    "--remote-debugging-port=0",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--disable-features=Translate,OptimizationHints,MediaRouter,DialMediaRouteProvider,AutofillServerCommunication,\
     InterestFeedContentSuggestions,CertificateTransparencyComponentUpdater",
    "--metrics-recording-only",
    "--no-pings",
    "--password-store=basic",
    "--use-mock-keychain",
    "--mute-audio",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    // Containers have little of it.
    "--disable-dev-shm-usage",
];

impl Process {
    pub async fn start(path: &Path, settings: &BrowserSettings) -> Result<Self, BrowserError> {
        let faulty = |reason: String| BrowserError::NotStarted { path: path.to_owned(), reason };
        let began = Instant::now();
        let profile = TempDir::with_prefix(format!("{PROFILE_PREFIX}{}-", std::process::id())).map_err(|error| faulty(format!("its folder: {error}")))?;
        let size = (settings.width.unwrap_or(1280), settings.height.unwrap_or(720));
        let mut child = command(path, profile.path(), settings, size).spawn().map_err(|error| faulty(error.to_string()))?;
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let group = group.ok_or_else(|| faulty("it ended at once".to_owned()))?;
        // From here on whatever goes wrong ends the processes.
        let ending = Ending { group, profile: Some(profile) };
        let stderr = child.stderr.take().ok_or_else(|| faulty("it has no output".to_owned()))?;
        let mut lines = BufReader::new(stderr).lines();
        let address = tokio::time::timeout(STARTS_WITHIN, listening(&mut lines)).await;
        let address = address.map_err(|_| faulty(format!("it was not ready within {} s", STARTS_WITHIN.as_secs())))?;
        let address = address.map_err(|said| faulty(explained(&said)))?;
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let cdp = CDP::connect_ws(&address).await.map_err(|error| faulty(error.to_string()))?;
        cdp.set_command_timeout(COMMAND_LIMIT).map_err(|error| faulty(error.to_string()))?;
        tracing::debug!(path = %path.display(), took_ms = began.elapsed().as_millis() as u64, "a browser has started");
        let profile = ending.keep();
        Ok(Self { cdp, size, _child: child, group, profile })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        end(self.group, self.profile.take());
    }
}

/// Ends what has not become a `Process`.
struct Ending {
    group: Pid,
    profile: Option<TempDir>,
}

impl Ending {
    fn keep(mut self) -> Option<TempDir> {
        self.profile.take()
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(profile) = self.profile.take() {
            end(self.group, Some(profile));
        }
    }
}

/// The profile can be removed only once nobody writes to it.
fn end(group: Pid, profile: Option<TempDir>) {
    // It may have ended by itself.
    let _ = kill_process_group(group, Signal::KILL);
    let until = Instant::now() + ENDS_WITHIN;
    while Instant::now() < until && is_alive(group) {
        std::thread::sleep(Duration::from_millis(2));
    }
    if let Some(profile) = profile
        && let Err(error) = profile.close()
    {
        tracing::warn!(%error, "a browser's profile could not be removed");
    }
}

/// Whether any process of the group still runs. One that has ended and was not yet waited for does not.
fn is_alive(group: Pid) -> bool {
    if test_kill_process_group(group).is_err() {
        return false;
    }
    let Ok(processes) = std::fs::read_dir("/proc") else { return true };
    processes.flatten().any(|process| {
        let stat = std::fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        // After the name: state, parent, group. `proc_pid_stat(5)`.
        let fields = stat.rsplit_once(") ").map(|(_, fields)| fields.split(' ').collect::<Vec<_>>()).unwrap_or_default();
        let of_group = fields.get(2).is_some_and(|of| of.parse() == Ok(group.as_raw_nonzero().get()));
        of_group && !fields.first().is_some_and(|state| ["Z", "X"].contains(state))
    })
}

fn command(path: &Path, profile: &Path, settings: &BrowserSettings, size: (u32, u32)) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(GUARD).arg(path).args(FLAGS);
    command.arg(format!("--user-data-dir={}", profile.display()));
    command.arg(format!("--window-size={},{}", size.0, size.1));
    if settings.headless != Some(false) {
        command.arg("--headless");
    }
    // Its sandbox refuses to work for root; without it there need be no zygote, and it starts sooner.
    if geteuid().is_root() {
        command.args(["--no-sandbox", "--no-zygote"]);
    }
    let more = std::env::var(ARGUMENTS).unwrap_or_default();
    command.args(more.split_whitespace()).arg("about:blank");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    command
}

/// The address of its DevTools; or what it said instead.
async fn listening(lines: &mut Lines<BufReader<ChildStderr>>) -> Result<String, Vec<String>> {
    let mut said = Vec::new();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(address) = line.strip_prefix(ADDRESS) {
            return Ok(address.trim().to_owned());
        }
        if said.len() == LINES_MAX {
            said.remove(0);
        }
        said.push(line);
    }
    Err(said)
}

fn explained(said: &[String]) -> String {
    let all = said.join("\n");
    if all.contains("No usable sandbox") || all.contains("setuid_sandbox") {
        return format!(
            "its sandbox needs user namespaces, which this machine or container forbids; allow them, or set \
             {ARGUMENTS}=--no-sandbox if only pages of your own are opened"
        );
    }
    if all.contains("Missing X server") || all.contains("ozone_platform_x11") {
        return "there is no screen for it; take `headless: false` away".to_owned();
    }
    // Of the bus of the desktop, which a server has not, it complains always.
    let telling: Vec<&str> = said.iter().map(String::as_str).filter(|line| !line.contains("dbus")).collect();
    match telling.last() {
        Some(last) => format!("it says: {last}"),
        None => "it ended without a word".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(browser: &str, argument: &str) -> std::process::Child {
        use std::os::unix::process::CommandExt;
        let mut command = std::process::Command::new("/bin/sh");
        command.arg("-c").arg(GUARD).arg(browser).arg(argument).stdin(Stdio::piped()).process_group(0).spawn().unwrap()
    }

    #[test]
    fn when_we_are_gone_the_browser_goes() {
        let mut guard = guarded("/bin/sleep", "1000");
        let group = Pid::from_raw(guard.id().cast_signed()).unwrap();
        assert!(is_alive(group));
        // As the system does when we are killed.
        drop(guard.stdin.take());
        assert!(!guard.wait().unwrap().success());
        end(group, None);
        assert!(!is_alive(group));
    }

    #[test]
    fn when_the_browser_is_gone_its_guard_goes() {
        let mut guard = guarded("/bin/sleep", "0");
        assert!(!guard.wait().unwrap().success());
    }
}
