//! The dead man's switch: a process beside the server that holds the undos, and lifts everything when the
//! server ends, however it ends, or when a deadline passes.
//!
//! It is the same program with a hidden subcommand, whose `main` calls [`run`]. Its standard input is a pipe
//! from the server: its end is the server's end. It leads a session of its own, so that what ends the
//! server's group does not end it. Whatever burns the machine's resources is a child of the guard and ends
//! with it.

mod burn;
mod child;
mod client;

use std::path::PathBuf;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::undo::Undo;

pub use child::run;
pub(super) use client::Guard;

/// What a child of the guard does for as long as a fault lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum Burn {
    Cpu { workers: u32, load_percent: u8 },
    Memory { bytes: u64 },
    Disk { folder: PathBuf, bytes: u64, keep_free_bytes: u64 },
    /// A program that begins a fault and ends by itself.
    Command { program: Vec<String>, timeout_ms: u64 },
}

/// What the server asks of the guard: one line of JSON each.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Order {
    /// Keep this undo until it is asked for, the deadline passes or the server ends. `record` is the file
    /// to remove once it is lifted.
    Hold { id: String, undo: Option<Undo>, record: Option<PathBuf>, deadline: Timestamp },
    /// Of a fault that is held: begin it.
    Burn { id: String, burn: Burn },
    Lift { id: String },
}

/// What the guard answers, and what it says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Report {
    /// It leads its own session, and listens.
    Ready,
    Held { id: String },
    Burning { id: String },
    /// The fault did not begin.
    NotBurning { id: String, message: String },
    /// Also when the deadline was the cause.
    Lifted { id: String },
    NotLifted { id: String, message: String },
}

impl Report {
    fn id(&self) -> Option<&str> {
        match self {
            Self::Ready => None,
            Self::Held { id } | Self::Burning { id } | Self::NotBurning { id, .. } | Self::Lifted { id } | Self::NotLifted { id, .. } => Some(id),
        }
    }
}
