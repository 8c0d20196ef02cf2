//! Samples of one series, packed.
//!
//! Times are differences of differences; values that are decimals with up to six places are scaled
//! to integers and stored as differences, all others as XOR with their predecessor, split into byte
//! planes. Everything stays byte-aligned, so that the page compression of the files squeezes what
//! series have in common: the times of one scrape cost next to nothing.

use telemetry::ports::Sample;

use super::varint::{self, Reader};

/// A sealed run of samples, in order of time, each time once.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    pub first_ms: i64,
    pub last_ms: i64,
    pub samples: u32,
    pub times: Vec<u8>,
    pub values: Vec<u8>,
}

/// More samples than a chunk can claim to have.
const SAMPLES_MAX: u32 = 1 << 20;
const DECIMAL_PLACES_MAX: u8 = 6;
const PLANES: u8 = 255;
/// Beyond this a float no longer holds every integer.
const EXACT: f64 = 9e15;

impl Chunk {
    /// Packs samples in order of time. None for no samples.
    pub fn pack(samples: &[Sample]) -> Option<Self> {
        let (first, last) = (samples.first()?, samples.last()?);
        let mut times = Vec::with_capacity(16);
        let mut values = Vec::with_capacity(samples.len() + 16);
        pack_times(samples, &mut times);
        pack_values(samples, &mut values);
        Some(Self { first_ms: first.time_ms, last_ms: last.time_ms, samples: samples.len() as u32, times, values })
    }

    pub fn bytes(&self) -> usize {
        self.times.len() + self.values.len()
    }

    /// Appends the samples to `out`; `None` if the bytes are damaged.
    pub fn unpack(&self, out: &mut Vec<Sample>) -> Option<()> {
        unpack(self.samples, &self.times, &self.values, out)
    }
}

/// As [`Chunk::unpack`], over borrowed bytes.
pub fn unpack(samples: u32, times: &[u8], values: &[u8], out: &mut Vec<Sample>) -> Option<()> {
    if samples == 0 || samples > SAMPLES_MAX {
        return None;
    }
    let from = out.len();
    out.reserve(samples as usize);
    let unpacked = unpack_times(samples as usize, times, out).and_then(|()| unpack_values(values, &mut out[from..]));
    if unpacked.is_none() {
        out.truncate(from);
    }
    unpacked
}

fn pack_times(samples: &[Sample], out: &mut Vec<u8>) {
    varint::put_signed(out, samples[0].time_ms);
    let mut before = 0;
    let mut runs = Runs::default();
    for pair in samples.windows(2) {
        let step = pair[1].time_ms.wrapping_sub(pair[0].time_ms);
        runs.push(out, step.wrapping_sub(before));
        before = step;
    }
    runs.finish(out);
}

fn unpack_times(count: usize, bytes: &[u8], out: &mut Vec<Sample>) -> Option<()> {
    let mut reader = Reader::new(bytes);
    let mut time_ms = reader.signed()?;
    let mut step = 0i64;
    out.push(Sample { time_ms, value: 0.0 });
    expand(&mut reader, count - 1, |change| {
        step = step.wrapping_add(change);
        time_ms = time_ms.wrapping_add(step);
        out.push(Sample { time_ms, value: 0.0 });
    })
}

fn pack_values(samples: &[Sample], out: &mut Vec<u8>) {
    let Some((places, first)) = decimals(samples) else { return pack_planes(samples, out) };
    let scale = 10f64.powi(i32::from(places));
    out.push(places);
    varint::put_signed(out, first);
    let mut runs = Runs::default();
    let mut before = first;
    for sample in &samples[1..] {
        let scaled = (sample.value * scale).round() as i64;
        runs.push(out, scaled - before);
        before = scaled;
    }
    runs.finish(out);
}

/// The places after the point that all values have, with the first value scaled; none if some value
/// would not come back bit for bit.
fn decimals(samples: &[Sample]) -> Option<(u8, i64)> {
    let mut places = 0;
    let mut scale = 1.0;
    for sample in samples {
        while !is_exact(sample.value, scale) {
            places += 1;
            scale *= 10.0;
            if places > DECIMAL_PLACES_MAX {
                return None;
            }
        }
    }
    // A wider scale can break a value that a narrower one held.
    let all = places == 0 || samples.iter().all(|sample| is_exact(sample.value, scale));
    all.then(|| (places, (samples[0].value * scale).round() as i64))
}

fn is_exact(value: f64, scale: f64) -> bool {
    let scaled = (value * scale).round();
    scaled.abs() <= EXACT && (scaled as i64 as f64 / scale).to_bits() == value.to_bits()
}

