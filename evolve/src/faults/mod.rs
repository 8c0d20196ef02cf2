//! Faults behind one port: what a chaos experiment does to a system, and how it is undone.
//!
//! A fault begins only against a target that its document lists ([`Bounds`]), and every fault has an undo
//! that is on disk and in the hands of a guard process before the fault begins. So it lifts when the
//! experiment says so, when its time is over, and when the server or the guard is killed; [`repair`] lifts
//! at the next start what the death of both has left.

mod bounds;
mod error;
pub mod guard;
mod identity;
mod injector;
mod journal;
mod kinds;
pub mod proxy;
mod spec;
mod undo;

#[cfg(test)]
mod tests;

pub use bounds::Bounds;
pub use error::FaultError;
pub use injector::{Active, Ended, Injector, Settings};
pub use journal::{Repaired, repair};
pub use spec::{
    CommandFault, CpuFault, DiskFault, FaultSpec, MemoryFault, NetworkFault, ProcessFault, ProcessTarget, ProxyFault,
};
