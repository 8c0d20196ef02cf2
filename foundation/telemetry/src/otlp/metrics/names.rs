//! Names and labels as Prometheus's default strategy translates them, `UnderscoreEscapingWithSuffixes`.
//!
//! Source: OpenTelemetry, "Prometheus and OpenMetrics Compatibility"; Prometheus's module
//! `otlptranslator` with the settings that Prometheus has by default.

use super::MetricKind;

/// `http.server.request.duration` in `s` becomes `http_server_request_duration_seconds`; a counter
/// ends in `_total`, a gauge without a dimension (`1`) in `_ratio`.
pub fn metric_name(name: &str, unit: &str, kind: MetricKind) -> String {
    let mut words: Vec<&str> = name.split(|c: char| !is_metric_char(c)).filter(|word| !word.is_empty()).collect();
    let (main, per) = unit_words(unit);
    let has_word = |words: &[&str], word: &str| words.contains(&word);
    let main = Some(main.trim_end_matches('_')).filter(|word| !word.is_empty() && !has_word(&words, word));
    let per = Some(per).filter(|word| !word.is_empty() && !has_word(&words, word));
    words.extend(main);
    words.extend(per.as_deref());
    if kind == MetricKind::Counter {
        move_last(&mut words, "total");
    }
    if kind == MetricKind::Gauge && unit == "1" {
        move_last(&mut words, "ratio");
    }
    let mut joined = words.join("_");
    if joined.starts_with(|c: char| c.is_ascii_digit()) {
        joined.insert(0, '_');
    }
    joined
}

/// The unit as a name's suffix has it: `bytes_per_second` for `By/s`.
pub fn unit_name(unit: &str) -> String {
    let (main, per) = unit_words(unit);
    match (main.is_empty(), per.is_empty()) {
        (false, false) => format!("{}_{per}", main.trim_end_matches('_')),
        (false, true) => main.trim_end_matches('_').to_owned(),
        _ => per,
    }
}

/// Appends `http_route` for `http.route`. A digit at the start gets `key_` before it, one underscore
/// `key`; names that start with two are reserved and stay.
pub fn push_label_name(out: &mut String, key: &str) {
    let escaped = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let start = key.chars().take(2).map(escaped).collect::<Vec<_>>();
    match start.as_slice() {
        [first, ..] if first.is_ascii_digit() => out.push_str("key_"),
        ['_'] => out.push_str("key"),
        ['_', second] if *second != '_' => out.push_str("key"),
        _ => {}
    }
    out.extend(key.chars().map(escaped));
}

/// Whether a name survives the translation at all.
pub fn has_alphanumeric(name: &str) -> bool {
    name.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

fn is_metric_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == ':'
}

fn move_last<'a>(words: &mut Vec<&'a str>, word: &'a str) {
    words.retain(|known| *known != word);
    words.push(word);
}

/// The words of `main/per`; parts in braces are remarks, not units.
fn unit_words(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let counts = |part: &str| !part.is_empty() && !part.contains(['{', '}']);
    let main = Some(main.trim()).filter(|part| counts(part)).map(|part| clean(main_word(part))).unwrap_or_default();
    let per = Some(per.trim()).filter(|part| counts(part)).map(|part| clean(per_word(part))).unwrap_or_default();
    let per = per.trim_end_matches('_');
    (main, if per.is_empty() { String::new() } else { format!("per_{per}") })
}

/// Only what a name may have; several underscores become one, none at the start.
fn clean(unit: &str) -> String {
    let mut out = String::with_capacity(unit.len());
    for c in unit.chars() {
        match is_metric_char(c) {
            true => out.push(c),
            false if !out.is_empty() && !out.ends_with('_') => out.push('_'),
            false => {}
        }
    }
    out
}

fn main_word(unit: &str) -> &str {
    match unit {
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        // So Prometheus has it.
        "TiBy" => "tibibytes",
        "KBy" => "kilobytes",
        "MBy" => "megabytes",
        "GBy" => "gigabytes",
        "TBy" => "terabytes",
        "m" => "meters",
        "V" => "volts",
        "A" => "amperes",
        "J" => "joules",
        "W" => "watts",
        "g" => "grams",
        "Cel" => "celsius",
        "Hz" => "hertz",
        "1" => "",
        "%" => "percent",
        other => other,
    }
}

fn per_word(unit: &str) -> &str {
    match unit {
        "s" => "second",
        "m" => "minute",
        "h" => "hour",
        "d" => "day",
        "w" => "week",
        "mo" => "month",
        "y" => "year",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::MetricKind::*;
    use super::*;

    #[test]
    fn metric_names_carry_unit_and_kind() {
        for (name, unit, kind, expected) in [
            ("http.server.request.duration", "s", Histogram, "http_server_request_duration_seconds"),
            ("http.server.active_requests", "{request}", Gauge, "http_server_active_requests"),
            ("requests", "1", Counter, "requests_total"),
            ("requests.total", "", Counter, "requests_total"),
            ("total.requests", "", Counter, "requests_total"),
            ("system.cpu.utilization", "1", Gauge, "system_cpu_utilization_ratio"),
            ("system.filesystem.usage", "By", Gauge, "system_filesystem_usage_bytes"),
            ("memory.bytes.used", "By", Gauge, "memory_bytes_used"),
            ("network.io", "By/s", Gauge, "network_io_bytes_per_second"),
            ("hertz.rate", "Hz", Gauge, "hertz_rate"),
            ("queue.rate", "{item}/s", Gauge, "queue_rate_per_second"),
            ("broken__name--", "a  b", Gauge, "broken_name_a_b"),
            ("2xx", "", Gauge, "_2xx"),
            ("unit.odd", "/", Gauge, "unit_odd"),
            ("Größe", "", Gauge, "Gr_e"),
        ] {
            assert_eq!(metric_name(name, unit, kind), expected, "{name} in {unit:?}");
        }
    }

    #[test]
    fn label_names_are_escaped_and_never_reserved_by_accident() {
        for (key, expected) in [
            ("http.route", "http_route"),
            ("a--b", "a__b"),
            ("1st", "key_1st"),
            ("_private", "key_private"),
            (".dot", "key_dot"),
            ("__reserved__", "__reserved__"),
            ("größe", "gr__e"),
        ] {
            let mut out = String::new();
            push_label_name(&mut out, key);
            assert_eq!(out, expected, "{key}");
        }
    }

    #[test]
    fn units_have_names() {
        assert_eq!(unit_name("By/s"), "bytes_per_second");
        assert_eq!(unit_name("1"), "");
        assert_eq!(unit_name("{request}"), "");
        assert_eq!(unit_name("ms"), "milliseconds");
    }
}