fn pack_planes(samples: &[Sample], out: &mut Vec<u8>) {
    out.push(PLANES);
    let at = out.len();
    let count = samples.len();
    out.resize(at + 8 * count, 0);
    let planes = &mut out[at..];
    let mut before = 0;
    for (i, sample) in samples.iter().enumerate() {
        let bits = sample.value.to_bits();
        for (plane, byte) in (bits ^ before).to_be_bytes().into_iter().enumerate() {
            planes[plane * count + i] = byte;
        }
        before = bits;
    }
}

fn unpack_values(bytes: &[u8], out: &mut [Sample]) -> Option<()> {
    let mut reader = Reader::new(bytes);
    let places = reader.byte()?;
    if places == PLANES {
        return unpack_planes(&mut reader, out);
    }
    if places > DECIMAL_PLACES_MAX {
        return None;
    }
    let scale = 10f64.powi(i32::from(places));
    let mut scaled = reader.signed()?;
    let (first, rest) = out.split_first_mut()?;
    first.value = scaled as f64 / scale;
    let count = rest.len();
    let mut rest = rest.iter_mut();
    expand(&mut reader, count, |change| {
        scaled = scaled.wrapping_add(change);
        if let Some(sample) = rest.next() {
            sample.value = scaled as f64 / scale;
        }
    })
}

fn unpack_planes(reader: &mut Reader, out: &mut [Sample]) -> Option<()> {
    let count = out.len();
    let planes = reader.slice(count.checked_mul(8)?)?;
    let mut before = 0;
    for (i, sample) in out.iter_mut().enumerate() {
        let mut bytes = [0; 8];
        for (plane, byte) in bytes.iter_mut().enumerate() {
            *byte = planes[plane * count + i];
        }
        before ^= u64::from_be_bytes(bytes);
        sample.value = f64::from_bits(before);
    }
    Some(())
}

/// Numbers, mostly zeros: a zero is followed by how many of them there are.
#[derive(Default)]
struct Runs {
    zeros: u64,
}

impl Runs {
    fn push(&mut self, out: &mut Vec<u8>, value: i64) {
        if value == 0 {
            self.zeros += 1;
            return;
        }
        self.finish(out);
        varint::put_signed(out, value);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.zeros > 0 {
            out.push(0);
            varint::put(out, self.zeros);
            self.zeros = 0;
        }
    }
}

/// Hands `count` numbers of [`Runs`] to `each`; `None` if there are not exactly as many.
fn expand(reader: &mut Reader, count: usize, mut each: impl FnMut(i64)) -> Option<()> {
    let mut left = count as u64;
    while left > 0 {
        let value = reader.signed()?;
        let times = if value == 0 { reader.unsigned()? } else { 1 };
        left = left.checked_sub(times)?;
        (0..times).for_each(|_| each(value));
    }
    reader.is_empty().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use telemetry::ports::STALE_NAN_BITS;

    fn round_trip(samples: &[Sample]) -> Chunk {
        let chunk = Chunk::pack(samples).unwrap();
        let mut back = Vec::new();
        chunk.unpack(&mut back).unwrap();
        let bits = |samples: &[Sample]| samples.iter().map(|s| (s.time_ms, s.value.to_bits())).collect::<Vec<_>>();
        assert_eq!(bits(&back), bits(samples));
        chunk
    }

    fn every_15_s(values: impl IntoIterator<Item = f64>) -> Vec<Sample> {
        (0..).zip(values).map(|(i, value)| Sample { time_ms: 1_790_000_000_000 + i * 15_000, value }).collect()
    }

    #[test]
    fn a_constant_series_takes_a_few_bytes() {
        assert!(round_trip(&every_15_s(vec![42.0; 120])).bytes() < 20);
    }

    #[test]
    fn a_counter_takes_one_or_two_bytes_a_sample() {
        let chunk = round_trip(&every_15_s((0..120).map(|i| f64::from(i * i))));
        assert!(chunk.bytes() < 260, "{}", chunk.bytes());
    }

    #[test]
    fn special_values_come_back_bit_for_bit() {
        let special = [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::from_bits(STALE_NAN_BITS), 1e300, 5e-324, 0.1];
        round_trip(&every_15_s(special));
    }

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![any::<f64>(), (-1_000_000i64..1_000_000).prop_map(|i| i as f64 / 100.0), (0..50i64).prop_map(|i| i as f64)]
    }

    proptest! {
        #[test]
        fn any_samples_come_back(mut samples in prop::collection::btree_map(any::<i64>(), value(), 1..300)) {
            let samples: Vec<_> = std::mem::take(&mut samples).into_iter().map(|(time_ms, value)| Sample { time_ms, value }).collect();
            round_trip(&samples);
        }

        #[test]
        fn damaged_bytes_never_panic(samples in any::<u32>(), times in any::<Vec<u8>>(), values in any::<Vec<u8>>()) {
            let _ = unpack(samples % 5_000, &times, &values, &mut Vec::new());
        }
    }
}
