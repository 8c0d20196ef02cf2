//! Functions of range vectors: one value for each window of samples.

use super::row::{Cells, Row};
use super::scalar::Scalar;
use super::selector::{Ranged, Window};
use super::sum::{Mean, Sum, Variance, quantile};
use super::{Evaluation, Sink, distinct_without_name};
use crate::Labels;
use crate::ports::{MatchOp, Matcher, Sample};
use crate::labels::METRIC_NAME;
use crate::promql::QueryError;
use crate::promql::fetch::Grid;
use crate::promql::plan::{Node, Over};

impl Evaluation {
    pub(super) fn over(&self, over: Over, args: &[Node], grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        let is_range = |node: &&Node| matches!(node, Node::Range(..) | Node::Subquery(_));
        let range = args.iter().find(is_range).ok_or_else(|| QueryError::Execution("expected a range vector".to_owned()))?;
        let scalars = args.iter().filter(|node| !is_range(node)).map(|node| self.scalar(node, grid)).collect::<Result<Vec<_>, _>>()?;
        self.check_parameters(over, &scalars, grid)?;
        let mut produce = |sink: &mut Sink| {
            self.each_range(range, grid, &mut |series| {
                let mut row = Row::new(series.labels.clone(), self.over_series(over, &series, &scalars, grid)?);
                row.drop_name = series.drop_name;
                if row.cells.any() {
                    self.hint_counter(over, &row.labels);
                    sink(row)?;
                }
                Ok(())
            })
        };
        if over.keeps_name() { produce(sink) } else { self.nameless(distinct_without_name(range), sink, &mut produce) }
    }

