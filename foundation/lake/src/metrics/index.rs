//! From label matchers to series.

use std::collections::BTreeMap;
use std::sync::Arc;

use ahash::{AHashMap, AHashSet};
use roaring::RoaringBitmap;
use telemetry::ports::{MatchOp, Matcher};
use telemetry::{Label, Labels};

use super::batch::hash_labels;

/// The label sets of a head or a file, numbered from zero, and for each label the series that carry it.
#[derive(Debug, Default)]
pub struct SeriesIndex {
    labels: Vec<Labels>,
    /// By hash; a collision moves on to the next hash.
    numbers: AHashMap<u64, u32>,
    postings: BTreeMap<Arc<str>, AHashMap<Arc<str>, RoaringBitmap>>,
    strings: AHashSet<Arc<str>>,
    bytes: usize,
}

impl SeriesIndex {
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Roughly, in memory.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn labels(&self, series: u32) -> &Labels {
        &self.labels[series as usize]
    }

    /// The number of a label set, given in order of name with its [`hash_labels`]; a new one if it is unknown.
    pub fn number<'l>(&mut self, hash: u64, labels: impl ExactSizeIterator<Item = (&'l str, &'l str)> + Clone) -> u32 {
        let mut hash = hash;
        while let Some(number) = self.numbers.get(&hash) {
            if same(&self.labels[*number as usize], labels.clone()) {
                return *number;
            }
            hash = hash.wrapping_add(1);
        }
        let number = self.labels.len() as u32;
        self.numbers.insert(hash, number);
        self.bytes += 64;
        let labels = labels.map(|(name, value)| Label { name: self.intern(name), value: self.intern(value) }).collect();
        self.add(number, Labels::from_sorted(labels));
        number
    }

    pub fn insert(&mut self, labels: &Labels) -> u32 {
        self.number(hash_labels(labels.iter()), labels.iter())
    }

    /// The series that all matchers match.
    pub fn select(&self, matchers: &[Matcher]) -> RoaringBitmap {
        let mut found: Option<RoaringBitmap> = None;
        for matcher in matchers.iter().filter(|matcher| !matcher.matches("")) {
            let with = self.with_value(matcher, true);
            found = Some(match found {
                Some(found) => found & with,
                None => with,
            });
        }
        let mut found = found.unwrap_or_else(|| (0..self.labels.len() as u32).collect());
        // An absent label counts as empty, so these take away only series whose value does not match.
        for matcher in matchers.iter().filter(|matcher| matcher.matches("")) {
            found -= self.with_value(matcher, false);
        }
        found
    }

    /// The series that carry the matcher's label with a value that matches, or that does not.
    fn with_value(&self, matcher: &Matcher, matching: bool) -> RoaringBitmap {
        let Some(values) = self.postings.get(matcher.name.as_str()) else { return RoaringBitmap::new() };
        match (&matcher.op, matching) {
            (MatchOp::Equal, true) | (MatchOp::NotEqual, false) => values.get(matcher.value.as_str()).cloned().unwrap_or_default(),
            _ => values.iter().filter(|(value, _)| matcher.matches(value) == matching).fold(RoaringBitmap::new(), |all, (_, with)| all | with),
        }
    }

    fn add(&mut self, number: u32, labels: Labels) {
        for label in labels.as_slice() {
            let values = self.postings.entry(label.name.clone()).or_default();
            let known = values.len();
            values.entry(label.value.clone()).or_default().insert(number);
            self.bytes += 40 + if values.len() > known { 120 } else { 0 };
        }
        self.labels.push(labels);
    }

    fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.strings.get(text) {
            return known.clone();
        }
        let text: Arc<str> = text.into();
        self.bytes += 48 + text.len();
        self.strings.insert(text.clone());
        text
    }
}

fn same<'l>(known: &Labels, labels: impl ExactSizeIterator<Item = (&'l str, &'l str)>) -> bool {
    let known = known.as_slice();
    known.len() == labels.len() && known.iter().zip(labels).all(|(label, (name, value))| *label.name == *name && *label.value == *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> SeriesIndex {
        let mut index = SeriesIndex::default();
        for (job, zone) in [("api", "a"), ("api", "b"), ("web", "a"), ("web", "")] {
            index.insert(&Labels::from_pairs([("__name__", "up"), ("job", job), ("zone", zone)]));
        }
        index
    }

    fn found(matchers: &[Matcher]) -> Vec<u32> {
        index().select(matchers).into_iter().collect()
    }

    fn matcher(name: &str, op: MatchOp, value: &str) -> Matcher {
        Matcher { name: name.to_owned(), op, value: value.to_owned() }
    }

    fn anchored(pattern: &str) -> regex::Regex {
        regex::Regex::new(&format!("^(?:{pattern})$")).unwrap()
    }

    #[test]
    fn matchers_narrow_each_other_down() {
        assert_eq!(found(&[]), [0, 1, 2, 3]);
        assert_eq!(found(&[Matcher::equal("job", "api")]), [0, 1]);
        assert_eq!(found(&[Matcher::equal("job", "api"), matcher("zone", MatchOp::NotEqual, "a")]), [1]);
        assert_eq!(found(&[matcher("zone", MatchOp::Regex(anchored("a|b")), "a|b")]), [0, 1, 2]);
        assert_eq!(found(&[Matcher::equal("job", "nothing")]), [0; 0]);
    }

    #[test]
    fn an_absent_label_counts_as_empty() {
        assert_eq!(found(&[Matcher::equal("zone", "")]), [3]);
        assert_eq!(found(&[matcher("zone", MatchOp::NotEqual, "")]), [0, 1, 2]);
        assert_eq!(found(&[matcher("zone", MatchOp::NotEqual, "a")]), [1, 3]);
        assert_eq!(found(&[matcher("zone", MatchOp::Regex(anchored(".*")), ".*")]), [0, 1, 2, 3]);
        assert_eq!(found(&[matcher("zone", MatchOp::NotRegex(anchored("a")), "a")]), [1, 3]);
        assert_eq!(found(&[Matcher::equal("other", "")]), [0, 1, 2, 3]);
    }

    #[test]
    fn a_label_set_keeps_its_number() {
        let mut index = index();
        assert_eq!(index.insert(&Labels::from_pairs([("__name__", "up"), ("job", "web"), ("zone", "a")])), 2);
        assert_eq!(index.len(), 4);
    }
}
