//! Master keys in a file that nobody else may read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use super::local::{self, Local};
use super::KeyError;

/// Far more keys than anybody keeps.
const FILE_BYTES_MAX: u64 = 64 * 1024;
const OWNER_ONLY: u32 = 0o600;
const OTHERS: u32 = 0o077;

/// Makes the file with a first key where it may and must.
pub fn read(path: &Path, may_create: bool) -> Result<Vec<Local>, KeyError> {
    match File::open(path) {
        Ok(file) => parse(file, path),
        Err(error) if error.kind() == io::ErrorKind::NotFound && may_create => create(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(KeyError::Gone { path: path.to_owned() }),
        Err(error) => Err(unusable(path)(error)),
    }
}

/// A new key before the others. Whoever reads meanwhile sees the old file or the new one.
pub fn prepend(path: &Path) -> Result<(), KeyError> {
    let old = read(path, false)?;
    let new = Local::random()?;
    let mut text = Zeroizing::new(String::new());
    for key in [&new].into_iter().chain(&old) {
        text.push_str(&key.line());
        text.push('\n');
    }
    let beside = path.with_extension("new");
    // One that a crash left behind was never in use.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(path)(error)),
        _ => {}
    }
    write(&beside, &text).and_then(|()| fs::rename(&beside, path)).and_then(|()| sync_folder(path)).map_err(unusable(path))
}

fn create(path: &Path) -> Result<Vec<Local>, KeyError> {
    let key = Local::random()?;
    let mut text = key.line();
    text.push('\n');
    // Whole before it has its name: another server may be about to read it.
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    let linked = write(&beside, &text).and_then(|()| fs::hard_link(&beside, path));
    let removed = fs::remove_file(&beside);
    match linked {
        // Another was quicker; its key is the key.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return read(path, false),
        other => other.and(removed).and_then(|()| sync_folder(path)).map_err(unusable(path))?,
    }
    tracing::info!(file = %path.display(), "made a master key; keep a copy of it: without it no secret can be opened");
    read(path, false)
}

fn parse(mut file: File, path: &Path) -> Result<Vec<Local>, KeyError> {
    let metadata = file.metadata().map_err(unusable(path))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(KeyError::Mode { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    if metadata.len() > FILE_BYTES_MAX || file.read_to_string(&mut text).is_err() {
        return Err(KeyError::Malformed { place: path.display().to_string() });
    }
    local::parse(&text, &path.display().to_string())
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn unusable(path: &Path) -> impl Fn(io::Error) -> KeyError + '_ {
    |source| KeyError::File { path: path.to_owned(), source }
}