    fn check_parameters(&self, over: Over, scalars: &[Scalar], grid: &Grid) -> Result<(), QueryError> {
        let wrong = |scalar: &Scalar, good: &dyn Fn(f64) -> bool| (0..grid.len).map(|step| scalar.at(step)).find(|value| !good(*value));
        match over {
            Over::DoubleExponentialSmoothing => {
                for (what, symbol, scalar) in [("smoothing", "sf", &scalars[0]), ("trend", "tf", &scalars[1])] {
                    if let Some(value) = wrong(scalar, &|value| value > 0.0 && value < 1.0) {
                        return Err(QueryError::Execution(format!("invalid {what} factor. Expected: 0 < {symbol} < 1, got: {value:.6}")));
                    }
                }
            }
            Over::Quantile => {
                if let Some(value) = wrong(&scalars[0], &|value| (0.0..=1.0).contains(&value)) {
                    self.warn_quantile(value);
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn warn_quantile(&self, value: f64) {
        self.warn(format!("quantile value should be between 0 and 1, got {}", crate::promql::format_float(value)));
    }

    fn hint_counter(&self, over: Over, labels: &Labels) {
        let counter = |name: &str| ["_total", "_sum", "_count", "_bucket"].iter().any(|suffix| name.ends_with(suffix));
        if over.wants_counter()
            && let Some(name) = labels.metric_name().filter(|name| !counter(name))
        {
            self.inform(format!("metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {name:?}"));
        }
    }

    fn over_series(&self, over: Over, series: &Ranged, scalars: &[Scalar], grid: &Grid) -> Result<Cells, QueryError> {
        let parameter = |i: usize, step: usize| scalars[i].at(step);
        match over {
            Over::Rate | Over::Increase => {
                let resets = Resets::of(series.samples);
                self.windows(series, grid, |w| extrapolated(w, resets.within(w), true).map(|by| if over == Over::Rate { by / seconds(w.start_ms, w.end_ms) } else { by }))
            }
            Over::Delta => self.windows(series, grid, |w| extrapolated(w, 0.0, false)),
            Over::Irate => self.windows(series, grid, |w| instant_change(w, true)),
            Over::Idelta => self.windows(series, grid, |w| instant_change(w, false)),
            Over::Deriv => self.windows(series, grid, |w| line(w.samples, w.samples[0].time_ms).map(|line| line.slope)),
            Over::PredictLinear => self.windows(series, grid, |w| {
                line(w.samples, grid.time(w.step)).map(|line| line.slope * parameter(0, w.step) + line.intercept)
            }),
            Over::DoubleExponentialSmoothing => self.windows(series, grid, |w| smoothed(w.samples, parameter(0, w.step), parameter(1, w.step))),
            Over::Average => self.windows(series, grid, |w| Some(mean(w.samples))),
            Over::Sum => self.windows(series, grid, |w| Some(fold(w.samples, Sum::default(), Sum::add).value())),
            Over::Min => self.windows(series, grid, |w| Some(extreme(w.samples, |a, b| a < b).value)),
            Over::Max => self.windows(series, grid, |w| Some(extreme(w.samples, |a, b| a > b).value)),
            Over::Count => self.windows(series, grid, |w| Some(w.samples.len() as f64)),
            Over::First => self.windows(series, grid, |w| Some(w.samples[0].value)),
            Over::Last => self.windows(series, grid, |w| Some(last(w.samples).value)),
            Over::Present => self.windows(series, grid, |_| Some(1.0)),
            Over::Stddev => self.windows(series, grid, |w| Some(fold(w.samples, Variance::default(), Variance::add).value().sqrt())),
            Over::Stdvar => self.windows(series, grid, |w| Some(fold(w.samples, Variance::default(), Variance::add).value())),
            Over::Quantile => {
                let mut values = Vec::new();
                self.windows(series, grid, |w| {
                    take_values(w.samples, &mut values);
                    Some(quantile(parameter(0, w.step), &mut values))
                })
            }
            Over::Mad => {
                let mut values = Vec::new();
                self.windows(series, grid, |w| {
                    take_values(w.samples, &mut values);
                    let median = quantile(0.5, &mut values);
                    values.iter_mut().for_each(|value| *value = (*value - median).abs());
                    Some(quantile(0.5, &mut values))
                })
            }
            Over::Changes => self.windows(series, grid, |w| Some(count_pairs(w.samples, |a, b| a != b && !(a.is_nan() && b.is_nan())))),
            Over::Resets => self.windows(series, grid, |w| Some(count_pairs(w.samples, |a, b| b < a))),
            Over::TimeOfFirst => self.windows(series, grid, |w| Some(time_s(&w.samples[0]))),
            Over::TimeOfLast => self.windows(series, grid, |w| Some(time_s(last(w.samples)))),
            // The latest of equals.
            Over::TimeOfMin => self.windows(series, grid, |w| Some(time_s(extreme(w.samples, |a, b| a <= b)))),
            Over::TimeOfMax => self.windows(series, grid, |w| Some(time_s(extreme(w.samples, |a, b| a >= b)))),
        }
    }

    /// 1 at the steps at which no series has a sample in its window.
    pub(super) fn absent_over_time(&self, arg: &Node, grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        let mut cells = Cells::constant(1.0, grid.len);
        self.each_range(arg, grid, &mut |series| {
            self.windows(&series, grid, |w| {
                cells.clear(w.step);
                None
            })?;
            Ok(())
        })?;
        if cells.any() { sink(Row::new(self.absent_labels(arg), cells)) } else { Ok(()) }
    }

    /// 1 at the steps at which no series has a value.
    pub(super) fn absent(&self, arg: &Node, grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        let mut cells = Cells::constant(1.0, grid.len);
        self.each(arg, grid, &mut |row| {
            row.cells.iter().for_each(|(step, _)| cells.clear(step));
            Ok(())
        })?;
        if cells.any() { sink(Row::new(self.absent_labels(arg), cells)) } else { Ok(()) }
    }

    /// What a selector alone says of the labels that its series would have.
    fn absent_labels(&self, arg: &Node) -> Labels {
        let (Node::Instant(selector) | Node::Range(selector, _)) = arg else { return Labels::default() };
        let matchers = &self.plan.selectors[selector.id];
        let only = |matcher: &&Matcher| matchers.iter().filter(|other| other.name == matcher.name).count() == 1;
        let known = matchers.iter().filter(|m| m.name != METRIC_NAME && matches!(m.op, MatchOp::Equal)).filter(only);
        Labels::from_pairs(known.map(|m| (&m.name, &m.value)))
    }
}

/// Where a counter fell, and the value it fell from.
struct Resets(Vec<(usize, f64)>);

impl Resets {
    fn of(samples: &[Sample]) -> Self {
        let falls = samples.windows(2).enumerate().filter(|(_, pair)| pair[1].value < pair[0].value);
        Self(falls.map(|(i, pair)| (i + 1, pair[0].value)).collect())
    }

    /// What the counter lost within the window.
    fn within(&self, window: &Window) -> f64 {
        if self.0.is_empty() {
            return 0.0;
        }
        let from = self.0.partition_point(|(at, _)| *at <= window.first);
        let end = window.first + window.samples.len();
        self.0[from..].iter().take_while(|(at, _)| *at < end).map(|(_, lost)| lost).sum()
    }
}

/// The change over the whole window, from that between its first and last sample. The series is
/// assumed to go on to the window's ends if its samples come close enough, else for half a sample's
/// distance; a counter is not extended below zero.
fn extrapolated(window: &Window, lost: f64, counter: bool) -> Option<f64> {
    let (first, last) = (window.samples[0], *last(window.samples));
    let gaps = window.samples.len() - 1;
    if gaps == 0 {
        return None;
    }
    let change = last.value - first.value + lost;
    let sampled_s = seconds(first.time_ms, last.time_ms);
    let gap_s = sampled_s / gaps as f64;
    let reach_s = |distance_s: f64| if distance_s >= gap_s * 1.1 { gap_s / 2.0 } else { distance_s };
    let mut before_s = reach_s(seconds(window.start_ms, first.time_ms));
    if counter && change > 0.0 && first.value >= 0.0 {
        before_s = before_s.min(sampled_s * (first.value / change));
    }
    let after_s = reach_s(seconds(last.time_ms, window.end_ms));
    Some(change * ((sampled_s + before_s + after_s) / sampled_s))
}

/// Between the last two samples; for a rate per second, with a reset taken as a start from zero.
fn instant_change(window: &Window, rate: bool) -> Option<f64> {
    let [.., before, last] = window.samples else { return None };
    if !rate {
        return Some(last.value - before.value);
    }
    let change = if last.value < before.value { last.value } else { last.value - before.value };
    Some(change / seconds(before.time_ms, last.time_ms))
}

struct Line {
    /// Per second.
    slope: f64,
    intercept: f64,
}

/// The least-squares line; its intercept is the value at `origin_ms`.
fn line(samples: &[Sample], origin_ms: i64) -> Option<Line> {
    if samples.len() < 2 {
        return None;
    }
    let first = samples[0].value;
    if samples.iter().all(|sample| sample.value == first) {
        return Some(if first.is_infinite() { Line { slope: f64::NAN, intercept: f64::NAN } } else { Line { slope: 0.0, intercept: first } });
    }
    let [mut x, mut y, mut xy, mut xx] = [Sum::default(); 4];
    for sample in samples {
        let at = seconds(origin_ms, sample.time_ms);
        x.add(at);
        y.add(sample.value);
        xy.add(at * sample.value);
        xx.add(at * at);
    }
    let n = samples.len() as f64;
    let covariance = xy.value() - x.value() * y.value() / n;
    let variance = xx.value() - x.value() * x.value() / n;
    let slope = covariance / variance;
    Some(Line { slope, intercept: y.value() / n - slope * x.value() / n })
}

/// Holt's double exponential smoothing: `level` weighs new values, `trend` weighs new slopes.
fn smoothed(samples: &[Sample], level: f64, trend: f64) -> Option<f64> {
    let [first, second, ..] = samples else { return None };
    let mut before = first.value;
    let mut slope = second.value - first.value;
    let mut value = before;
    for (i, sample) in samples.iter().enumerate().skip(1) {
        if i > 1 {
            slope = trend * (value - before) + (1.0 - trend) * slope;
        }
        before = value;
        value = level * sample.value + (1.0 - level) * (value + slope);
    }
    Some(value)
}

fn mean(samples: &[Sample]) -> f64 {
    fold(samples, Mean::default(), Mean::add).value()
}

fn fold<T>(samples: &[Sample], mut state: T, add: impl Fn(&mut T, f64)) -> T {
    samples.iter().for_each(|sample| add(&mut state, sample.value));
    state
}

/// The sample whose value beats all others; anything beats NaN.
fn extreme(samples: &[Sample], beats: impl Fn(f64, f64) -> bool) -> &Sample {
    let mut best = &samples[0];
    for sample in &samples[1..] {
        if beats(sample.value, best.value) || best.value.is_nan() {
            best = sample;
        }
    }
    best
}

fn count_pairs(samples: &[Sample], counts: impl Fn(f64, f64) -> bool) -> f64 {
    samples.windows(2).filter(|pair| counts(pair[0].value, pair[1].value)).count() as f64
}

fn take_values(samples: &[Sample], values: &mut Vec<f64>) {
    values.clear();
    values.extend(samples.iter().map(|sample| sample.value));
}

fn last(samples: &[Sample]) -> &Sample {
    samples.last().expect("a window is never empty")
}

fn time_s(sample: &Sample) -> f64 {
    sample.time_ms as f64 / 1000.0
}

fn seconds(from_ms: i64, to_ms: i64) -> f64 {
    (to_ms - from_ms) as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[f64]) -> Vec<Sample> {
        values.iter().enumerate().map(|(i, value)| Sample { time_ms: i as i64 * 10_000, value: *value }).collect()
    }

    fn window(samples: &[Sample], start_ms: i64, end_ms: i64) -> Window<'_> {
        Window { samples, first: 0, step: 0, start_ms, end_ms }
    }

    #[test]
    fn an_increase_is_extended_to_the_windows_ends() {
        let samples = samples(&[100.0, 110.0, 120.0]);
        assert_eq!(extrapolated(&window(&samples, -5_000, 25_000), 0.0, true), Some(30.0));
    }

    #[test]
    fn a_counter_is_not_extended_below_zero() {
        let samples = samples(&[1.0, 11.0]);
        assert_eq!(extrapolated(&window(&samples, -10_000, 10_000), 0.0, true), Some(11.0));
    }

    #[test]
    fn resets_count_within_the_window_only() {
        let samples = samples(&[5.0, 1.0, 4.0, 2.0]);
        let resets = Resets::of(&samples);
        assert_eq!(resets.within(&window(&samples, 0, 0)), 9.0);
        assert_eq!(resets.within(&Window { samples: &samples[1..], first: 1, step: 0, start_ms: 0, end_ms: 0 }), 4.0);
    }

    #[test]
    fn a_straight_line_is_found() {
        let line = line(&samples(&[0.0, 10.0, 20.0]), 20_000).unwrap();
        assert!((line.slope - 1.0).abs() < 1e-9 && (line.intercept - 20.0).abs() < 1e-9);
    }

    #[test]
    fn any_number_beats_nan() {
        assert_eq!(extreme(&samples(&[f64::NAN, 2.0, 1.0]), |a, b| a > b).value, 2.0);
    }
}
