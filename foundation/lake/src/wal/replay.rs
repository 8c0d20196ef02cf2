//! Reading a log back: every frame that is provably whole, in order, one at a time.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use super::frame::{self, HEADER_BYTES};
use super::segment;

/// A stretch of a segment that holds no whole frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    pub segment: u64,
    pub offset: u64,
    pub bytes: u64,
    /// At the end of a segment: most likely a write that a crash cut short, which nobody was
    /// promised. It has been cut off.
    pub torn_tail: bool,
}

/// Hands each whole frame of one segment to `each`. Damage is skipped and reported; a torn tail is
/// cut off, so that it is reported once.
pub fn replay(folder: &Path, number: u64, mut each: impl FnMut(u8, Vec<u8>)) -> io::Result<Vec<Damage>> {
    let path = segment::path(folder, number);
    let length = fs::metadata(&path)?.len();
    let mut file = BufReader::with_capacity(1 << 18, File::open(&path)?);
    let damage = |offset: u64, bytes: u64, torn_tail: bool| Damage { segment: number, offset, bytes, torn_tail };

    let mut head = [0; segment::HEADER_BYTES];
    let whole_head = read_all(&mut file, &mut head)?;
    let Some(salt) = segment::salt(&head).filter(|_| whole_head) else {
        // Without its salt no frame of the segment can be proven whole.
        return Ok(if length == 0 { vec![] } else { vec![damage(0, length, false)] });
    };

    let mut damages = Vec::new();
    let mut offset = segment::HEADER_BYTES as u64;
    while offset < length {
        match frame_at(&mut file, offset, length, salt)? {
            Some((kind, payload)) => {
                offset += (HEADER_BYTES + payload.len()) as u64;
                each(kind, payload);
            }
            None => {
                let next = next_frame(&mut file, offset + 1, length, salt)?;
                let end = next.unwrap_or(length);
                damages.push(damage(offset, end - offset, next.is_none()));
                if next.is_none() {
                    let file = OpenOptions::new().write(true).open(&path)?;
                    file.set_len(offset)?;
                    file.sync_all()?;
                }
                offset = end;
                file.seek(SeekFrom::Start(offset))?;
            }
        }
    }
    Ok(damages)
}

/// The frame at the reader's position, if a whole one stands there.
fn frame_at(file: &mut BufReader<File>, offset: u64, length: u64, salt: u32) -> io::Result<Option<(u8, Vec<u8>)>> {
    let mut head = [0; HEADER_BYTES];
    if !read_all(file, &mut head)? {
        return Ok(None);
    }
    let Some(header) = frame::header(&head) else { return Ok(None) };
    if offset + (HEADER_BYTES + header.length) as u64 > length {
        return Ok(None);
    }
    let mut payload = vec![0; header.length];
    let whole = read_all(file, &mut payload)? && frame::is_whole(header, salt, &payload);
    Ok(whole.then_some((header.kind, payload)))
}

/// Where the next whole frame begins, at or behind `from`. Leaves the reader anywhere.
fn next_frame(file: &mut BufReader<File>, from: u64, length: u64, salt: u32) -> io::Result<Option<u64>> {
    file.seek(SeekFrom::Start(from))?;
    let mut rest = Vec::with_capacity((length - from) as usize);
    file.take(length - from).read_to_end(&mut rest)?;
    for at in 0..rest.len().saturating_sub(HEADER_BYTES - 1) {
        let Some(Ok(head)) = rest.get(at..at + HEADER_BYTES).map(<&[u8; HEADER_BYTES]>::try_from) else { break };
        let Some(header) = frame::header(head) else { continue };
        let payload = rest.get(at + HEADER_BYTES..at + HEADER_BYTES + header.length);
        if payload.is_some_and(|payload| frame::is_whole(header, salt, payload)) {
            return Ok(Some(from + at as u64));
        }
    }
    Ok(None)
}

/// Whether the buffer could be filled.
fn read_all(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
