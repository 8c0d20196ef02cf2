//! What a document allows its faults to touch.

use std::path::{Path, PathBuf};

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::FaultError;

/// The targets that may be touched, and until when. What is not listed is refused.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Bounds {
    /// `host:port`, or `host` for all its ports: the upstreams and the interfaces of fault proxies. A name
    /// is compared as it is written. `localhost` also permits processor and memory pressure on the machine
    /// that runs the fault.
    pub hosts: Vec<String>,
    /// Fault proxies, by name.
    pub proxies: Vec<String>,
    /// Processes, by the exact name of their command.
    pub processes: Vec<String>,
    /// Folders that may be filled, with everything below them.
    pub folders: Vec<PathBuf>,
    /// Network devices, as `eth0`.
    pub devices: Vec<String>,
    /// Programs, as their first word is written.
    pub commands: Vec<String>,
    /// Every fault lifts at the latest now. None leaves it to the fault's own duration.
    pub deadline: Option<Timestamp>,
}

impl Bounds {
    pub fn permit_address(&self, address: &str) -> Result<(), FaultError> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        permit("the address", address, "hosts", self.hosts.iter().any(|listed| listed == address || listed == host))
    }

    pub fn permit_proxy(&self, name: &str) -> Result<(), FaultError> {
        permit("the fault proxy", name, "proxies", self.proxies.iter().any(|listed| listed == name))
    }

    pub fn permit_this_machine(&self) -> Result<(), FaultError> {
        permit("the machine", "localhost", "hosts", self.hosts.iter().any(|listed| listed == "localhost"))
    }

    pub fn permit_process(&self, command: &str) -> Result<(), FaultError> {
        permit("the process", command, "processes", self.processes.iter().any(|listed| listed == command))
    }

    /// `folder` is absolute, without `..` and symbolic links.
    pub fn permit_folder(&self, folder: &Path) -> Result<(), FaultError> {
        let within = |listed: &PathBuf| listed.canonicalize().is_ok_and(|listed| folder.starts_with(listed));
        permit("the folder", &folder.display().to_string(), "folders", self.folders.iter().any(within))
    }

    pub fn permit_device(&self, device: &str) -> Result<(), FaultError> {
        permit("the network device", device, "devices", self.devices.iter().any(|listed| listed == device))
    }

    pub fn permit_command(&self, program: &str) -> Result<(), FaultError> {
        permit("the program", program, "commands", self.commands.iter().any(|listed| listed == program))
    }
}

fn permit(what: &'static str, target: &str, list: &'static str, listed: bool) -> Result<(), FaultError> {
    if listed { Ok(()) } else { Err(FaultError::NotListed { what, target: target.to_owned(), list }) }
}
