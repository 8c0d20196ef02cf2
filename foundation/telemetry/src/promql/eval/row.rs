//! A series of results: labels, and a value or none for each step.

use std::collections::hash_map::Entry;

use crate::Labels;
use crate::labels::OF_METRIC;
use crate::promql::QueryError;

/// The only type that knows what a value between two operators is. A histogram variant would be a
/// second, optional column here.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cells(Vec<f64>);

/// A NaN that neither arithmetic nor a sender produces; staleness markers never get here.
const ABSENT: u64 = 0x7ff0_0000_0000_0a0a;

fn is_present(value: f64) -> bool {
    value.to_bits() != ABSENT
}

impl Cells {
    pub fn absent(len: usize) -> Self {
        Self(vec![f64::from_bits(ABSENT); len])
    }

    pub fn constant(value: f64, len: usize) -> Self {
        Self(vec![value; len])
    }

    pub fn get(&self, step: usize) -> Option<f64> {
        Some(self.0[step]).filter(|value| is_present(*value))
    }

    pub fn has(&self, step: usize) -> bool {
        is_present(self.0[step])
    }

    pub fn set(&mut self, step: usize, value: f64) {
        self.0[step] = value;
    }

    pub fn clear(&mut self, step: usize) {
        self.0[step] = f64::from_bits(ABSENT);
    }

    pub fn any(&self) -> bool {
        self.0.iter().any(|value| is_present(*value))
    }

    /// The present values with their steps.
    pub fn iter(&self) -> impl Iterator<Item = (usize, f64)> {
        self.0.iter().copied().enumerate().filter(|(_, value)| is_present(*value))
    }

    /// Replaces each present value; `None` takes it away.
    pub fn update(&mut self, mut f: impl FnMut(usize, f64) -> Option<f64>) {
        for (step, value) in self.0.iter_mut().enumerate() {
            if is_present(*value) {
                *value = f(step, *value).unwrap_or(f64::from_bits(ABSENT));
            }
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub labels: Labels,
    /// The name goes at the end of the query; only with delayed name removal.
    pub drop_name: bool,
    pub cells: Cells,
}

impl Row {
    pub fn new(labels: Labels, cells: Cells) -> Self {
        Self { labels, drop_name: false, cells }
    }
}

pub(crate) fn without_name(labels: &Labels) -> Labels {
    if OF_METRIC.iter().all(|name| labels.get(name).is_none()) {
        return labels.clone();
    }
    labels.filtered(|name| !OF_METRIC.contains(&name))
}

/// Joins rows that have the same labels. They must not have values at the same step.
pub(crate) fn merge(rows: Vec<Row>, clash: impl Fn() -> String) -> Result<Vec<Row>, QueryError> {
    let mut index = ahash::HashMap::default();
    let mut merged: Vec<Row> = Vec::with_capacity(rows.len());
    for row in rows {
        match index.entry(row.labels.clone()) {
            Entry::Vacant(slot) => {
                slot.insert(merged.len());
                merged.push(row);
            }
            Entry::Occupied(slot) => {
                let into = &mut merged[*slot.get()];
                for (step, value) in row.cells.iter() {
                    if into.cells.has(step) {
                        return Err(QueryError::Execution(clash()));
                    }
                    into.cells.set(step, value);
                }
                into.drop_name |= row.drop_name;
            }
        }
    }
    Ok(merged)
}

pub(crate) fn same_labelset() -> String {
    "vector cannot contain metrics with the same labelset".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_nan_is_a_value_but_the_mark_of_absence_is_none() {
        let mut cells = Cells::absent(3);
        cells.set(1, f64::NAN);
        cells.set(2, f64::from_bits(ABSENT) + 1.0);
        assert!(!cells.has(0) && cells.has(1) && cells.has(2));
    }

    #[test]
    fn rows_merge_unless_they_overlap() {
        let row = |step| {
            let mut cells = Cells::absent(2);
            cells.set(step, 1.0);
            Row::new(Labels::default(), cells)
        };
        assert_eq!(merge(vec![row(0), row(1)], same_labelset).unwrap().len(), 1);
        assert!(merge(vec![row(0), row(0)], same_labelset).is_err());
    }
}
