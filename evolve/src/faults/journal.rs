//! The undos on disk: what the next start needs if neither the server nor the guard is left to lift.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::FaultError;
use super::identity::Identity;
use super::undo::Undo;

const FOLDER: &str = "faults";

/// A fault that may have begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub id: String,
    pub fault: String,
    pub undo: Undo,
    pub deadline: Timestamp,
    /// The server that began it.
    pub server: Option<Identity>,
}

/// What [`repair`] found.
#[derive(Debug)]
pub struct Repaired {
    pub id: String,
    /// As the document writes it: `pause`, `network`.
    pub fault: String,
    /// None: it is lifted. Otherwise what was in the way; the next start tries again.
    pub problem: Option<String>,
}

/// Lifts what a server that was killed has left in this data folder. Faults of a server that runs are not
/// touched.
pub async fn repair(data: &Path) -> Result<Vec<Repaired>, FaultError> {
    let mut repaired = Vec::new();
    for path in files(data) {
        let Some(entry) = read(&path)? else { continue };
        let other = entry.server.as_ref().filter(|server| Some(*server) != Identity::own().as_ref());
        if other.is_some_and(Identity::is_alive) {
            continue;
        }
        let problem = entry.undo.lift().await.err();
        match &problem {
            None => remove(&path),
            Some(problem) => tracing::error!(fault = entry.fault, problem, "a fault that was left could not be lifted"),
        }
        repaired.push(Repaired { id: entry.id, fault: entry.fault, problem });
    }
    Ok(repaired)
}

/// On disk when this returns.
pub(super) fn write(data: &Path, entry: &Entry) -> Result<PathBuf, FaultError> {
    let folder = data.join(FOLDER);
    let path = folder.join(format!("{}.json", entry.id));
    let written = || -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let part = path.with_extension("part");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        file.write_all(&serde_json::to_vec(entry)?)?;
        file.sync_all()?;
        fs::rename(&part, &path)?;
        File::open(&folder)?.sync_all()
    };
    written().map_err(|source| FaultError::File { path: path.clone(), source })?;
    // Another process reads it from another folder.
    std::path::absolute(&path).map_err(|source| FaultError::File { path, source })
}

/// None for what is not an undo of ours, and is left alone.
fn read(path: &Path) -> Result<Option<Entry>, FaultError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        // The guard was quicker.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(FaultError::File { path: path.to_owned(), source }),
    };
    match serde_json::from_slice(&bytes) {
        Ok(entry) => Ok(Some(entry)),
        Err(error) => {
            tracing::error!(path = %path.display(), %error, "not a fault that can be lifted");
            Ok(None)
        }
    }
}

pub(super) fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "the record of a lifted fault could not be removed; it is lifted once more");
        }
        _ => {}
    }
}

fn files(data: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(data.join(FOLDER)).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect();
    files.sort();
    files
}
