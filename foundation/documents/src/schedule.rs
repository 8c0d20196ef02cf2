//! When something happens again and again: `every: 60s`, or a cron expression in a time zone.
//!
//! Five fields, or six with seconds in front; names of days and months, `L`, `#` and `W`, and `@hourly` and the
//! like. In the hour that a clock skips or repeats, a time of day that does not exist is taken after the gap,
//! and one that comes twice is taken once.
//!
//! Source: POSIX `crontab`, and the crate `croner`.

use std::str::FromStr;
use std::time::Duration;

use croner::Cron;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::codes;
use crate::kinds::Reading;
use crate::source::{Node, Span};

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Schedule {
    Every(Duration),
    Cron(CronSchedule),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CronSchedule {
    pub expression: String,
    /// A name of the IANA database; UTC if absent.
    pub time_zone: String,
    #[serde(skip)]
    cron: Cron,
    #[serde(skip)]
    zone: TimeZone,
}

impl Schedule {
    /// The first time after this instant; nothing if there is none in the next years. Whoever asks again from
    /// the same instant hears the same, so that no state is kept: `every` counts from 1970.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(every) => {
                let every_ms = i64::try_from(every.as_millis()).ok()?.max(1);
                let periods = after.as_millisecond().div_euclid(every_ms) + 1;
                Timestamp::from_millisecond(periods.checked_mul(every_ms)?).ok()
            }
            Self::Cron(cron) => {
                let next = cron.cron.find_next_occurrence(&after.to_zoned(cron.zone.clone()), false);
                next.ok().map(|next| next.timestamp())
            }
        }
    }

    /// The shortest time between two, as far as it can be told beforehand.
    pub fn period(&self) -> Option<Duration> {
        match self {
            Self::Every(every) => Some(*every),
            Self::Cron(_) => None,
        }
    }
}

/// Reads `schedule` or `every`, exactly one; the schema has looked at their types.
pub(crate) fn read(spec: &Node, span: Span, reading: &mut Reading<'_>) -> Option<Schedule> {
    match (spec.get("schedule"), spec.get("every")) {
        (Some(schedule), None) => cron(schedule, reading).map(Schedule::Cron),
        (None, Some(_)) => every(spec, reading),
        (Some(_), Some(_)) => {
            let span = spec.entry("every").map_or(span, |(key, _)| key.span);
            reading.findings.error(codes::WRONG_VALUE, span, "there is both `schedule` and `every`", "keep one of the two".to_owned());
            None
        }
        (None, None) => {
            let mend = "add `every: 60s`, or `schedule: { cron: \"*/5 * * * *\" }`".to_owned();
            reading.findings.error(codes::MISSING_FIELD, span, "it does not say when it runs", mend);
            None
        }
    }
}

fn every(spec: &Node, reading: &mut Reading<'_>) -> Option<Schedule> {
    const LEAST: Duration = Duration::from_secs(1);
    let every = spec.duration("every")?;
    if every < LEAST {
        let span = spec.get("every")?.span;
        reading.findings.error(codes::WRONG_VALUE, span, "`every` must be at least 1s", None);
        return None;
    }
    Some(Schedule::Every(every))
}

fn cron(node: &Node, reading: &mut Reading<'_>) -> Option<CronSchedule> {
    let written = node.get("cron")?;
    let expression = written.text()?;
    let cron = match Cron::from_str(expression) {
        Ok(cron) => Some(cron),
        Err(error) => {
            let mend = "write minute, hour, day of month, month and day of week, for example */5 * * * *".to_owned();
            let message = format!("`{expression}` is not a cron expression: {error}");
            reading.findings.error(codes::WRONG_SCHEDULE, written.span, message, mend);
            None
        }
    };
    let time_zone = node.get("timeZone").and_then(Node::text).unwrap_or("UTC");
    let zone = match TimeZone::get(time_zone) {
        Ok(zone) => Some(zone),
        Err(_) => {
            let span = node.get("timeZone").map_or(node.span, |zone| zone.span);
            let mend = "write a name of the IANA database, for example Europe/Berlin".to_owned();
            reading.findings.error(codes::WRONG_SCHEDULE, span, format!("there is no time zone `{time_zone}`"), mend);
            None
        }
    };
    Some(CronSchedule { expression: expression.to_owned(), time_zone: time_zone.to_owned(), cron: cron?, zone: zone? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin(expression: &str) -> Schedule {
        Schedule::Cron(CronSchedule {
            expression: expression.to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
            cron: Cron::from_str(expression).unwrap(),
            zone: TimeZone::get("Europe/Berlin").unwrap(),
        })
    }

    fn times(schedule: &Schedule, after: &str, count: usize) -> Vec<String> {
        let mut after: Timestamp = after.parse().unwrap();
        let mut times = Vec::new();
        for _ in 0..count {
            after = schedule.next(after).unwrap();
            times.push(after.to_string());
        }
        times
    }

    #[test]
    fn a_time_of_day_follows_the_clocks_of_its_zone() {
        let noon = times(&berlin("0 12 * * MON-FRI"), "2026-03-27T12:00:00Z", 2);
        assert_eq!(noon, ["2026-03-30T10:00:00Z", "2026-03-31T10:00:00Z"], "over the weekend, and into summer");
    }

    #[test]
    fn hours_that_are_skipped_or_repeated_come_once() {
        let half_past_two = berlin("30 2 * * *");
        let spring = times(&half_past_two, "2026-03-28T12:00:00Z", 2);
        assert_eq!(spring[1], "2026-03-30T00:30:00Z");
        assert!(spring[0].starts_with("2026-03-29T01:"), "after the gap: {}", spring[0]);
        let autumn = times(&half_past_two, "2026-10-24T12:00:00Z", 2);
        assert!(autumn[0].starts_with("2026-10-25T") && autumn[1].starts_with("2026-10-26T"), "{autumn:?}");
    }

    #[test]
    fn every_counts_from_the_same_moment_wherever_it_is_asked() {
        let every = Schedule::Every(Duration::from_secs(300));
        assert_eq!(times(&every, "2026-01-01T00:02:10Z", 2), ["2026-01-01T00:05:00Z", "2026-01-01T00:10:00Z"]);
        assert_eq!(times(&every, "2026-01-01T00:05:00Z", 1), ["2026-01-01T00:10:00Z"]);
        assert_eq!(times(&every, "1969-12-31T23:59:59Z", 1), ["1970-01-01T00:00:00Z"]);
    }

    #[test]
    fn a_day_that_never_comes_ends_the_search() {
        assert_eq!(berlin("0 0 30 2 *").next("2026-01-01T00:00:00Z".parse().unwrap()), None);
    }
}
