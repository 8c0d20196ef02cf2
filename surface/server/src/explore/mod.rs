//! Looking into the signals: SQL, logs, traces, and what the spans tell of services.

pub mod logs;
pub mod services;
pub mod sql;
pub mod tail;
pub mod traces;

use jiff::ToSpan;
use kernel::{SharedClock, Timestamp};

use crate::error::{ApiError, ApiResult};

/// A window of time that is not empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub start: Timestamp,
    pub end: Timestamp,
}

impl Span {
    /// The last hour where an end is left open.
    pub fn of(start: Option<Timestamp>, end: Option<Timestamp>, clock: &SharedClock) -> ApiResult<Self> {
        let end = end.unwrap_or_else(|| clock.now());
        let start = match start {
            Some(start) => start,
            None => end - 1.hour(),
        };
        if start >= end {
            return Err(ApiError::invalid(format!("the window is empty: start {start} is not before end {end}")));
        }
        Ok(Self { start, end })
    }

    pub fn seconds(&self) -> f64 {
        self.end.duration_since(self.start).as_secs_f64()
    }

    /// `column >= start AND column < end`
    pub fn condition(&self, column: &str) -> String {
        use telemetry::sql::timestamp;
        format!("{column} >= {} AND {column} < {}", timestamp(self.start), timestamp(self.end))
    }

    /// About `steps` equal steps of whole seconds: the first step's start and a step's length, in seconds.
    pub fn steps(&self, steps: u32) -> Steps {
        let length_s = nice_step_s(self.seconds() / f64::from(steps));
        let first_s = self.start.as_second().div_euclid(length_s) * length_s;
        let count = ((self.end.as_millisecond() as f64 / 1e3 - first_s as f64) / length_s as f64).ceil().max(1.0) as usize;
        Steps { first_s, length_s, count }
    }
}

/// Equal steps, aligned to the epoch so that a later look shows the same ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps {
    pub first_s: i64,
    pub length_s: i64,
    pub count: usize,
}

impl Steps {
    pub fn starts_s(&self) -> Vec<f64> {
        (0..self.count as i64).map(|i| (self.first_s + i * self.length_s) as f64).collect()
    }

    /// SQL for the start of the step that `column` falls into.
    pub fn bin(&self, column: &str) -> String {
        format!("date_bin(INTERVAL '{} seconds', {column})", self.length_s)
    }

    pub fn index(&self, start: Timestamp) -> Option<usize> {
        usize::try_from((start.as_second() - self.first_s) / self.length_s).ok().filter(|i| *i < self.count)
    }
}

fn nice_step_s(wanted_s: f64) -> i64 {
    const NICE_S: [i64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 10_800, 86_400];
    NICE_S.into_iter().find(|step| *step as f64 >= wanted_s).unwrap_or(86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_aligned_and_cover_the_window() {
        let span = Span { start: Timestamp::from_second(95).unwrap(), end: Timestamp::from_second(995).unwrap() };
        let steps = span.steps(60);
        assert_eq!((steps.first_s, steps.length_s, steps.count), (90, 15, 61));
        assert_eq!(steps.index(Timestamp::from_second(990).unwrap()), Some(60));
        assert_eq!(steps.index(Timestamp::from_second(1_005).unwrap()), None);
    }
}
