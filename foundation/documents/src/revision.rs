//! The commit that a folder stands at, read from git's own files.
//!
//! Source: git, "gitrepository-layout" and "git-pack-refs". Repositories whose references lie in another
//! store (reftable) have no revision here.

use std::fs;
use std::path::{Path, PathBuf};

/// The commit id in hex, if the folder is in a git repository with at least one commit.
pub fn of(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let git = folder.ancestors().find_map(git_dir)?;
    let head = fs::read_to_string(git.join("HEAD")).ok()?;
    let Some(reference) = head.trim().strip_prefix("ref: ") else { return commit(&head) };
    // A linked worktree has its own HEAD; branches lie with the main one.
    let common = fs::read_to_string(git.join("commondir")).map_or_else(|_| git.clone(), |path| git.join(path.trim()));
    let loose = |dir: &Path| commit(&fs::read_to_string(dir.join(reference)).ok()?);
    loose(&git).or_else(|| loose(&common)).or_else(|| packed(&common, reference))
}

fn git_dir(folder: &Path) -> Option<PathBuf> {
    let git = folder.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let link = fs::read_to_string(&git).ok()?;
    Some(folder.join(link.trim().strip_prefix("gitdir: ")?))
}

fn packed(common: &Path, reference: &str) -> Option<String> {
    let text = fs::read_to_string(common.join("packed-refs")).ok()?;
    let line = text.lines().find(|line| line.split_once(' ').is_some_and(|(_, name)| name == reference))?;
    commit(line.split_once(' ')?.0)
}

/// SHA-1 or SHA-256.
fn commit(text: &str) -> Option<String> {
    let text = text.trim();
    let is_id = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "0123456789012345678901234567890123456789";

    #[test]
    fn reads_loose_packed_and_detached() {
        let dir = tempfile::tempdir().unwrap();
        let ops = dir.path().join("ops");
        fs::create_dir_all(dir.path().join(".git/refs/heads")).unwrap();
        fs::create_dir_all(&ops).unwrap();
        let write = |path: &str, text: &str| fs::write(dir.path().join(".git").join(path), text).unwrap();
        write("HEAD", "ref: refs/heads/main\n");
        assert_eq!(of(&ops), None);
        write("packed-refs", &format!("# pack-refs\n{A} refs/heads/main\n"));
        assert_eq!(of(&ops).as_deref(), Some(A));
        let b = A.replace('0', "f");
        write("refs/heads/main", &format!("{b}\n"));
        assert_eq!(of(&ops), Some(b));
        write("HEAD", A);
        assert_eq!(of(&ops).as_deref(), Some(A));
    }
}
