//! The shares, the versions that were added and the backends that drain, on disk before they are acknowledged.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::ProxyError;
use crate::shares::Shares;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State {
    pub shares: Shares,
    /// All of them. Those of the configuration are taken from there.
    #[serde(default)]
    pub versions: BTreeMap<String, Vec<String>>,
    /// URLs by version.
    #[serde(default)]
    pub draining: BTreeMap<String, Vec<String>>,
}

/// None if there is no file yet.
pub(crate) fn read(path: &Path) -> Result<Option<State>, ProxyError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ProxyError::State { path: path.to_owned(), source }),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| ProxyError::StateContent { path: path.to_owned(), reason: error.to_string() })
}

/// Either the old or the new content is there whenever the process or the machine stops.
pub(crate) fn write(path: &Path, state: &State) -> Result<(), ProxyError> {
    let failed = |source| ProxyError::State { path: path.to_owned(), source };
    let bytes = serde_json::to_vec_pretty(state).map_err(|error| failed(error.into()))?;
    let beside = beside(path);
    let mut file = File::create(&beside).map_err(failed)?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_written_and_says_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shares.json");
        assert_eq!(read(&path).unwrap(), None);
        let state = State { shares: Shares { old: Some("1".into()), new: "2".into(), weight: 12.5 }, versions: [("1".into(), vec!["http://a:1".into()])].into(), draining: BTreeMap::new() };
        write(&path, &state).unwrap();
        assert_eq!(read(&path).unwrap(), Some(state));
        std::fs::write(&path, "{").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("mend it"));
    }
}
