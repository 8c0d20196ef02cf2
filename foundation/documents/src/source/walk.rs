//! The files below a folder that may hold documents.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

/// No document that a person writes is larger; a larger file is only looked at to see whether it was meant as one.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A file found, by its path below the root with `/` between the parts.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    pub path: String,
    pub file: PathBuf,
}

/// Regular files in order of their paths, and what could not be looked into. Hidden files and those that
/// `.gitignore` names are left out; links are not followed.
pub fn files(root: &Path) -> (Vec<Found>, Vec<ignore::Error>) {
    let mut found = Vec::new();
    let mut faults = Vec::new();
    for entry in WalkBuilder::new(root).require_git(false).follow_links(false).build() {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                found.push(Found { path: below(root, entry.path()), file: entry.into_path() });
            }
            Ok(_) => {}
            Err(error) => faults.push(error),
        }
    }
    found.sort();
    (found, faults)
}

/// What a file holds.
#[derive(Debug)]
pub enum Text {
    Whole(String),
    /// The beginning of a file past the limit.
    Beginning(String),
    /// Not text.
    Binary,
}

pub fn read(file: &Path) -> std::io::Result<Text> {
    let mut bytes = Vec::new();
    File::open(file)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.contains(&0) {
        return Ok(Text::Binary);
    }
    if bytes.len() as u64 > FILE_BYTES_MAX {
        bytes.truncate(64 * 1024);
        return Ok(Text::Beginning(String::from_utf8_lossy(&bytes).into_owned()));
    }
    Ok(String::from_utf8(bytes).map_or(Text::Binary, |text| Text::Whole(without_mark(text))))
}

/// A byte order mark is not part of the text.
fn without_mark(text: String) -> String {
    text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)
}

fn below(root: &Path, file: &Path) -> String {
    let path = file.strip_prefix(root).unwrap_or(file);
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}
