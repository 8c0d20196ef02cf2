//! Names for a first folder, from what the repository says about itself.

use std::fs;
use std::path::Path;

use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    pub component: String,
    /// The group that owns it.
    pub owner: String,
    /// A member of that group.
    pub user: String,
}

impl Guess {
    /// From package files, then the git remote, then the folder's name.
    pub fn at(folder: &Path) -> Self {
        let remote = git_remote(folder);
        let component = package(folder)
            .or_else(|| remote.as_ref().map(|(_, repository)| repository.clone()))
            .or_else(|| folder.canonicalize().ok()?.file_name().map(|name| name.to_string_lossy().into_owned()))
            .and_then(|name| entity_name(&name))
            .unwrap_or_else(|| "my-service".to_owned());
        let owner = remote.and_then(|(owner, _)| entity_name(&owner)).unwrap_or_else(|| "my-team".to_owned());
        let user = ["USER", "USERNAME"].iter().find_map(|variable| std::env::var(variable).ok());
        let user = user.and_then(|user| entity_name(&user)).unwrap_or_else(|| "me".to_owned());
        Self { component, owner, user }
    }
}

fn package(folder: &Path) -> Option<String> {
    let cargo = || {
        let text = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
        let manifest: toml::Table = text.parse().ok()?;
        manifest.get("package")?.get("name")?.as_str().map(str::to_owned)
    };
    let node = || {
        let text = fs::read_to_string(folder.join("package.json")).ok()?;
        let manifest: Value = serde_json::from_str(&text).ok()?;
        // `@scope/name`
        manifest.get("name")?.as_str()?.rsplit('/').next().map(str::to_owned)
    };
    let python = || {
        let text = fs::read_to_string(folder.join("pyproject.toml")).ok()?;
        let manifest: toml::Table = text.parse().ok()?;
        manifest.get("project")?.get("name")?.as_str().map(str::to_owned)
    };
    let go = || {
        let text = fs::read_to_string(folder.join("go.mod")).ok()?;
        let module = text.lines().find_map(|line| line.strip_prefix("module "))?;
        module.trim().rsplit('/').next().map(str::to_owned)
    };
    cargo().or_else(node).or_else(python).or_else(go)
}

/// Owner and repository of the first remote: `git@host:owner/repository.git`, `https://host/owner/repository`.
fn git_remote(folder: &Path) -> Option<(String, String)> {
    let folder = folder.canonicalize().ok()?;
    let config = folder.ancestors().find_map(|folder| fs::read_to_string(folder.join(".git/config")).ok())?;
    let url = config.lines().find_map(|line| line.trim().strip_prefix("url")?.trim_start().strip_prefix('='))?;
    let path = url.trim().trim_end_matches('/').trim_end_matches(".git");
    let mut parts = path.rsplit(['/', ':']);
    let repository = parts.next()?.to_owned();
    Some((parts.next()?.to_owned(), repository))
}

/// The nearest name that the catalogue takes.
fn entity_name(text: &str) -> Option<String> {
    let clean: String = text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    let clean: String = clean.trim_matches(['-', '_', '.']).chars().take(63).collect();
    let clean = clean.trim_end_matches(['-', '_', '.']);
    kernel::entity::is_name(clean).then(|| clean.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_win_over_remotes_over_folders() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("My Shop!");
        fs::create_dir_all(folder.join(".git")).unwrap();
        assert_eq!(Guess::at(&folder).component, "my-shop");
        fs::write(folder.join(".git/config"), "[remote \"origin\"]\n\turl = git@example.com:Payments/orders-api.git\n").unwrap();
        let guess = Guess::at(&folder);
        assert_eq!((guess.component.as_str(), guess.owner.as_str()), ("orders-api", "payments"));
        fs::write(folder.join("package.json"), r#"{"name": "@payments/orders"}"#).unwrap();
        assert_eq!(Guess::at(&folder).component, "orders");
        fs::write(folder.join("Cargo.toml"), "[package]\nname = \"orders-rs\"\n").unwrap();
        assert_eq!(Guess::at(&folder).component, "orders-rs");
    }

    #[test]
    fn names_are_made_to_fit() {
        assert_eq!(entity_name("Ünder Score_"), Some("nder-score".to_owned()));
        assert_eq!(entity_name("--"), None);
        assert_eq!(entity_name(&"x".repeat(100)).map(|name| name.len()), Some(63));
    }
}
