//! What tests and benchmarks need beyond Rust and Node: found, installed, or named with the way to get it.

use std::fs;
use std::path::PathBuf;

use crate::page;
use crate::run::{self, Outcome};

/// A Chromium for the browser tests.
pub fn chromium() -> Outcome<PathBuf> {
    if let Some(path) = std::env::var_os("MAINSTAY_CHROMIUM") {
        return Ok(path.into());
    }
    let find = || ["chromium", "chromium-browser", "google-chrome"].iter().find_map(|name| run::find(name));
    debian_package("chromium", find, "install Chromium, or set MAINSTAY_CHROMIUM to its path")
}

/// PostgreSQL's server programs, which the ledger's tests start themselves.
pub fn postgres() -> Outcome<PathBuf> {
    let find = || {
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        versions.map(|version| version.path().join("bin/initdb")).find(|path| path.is_file()).or_else(|| run::find("initdb"))
    };
    if std::env::var_os("MAINSTAY_TEST_POSTGRES_URL").is_some() {
        return Ok(PathBuf::new());
    }
    debian_package("postgresql", find, "install PostgreSQL's server, or set MAINSTAY_TEST_POSTGRES_URL")
}

/// nginx, as a router that is not ours.
pub fn nginx() -> Outcome<PathBuf> {
    let find = || run::find("nginx").or_else(|| Some(PathBuf::from("/usr/sbin/nginx")).filter(|path| path.is_file()));
    debian_package("nginx-light", find, "install nginx")
}

/// Prometheus, to be measured beside us.
pub fn prometheus() -> Outcome<PathBuf> {
    debian_package("prometheus", || run::find("prometheus"), "install Prometheus")
}

/// A Python with the packages that the tests use as clients, in a virtual environment below `target/`.
pub fn python() -> Outcome<PathBuf> {
    let requirements = run::root().join("tests/python/requirements.txt");
    let wanted = fs::read_to_string(&requirements).map_err(|error| format!("{}: {error}", requirements.display()))?;
    let folder = run::root().join("target/python");
    let stamp = folder.join("requirements.txt");
    let python = folder.join("bin/python");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    if run::find("python3").is_none() {
        return Err("python3 is missing: install Python 3.9 or newer".to_owned());
    }
    run::wait(run::command("python3", ["-m".as_ref(), "venv".as_ref(), folder.as_os_str()]))
        .map_err(|error| format!("{error}; on Debian, install the package python3-venv"))?;
    run::wait(run::command(&python, ["-m".as_ref(), "pip".as_ref(), "install".as_ref(), "--quiet".as_ref(), "-r".as_ref(), requirements.as_os_str()]))?;
    fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok(python)
}

/// The packages from npm that the tests use as clients, below `target/`.
pub fn node_modules() -> Outcome<PathBuf> {
    let folder = run::root().join("target/node");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for name in ["package.json", "package-lock.json"] {
        let (from, to) = (run::root().join("tests/node").join(name), folder.join(name));
        let wanted = fs::read(&from).map_err(|error| format!("{}: {error}", from.display()))?;
        // Left alone if it is the same, as its age decides whether packages are installed again.
        if fs::read(&to).ok() != Some(wanted.clone()) {
            fs::write(&to, wanted).map_err(|error| format!("{}: {error}", to.display()))?;
        }
    }
    page::packages(&folder)?;
    Ok(folder.join("node_modules"))
}

/// Finds a program, or installs its Debian package where that is allowed, or says how to get it.
fn debian_package(package: &str, find: impl Fn() -> Option<PathBuf>, otherwise: &str) -> Outcome<PathBuf> {
    if let Some(path) = find() {
        return Ok(path);
    }
    if run::find("apt-get").is_some() && is_root() {
        run::wait(run::command("apt-get", ["update", "--quiet"]))?;
        let mut install = run::command("apt-get", ["install", "--yes", "--quiet", "--no-install-recommends", package]);
        install.env("DEBIAN_FRONTEND", "noninteractive");
        run::wait(install)?;
    }
    find().ok_or_else(|| format!("{package} is missing: {otherwise}"))
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}
