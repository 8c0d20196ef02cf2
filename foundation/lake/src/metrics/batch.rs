//! Samples on their way into the lake: what one export or one recording brings, in one piece of
//! memory, and the bytes that say the same in the write-ahead log.
//!
//! The log keeps translated samples, not OTLP: a replay is then quick, and gives the same series
//! whatever the translation remembered. A frame is self-contained, so that one damaged frame costs
//! no other; each string is in it once.

use std::hash::{BuildHasher, Hasher};
use std::ops::Range;

use ahash::AHashMap;
use telemetry::ports::{Metadata, Sample, Series};

use super::varint::{self, Reader};

/// The version of the frame's layout.
const VERSION: u8 = 1;

#[derive(Debug, Default, Clone, PartialEq)]
pub struct SampleBatch {
    text: String,
    labels: Vec<(Slice, Slice)>,
    series: Vec<Entry>,
    samples: Vec<Sample>,
    pub metadata: Vec<Metadata>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Slice {
    start: u32,
    end: u32,
}

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    hash: u64,
    labels: Range<usize>,
    samples: Range<usize>,
}

/// One series of a batch.
#[derive(Debug, Clone, Copy)]
pub struct SeriesView<'a> {
    batch: &'a SampleBatch,
    entry: &'a Entry,
}

impl SampleBatch {
    pub fn from_series(series: &[Series]) -> Self {
        let mut batch = Self::default();
        for series in series {
            batch.push(series.labels.iter(), series.samples.iter().copied());
        }
        batch
    }

    /// Adds samples of a series; its labels in order of name.
    pub fn push<'l>(&mut self, labels: impl Iterator<Item = (&'l str, &'l str)>, samples: impl IntoIterator<Item = Sample>) {
        let mut hasher = hasher();
        let (first_label, first_sample) = (self.labels.len(), self.samples.len());
        for (name, value) in labels {
            hash_label(&mut hasher, name, value);
            let label = (self.push_text(name), self.push_text(value));
            self.labels.push(label);
        }
        self.samples.extend(samples);
        let (labels, samples) = (first_label..self.labels.len(), first_sample..self.samples.len());
        self.series.push(Entry { hash: hasher.finish(), labels, samples });
    }

    /// Drops the samples that `keep` refuses; says how many.
    pub fn retain(&mut self, keep: impl Fn(&Sample) -> bool) -> u64 {
        if self.samples.iter().all(&keep) {
            return 0;
        }
        let before = self.samples.len();
        let mut kept = Vec::with_capacity(before);
        for entry in &mut self.series {
            let from = kept.len();
            kept.extend(self.samples[entry.samples.clone()].iter().filter(|sample| keep(sample)));
            entry.samples = from..kept.len();
        }
        self.samples = kept;
        (before - self.samples.len()) as u64
    }

    pub fn is_empty(&self) -> bool {
        self.samples.is_empty() && self.metadata.is_empty()
    }

    pub fn samples(&self) -> usize {
        self.samples.len()
    }

    pub fn series(&self) -> impl Iterator<Item = SeriesView<'_>> {
        self.series.iter().filter(|entry| !entry.samples.is_empty()).map(|entry| SeriesView { batch: self, entry })
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut strings = Strings::default();
        let mut body = Vec::with_capacity(self.samples.len() * 12 + self.labels.len() * 2);
        varint::put(&mut body, self.series().count() as u64);
        for series in self.series() {
            varint::put(&mut body, series.entry.labels.len() as u64);
            for (name, value) in series.labels() {
                varint::put(&mut body, strings.position(name));
                varint::put(&mut body, strings.position(value));
            }
            varint::put(&mut body, series.samples().len() as u64);
            let mut before = 0;
            for sample in series.samples() {
                varint::put_signed(&mut body, sample.time_ms.wrapping_sub(before));
                body.extend_from_slice(&sample.value.to_le_bytes());
                before = sample.time_ms;
            }
        }
        varint::put(&mut body, self.metadata.len() as u64);
        for metadata in &self.metadata {
            for text in [&metadata.name, &metadata.kind, &metadata.help, &metadata.unit] {
                varint::put(&mut body, strings.position(text));
            }
        }
        let mut out = vec![VERSION];
        strings.encode(&mut out);
        out.extend_from_slice(&body);
        out
    }

    /// None if these are not the bytes of a batch.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if reader.byte()? != VERSION {
            return None;
        }
        let strings = (0..reader.count()?).map(|_| reader.text()).collect::<Option<Vec<_>>>()?;
        let mut batch = Self::default();
        for _ in 0..reader.count()? {
            let labels = (0..reader.count()?)
                .map(|_| Some((*strings.get(reader.count_index()?)?, *strings.get(reader.count_index()?)?)))
                .collect::<Option<Vec<_>>>()?;
            let mut time_ms = 0i64;
            let samples = (0..reader.count()?)
                .map(|_| {
                    time_ms = time_ms.wrapping_add(reader.signed()?);
                    let value = f64::from_le_bytes(reader.slice(8)?.try_into().ok()?);
                    Some(Sample { time_ms, value })
                })
                .collect::<Option<Vec<_>>>()?;
            batch.push(labels.into_iter(), samples);
        }
        for _ in 0..reader.count()? {
            let mut text = || Some((*strings.get(reader.count_index()?)?).to_owned());
            batch.metadata.push(Metadata { name: text()?, kind: text()?, help: text()?, unit: text()? });
        }
        reader.is_empty().then_some(batch)
    }

    fn push_text(&mut self, text: &str) -> Slice {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        Slice { start, end: self.text.len() as u32 }
    }

    fn text(&self, slice: Slice) -> &str {
        &self.text[slice.start as usize..slice.end as usize]
    }
}

