//! Quantiles and fractions of classic histograms: cumulative bucket counters with their bounds in `le`.

use std::collections::HashMap;

use super::row::{Cells, Row};
use super::{Evaluation, Sink, text};
use crate::Labels;
use crate::labels::OF_METRIC;
use crate::promql::QueryError;
use crate::promql::fetch::Grid;
use crate::promql::number::{format_float, parse_float};
use crate::promql::plan::Node;

const BOUND: &str = "le";

/// How many observations were at most so large.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    bound: f64,
    count: f64,
}

struct Histogram {
    labels: Labels,
    name: String,
    drop_name: bool,
    /// Sorted by bound.
    buckets: Vec<(f64, Cells)>,
}

impl Evaluation {
    pub(super) fn histogram_quantile(&self, args: &[Node], grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        let phi = self.scalar(&args[0], grid)?;
        if let Some(wrong) = (0..grid.len).map(|step| phi.at(step)).find(|phi| !(0.0..=1.0).contains(phi)) {
            self.warn_quantile(wrong);
        }
        self.each_histogram(&args[1], grid, sink, |step, buckets| quantile(phi.at(step), buckets))
    }

    /// `histogram_quantiles(v, label, φ…)`: one series for each φ.
    pub(super) fn histogram_quantiles(&self, args: &[Node], grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        let label = text(&args[1]);
        for phi in &args[2..] {
            let phi = self.scalar(phi, grid)?;
            let value = format_float(phi.at(0));
            self.each_histogram(
                &args[0],
                grid,
                &mut |mut row| {
                    let mut builder = row.labels.to_builder();
                    builder.set(label, &value);
                    row.labels = builder.build();
                    sink(row)
                },
                |step, buckets| quantile(phi.at(step), buckets),
            )?;
        }
        Ok(())
    }

    pub(super) fn histogram_fraction(&self, args: &[Node], grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        let (lower, upper) = (self.scalar(&args[0], grid)?, self.scalar(&args[1], grid)?);
        self.each_histogram(&args[2], grid, sink, |step, buckets| fraction(lower.at(step), upper.at(step), buckets))
    }

    fn each_histogram(&self, node: &Node, grid: &Grid, sink: &mut Sink, value: impl Fn(usize, &[Bucket]) -> f64) -> Result<(), QueryError> {
        let mut buckets = Vec::new();
        for histogram in self.histograms(node, grid)? {
            let mut cells = Cells::absent(grid.len);
            let mut repaired = false;
            for step in 0..grid.len {
                buckets.clear();
                buckets.extend(histogram.buckets.iter().filter_map(|(bound, cells)| Some(Bucket { bound: *bound, count: cells.get(step)? })));
                if buckets.is_empty() {
                    continue;
                }
                repaired |= repair(&mut buckets);
                cells.set(step, value(step, &buckets));
            }
            if repaired {
                self.inform(format!("input to histogram_quantile needed to be fixed for monotonicity for metric name {:?}", histogram.name));
            }
            if cells.any() {
                sink(Row { labels: histogram.labels, drop_name: histogram.drop_name, cells })?;
            }
        }
        Ok(())
    }

    /// Puts together the buckets that differ in nothing but their bound.
    fn histograms(&self, node: &Node, grid: &Grid) -> Result<Vec<Histogram>, QueryError> {
        let delayed = self.limits.delayed_name_removal;
        let mut histograms: Vec<Histogram> = Vec::new();
        let mut index: HashMap<Labels, usize, ahash::RandomState> = HashMap::default();
        for row in self.rows(node, grid)? {
            let name = row.labels.metric_name().unwrap_or_default();
            let bound = row.labels.get(BOUND).unwrap_or_default();
            let Some(bound) = parse_float(bound) else {
                self.warn(format!("bucket label \"le\" is missing or has a malformed value of {bound:?} for metric name {name:?}"));
                continue;
            };
            let name = name.to_owned();
            let labels = row.labels.filtered(|label| label != BOUND && (delayed || !OF_METRIC.contains(&label)));
            let at = *index.entry(labels).or_insert_with_key(|labels| {
                histograms.push(Histogram { labels: labels.clone(), name, drop_name: delayed, buckets: Vec::new() });
                histograms.len() - 1
            });
            histograms[at].buckets.push((bound, row.cells));
        }
        for histogram in &mut histograms {
            histogram.buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        }
        Ok(histograms)
    }
}

