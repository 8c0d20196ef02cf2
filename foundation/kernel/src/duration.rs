//! Durations as Prometheus writes them: `1h30m`, `15s`, `500ms`, `7d`.
//!
//! Units, largest first: y (365 d), w, d, h, m, s, ms. Source: Prometheus documentation,
//! "Querying basics", section "Float literals and time durations".

use std::time::Duration;

const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 24 * 3600 * 1000),
    ("w", 7 * 24 * 3600 * 1000),
    ("d", 24 * 3600 * 1000),
    ("h", 3600 * 1000),
    ("m", 60 * 1000),
    ("s", 1000),
    ("ms", 1),
];

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a duration; write it as for example 30s, 5m or 1h30m")]
pub struct DurationError {
    pub text: String,
}

/// Reads `1h30m`; each unit at most once, from large to small. `0` stands alone.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let wrong = || DurationError { text: text.to_owned() };
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut total_ms: u64 = 0;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (_, unit_ms) = units.find(|(name, _)| *name == &rest[..letters]).ok_or_else(wrong)?;
        rest = &rest[letters..];
        total_ms = count
            .checked_mul(*unit_ms)
            .and_then(|ms| total_ms.checked_add(ms))
            .ok_or_else(wrong)?;
    }
    Ok(Duration::from_millis(total_ms))
}

/// Writes what [`parse_duration`] reads, to the millisecond.
pub fn format_duration(duration: Duration) -> String {
    let mut left = duration.as_millis() as u64;
    if left == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (name, unit_ms) in UNITS {
        // Weeks and years only when they come out even: 90d reads better than 12w6d.
        if matches!(name, "y" | "w") && left % unit_ms != 0 {
            continue;
        }
        let count = left / unit_ms;
        if count > 0 {
            text.push_str(&format!("{count}{name}"));
            left -= count * unit_ms;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_prometheus_reads() {
        for (text, ms) in [("0", 0), ("5m", 300_000), ("1h30m", 5_400_000), ("1d", 86_400_000), ("500ms", 500), ("1s5ms", 1005)] {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_millis(ms), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in ["", "5", "m", "5m1h", "1.5h", "5min", "-5m", "99999999999999y"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for text in ["5m", "1h30m", "15s", "500ms", "90d", "2w"] {
            assert_eq!(format_duration(parse_duration(text).unwrap()), text);
        }
    }
}
