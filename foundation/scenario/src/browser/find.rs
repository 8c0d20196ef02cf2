//! Where Chromium is.

use std::path::{Path, PathBuf};

use super::error::BrowserError;

const VARIABLE: &str = "MAINSTAY_CHROMIUM";
const NAMES: [&str; 7] = [
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless_shell", "microsoft-edge",
];
/// Where it stands on a Mac, which puts no programs of applications on the path.
const ELSEWHERE: [&str; 2] = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/// What `MAINSTAY_CHROMIUM` names; without it, the first of the usual names on the path.
pub(super) fn chromium() -> Result<PathBuf, BrowserError> {
    let named = std::env::var_os(VARIABLE).filter(|path| !path.is_empty());
    let folders: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    within(named.as_deref().map(Path::new), &folders)
}

fn within(named: Option<&Path>, folders: &[PathBuf]) -> Result<PathBuf, BrowserError> {
    if let Some(named) = named {
        let found = [named.to_owned()].into_iter().chain(folders.iter().map(|folder| folder.join(named)));
        let looked = || format!("{VARIABLE} is {}, which is no program", named.display());
        return found.into_iter().find(|path| is_program(path)).ok_or_else(|| BrowserError::NotFound { looked: looked() });
    }
    let usual = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let found = usual.chain(ELSEWHERE.map(PathBuf::from)).find(|path| is_program(path));
    found.ok_or_else(|| BrowserError::NotFound { looked: format!("none of {} is on the path", NAMES.join(", ")) })
}

fn is_program(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok() && path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_counts_before_the_path() {
        let shell = Path::new("/bin/sh");
        assert_eq!(within(Some(shell), &[]).as_deref(), Ok(shell));
        assert_eq!(within(Some(Path::new("sh")), &["/bin".into()]), Ok(PathBuf::from("/bin/sh")));
        let missing = within(Some(Path::new("/nowhere/chromium")), &["/usr/bin".into()]).unwrap_err();
        assert!(missing.to_string().contains("MAINSTAY_CHROMIUM is /nowhere/chromium, which is no program"), "{missing}");
    }

    #[test]
    fn without_any_the_error_says_what_to_do() {
        let error = within(None, &["/nowhere".into()]);
        // A Mac may have it elsewhere.
        if let Err(error) = error {
            assert!(error.to_string().ends_with("set MAINSTAY_CHROMIUM to its path"), "{error}");
        }
    }
}