/// Joins buckets of equal bounds, and makes counts that fall, as they do when buckets were scraped or
/// summed at different moments, stay level. Says whether a fall was more than a rounding error.
fn repair(buckets: &mut Vec<Bucket>) -> bool {
    buckets.dedup_by(|next, kept| {
        let same = next.bound == kept.bound;
        if same {
            kept.count += next.count;
        }
        same
    });
    let mut repaired = false;
    let mut level = buckets[0].count;
    for bucket in &mut buckets[1..] {
        if nearly_equal(bucket.count, level) {
            bucket.count = level;
        } else if bucket.count < level {
            bucket.count = level;
            repaired = true;
        } else {
            level = bucket.count;
        }
    }
    repaired
}

fn nearly_equal(a: f64, b: f64) -> bool {
    const TOLERANCE: f64 = 1e-12;
    if a == b {
        return true;
    }
    let (difference, size) = ((a - b).abs(), a.abs() + b.abs());
    if a == 0.0 || b == 0.0 || size < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / size.min(f64::MAX) < TOLERANCE
}

/// The value below which the share φ of all observations lies, taking each bucket as evenly filled.
fn quantile(phi: f64, buckets: &[Bucket]) -> f64 {
    if phi.is_nan() {
        return f64::NAN;
    }
    if phi < 0.0 {
        return f64::NEG_INFINITY;
    }
    if phi > 1.0 {
        return f64::INFINITY;
    }
    let Some(total) = total_of(buckets).filter(|_| buckets.len() >= 2) else { return f64::NAN };
    let last = buckets.len() - 1;
    let mut rank = phi * total;
    let at = buckets[..last].iter().position(|bucket| bucket.count >= rank).unwrap_or(last);
    if at == last {
        return buckets[last - 1].bound;
    }
    if at == 0 && buckets[0].bound <= 0.0 {
        return buckets[0].bound;
    }
    let end = buckets[at].bound;
    let mut start = 0.0;
    let mut count = buckets[at].count;
    if at > 0 {
        start = buckets[at - 1].bound;
        count -= buckets[at - 1].count;
        rank -= buckets[at - 1].count;
    }
    start + (end - start) * (rank / count)
}

/// The share of observations between two values, taking each bucket as evenly filled.
fn fraction(lower: f64, upper: f64, buckets: &[Bucket]) -> f64 {
    let Some(total) = total_of(buckets) else { return f64::NAN };
    if lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let below = |value: f64| below(value, buckets).min(total);
    (below(upper) - below(lower)) / total
}

/// How many observations were at most so large.
fn below(value: f64, buckets: &[Bucket]) -> f64 {
    let mut start = Bucket { bound: if buckets[0].bound > 0.0 { 0.0 } else { f64::NEG_INFINITY }, count: 0.0 };
    for bucket in buckets {
        if value < bucket.bound {
            let width = bucket.bound - start.bound;
            // Nothing is known of the inside of an endless bucket: all of it counts as beyond.
            let share = if width.is_infinite() || value <= start.bound { 0.0 } else { (value - start.bound) / width };
            return start.count + (bucket.count - start.count) * share;
        }
        start = *bucket;
    }
    start.count
}

/// The number of observations: the count of the bucket without an upper bound.
fn total_of(buckets: &[Bucket]) -> Option<f64> {
    let last = buckets.last()?;
    (last.bound == f64::INFINITY && last.count > 0.0).then_some(last.count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(pairs: &[(f64, f64)]) -> Vec<Bucket> {
        pairs.iter().map(|(bound, count)| Bucket { bound: *bound, count: *count }).collect()
    }

    #[test]
    fn quantiles_are_interpolated_within_their_bucket() {
        let buckets = buckets(&[(1.0, 10.0), (2.0, 20.0), (f64::INFINITY, 20.0)]);
        assert_eq!(quantile(0.5, &buckets), 1.0);
        assert_eq!(quantile(0.75, &buckets), 1.5);
        assert_eq!(quantile(0.25, &buckets), 0.5);
        assert_eq!(quantile(1.0, &buckets), 2.0);
        assert!(quantile(0.5, &buckets[..2]).is_nan());
    }

    #[test]
    fn falling_counts_are_levelled() {
        let mut falling = buckets(&[(1.0, 10.0), (2.0, 9.0), (f64::INFINITY, 12.0)]);
        assert!(repair(&mut falling));
        assert_eq!(falling[1].count, 10.0);
        let mut rounded = buckets(&[(1.0, 1.0), (2.0, 1.0 - 1e-15), (f64::INFINITY, 2.0)]);
        assert!(!repair(&mut rounded));
    }

    #[test]
    fn fractions_are_interpolated() {
        let buckets = buckets(&[(1.0, 10.0), (2.0, 20.0), (f64::INFINITY, 40.0)]);
        assert_eq!(fraction(0.5, 1.5, &buckets), 0.25);
        assert_eq!(fraction(f64::NEG_INFINITY, f64::INFINITY, &buckets), 1.0);
        assert_eq!(fraction(2.0, 1.0, &buckets), 0.0);
    }
}
