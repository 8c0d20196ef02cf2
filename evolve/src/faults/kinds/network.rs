//! `network`: delay and loss of what leaves through a device, by `tc netem` (`tc-netem(8)`).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::process::Command;
use tokio::time::timeout;

use super::{Begin, Prepared};
use crate::faults::undo::Undo;
use crate::faults::{Bounds, FaultError, NetworkFault};

const FAULT: &str = "network";
const LIMIT: Duration = Duration::from_secs(5);
/// Ours are told apart by their handle from what an administrator has set up.
const HANDLE: &str = "4d53:";
/// Packets under way; the default of 1000 would lose packets on a fast line.
const UNDER_WAY: &str = "100000";
/// `capabilities(7)`.
const CAP_NET_ADMIN: u32 = 12;

#[derive(Debug)]
pub struct Spoil {
    device: Device,
    netem: Vec<String>,
}

/// Removes our netem from the device, if it is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clear {
    device: Device,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Device {
    tc: PathBuf,
    name: String,
    namespace: Option<String>,
}

pub async fn prepare(written: &NetworkFault, bounds: &Bounds) -> Result<Prepared, FaultError> {
    bounds.permit_device(&written.device)?;
    let netem = netem(written)?;
    let tc = tc()?;
    if !may_administer() {
        let message = "it needs the capability CAP_NET_ADMIN; run the server, or a runner on that machine, with it".to_owned();
        return Err(FaultError::NotPermitted { fault: FAULT, message });
    }
    let device = Device { tc, name: written.device.clone(), namespace: written.namespace.clone() };
    let shown = device.shown().await.map_err(|message| FaultError::NotFound { fault: FAULT, message })?;
    if let Some(other) = shown.lines().find(|line| line.contains(" root ") && !line.contains(" 0: ")) {
        let message = format!("{} has a queueing discipline already, which stays as it is: {}", device.name, other.trim());
        return Err(FaultError::NotPermitted { fault: FAULT, message });
    }
    let undo = Some(Undo::Network(Clear { device: device.clone() }));
    Ok(Prepared { undo, begin: Begin::Network(Spoil { device, netem }) })
}

impl Spoil {
    pub async fn begin(&self) -> Result<(), FaultError> {
        let netem = self.netem.iter().map(String::as_str);
        let words: Vec<&str> = ["qdisc", "add", "dev", &self.device.name, "root", "handle", HANDLE, "netem"].into_iter().chain(netem).collect();
        self.device.tc(&words).await.map(drop).map_err(|message| match message.contains("qdisc kind is unknown") {
            true => {
                let message = format!("this kernel has no netem; load its module sch_netem, or take one that has it (tc says: {message})");
                FaultError::NotPermitted { fault: FAULT, message }
            }
            false => FaultError::Failed { fault: FAULT, message },
        })
    }
}

impl Clear {
    pub async fn lift(&self) -> Result<(), String> {
        let shown = match self.device.shown().await {
            Ok(shown) => shown,
            // With the device its delay is gone.
            Err(message) if message.contains("Cannot find device") || message.contains("Cannot open network namespace") => return Ok(()),
            Err(message) => return Err(message),
        };
        if !shown.lines().any(|line| line.contains(&format!("netem {HANDLE} root"))) {
            return Ok(());
        }
        self.device.tc(&["qdisc", "del", "dev", &self.device.name, "root", "handle", HANDLE]).await.map(drop)
    }
}

impl Device {
    async fn shown(&self) -> Result<String, String> {
        self.tc(&["qdisc", "show", "dev", &self.name]).await
    }

    /// Its output, or what it complained of.
    async fn tc(&self, words: &[&str]) -> Result<String, String> {
        let mut command = Command::new(&self.tc);
        if let Some(namespace) = &self.namespace {
            command.args(["-n", namespace]);
        }
        command.args(words).stdin(Stdio::null()).kill_on_drop(true);
        let output = timeout(LIMIT, command.output()).await.map_err(|_| "tc does not answer".to_owned())?;
        let output = output.map_err(|error| format!("tc cannot be started: {error}"))?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        }
    }
}

