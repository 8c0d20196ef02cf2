//! The files of post-mortems, below the root of the workload's repository.

use std::fs;
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use ledger::Incident;
use sha2::{Digest, Sha256};

use super::PostmortemError;

#[derive(Debug, Clone)]
pub struct Repository {
    root: PathBuf,
}

impl Repository {
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Fails unless there is no such file, or it is exactly the last draft.
    pub fn check_replaceable(&self, path: &str, drafted_digest: Option<&str>) -> Result<(), PostmortemError> {
        let full = self.resolve(path)?;
        if !full.try_exists().map_err(|source| failed(path, source))? {
            return Ok(());
        }
        let unchanged = drafted_digest.is_some_and(|drafted| self.read(path).is_ok_and(|text| digest(&text) == drafted));
        if unchanged { Ok(()) } else { Err(PostmortemError::Edited { path: path.to_owned() }) }
    }

    /// Whole or not at all: written beside, then put in its place.
    pub fn write(&self, path: &str, text: &str) -> Result<(), PostmortemError> {
        let full = self.resolve(path)?;
        let folder = full.parent().unwrap_or(&self.root);
        let write = || {
            fs::create_dir_all(folder)?;
            let mut file = tempfile::Builder::new().prefix(".draft-").permissions(readable()).tempfile_in(folder)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&full).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|source| failed(path, source))
    }

    pub fn read(&self, path: &str) -> Result<String, PostmortemError> {
        fs::read_to_string(self.resolve(path)?).map_err(|source| failed(path, source))
    }

    /// The file's place on disk; never outside of the repository.
    pub fn resolve(&self, path: &str) -> Result<PathBuf, PostmortemError> {
        let below = Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if below { Ok(self.root.join(path)) } else { Err(PostmortemError::Outside { path: path.to_owned() }) }
    }
}

/// `2026-11-21-inc-1-orders-errors`
pub fn stem(incident: &Incident) -> String {
    let day = incident.opened_at.strftime("%Y-%m-%d");
    let title = slug(&incident.title);
    let id = incident.id.to_string().to_lowercase();
    if title.is_empty() { format!("{day}-{id}") } else { format!("{day}-{id}-{title}") }
}

/// `ops/postmortems/x.md` → `x`
pub fn stem_of(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.strip_suffix(".md").unwrap_or(file).to_owned()
}

pub fn folder_of(path: &str) -> String {
    path.rsplit_once('/').map(|(folder, _)| folder.to_owned()).unwrap_or_default()
}

pub fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{}/{name}", folder.trim_end_matches('/')) }
}

pub fn digest(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Lower-case words joined by `-`, at most 50 characters.
fn slug(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut slug = String::new();
    for word in words {
        if slug.len() + word.len() >= 50 {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word.to_lowercase());
    }
    slug
}

/// Temporary files are private by default; these are for the whole team.
fn readable() -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o644)
}

fn failed(path: &str, source: std::io::Error) -> PostmortemError {
    PostmortemError::File { path: path.to_owned(), source }
}
