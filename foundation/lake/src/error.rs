//! What can go wrong with the lake as a whole.

use std::io;
use std::path::PathBuf;

use kernel::{Classified, Kind};

use crate::files::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    #[error("another process uses the data folder {}; stop it, or give this one another folder", folder.display())]
    Locked { folder: PathBuf },
    #[error("the data folder {} cannot be used", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error("the lake's manifest cannot be read: {reason}")]
    Manifest { reason: String },
    #[error("the lake's store failed")]
    Store(#[from] StoreError),
    #[error("the lake's files could not be written")]
    Write(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Classified for LakeError {
    fn kind(&self) -> Kind {
        match self {
            Self::Locked { .. } => Kind::Conflict,
            _ => Kind::Internal,
        }
    }
}
