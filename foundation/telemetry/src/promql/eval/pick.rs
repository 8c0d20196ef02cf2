//! Aggregations that look at all series of a group at once: the best, some, the quantile, the counts.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::Hasher;

use super::row::{Cells, Row};
use super::scalar::Scalar;
use super::sum::{nan_first, quantile};
use super::{Evaluation, Sink, text};
use crate::Labels;
use crate::promql::QueryError;
use crate::promql::fetch::Grid;
use crate::promql::number::format_plain;
use crate::promql::plan::{Aggregate, AggregateOp, Node};

/// The rows of one group, in the order in which they came.
struct Group {
    labels: Labels,
    rows: Vec<Row>,
}

impl Evaluation {
    /// `topk` and `bottomk`; the rows come out best first.
    pub(super) fn top(&self, aggregate: &Aggregate, grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        let descending = aggregate.op == AggregateOp::TopK;
        let count = self.counts(aggregate, grid)?;
        for group in self.groups(aggregate, grid)? {
            let mut kept: Vec<Cells> = group.rows.iter().map(|_| Cells::absent(grid.len)).collect();
            let mut best: Vec<(f64, usize)> = Vec::new();
            for step in 0..grid.len {
                self.check_cancelled()?;
                best.clear();
                best.extend(group.rows.iter().enumerate().filter_map(|(i, row)| Some((row.cells.get(step)?, i))));
                keep_best(&mut best, count(step), descending);
                best.iter().for_each(|(value, i)| kept[*i].set(step, *value));
            }
            let ranked: Vec<usize> = best.iter().map(|(_, i)| *i).collect();
            self.emit_kept(group, kept, &ranked, sink)?;
        }
        Ok(())
    }

    /// `limitk`: the first of each group, by labels, so that the choice is the same every time.
    pub(super) fn limit(&self, aggregate: &Aggregate, grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        let count = self.counts(aggregate, grid)?;
        for mut group in self.groups(aggregate, grid)? {
            group.rows.sort_by(|a, b| a.labels.cmp(&b.labels));
            let mut taken = vec![0; grid.len];
            for mut row in group.rows {
                row.cells.update(|step, value| {
                    taken[step] += 1;
                    (taken[step] <= count(step)).then_some(value)
                });
                if row.cells.any() {
                    sink(row)?;
                }
            }
        }
        Ok(())
    }

    /// `limit_ratio`: the series whose hash falls into the ratio's part of all hashes; a negative
    /// ratio takes the part that its complement leaves.
    pub(super) fn limit_ratio(&self, aggregate: &Aggregate, grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        let ratio = self.parameter(aggregate, grid)?;
        for step in 0..grid.len {
            let value = ratio.at(step);
            if value.is_nan() {
                return Err(QueryError::Execution("Ratio value is NaN".to_owned()));
            }
            if value.abs() > 1.0 {
                let text = crate::promql::format_float;
                self.warn(format!("ratio value should be between -1 and 1, got {}, capping to {}", text(value), text(value.signum())));
            }
        }
        self.each(&aggregate.inner, grid, &mut |mut row| {
            let place = place_of(&row.labels);
            row.cells.update(|step, value| in_ratio(place, ratio.at(step).clamp(-1.0, 1.0)).then_some(value));
            if row.cells.any() { sink(row) } else { Ok(()) }
        })
    }

    pub(super) fn quantile(&self, aggregate: &Aggregate, grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        let phi = self.parameter(aggregate, grid)?;
        if let Some(wrong) = (0..grid.len).map(|step| phi.at(step)).find(|phi| !(0.0..=1.0).contains(phi)) {
            self.warn_quantile(wrong);
        }
        let mut values = Vec::new();
        for group in self.groups(aggregate, grid)? {
            let mut cells = Cells::absent(grid.len);
            for step in 0..grid.len {
                values.clear();
                values.extend(group.rows.iter().filter_map(|row| row.cells.get(step)));
                if !values.is_empty() {
                    cells.set(step, quantile(phi.at(step), &mut values));
                }
            }
            let drop_name = group.rows.iter().any(|row| row.drop_name);
            sink(Row { labels: group.labels, drop_name, cells })?;
        }
        Ok(())
    }