fn netem(written: &NetworkFault) -> Result<Vec<String>, FaultError> {
    let NetworkFault { delay_ms, jitter_ms, loss_percent, .. } = written;
    let wrong = |message: &str| Err(FaultError::Invalid { fault: FAULT, message: message.to_owned() });
    if !(0.0..=100.0).contains(loss_percent) {
        return wrong("`lossPercent` has to be between 0 and 100");
    }
    if *jitter_ms > 0 && *delay_ms == 0 {
        return wrong("`jitterMs` is the jitter of a delay: give `delayMs` too");
    }
    if *delay_ms == 0 && *loss_percent == 0.0 {
        return wrong("give `delayMs` or `lossPercent`");
    }
    let mut words = vec!["limit".to_owned(), UNDER_WAY.to_owned()];
    if *delay_ms > 0 {
        words.extend(["delay".to_owned(), format!("{delay_ms}ms"), format!("{jitter_ms}ms")]);
    }
    if *loss_percent > 0.0 {
        words.extend(["loss".to_owned(), format!("{loss_percent}%")]);
    }
    Ok(words)
}

fn tc() -> Result<PathBuf, FaultError> {
    // A server's search path often leaves out where administrators' programs are.
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&folders).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join("tc")).find(|path| is_program(path)).ok_or_else(|| FaultError::NotPermitted {
        fault: FAULT,
        message: "the program `tc` is not installed; it is in the package iproute2".to_owned(),
    })
}

fn is_program(path: &Path) -> bool {
    path.is_file() && path.file_name() == Some(OsStr::new("tc"))
}

fn may_administer() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap_or_default();
    u64::from_str_radix(effective.trim(), 16).is_ok_and(|bits| bits & (1 << CAP_NET_ADMIN) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(delay_ms: u32, jitter_ms: u32, loss_percent: f32) -> NetworkFault {
        NetworkFault { device: "eth0".to_owned(), delay_ms, jitter_ms, loss_percent, namespace: None, duration: None }
    }

    #[test]
    fn as_tc_reads_it() {
        assert_eq!(netem(&fault(100, 10, 2.5)).unwrap().join(" "), "limit 100000 delay 100ms 10ms loss 2.5%");
        assert_eq!(netem(&fault(0, 0, 5.0)).unwrap().join(" "), "limit 100000 loss 5%");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [fault(0, 0, 0.0), fault(0, 5, 1.0), fault(0, 0, 101.0), fault(0, 0, f32::NAN)] {
            assert!(netem(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn a_fault_begins_and_is_cleared_once() {
        let folder = tempfile::tempdir().unwrap();
        let tc = folder.path().join("tc");
        // Stands in for a machine whose kernel has netem: keeps what is set in a file.
        let script = "#!/bin/sh\nset -- \"$@\" end\nfile=$(dirname \"$0\")/set\ncase \"$2\" in\nadd) echo \"qdisc netem 4d53: root refcnt 2 $*\" > $file;;\ndel) rm $file; echo del >> $file.log;;\nshow) cat $file 2>/dev/null || echo 'qdisc noqueue 0: root refcnt 2';;\nesac\n";
        std::fs::write(&tc, script).unwrap();
        std::fs::set_permissions(&tc, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let device = Device { tc, name: "eth0".to_owned(), namespace: None };
        let spoil = Spoil { device: device.clone(), netem: netem(&fault(100, 10, 0.0)).unwrap() };
        spoil.begin().await.unwrap();
        assert!(device.shown().await.unwrap().contains("delay 100ms 10ms"));
        let undo = Clear { device: device.clone() };
        undo.lift().await.unwrap();
        undo.lift().await.unwrap();
        assert!(device.shown().await.unwrap().contains("noqueue"));
        assert_eq!(std::fs::read_to_string(folder.path().join("set.log")).unwrap(), "del\n");
    }
}
