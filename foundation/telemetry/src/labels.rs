//! Label sets of metric series.

use std::fmt;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};

pub const METRIC_NAME: &str = "__name__";

/// The labels that tell what a metric is. What is computed from it is something else, so they go.
pub const OF_METRIC: [&str; 3] = [METRIC_NAME, "__type__", "__unit__"];

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label {
    pub name: Arc<str>,
    pub value: Arc<str>,
}

/// Sorted by name, each name once, no empty values (an empty value is an absent label). Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(Arc<[Label]>);

impl Default for Labels {
    fn default() -> Self {
        Self(Arc::from([]))
    }
}

impl Labels {
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut builder = LabelsBuilder::default();
        for (name, value) in pairs {
            builder.set(name.as_ref(), value.as_ref());
        }
        builder.build()
    }

    /// Takes labels that are already in order, each name once, none empty; their strings stay shared.
    pub fn from_sorted(labels: Vec<Label>) -> Self {
        debug_assert!(labels.is_sorted_by(|a, b| a.name < b.name) && labels.iter().all(|label| !label.value.is_empty()));
        Self(labels.into())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.binary_search_by(|label| (*label.name).cmp(name)).ok().map(|i| &*self.0[i].value)
    }

    pub fn metric_name(&self) -> Option<&str> {
        self.get(METRIC_NAME)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|label| (&*label.name, &*label.value))
    }

    pub fn as_slice(&self) -> &[Label] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The labels whose names are to be kept.
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|label| keep(&label.name)).cloned().collect())
    }

    pub fn to_builder(&self) -> LabelsBuilder {
        LabelsBuilder { labels: self.0.to_vec() }
    }
}

/// As PromQL writes it: `up{job="api"}`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.metric_name().unwrap_or_default())?;
        let mut rest = self.iter().filter(|(name, _)| *name != METRIC_NAME).peekable();
        if rest.peek().is_none() && self.metric_name().is_some() {
            return Ok(());
        }
        f.write_str("{")?;
        for (i, (name, value)) in rest.enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[derive(Debug, Clone, Default)]
pub struct LabelsBuilder {
    labels: Vec<Label>,
}

impl LabelsBuilder {
    /// Sets, replaces, or with an empty value removes.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        match (self.labels.binary_search_by(|label| (*label.name).cmp(name)), value.is_empty()) {
            (Ok(i), true) => drop(self.labels.remove(i)),
            (Ok(i), false) => self.labels[i].value = value.into(),
            (Err(_), true) => {}
            (Err(i), false) => self.labels.insert(i, Label { name: name.into(), value: value.into() }),
        }
        self
    }

    pub fn remove(&mut self, name: &str) -> &mut Self {
        self.set(name, "")
    }

    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) -> &mut Self {
        self.labels.retain(|label| keep(&label.name));
        self
    }

    pub fn build(self) -> Labels {
        Labels(self.labels.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_unique_and_never_empty() {
        let labels = Labels::from_pairs([("job", "api"), ("__name__", "up"), ("job", "web"), ("gone", "")]);
        assert_eq!(labels.to_string(), r#"up{job="web"}"#);
        assert_eq!(labels.get("job"), Some("web"));
        assert_eq!(labels.get("gone"), None);
    }
}
