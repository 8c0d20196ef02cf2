//! Durations as scripts write them: `10` and `"10"` are seconds, `"2m"`, `"0.5 min"` and `"500ms"` have a unit.
//!
//! Source: the npm package `ms`, which Artillery reads texts with. A number with a fraction and no unit is
//! in seconds here; Artillery takes it for milliseconds in a text, and for nothing at all in a number.

use std::time::Duration;

use serde_json::Value;

/// Reads a literal or a template that has been filled in. Nothing is shorter than no time at all.
pub fn duration(value: &Value) -> Option<Duration> {
    match value {
        Value::Number(number) => seconds(number.as_f64()?),
        Value::String(text) => of_text(text),
        _ => None,
    }
}

pub(crate) fn of_text(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let amount: Option<f64> = text[..digits].parse().ok();
    let read = amount.zip(unit_seconds(text[digits..].trim_start())).and_then(|(amount, unit)| seconds(amount * unit));
    // `1h30m`, as our other documents write it.
    read.or_else(|| kernel::parse_duration(text).ok())
}

fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => 0.001,
        "" | "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 7.0 * 86_400.0,
        "y" | "yr" | "yrs" | "year" | "years" => 365.25 * 86_400.0,
        _ => return None,
    })
}

fn seconds(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_what_published_scripts_write() {
        for (written, ms) in [
            (json!(10), 10_000),
            (json!("10"), 10_000),
            (json!(0.5), 500),
            (json!("0.5 min"), 30_000),
            (json!("9 seconds"), 9_000),
            (json!("10min"), 600_000),
            (json!(" 2M "), 120_000),
            (json!("500ms"), 500),
            (json!("1h30m"), 5_400_000),
            (json!(".5s"), 500),
        ] {
            assert_eq!(duration(&written), Some(Duration::from_millis(ms)), "{written}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for written in [json!(-1), json!("-1s"), json!("soon"), json!(""), json!("1 fortnight"), json!("1.2.3s"), json!(1e300), json!(true)] {
            assert_eq!(duration(&written), None, "{written}");
        }
    }
}
