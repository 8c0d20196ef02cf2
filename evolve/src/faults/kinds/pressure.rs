//! `cpu`, `memory`, `disk`: a child of the guard uses up what the machine has, within limits, and gives it
//! back when it ends.

use std::fs;

use super::{Begin, Prepared};
use crate::faults::guard::Burn;
use crate::faults::{Bounds, CpuFault, DiskFault, FaultError, MemoryFault};

/// More busy threads than this on each core say nothing new.
const MOST_WORKERS_PER_CORE: usize = 8;

pub fn cpu(written: &CpuFault, bounds: &Bounds) -> Result<Prepared, FaultError> {
    bounds.permit_this_machine()?;
    let invalid = |message| Err(FaultError::Invalid { fault: "cpu", message });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let most = cores * MOST_WORKERS_PER_CORE;
    if written.workers == 0 || written.workers as usize > most {
        return invalid(format!("`workers` has to be between 1 and {most} on this machine of {cores} cores"));
    }
    if !(1..=100).contains(&written.load_percent) {
        return invalid("`loadPercent` has to be between 1 and 100".to_owned());
    }
    Ok(burns(Burn::Cpu { workers: written.workers, load_percent: written.load_percent }))
}

pub fn memory(written: &MemoryFault, bounds: &Bounds) -> Result<Prepared, FaultError> {
    bounds.permit_this_machine()?;
    let MemoryFault { bytes, max_share_percent, .. } = *written;
    if !(1..=95).contains(&max_share_percent) {
        return Err(FaultError::Invalid { fault: "memory", message: "`maxSharePercent` has to be between 1 and 95".to_owned() });
    }
    let Some(available) = available_memory_bytes() else {
        return Err(FaultError::NotPermitted { fault: "memory", message: "this system does not tell how much memory is available".to_owned() });
    };
    let most = available / 100 * u64::from(max_share_percent);
    if bytes == 0 || bytes > most {
        let message = format!("`bytes` is {bytes}, and has to be between 1 and {most}: {max_share_percent} % of what is available now");
        return Err(FaultError::Invalid { fault: "memory", message });
    }
    Ok(burns(Burn::Memory { bytes }))
}

pub fn disk(written: &DiskFault, bounds: &Bounds) -> Result<Prepared, FaultError> {
    let folder = written.folder.canonicalize().map_err(|source| FaultError::File { path: written.folder.clone(), source })?;
    bounds.permit_folder(&folder)?;
    let free = free_bytes(&folder).map_err(|error| FaultError::File { path: folder.clone(), source: error.into() })?;
    let most = free.saturating_sub(written.keep_free_bytes);
    if written.bytes == 0 || written.bytes > most {
        let message = format!(
            "`bytes` is {}, and has to be between 1 and {most}: {free} are free in {}, and {} stay free",
            written.bytes,
            folder.display(),
            written.keep_free_bytes
        );
        return Err(FaultError::Invalid { fault: "disk", message });
    }
    Ok(burns(Burn::Disk { folder, bytes: written.bytes, keep_free_bytes: written.keep_free_bytes }))
}

/// Of the machine, or of the group that this process is limited to.
fn available_memory_bytes() -> Option<u64> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let machine = line.split_whitespace().next()?.parse::<u64>().ok()? * 1024;
    Some(group_memory_bytes().map_or(machine, |group| group.min(machine)))
}

/// `cgroups(7)`, version 2. None where there is no limit.
fn group_memory_bytes() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let number = |file: &str| fs::read_to_string(format!("/sys/fs/cgroup{group}/{file}")).ok()?.trim().parse::<u64>().ok();
    Some(number("memory.max")?.saturating_sub(number("memory.current")?))
}

pub fn free_bytes(folder: &std::path::Path) -> Result<u64, rustix::io::Errno> {
    let system = rustix::fs::statvfs(folder)?;
    Ok(system.f_bavail.saturating_mul(system.f_frsize))
}

fn burns(burn: Burn) -> Prepared {
    Prepared { undo: None, begin: Begin::Burn(burn) }
}
