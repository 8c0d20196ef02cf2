//! The page: its packages, its build, its own tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::run::{self, Outcome};

/// Builds the page, unless the last build is newer than everything it is made of.
pub fn build() -> Outcome {
    let ui = run::root().join("ui");
    packages(&ui)?;
    let built = modified(&ui.join("dist/index.html"));
    let mut sources = vec![run::root().join("surface/server/openapi.json")];
    for name in ["src", "static", "package-lock.json", "svelte.config.js", "vite.config.ts", "tsconfig.json"] {
        files(&ui.join(name), &mut sources);
    }
    if built.is_some() && sources.iter().all(|source| modified(source) <= built) {
        return Ok(());
    }
    npm(&ui, &["run", "api"])?;
    npm(&ui, &["run", "build"])
}

pub fn test() -> Outcome {
    let ui = run::root().join("ui");
    npm(&ui, &["run", "check"])?;
    npm(&ui, &["test"])
}

/// Installs exactly what the lock file says, once for each change of it.
pub fn packages(folder: &Path) -> Outcome {
    let lock = folder.join("package-lock.json");
    let installed = folder.join("node_modules/.package-lock.json");
    if modified(&installed) >= modified(&lock) && installed.is_file() {
        return Ok(());
    }
    if run::find("npm").is_none() {
        return Err("npm is missing: install Node.js 20 or newer".to_owned());
    }
    npm(folder, &["ci", "--no-audit", "--no-fund"])
}

fn npm(ui: &Path, arguments: &[&str]) -> Outcome {
    let mut command = run::command("npm", arguments);
    command.current_dir(ui);
    run::wait(command)
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn files(path: &Path, found: &mut Vec<PathBuf>) {
    match fs::read_dir(path) {
        Ok(entries) => entries.flatten().for_each(|entry| files(&entry.path(), found)),
        Err(_) => found.push(path.to_owned()),
    }
}
