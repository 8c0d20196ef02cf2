//! Prometheus's `humanize…` functions: four significant digits and a unit.

use kernel::Timestamp;

use super::TemplateError;
use super::format::{general, go_time};

const LARGE: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const LARGE_1024: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];

pub(super) fn humanize(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return four(value);
    }
    let (value, prefix) = if value.abs() >= 1.0 { scale_down(value, 1000.0, &LARGE) } else { scale_up(value) };
    format!("{}{prefix}", four(value))
}

pub(super) fn humanize_1024(value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() {
        return four(value);
    }
    let (value, prefix) = scale_down(value, 1024.0, &LARGE_1024);
    format!("{}{prefix}", four(value))
}

/// Of seconds.
pub(super) fn humanize_duration(value: f64) -> String {
    if !value.is_finite() {
        return four(value);
    }
    if value == 0.0 {
        return "0s".to_owned();
    }
    if value.abs() < 1.0 {
        let (value, prefix) = scale_up(value);
        return format!("{}{prefix}s", four(value));
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let whole = value.abs() as i64;
    let (seconds, minutes, hours, days) = (whole % 60, whole / 60 % 60, whole / 3600 % 24, whole / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{}s", four(value.abs())),
        (0, 0, _) => format!("{sign}{minutes}m {seconds}s"),
        (0, _, _) => format!("{sign}{hours}h {minutes}m {seconds}s"),
        _ => format!("{sign}{days}d {hours}h {minutes}m {seconds}s"),
    }
}

pub(super) fn humanize_percentage(value: f64) -> String {
    format!("{}%", four(value * 100.0))
}

/// Of seconds since the epoch.
pub(super) fn humanize_timestamp(value: f64) -> Result<String, TemplateError> {
    if !value.is_finite() {
        return Ok(four(value));
    }
    timestamp(value).map(go_time)
}

pub(super) fn timestamp(seconds: f64) -> Result<Timestamp, TemplateError> {
    Timestamp::from_nanosecond((seconds * 1e9) as i128)
        .map_err(|_| TemplateError(format!("{} seconds since the epoch is not a time", general(seconds, None))))
}

fn scale_down(mut value: f64, base: f64, prefixes: &[&'static str]) -> (f64, &'static str) {
    let mut prefix = "";
    for next in prefixes {
        if value.abs() < base {
            break;
        }
        prefix = next;
        value /= base;
    }
    (value, prefix)
}

fn scale_up(mut value: f64) -> (f64, &'static str) {
    let mut prefix = "";
    for next in SMALL {
        if value.abs() >= 1.0 {
            break;
        }
        prefix = next;
        value *= 1000.0;
    }
    (value, prefix)
}

fn four(value: f64) -> String {
    general(value, Some(4))
}
