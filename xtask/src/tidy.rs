//! What no compiler checks. Each rule says why it is there.

use std::fs;
use std::path::Path;

use crate::run::{self, Outcome};

/// Who may depend on whom. Arrows point down only, and no stage names another stage or the lake:
/// that is what lets stages be built, tested and understood alone.
const ARROWS: [(&str, &[&str]); 15] = [
    ("foundation/kernel", &[]),
    ("foundation/flags", &[]),
    ("foundation/documents", &["kernel", "flags"]),
    ("foundation/ledger", &["kernel"]),
    ("foundation/telemetry", &["kernel"]),
    ("foundation/lake", &["kernel", "telemetry"]),
    ("foundation/proxy", &["kernel"]),
    ("foundation/scenario", &["kernel", "documents"]),
    ("organize", &["kernel", "documents", "ledger", "telemetry"]),
    ("prepare", &["kernel", "flags", "documents", "ledger", "telemetry", "scenario"]),
    ("operate", &["kernel", "documents", "ledger", "telemetry"]),
    ("evolve", &["kernel", "documents", "ledger", "telemetry"]),
    ("surface/wire", &["kernel", "documents", "ledger", "telemetry"]),
    ("surface/server", &["kernel", "flags", "documents", "ledger", "telemetry", "organize", "prepare", "operate", "evolve", "wire"]),
    ("app", &["kernel", "documents", "ledger", "telemetry", "lake", "proxy", "scenario", "organize", "prepare", "operate", "evolve", "wire", "server"]),
];

const ROOMS: [&str; 14] =
    ["kernel", "flags", "documents", "ledger", "telemetry", "lake", "proxy", "scenario", "organize", "prepare", "operate", "evolve", "wire", "server"];

/// Beyond this a file has more than one subject.
const LINES_MAX: usize = 600;

/// Left behind by unfinished work.
const LEFTOVERS: [&str; 4] = ["TODO", "FIXME", "XXX:", "dbg!("];

pub fn check() -> Outcome {
    let root = run::root();
    let mut faults = Vec::new();
    for (room, allowed) in ARROWS {
        arrows(&root, room, allowed, &mut faults);
    }
    for folder in ["foundation", "organize", "prepare", "operate", "evolve", "surface", "app", "examples", "tests", "bench", "ui/src"] {
        sources(&root.join(folder), &mut faults);
    }
    if faults.is_empty() { Ok(()) } else { Err(format!("untidy:\n  {}", faults.join("\n  "))) }
}

fn arrows(root: &Path, room: &str, allowed: &[&str], faults: &mut Vec<String>) {
    let manifest = fs::read_to_string(root.join(room).join("Cargo.toml")).unwrap_or_default();
    // Tests may reach further than the code: a stage's tests may use a real lake.
    let (_, dependencies) = manifest.split_once("[dependencies]").unwrap_or_default();
    let dependencies = dependencies.split("\n[").next().unwrap_or_default();
    for line in dependencies.lines() {
        let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
        if ROOMS.contains(&name) && !allowed.contains(&name) {
            faults.push(format!("{room}/Cargo.toml: {room} must not know {name}"));
        }
    }
}

fn sources(folder: &Path, faults: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            sources(&path, faults);
        } else if [".rs", ".ts", ".svelte", ".py"].iter().any(|ending| name.ends_with(ending)) && name != "schema.d.ts" {
            source(&path, faults);
        }
    }
}

fn source(path: &Path, faults: &mut Vec<String>) {
    let Ok(text) = fs::read_to_string(path) else { return };
    let lines = text.lines().count();
    if lines > LINES_MAX {
        faults.push(format!("{}: {lines} lines; a file has one subject", path.display()));
    }
    for (number, line) in text.lines().enumerate() {
        for leftover in LEFTOVERS.iter().filter(|leftover| line.contains(**leftover)) {
            faults.push(format!("{}:{}: {leftover}", path.display(), number + 1));
        }
    }
}
