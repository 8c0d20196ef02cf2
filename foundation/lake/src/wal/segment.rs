//! A segment: one file of frames. Segments are numbered without gaps in time, never reopened for
//! writing, and deleted when everything in them is in the lake's files.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const MAGIC: [u8; 8] = *b"MSTYWAL1";
pub const HEADER_BYTES: usize = 12;

/// A segment open for appending.
#[derive(Debug)]
pub struct Segment {
    pub salt: u32,
    pub file: File,
}

impl Segment {
    /// Creates the file so that it, and its name, survive a power cut.
    pub fn create(folder: &Path, number: u64) -> io::Result<Self> {
        let salt = std::hash::RandomState::new().build_hasher().finish() as u32;
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(path(folder, number))?;
        file.write_all(&MAGIC)?;
        file.write_all(&salt.to_le_bytes())?;
        file.sync_all()?;
        sync_folder(folder)?;
        Ok(Self { salt, file })
    }
}

/// The salt, if these are the first bytes of a segment.
pub fn salt(header: &[u8; HEADER_BYTES]) -> Option<u32> {
    let (magic, salt) = header.split_at(MAGIC.len());
    (magic == MAGIC).then(|| u32::from_le_bytes([salt[0], salt[1], salt[2], salt[3]]))
}

pub fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:012}.wal"))
}

/// The numbers of the segments in a folder, in order.
pub fn list(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".wal")).and_then(|stem| stem.parse::<u64>().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
