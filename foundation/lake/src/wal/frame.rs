//! One frame: what a sender handed over in one request, with the means to tell whether it is whole.
//!
//! ```text
//! magic u32 · length u32 · crc32 u32 · kind u8 · payload
//! ```
//!
//! All integers are little-endian. The checksum covers length, kind and payload, and starts from the
//! segment's random salt: a payload that quotes a whole frame cannot pass for one when a reader
//! looks for the next whole frame behind a damage.

const MAGIC: [u8; 4] = *b"\xf7MSw";
pub const HEADER_BYTES: usize = 13;

/// Larger frames are refused when written, so that a damaged length cannot ask for the machine's memory.
pub const PAYLOAD_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub length: usize,
    pub crc: u32,
    pub kind: u8,
}

pub fn encode(out: &mut Vec<u8>, salt: u32, kind: u8, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("the writer refuses payloads beyond PAYLOAD_BYTES_MAX");
    out.reserve(HEADER_BYTES + payload.len());
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&checksum(salt, length, kind, payload).to_le_bytes());
    out.push(kind);
    out.extend_from_slice(payload);
}

/// The header at the start of `bytes`, if one can stand there.
pub fn header(bytes: &[u8; HEADER_BYTES]) -> Option<Header> {
    let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let length = word(4) as usize;
    (bytes[..4] == MAGIC && length <= PAYLOAD_BYTES_MAX).then_some(Header { length, crc: word(8), kind: bytes[12] })
}

pub fn is_whole(header: Header, salt: u32, payload: &[u8]) -> bool {
    let Ok(length) = u32::try_from(payload.len()) else { return false };
    header.length == payload.len() && header.crc == checksum(salt, length, header.kind, payload)
}

fn checksum(salt: u32, length: u32, kind: u8, payload: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new_with_initial(salt);
    crc.update(&length.to_le_bytes());
    crc.update(&[kind]);
    crc.update(payload);
    crc.finalize()
}
