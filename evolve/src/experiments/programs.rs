//! Where a program lies.

use std::path::{Path, PathBuf};

use super::settings::Settings;

/// A path as it is, below the folder of the settings; a name looked up in PATH. `~` is the home folder.
pub fn find(name: &str, settings: &Settings) -> Option<PathBuf> {
    let name = match name.strip_prefix("~/") {
        Some(below) => format!("{}/{below}", settings.variable("HOME")?),
        None => name.to_owned(),
    };
    if name.contains('/') {
        return Some(settings.path(&name)).filter(|path| is_program(path));
    }
    let path = settings.variable("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(&name)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
