//! The hours in which a deployment may go on.

use std::time::Duration;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use serde::Serialize;

use crate::codes;
use crate::kinds::Reading;
use crate::source::Node;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// All seven if the document names none.
    #[serde(skip)]
    pub days: Vec<Weekday>,
    pub from: Time,
    /// Later than `from`.
    pub to: Time,
    /// A name of the IANA database.
    pub time_zone: String,
    #[serde(skip)]
    zone: TimeZone,
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

impl Window {
    /// On a day without a change of the clock.
    pub fn length(&self) -> Duration {
        Duration::try_from(self.to.duration_since(self.from)).unwrap_or_default()
    }

    /// Whether something that takes so long may begin now and be over before the window closes.
    pub fn admits(&self, at: Timestamp, takes: Duration) -> bool {
        let begin = at.to_zoned(self.zone.clone());
        let Ok(end) = begin.checked_add(takes) else { return false };
        self.days.contains(&begin.weekday()) && begin.date() == end.date() && begin.time() >= self.from && end.time() <= self.to
    }

    /// The next instant at which it opens.
    pub fn opens_after(&self, at: Timestamp) -> Option<Timestamp> {
        let now = at.to_zoned(self.zone.clone());
        (0..=7).find_map(|days| {
            let day = now.date().checked_add(days.days()).ok()?;
            let opens: Zoned = day.to_datetime(self.from).to_zoned(self.zone.clone()).ok()?;
            (self.days.contains(&day.weekday()) && opens.timestamp() > at).then(|| opens.timestamp())
        })
    }
}

/// The shape is checked by the schema before.
pub(super) fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Window> {
    let mut time = |field: &str| {
        let written = node.get(field)?;
        let text = written.text()?;
        let parsed = text.parse::<Time>();
        if parsed.is_err() {
            reading.findings.error(codes::WRONG_SCHEDULE, written.span, format!("`{text}` is not a time of day"), "write it for example as 09:00".to_owned());
        }
        parsed.ok()
    };
    let (from, to) = (time("from")?, time("to")?);
    if to <= from {
        reading.findings.error(codes::WRONG_SCHEDULE, node.span, "the window closes before it opens", "write a window for each side of midnight".to_owned());
        return None;
    }
    let time_zone = node.get("timeZone").and_then(Node::text).unwrap_or("UTC");
    let Ok(zone) = TimeZone::get(time_zone) else {
        let span = node.get("timeZone").map_or(node.span, |zone| zone.span);
        let mend = "write a name of the IANA database, for example Europe/Berlin".to_owned();
        reading.findings.error(codes::WRONG_SCHEDULE, span, format!("there is no time zone `{time_zone}`"), mend);
        return None;
    };
    let listed = node.texts("days");
    let days = DAYS.iter().filter(|(name, _)| listed.is_empty() || listed.iter().any(|day| day == name)).map(|(_, day)| *day).collect();
    Some(Window { days, from, to, time_zone: time_zone.to_owned(), zone })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn office() -> Window {
        Window {
            days: vec![Weekday::Monday, Weekday::Friday],
            from: "09:00".parse().unwrap(),
            to: "16:00".parse().unwrap(),
            time_zone: "Europe/Berlin".to_owned(),
            zone: TimeZone::get("Europe/Berlin").unwrap(),
        }
    }

    #[test]
    fn what_cannot_end_in_time_does_not_begin() {
        let friday = |time: &str| format!("2026-11-20T{time}+01:00").parse::<Timestamp>().unwrap();
        let hour = Duration::from_secs(3_600);
        assert!(office().admits(friday("09:00:00"), hour) && office().admits(friday("15:00:00"), hour));
        assert!(!office().admits(friday("08:59:59"), hour) && !office().admits(friday("15:00:01"), hour));
        assert!(!office().admits("2026-11-19T10:00:00+01:00".parse().unwrap(), hour), "a Thursday");
        assert_eq!(office().opens_after(friday("17:00:00")).unwrap().to_string(), "2026-11-23T08:00:00Z");
    }
}