impl<'a> SeriesView<'a> {
    /// Equal for equal label sets, in this process.
    pub fn hash(&self) -> u64 {
        self.entry.hash
    }

    pub fn labels(&self) -> impl ExactSizeIterator<Item = (&'a str, &'a str)> + Clone + use<'a> {
        let batch = self.batch;
        batch.labels[self.entry.labels.clone()].iter().map(|(name, value)| (batch.text(*name), batch.text(*value)))
    }

    pub fn samples(&self) -> &'a [Sample] {
        &self.batch.samples[self.entry.samples.clone()]
    }
}

/// The hash of a label set in order of name, the same as a [`SeriesView`]'s.
pub fn hash_labels<'l>(labels: impl Iterator<Item = (&'l str, &'l str)>) -> u64 {
    let mut hasher = hasher();
    labels.for_each(|(name, value)| hash_label(&mut hasher, name, value));
    hasher.finish()
}

fn hasher() -> ahash::AHasher {
    ahash::RandomState::with_seeds(1, 2, 3, 4).build_hasher()
}

fn hash_label(hasher: &mut ahash::AHasher, name: &str, value: &str) {
    hasher.write(name.as_bytes());
    hasher.write(value.as_bytes());
}

#[derive(Default)]
struct Strings<'a> {
    known: AHashMap<&'a str, u64>,
    order: Vec<&'a str>,
}

impl<'a> Strings<'a> {
    fn position(&mut self, text: &'a str) -> u64 {
        let next = self.order.len() as u64;
        *self.known.entry(text).or_insert_with(|| {
            self.order.push(text);
            next
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        varint::put(out, self.order.len() as u64);
        for text in &self.order {
            varint::put(out, text.len() as u64);
            out.extend_from_slice(text.as_bytes());
        }
    }
}

impl Reader<'_> {
    fn count_index(&mut self) -> Option<usize> {
        usize::try_from(self.unsigned()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_batch_comes_back_from_its_bytes() {
        let mut batch = SampleBatch::default();
        for i in 0..10 {
            let instance = i.to_string();
            let labels = [("__name__", "up"), ("instance", instance.as_str())];
            batch.push(labels.into_iter(), (0..3).map(|t| Sample { time_ms: t * 1_000 - 5, value: i as f64 }));
        }
        batch.metadata.push(Metadata { name: "up".into(), kind: "gauge".into(), help: "Is it?".into(), unit: String::new() });
        let bytes = batch.encode();
        assert_eq!(SampleBatch::decode(&bytes), Some(batch));
    }

    proptest! {
        #[test]
        fn damaged_bytes_never_panic(bytes in any::<Vec<u8>>(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let _ = SampleBatch::decode(&bytes);
            let mut batch = SampleBatch::default();
            batch.push([("__name__", "up")].into_iter(), [Sample { time_ms: 1, value: 2.0 }]);
            let mut bytes = batch.encode();
            let at = at.index(bytes.len());
            bytes[at] = to;
            let _ = SampleBatch::decode(&bytes);
        }
    }
}
