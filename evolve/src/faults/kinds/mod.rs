//! One file for each fault: what it checks, how it begins, what undoes it.

pub(super) mod command;
pub(super) mod network;
pub(super) mod pressure;
pub(super) mod process;
pub(super) mod proxy;

use super::guard::Burn;
use super::undo::Undo;
use super::{Bounds, FaultError, FaultSpec};

/// A fault whose targets have been checked, and nothing been touched.
#[derive(Debug)]
pub(super) struct Prepared {
    /// None where nothing is left behind, or where the end of the guard undoes it.
    pub undo: Option<Undo>,
    pub begin: Begin,
}

#[derive(Debug)]
pub(super) enum Begin {
    Signal(process::SendSignal),
    Network(network::Spoil),
    /// By a child of the guard, as long as that lives.
    Burn(Burn),
    Proxy(proxy::Spoil),
}

/// `id` is the fault's own.
pub(super) async fn prepare(id: &str, spec: &FaultSpec, bounds: &Bounds) -> Result<Prepared, FaultError> {
    match spec {
        FaultSpec::Proxy(fault) => proxy::prepare(id, fault, bounds),
        FaultSpec::Stop(fault) => process::prepare("stop", process::How::Stop, fault, bounds),
        FaultSpec::Pause(fault) => process::prepare("pause", process::How::Pause, fault, bounds),
        FaultSpec::Kill(fault) => process::prepare("kill", process::How::Kill, fault, bounds),
        FaultSpec::Cpu(fault) => pressure::cpu(fault, bounds),
        FaultSpec::Memory(fault) => pressure::memory(fault, bounds),
        FaultSpec::Disk(fault) => pressure::disk(fault, bounds),
        FaultSpec::Network(fault) => network::prepare(fault, bounds).await,
        FaultSpec::Command(fault) => command::prepare(fault, bounds),
    }
}
