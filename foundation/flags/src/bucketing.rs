//! Who falls on which side of a split. Each way has a name and never changes: a better one gets a new name.

use serde::Serialize;

/// How a text is turned into a share of everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Bucketing {
    /// flagd's first: `|murmur3 as i32| / i32::MAX`, compared as a float with the weights in per cent.
    #[serde(rename = "murmur3-v1")]
    Murmur3V1,
    /// flagd's present one: `murmur3 · total >> 32`, compared as an integer with the weights.
    #[serde(rename = "murmur3-v2")]
    Murmur3V2,
    /// Ours for AppConfig's `split`, whose own is not published: `murmur3 / 2³²` of the seed (the flag's key if
    /// there is none), a zero byte and the value, compared with the percentage.
    #[serde(rename = "murmur3-split-v1")]
    Murmur3SplitV1,
}

/// Between two parts of what is hashed, as neither contains it by accident.
const SEPARATOR: u8 = 0;

impl Bucketing {
    /// Those that a flagd definition may choose.
    pub const FLAGD: [Self; 2] = [Self::Murmur3V1, Self::Murmur3V2];

    pub fn name(self) -> &'static str {
        match self {
            Self::Murmur3V1 => "murmur3-v1",
            Self::Murmur3V2 => "murmur3-v2",
            Self::Murmur3SplitV1 => "murmur3-split-v1",
        }
    }

    pub(crate) fn of_flagd(name: &str) -> Option<Self> {
        Self::FLAGD.into_iter().find(|bucketing| bucketing.name() == name)
    }

    /// Which of the weighted parts a text falls into; none if all weights are 0.
    pub(crate) fn choose(self, text: &str, weights: &[u32]) -> Option<usize> {
        let hash = murmur3(text.as_bytes(), 0);
        let total: u64 = weights.iter().copied().map(u64::from).sum();
        if total == 0 {
            return None;
        }
        if self == Self::Murmur3V1 {
            return by_percentage(hash, total, weights);
        }
        let point = (u64::from(hash) * total) >> 32;
        let mut end = 0;
        weights.iter().position(|weight| {
            end += u64::from(*weight);
            point < end
        })
    }
}

fn by_percentage(hash: u32, total: u64, weights: &[u32]) -> Option<usize> {
    let point = f64::from(hash.cast_signed()).abs() / f64::from(i32::MAX) * 100.0;
    let mut end = 0.0;
    let part = weights.iter().position(|weight| {
        end += 100.0 * f64::from(*weight) / total as f64;
        point < end
    });
    // The largest hash reaches 100 %, and rounding may end short of it.
    part.or_else(|| weights.iter().rposition(|weight| *weight > 0))
}

/// Whether somebody is among this percentage of everybody, by [`Bucketing::Murmur3SplitV1`]. Whoever is in stays in
/// when the percentage grows.
pub fn is_among(percentage: f64, seed: &str, value: &str) -> bool {
    among(percentage, seed, &[std::borrow::Cow::Borrowed(value)])
}

/// As [`is_among`], for several values together.
pub(crate) fn among(percentage: f64, seed: &str, values: &[std::borrow::Cow<'_, str>]) -> bool {
    let mut hash = Murmur3::new(0);
    hash.write(seed.as_bytes());
    for value in values {
        hash.write(&[SEPARATOR]);
        hash.write(value.as_bytes());
    }
    f64::from(hash.finish()) / 4_294_967_296.0 * 100.0 < percentage
}

fn murmur3(bytes: &[u8], seed: u32) -> u32 {
    let mut hash = Murmur3::new(seed);
    hash.write(bytes);
    hash.finish()
}

/// MurmurHash3_x86_32, fed in pieces. Source: Austin Appleby, SMHasher.
struct Murmur3 {
    state: u32,
    /// What does not fill a block yet.
    rest: [u8; 4],
    rested: usize,
    length: u32,
}

impl Murmur3 {
    fn new(seed: u32) -> Self {
        Self { state: seed, rest: [0; 4], rested: 0, length: 0 }
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.rest[self.rested] = *byte;
            self.rested += 1;
            if self.rested == 4 {
                let block = scrambled(u32::from_le_bytes(self.rest));
                self.state = (self.state ^ block).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
                self.rest = [0; 4];
                self.rested = 0;
            }
        }
        self.length = self.length.wrapping_add(bytes.len() as u32);
    }

    fn finish(self) -> u32 {
        let mut hash = self.state;
        if self.rested > 0 {
            hash ^= scrambled(u32::from_le_bytes(self.rest));
        }
        hash ^= self.length;
        hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
        hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
        hash ^ (hash >> 16)
    }
}

fn scrambled(block: u32) -> u32 {
    block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn murmur3_is_murmur3() {
        // Published vectors of MurmurHash3_x86_32.
        for (text, seed, hash) in [
            ("", 0, 0),
            ("", 1, 0x514e_28b7),
            ("", 0xffff_ffff, 0x81f1_6f39),
            ("test", 0, 0xba6b_d213),
            ("test", 0x9747_b28c, 0x704b_81dc),
            ("Hello, world!", 0, 0xc036_3e43),
            ("Hello, world!", 0x9747_b28c, 0x2488_4cba),
            ("The quick brown fox jumps over the lazy dog", 0x9747_b28c, 0x2fa8_26cd),
        ] {
            assert_eq!(murmur3(text.as_bytes(), seed), hash, "{text} {seed:x}");
        }
    }

    #[test]
    fn parts_of_weight_nothing_are_never_chosen() {
        for bucketing in Bucketing::FLAGD {
            for index in 0..2000 {
                assert_eq!(bucketing.choose(&format!("user-{index}"), &[0, 3, 0]), Some(1));
            }
            assert_eq!(bucketing.choose("anybody", &[0, 0]), None);
        }
    }
}
