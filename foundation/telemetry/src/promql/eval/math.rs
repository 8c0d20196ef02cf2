//! What happens to single values: arithmetic, comparison, rounding, clamping, dates.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::row::Row;
use super::{Evaluation, Sink};
use crate::promql::QueryError;
use crate::promql::fetch::Grid;
use crate::promql::plan::{Arithmetic, Comparison, Date, Node};

#[inline]
pub(super) fn arithmetic(op: Arithmetic, a: f64, b: f64) -> f64 {
    match op {
        Arithmetic::Add => a + b,
        Arithmetic::Subtract => a - b,
        Arithmetic::Multiply => a * b,
        Arithmetic::Divide => a / b,
        Arithmetic::Modulo => a % b,
        Arithmetic::Power => a.powf(b),
        Arithmetic::Atan2 => a.atan2(b),
    }
}

#[inline]
pub(super) fn compare(op: Comparison, a: f64, b: f64) -> bool {
    match op {
        Comparison::Equal => a == b,
        Comparison::NotEqual => a != b,
        Comparison::Less => a < b,
        Comparison::LessOrEqual => a <= b,
        Comparison::Greater => a > b,
        Comparison::GreaterOrEqual => a >= b,
    }
}

/// NaN if one of the two is; unlike `f64::max`.
pub(super) fn max(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// NaN if one of the two is; unlike `f64::min`.
pub(super) fn min(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}

impl Evaluation {
    /// To the nearest multiple; halves go up.
    pub(super) fn round(&self, args: &[Node], grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        let to = match args.get(1) {
            Some(to) => self.scalar(to, grid)?,
            None => super::scalar::Scalar::Constant(1.0),
        };
        self.map(&args[0], grid, sink, |step, value| {
            // The inverse keeps 0.1 from adding its error to every multiple.
            let inverse = 1.0 / to.at(step);
            Some((value * inverse + 0.5).floor() / inverse)
        })
    }

    pub(super) fn clamp(&self, args: &[Node], grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        let (low, high) = (self.scalar(&args[1], grid)?, self.scalar(&args[2], grid)?);
        self.map(&args[0], grid, sink, |step, value| {
            let (low, high) = (low.at(step), high.at(step));
            if low > high { None } else { Some(max(low, min(high, value))) }
        })
    }

    pub(super) fn clamp_min(&self, args: &[Node], grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        let low = self.scalar(&args[1], grid)?;
        self.map(&args[0], grid, sink, |step, value| Some(max(low.at(step), value)))
    }

    pub(super) fn clamp_max(&self, args: &[Node], grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        let high = self.scalar(&args[1], grid)?;
        self.map(&args[0], grid, sink, |step, value| Some(min(high.at(step), value)))
    }

    /// Of a selector the times of its samples, of anything else the times of the steps.
    pub(super) fn timestamp(&self, inner: &Node, grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        match inner {
            Node::Instant(selector) => self.nameless(selector.one_name, sink, &mut |sink| {
                self.instant_values(selector, grid, &|sample| sample.time_ms as f64 / 1000.0, sink)
            }),
            other => self.map(other, grid, sink, |step, _| Some(grid.time(step) as f64 / 1000.0)),
        }
    }

    pub(super) fn date(&self, date: Date, arg: Option<&Node>, grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        match arg {
            Some(arg) => self.map(arg, grid, sink, |_, seconds| Some(part_of(date, seconds))),
            None => {
                let mut cells = super::row::Cells::absent(grid.len);
                (0..grid.len).for_each(|step| cells.set(step, part_of(date, grid.time(step) as f64 / 1000.0)));
                sink(Row::new(Default::default(), cells))
            }
        }
    }
}

/// A part of the UTC date; NaN for a time outside the calendar's years.
fn part_of(date: Date, seconds: f64) -> f64 {
    let Some(time) = Some(seconds).filter(|s| s.is_finite()).and_then(|s| Timestamp::from_second(s.floor() as i64).ok()) else {
        return f64::NAN;
    };
    let time = time.to_zoned(TimeZone::UTC);
    match date {
        Date::Minute => f64::from(time.minute()),
        Date::Hour => f64::from(time.hour()),
        Date::DayOfWeek => f64::from(time.weekday().to_sunday_zero_offset()),
        Date::DayOfMonth => f64::from(time.day()),
        Date::DayOfYear => f64::from(time.day_of_year()),
        Date::DaysInMonth => f64::from(time.days_in_month()),
        Date::Month => f64::from(time.month()),
        Date::Year => f64::from(time.year()),
    }
}
