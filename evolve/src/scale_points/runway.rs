//! The runway: how long it takes until the daily peak reaches the scale point.

use jiff::SignedDuration;
use kernel::Timestamp;
use serde::Serialize;

/// Fewer days tell no trend.
pub const DAYS_MIN: usize = 7;
const SECONDS_A_DAY: f64 = 86_400.0;
/// Farther ahead a line through the past says nothing.
const HORIZON_DAYS: f64 = 3650.0;

/// The highest rate of one day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DailyPeak {
    pub day: Timestamp,
    /// A second.
    pub rate: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Runway {
    /// The highest rate of the last seven days.
    pub peak: f64,
    pub scale_point: f64,
    /// How much of the scale point is used at the peak; 1 is all.
    pub used: f64,
    pub projection: Projection,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Projection {
    /// The peak is at the scale point or beyond it.
    Reached,
    /// Along the median slope of the daily peaks; earliest and latest along its confidence limits of 95 %.
    On { date: Timestamp, earliest: Option<Timestamp>, latest: Option<Timestamp> },
    /// The peaks do not grow towards it within ten years.
    NotInSight,
    TooFewDays { days: usize },
}

/// None without a single peak.
pub fn runway(peaks: &[DailyPeak], scale_point: f64) -> Option<Runway> {
    let last = peaks.iter().max_by_key(|peak| peak.day)?.day;
    let week = peaks.iter().filter(|peak| last.duration_since(peak.day) < SignedDuration::from_hours(7 * 24));
    let peak = week.map(|peak| peak.rate).fold(0.0, f64::max);
    let projection = if peak >= scale_point { Projection::Reached } else { project(peaks, last, scale_point) };
    Some(Runway { peak, scale_point, used: peak / scale_point, projection })
}

/// Theil's and Sen's slope: a single day of unusual traffic does not bend it.
fn project(peaks: &[DailyPeak], last: Timestamp, scale_point: f64) -> Projection {
    if peaks.len() < DAYS_MIN {
        return Projection::TooFewDays { days: peaks.len() };
    }
    let day = |peak: &DailyPeak| peak.day.duration_since(last).as_secs_f64() / SECONDS_A_DAY;
    let mut slopes: Vec<f64> = Vec::new();
    for (index, a) in peaks.iter().enumerate() {
        slopes.extend(peaks[index + 1..].iter().map(|b| (b.rate - a.rate) / (day(b) - day(a))).filter(|slope| slope.is_finite()));
    }
    if slopes.is_empty() {
        return Projection::TooFewDays { days: 1 };
    }
    slopes.sort_by(f64::total_cmp);
    let reached = |slope: f64| {
        let mut intercepts: Vec<f64> = peaks.iter().map(|peak| peak.rate - slope * day(peak)).collect();
        intercepts.sort_by(f64::total_cmp);
        let days = (scale_point - median(&intercepts)) / slope;
        (slope > 0.0 && days <= HORIZON_DAYS).then(|| after(last, days.max(0.0))).flatten()
    };
    let (lower, upper) = limits(&slopes, peaks.len());
    match reached(median(&slopes)) {
        Some(date) => Projection::On { date, earliest: reached(upper), latest: reached(lower) },
        None => Projection::NotInSight,
    }
}

/// The confidence limits of the slope, from Kendall's statistic. Source: P. K. Sen, 1968, "Estimates of the
/// Regression Coefficient Based on Kendall's Tau".
fn limits(sorted_slopes: &[f64], n: usize) -> (f64, f64) {
    const TWO_SIDED_95: f64 = 1.959_964;
    let n = n as f64;
    let spread = TWO_SIDED_95 * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    let count = sorted_slopes.len() as f64;
    let at = |rank: f64| sorted_slopes[(rank.max(0.0) as usize).min(sorted_slopes.len() - 1)];
    (at((count - spread) / 2.0 - 1.0), at((count + spread) / 2.0))
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

fn after(instant: Timestamp, days: f64) -> Option<Timestamp> {
    instant.checked_add(SignedDuration::try_from_secs_f64(days * SECONDS_A_DAY).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(rates: impl IntoIterator<Item = f64>) -> Vec<DailyPeak> {
        let first: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        rates.into_iter().zip(0..).map(|(rate, day)| DailyPeak { day: first + SignedDuration::from_hours(24 * day), rate }).collect()
    }

    #[test]
    fn growth_has_a_date() {
        let runway = runway(&days((0..30).map(|day| 100.0 + f64::from(day))), 200.0).unwrap();
        let Projection::On { date, earliest, latest } = runway.projection else { panic!("{runway:?}") };
        assert_eq!(date.to_string(), "2026-04-11T12:00:00Z");
        assert!(earliest.unwrap() <= date && latest.unwrap() >= date);
        assert!((runway.used - 0.645).abs() < 1e-9);
    }

    #[test]
    fn one_wild_day_changes_little() {
        let mut peaks = days((0..30).map(|day| 100.0 + f64::from(day)));
        peaks[10].rate = 190.0;
        let Projection::On { date, .. } = runway(&peaks, 200.0).unwrap().projection else { panic!() };
        assert!(date.to_string().starts_with("2026-04"), "{date}");
    }

    #[test]
    fn what_cannot_be_said_is_not_said() {
        let projection = |rates: Vec<f64>| runway(&days(rates), 200.0).unwrap().projection;
        assert_eq!(projection(vec![100.0; 30]), Projection::NotInSight);
        assert_eq!(projection(vec![100.0, 101.0]), Projection::TooFewDays { days: 2 });
        assert_eq!(projection(vec![100.0, 201.0]), Projection::Reached);
        assert_eq!(runway(&[], 200.0), None);
    }
}