    /// Counts how often each value occurs in its group; the value becomes a label.
    pub(super) fn count_values(&self, aggregate: &Aggregate, grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        let label = aggregate.parameter.as_ref().map(text).unwrap_or_default();
        if label.is_empty() {
            return Err(QueryError::Execution(format!("invalid label name {label:?}")));
        }
        let mut counts: Vec<Row> = Vec::new();
        let mut index: HashMap<Labels, usize, ahash::RandomState> = HashMap::default();
        self.each(&aggregate.inner, grid, &mut |row| {
            let key = aggregate.grouping.key(&row.labels);
            let mut last: Option<(u64, usize)> = None;
            for (step, value) in row.cells.iter() {
                let at = match last {
                    Some((bits, at)) if bits == value.to_bits() => at,
                    _ => {
                        let mut builder = key.to_builder();
                        builder.set(label, &format_plain(value));
                        *index.entry(builder.build()).or_insert_with_key(|labels| {
                            counts.push(Row { labels: labels.clone(), drop_name: false, cells: Cells::absent(grid.len) });
                            counts.len() - 1
                        })
                    }
                };
                last = Some((value.to_bits(), at));
                let count = counts[at].cells.get(step).unwrap_or(0.0);
                counts[at].cells.set(step, count + 1.0);
                counts[at].drop_name |= row.drop_name;
            }
            self.check_size(counts.len(), grid)
        })?;
        counts.into_iter().try_for_each(sink)
    }

    fn emit_kept(&self, group: Group, kept: Vec<Cells>, ranked: &[usize], sink: &mut Sink) -> Result<(), QueryError> {
        let mut rows: Vec<Option<Row>> = group.rows.into_iter().zip(kept).map(|(row, cells)| Some(Row { cells, ..row })).collect();
        let all = 0..rows.len();
        for i in ranked.iter().copied().chain(all) {
            if let Some(row) = rows[i].take().filter(|row| row.cells.any()) {
                sink(row)?;
            }
        }
        Ok(())
    }

    fn groups(&self, aggregate: &Aggregate, grid: &Grid) -> Result<Vec<Group>, QueryError> {
        let mut groups: Vec<Group> = Vec::new();
        let mut index: HashMap<Labels, usize, ahash::RandomState> = HashMap::default();
        for row in self.rows(&aggregate.inner, grid)? {
            let at = *index.entry(aggregate.grouping.key(&row.labels)).or_insert_with_key(|labels| {
                groups.push(Group { labels: labels.clone(), rows: Vec::new() });
                groups.len() - 1
            });
            groups[at].rows.push(row);
        }
        Ok(groups)
    }

    fn parameter(&self, aggregate: &Aggregate, grid: &Grid) -> Result<Scalar, QueryError> {
        self.scalar(aggregate.parameter.as_ref().unwrap_or(&Node::Number(f64::NAN)), grid)
    }

    /// How many series to keep at each step.
    fn counts(&self, aggregate: &Aggregate, grid: &Grid) -> Result<impl Fn(usize) -> usize, QueryError> {
        let count = self.parameter(aggregate, grid)?;
        for step in 0..grid.len {
            let value = count.at(step);
            if value.is_nan() {
                return Err(QueryError::Execution("Parameter value is NaN".to_owned()));
            }
            if value >= i64::MAX as f64 || value <= i64::MIN as f64 {
                return Err(QueryError::Execution(format!("Scalar value {value} overflows int64")));
            }
        }
        Ok(move |step| count.at(step).max(0.0) as usize)
    }
}

/// Keeps so many of the best, best first; of equals those that came first.
fn keep_best(values: &mut Vec<(f64, usize)>, count: usize, descending: bool) {
    let order = |a: &(f64, usize), b: &(f64, usize)| best_first(a.0, b.0, descending).then(a.1.cmp(&b.1));
    if count < values.len() {
        values.select_nth_unstable_by(count, order);
        values.truncate(count);
    }
    values.sort_unstable_by(order);
}

/// NaN comes last either way.
fn best_first(a: f64, b: f64, descending: bool) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) if descending => nan_first(&b, &a),
        (false, false) => nan_first(&a, &b),
        (left, right) => left.cmp(&right),
    }
}

/// Where a label set lies between 0 and 1; the same on every machine and after every restart.
fn place_of(labels: &Labels) -> f64 {
    let mut hasher = twox_hash::XxHash64::with_seed(0);
    for (name, value) in labels.iter() {
        for part in [name, value] {
            hasher.write(part.as_bytes());
            hasher.write(&[0xff]);
        }
    }
    hasher.finish() as f64 / u64::MAX as f64
}

fn in_ratio(place: f64, ratio: f64) -> bool {
    if ratio >= 0.0 { place < ratio } else { place >= 1.0 + ratio }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first_and_nan_last() {
        let kept = |count, descending| {
            let mut values = vec![(1.0, 0), (f64::NAN, 1), (3.0, 2), (3.0, 3), (2.0, 4)];
            keep_best(&mut values, count, descending);
            values.into_iter().map(|(_, i)| i).collect::<Vec<_>>()
        };
        assert_eq!(kept(2, true), [2, 3]);
        assert_eq!(kept(2, false), [0, 4]);
        assert_eq!(kept(9, true), [2, 3, 4, 0, 1]);
        assert!(kept(0, true).is_empty());
    }
}
