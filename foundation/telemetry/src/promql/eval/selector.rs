//! Reads series: the latest sample at each step, or the samples of a window before it.

use std::borrow::Cow;

use super::row::{Cells, Row};
use super::{Evaluation, Sink, merge, same_labelset, without_name};
use crate::Labels;
use crate::ports::{Sample, Series, is_stale};
use crate::promql::QueryError;
use crate::promql::fetch::{Grid, Look};
use crate::promql::plan::{Node, Selector};

/// The samples before one step, oldest first; never empty.
pub(super) struct Window<'a> {
    pub samples: &'a [Sample],
    /// The position of the first of them in its series.
    pub first: usize,
    pub step: usize,
    pub start_ms: i64,
    pub end_ms: i64,
}

/// A series as a range vector sees it: without staleness markers.
pub(super) struct Ranged<'a> {
    pub labels: &'a Labels,
    pub drop_name: bool,
    pub samples: &'a [Sample],
    pub look: Look,
    pub range_ms: i64,
}

impl Evaluation {
    /// At each step the latest sample within the lookback, unless the series has ended.
    pub(super) fn instant_values(&self, selector: &Selector, grid: &Grid, value: &dyn Fn(&Sample) -> f64, sink: &mut Sink) -> Result<(), QueryError> {
        let look = self.frame.look(selector.shift);
        for series in self.data[selector.id].iter() {
            self.check_cancelled()?;
            let cells = self.latest(&series.samples, look, grid, value);
            if cells.any() {
                sink(Row::new(series.labels.clone(), cells))?;
            }
        }
        Ok(())
    }

    fn latest(&self, samples: &[Sample], look: Look, grid: &Grid, value: &dyn Fn(&Sample) -> f64) -> Cells {
        let mut cells = Cells::absent(grid.len);
        let mut next = 0;
        for step in 0..grid.len {
            let at = look.from(grid.time(step));
            while next < samples.len() && samples[next].time_ms <= at {
                next += 1;
            }
            let latest = next.checked_sub(1).map(|i| &samples[i]);
            if let Some(sample) = latest.filter(|sample| sample.time_ms > at - self.frame.lookback_ms && !is_stale(sample.value)) {
                cells.set(step, value(sample));
            }
        }
        cells
    }

    /// Hands on the series of a range selector or a subquery.
    pub(super) fn each_range(&self, node: &Node, grid: &Grid, sink: &mut dyn FnMut(Ranged) -> Result<(), QueryError>) -> Result<(), QueryError> {
        match node {
            Node::Range(selector, range_ms) => {
                let look = self.frame.look(selector.shift);
                for series in self.data[selector.id].iter() {
                    self.check_cancelled()?;
                    let samples = fresh(&series.samples);
                    sink(Ranged { labels: &series.labels, drop_name: false, samples: &samples, look, range_ms: *range_ms })?;
                }
                Ok(())
            }
            Node::Subquery(subquery) => {
                let inner = self.frame.inner_grid(subquery, grid);
                self.check_size(1, &inner)?;
                let look = self.frame.look(subquery.shift);
                let mut samples = Vec::new();
                self.each(&subquery.inner, &inner, &mut |row| {
                    samples.clear();
                    samples.extend(row.cells.iter().map(|(step, value)| Sample { time_ms: inner.time(step), value }));
                    sink(Ranged { labels: &row.labels, drop_name: row.drop_name, samples: &samples, look, range_ms: subquery.range_ms })
                })
            }
            _ => Err(QueryError::Execution("not a range vector".to_owned())),
        }
    }

    /// One value for each window with samples.
    pub(super) fn windows(&self, series: &Ranged, grid: &Grid, mut f: impl FnMut(&Window) -> Option<f64>) -> Result<Cells, QueryError> {
        let samples = series.samples;
        let mut cells = Cells::absent(grid.len);
        let (mut from, mut to) = (0, 0);
        for step in 0..grid.len {
            if step % 64 == 0 {
                self.check_cancelled()?;
            }
            let end_ms = series.look.from(grid.time(step));
            let start_ms = end_ms - series.range_ms;
            while to < samples.len() && samples[to].time_ms <= end_ms {
                to += 1;
            }
            while from < to && samples[from].time_ms <= start_ms {
                from += 1;
            }
            if from < to
                && let Some(value) = f(&Window { samples: &samples[from..to], first: from, step, start_ms, end_ms })
            {
                cells.set(step, value);
            }
        }
        Ok(cells)
    }

    /// The samples themselves, for an instant query that asks for a range vector.
    pub(super) fn raw(&self, node: &Node, grid: &Grid) -> Result<Vec<Series>, QueryError> {
        let mut all = Vec::new();
        self.each_range(node, grid, &mut |series| {
            let end_ms = series.look.from(grid.start_ms);
            let within = |sample: &&Sample| sample.time_ms <= end_ms && sample.time_ms > end_ms - series.range_ms;
            let samples: Vec<_> = series.samples.iter().filter(within).copied().collect();
            let labels = if series.drop_name { without_name(series.labels) } else { series.labels.clone() };
            if !samples.is_empty() {
                all.push(Series { labels, samples });
            }
            Ok(())
        })?;
        // Names dropped late can make two series of a subquery the same.
        let rows = all.iter().map(|series| Row::new(series.labels.clone(), Cells::constant(0.0, 1))).collect();
        merge(rows, same_labelset)?;
        all.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(all)
    }
}

fn fresh(samples: &[Sample]) -> Cow<'_, [Sample]> {
    if samples.iter().any(|sample| is_stale(sample.value)) {
        return samples.iter().filter(|sample| !is_stale(sample.value)).copied().collect();
    }
    Cow::Borrowed(samples)
}
