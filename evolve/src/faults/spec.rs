//! How a fault is written in a document.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::proxy::Toxic;

/// One fault: `fault: cpu` and the fields of that kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "camelCase")]
pub enum FaultSpec {
    /// Toxics on the connections through a fault proxy.
    Proxy(ProxyFault),
    /// Asks a process to end (SIGTERM).
    Stop(ProcessFault),
    /// Freezes a process (SIGSTOP) until the fault lifts (SIGCONT).
    Pause(ProcessFault),
    /// Ends a process at once (SIGKILL).
    Kill(ProcessFault),
    Cpu(CpuFault),
    Memory(MemoryFault),
    Disk(DiskFault),
    Network(NetworkFault),
    Command(CommandFault),
}

/// Toxics on a proxy: one that exists, by `proxy`; or one that lives as long as the fault, by `listen` and
/// `upstream`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ProxyFault {
    /// The name of a proxy.
    pub proxy: Option<String>,
    /// `host:port`.
    pub listen: Option<String>,
    /// `host:port`.
    pub upstream: Option<String>,
    /// Where the proxy runs: the address of a Toxiproxy API, as `http://127.0.0.1:8474`. None is this
    /// process.
    pub api: Option<String>,
    pub toxics: Vec<Toxic>,
    /// Refuses all connections.
    pub down: bool,
    #[serde(with = "duration")]
    pub duration: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessFault {
    pub process: ProcessTarget,
    /// Starts the process again when a `stop` or `kill` lifts: a program and its arguments. None leaves that to
    /// whatever looks after the process.
    #[serde(default)]
    pub restart: Vec<String>,
    #[serde(default, with = "duration")]
    pub duration: Option<Duration>,
}

/// Which process: `pidFile`, `pid`, or `command` with `owner`. Its command must be listed, however it is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all_fields = "camelCase", untagged, try_from = "WrittenTarget")]
pub enum ProcessTarget {
    PidFile { pid_file: PathBuf },
    Pid { pid: i32 },
    /// The exact name of the command, as `/proc/PID/comm` has it, and the name or number of the user who
    /// owns it. All processes of that name and owner are meant.
    Command { command: String, owner: String },
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct WrittenTarget {
    pid_file: Option<PathBuf>,
    pid: Option<i32>,
    command: Option<String>,
    owner: Option<String>,
}

impl TryFrom<WrittenTarget> for ProcessTarget {
    type Error = &'static str;

    fn try_from(written: WrittenTarget) -> Result<Self, Self::Error> {
        match written {
            WrittenTarget { pid_file: Some(pid_file), pid: None, command: None, owner: None } => Ok(Self::PidFile { pid_file }),
            WrittenTarget { pid_file: None, pid: Some(pid), command: None, owner: None } => Ok(Self::Pid { pid }),
            WrittenTarget { pid_file: None, pid: None, command: Some(command), owner: Some(owner) } => Ok(Self::Command { command, owner }),
            WrittenTarget { command: Some(_), owner: None, .. } => Err("a process by `command` needs its `owner`, so that no other user's is meant"),
            _ => Err("name a process by one of `pidFile`, `pid`, or `command` with `owner`"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CpuFault {
    /// Busy threads.
    pub workers: u32,
    /// Of one core, for each worker.
    #[serde(default = "full_load")]
    pub load_percent: u8,
    #[serde(default, with = "duration")]
    pub duration: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MemoryFault {
    pub bytes: u64,
    /// Refused where `bytes` is more than this share of what is available.
    #[serde(default = "largest_memory_share")]
    pub max_share_percent: u8,
    #[serde(default, with = "duration")]
    pub duration: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DiskFault {
    pub folder: PathBuf,
    pub bytes: u64,
    /// Refused where less than this would be left free.
    #[serde(default = "smallest_free_bytes")]
    pub keep_free_bytes: u64,
    #[serde(default, with = "duration")]
    pub duration: Option<Duration>,
}

/// `tc netem` at the root of a device: what leaves through it is delayed, lost or both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkFault {
    pub device: String,
    #[serde(default)]
    pub delay_ms: u32,
    #[serde(default)]
    pub jitter_ms: u32,
    #[serde(default)]
    pub loss_percent: f32,
    /// A named network namespace, as `ip netns` lists them.
    #[serde(default)]
    pub namespace: Option<String>,
    #[serde(default, with = "duration")]
    pub duration: Option<Duration>,
}

/// A program that begins the fault, and one that undoes it; each a program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommandFault {
    pub begin: Vec<String>,
    pub undo: Vec<String>,
    /// For each of the two.
    #[serde(default, with = "duration")]
    pub timeout: Option<Duration>,
    #[serde(default, with = "duration")]
    pub duration: Option<Duration>,
}

impl FaultSpec {
    /// As it is written in the document.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Proxy(_) => "proxy",
            Self::Stop(_) => "stop",
            Self::Pause(_) => "pause",
            Self::Kill(_) => "kill",
            Self::Cpu(_) => "cpu",
            Self::Memory(_) => "memory",
            Self::Disk(_) => "disk",
            Self::Network(_) => "network",
            Self::Command(_) => "command",
        }
    }

    /// After which it lifts by itself.
    pub fn duration(&self) -> Option<Duration> {
        match self {
            Self::Proxy(fault) => fault.duration,
            Self::Stop(fault) | Self::Pause(fault) | Self::Kill(fault) => fault.duration,
            Self::Cpu(fault) => fault.duration,
            Self::Memory(fault) => fault.duration,
            Self::Disk(fault) => fault.duration,
            Self::Network(fault) => fault.duration,
            Self::Command(fault) => fault.duration,
        }
    }
}

fn full_load() -> u8 {
    100
}

fn largest_memory_share() -> u8 {
    80
}

fn smallest_free_bytes() -> u64 {
    1 << 30
}

/// `30s`, as everywhere in the documents.
mod duration {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        duration.map(kernel::format_duration).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| kernel::parse_duration(&text)).transpose().map_err(serde::de::Error::custom)
    }
}
