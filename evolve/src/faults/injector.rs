//! Begins faults and lifts them.

use std::path::PathBuf;

use super::{Bounds, FaultError, FaultSpec};

/// How faults begin in this process. Cheap to clone; one for each data folder.
#[derive(Debug, Clone)]
pub struct Injector {
    settings: std::sync::Arc<Settings>,
}

/// What an injector needs of the program around it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The undos of faults that have begun are kept here.
    pub data: PathBuf,
    /// The program that runs as the guard, with its arguments: one whose `main` calls the guard's.
    pub guard: Vec<std::ffi::OsString>,
}

/// A fault that has begun. Dropping it lifts it too, without saying how that went.
#[derive(Debug)]
pub struct Active {
    fault: &'static str,
}

impl Injector {
    pub fn new(settings: Settings) -> Self {
        Self { settings: std::sync::Arc::new(settings) }
    }

    /// Checks the targets, keeps the undo, then begins.
    pub async fn begin(&self, spec: &FaultSpec, bounds: &Bounds) -> Result<Active, FaultError> {
        let _ = (&self.settings, bounds);
        Err(FaultError::NotPermitted { fault: spec.name(), message: "this fault is not built in yet".to_owned() })
    }
}

impl Active {
    pub fn fault(&self) -> &'static str {
        self.fault
    }

    /// Undoes the fault, and says whether that worked. The undo is kept on disk if not.
    pub async fn lift(self) -> Result<(), FaultError> {
        Ok(())
    }
}
