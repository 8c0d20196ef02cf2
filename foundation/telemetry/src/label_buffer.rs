//! Label sets put together in reusable memory, for paths that see millions of samples.
//!
//! A [`Labels`] owns each string. A receiver meets the same few series again and again, so it builds
//! the label set in a [`LabelBuffer`], asks the store whether it knows the [`LabelsView`], and makes a
//! [`Labels`] only for a series that is new.

use std::fmt::Write;
use std::ops::Range;

use crate::{Label, Labels};

/// Names and values in one piece of text. Setting an empty value removes the label.
#[derive(Debug, Default, Clone)]
pub struct LabelBuffer {
    text: String,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    name: Slice,
    value: Slice,
}

#[derive(Debug, Clone, Copy)]
struct Slice {
    start: u32,
    end: u32,
}

/// A label set in order of name, each name once, no empty values; with its hash.
#[derive(Debug, Clone, Copy)]
pub struct LabelsView<'a> {
    text: &'a str,
    entries: &'a [Entry],
    hash: u64,
}

/// A state of a buffer to come back to.
#[derive(Debug, Default, Clone)]
pub struct Mark {
    text_len: usize,
    entries: Vec<Entry>,
}

impl LabelBuffer {
    pub fn clear(&mut self) {
        self.text.clear();
        self.entries.clear();
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.set_with(name, |text| text.push_str(value));
    }

    /// Sets the value that `write` appends to the text it is given.
    pub fn set_with(&mut self, name: &str, write: impl FnOnce(&mut String)) {
        let known = self.position(name);
        let name = match known {
            Some(at) => self.entries[at].name,
            None => self.append(|text| text.push_str(name)),
        };
        let value = self.append(write);
        match (known, value.is_empty()) {
            (Some(at), true) => drop(self.entries.remove(at)),
            (Some(at), false) => self.entries[at].value = value,
            (None, true) => {}
            (None, false) => self.entries.push(Entry { name, value }),
        }
    }

    /// Like [`set_with`](Self::set_with), but a value that is there stays, joined with the new one by `;`.
    pub fn join_with(&mut self, name: &str, write: impl FnOnce(&mut String)) {
        let Some(at) = self.position(name) else { return self.set_with(name, write) };
        let was = self.entries[at].value.range();
        self.entries[at].value = self.append(|text| {
            text.extend_from_within(was);
            text.push(';');
            write(text);
        });
    }

    /// Saves the present state in `mark`, whose memory is reused.
    pub fn mark(&self, mark: &mut Mark) {
        mark.text_len = self.text.len();
        mark.entries.clone_from(&self.entries);
    }

    /// Goes back to a state that this buffer had since it was last cleared.
    pub fn reset_to(&mut self, mark: &Mark) {
        self.text.truncate(mark.text_len);
        self.entries.clone_from(&mark.entries);
    }

    pub fn view(&mut self) -> LabelsView<'_> {
        let Self { text, entries } = self;
        entries.sort_unstable_by(|a, b| text[a.name.range()].cmp(&text[b.name.range()]));
        let hash = hash(entries.iter().map(|entry| (&text[entry.name.range()], &text[entry.value.range()])));
        LabelsView { text, entries, hash }
    }

    pub fn contains(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|entry| self.text[entry.name.range()] == *name)
    }

    fn append(&mut self, write: impl FnOnce(&mut String)) -> Slice {
        let start = self.text.len() as u32;
        write(&mut self.text);
        Slice { start, end: self.text.len() as u32 }
    }
}

impl<'a> LabelsView<'a> {
    /// Equal for equal label sets, in this process only: not for a disk.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'a str, &'a str)> + Clone + use<'a> {
        let (text, entries) = (self.text, self.entries);
        entries.iter().map(move |entry| (&text[entry.name.range()], &text[entry.value.range()]))
    }

    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub fn to_labels(&self) -> Labels {
        Labels::from_pairs(self.iter())
    }

    pub fn same_as(&self, labels: &Labels) -> bool {
        let owned = labels.as_slice();
        owned.len() == self.len() && self.iter().zip(owned).all(|(view, Label { name, value })| view == (&**name, &**value))
    }
}

/// The hash of a label set, the same as its view's.
pub fn labels_hash(labels: &Labels) -> u64 {
    hash(labels.iter())
}

/// As Go and Prometheus write a float in a label: shortest form that reads back the same, no exponent.
pub fn push_float(text: &mut String, value: f64) {
    if value.is_finite() {
        let _ = write!(text, "{value}");
    } else {
        text.push_str(match (value.is_nan(), value > 0.0) {
            (true, _) => "NaN",
            (false, true) => "+Inf",
            (false, false) => "-Inf",
        });
    }
}

fn hash<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = ahash::RandomState::with_seeds(11, 22, 33, 44).build_hasher();
    for (name, value) in labels {
        hasher.write(name.as_bytes());
        hasher.write_u8(0xff);
        hasher.write(value.as_bytes());
        hasher.write_u8(0xff);
    }
    hasher.finish()
}

impl Slice {
    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    fn is_empty(self) -> bool {
        self.start == self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_gives_the_same_set_as_labels_do() {
        let mut buffer = LabelBuffer::default();
        for (name, value) in [("job", "api"), ("zone", "a"), ("__name__", "up"), ("job", "web"), ("zone", "")] {
            buffer.set(name, value);
        }
        let labels = Labels::from_pairs([("__name__", "up"), ("job", "web")]);
        let view = buffer.view();
        assert!(view.same_as(&labels));
        assert_eq!(view.to_labels(), labels);
        assert_eq!(view.hash(), labels_hash(&labels));
        assert_eq!(view.get("job"), Some("web"));
    }

    #[test]
    fn a_mark_brings_back_an_earlier_set() {
        let mut buffer = LabelBuffer::default();
        let mut mark = Mark::default();
        buffer.set("job", "web");
        buffer.mark(&mut mark);
        buffer.set("le", "0.5");
        let with_le = buffer.view().hash();
        buffer.reset_to(&mark);
        assert_eq!(buffer.view().to_labels().to_string(), r#"{job="web"}"#);
        assert_ne!(buffer.view().hash(), with_le);
    }

    #[test]
    fn floats_read_as_prometheus_writes_them() {
        let text = |value| {
            let mut text = String::new();
            push_float(&mut text, value);
            text
        };
        assert_eq!(text(0.005), "0.005");
        assert_eq!(text(5.0), "5");
        assert_eq!(text(1e21), "1000000000000000000000");
        assert_eq!(text(f64::INFINITY), "+Inf");
    }
}
