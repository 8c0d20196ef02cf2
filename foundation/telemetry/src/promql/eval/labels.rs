//! Functions that change labels.

use std::collections::HashMap;

use regex::Regex;

use super::row::{Row, merge, same_labelset};
use super::{Evaluation, Sink, text};
use crate::Labels;
use crate::labels::METRIC_NAME;
use crate::promql::QueryError;
use crate::promql::fetch::Grid;
use crate::promql::plan::Node;

impl Evaluation {
    /// `label_replace(v, target, replacement, source, regex)`.
    pub(super) fn label_replace(&self, args: &[Node], grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        let (target, replacement, source, pattern) = (text(&args[1]), text(&args[2]), text(&args[3]), text(&args[4]));
        let regex = Regex::new(&format!("^(?s:{pattern})$"))
            .map_err(|_| QueryError::Execution(format!("invalid regular expression in label_replace(): {pattern}")))?;
        check_target("label_replace", target)?;
        self.relabel(&args[0], target, grid, sink, |labels| {
            let found = regex.captures(labels.get(source).unwrap_or_default())?;
            let mut value = String::new();
            found.expand(replacement, &mut value);
            Some(value)
        })
    }

    /// `label_join(v, target, separator, sources…)`.
    pub(super) fn label_join(&self, args: &[Node], grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        let (target, separator) = (text(&args[1]), text(&args[2]));
        let sources: Vec<&str> = args[3..].iter().map(text).collect();
        check_target("label_join", target)?;
        if let Some(source) = sources.iter().find(|source| source.is_empty()) {
            return Err(QueryError::Execution(format!("invalid source label name in label_join(): {source}")));
        }
        self.relabel(&args[0], target, grid, sink, |labels| {
            let values: Vec<_> = sources.iter().map(|source| labels.get(source).unwrap_or_default()).collect();
            Some(values.join(separator))
        })
    }

    /// Sets one label to what `value` says, where it says something.
    fn relabel(&self, inner: &Node, target: &str, grid: &Grid, sink: &mut Sink, value: impl Fn(&Labels) -> Option<String>) -> Result<(), QueryError> {
        let mut known: HashMap<Labels, Labels, ahash::RandomState> = HashMap::default();
        let mut rows = Vec::new();
        for row in self.rows(inner, grid)? {
            let changed = known.entry(row.labels.clone()).or_insert_with(|| match value(&row.labels) {
                Some(value) => {
                    let mut builder = row.labels.to_builder();
                    builder.set(target, &value);
                    builder.build()
                }
                None => row.labels.clone(),
            });
            // Whoever sets the name wants to keep it.
            let drop_name = row.drop_name && !(target == METRIC_NAME && *changed != row.labels);
            rows.push(Row { labels: changed.clone(), drop_name, cells: row.cells });
        }
        merge(rows, same_labelset)?.into_iter().try_for_each(sink)
    }
}

fn check_target(function: &str, target: &str) -> Result<(), QueryError> {
    if target.is_empty() {
        return Err(QueryError::Execution(format!("invalid destination label name in {function}(): {target}")));
    }
    Ok(())
}
