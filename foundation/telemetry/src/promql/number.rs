//! Floats as Prometheus writes them.

/// The shortest decimal that reads back as the same float; large and tiny ones with an exponent
/// (`1e+21`), the special ones as `NaN`, `+Inf`, `-Inf`.
pub fn format_float(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && size.is_finite() && !(1e-6..1e21).contains(&size) {
        return format_exponent(value);
    }
    format_plain(value)
}

/// As [`format_float`], but never with an exponent.
pub fn format_plain(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value == f64::INFINITY {
        "+Inf".to_owned()
    } else if value == f64::NEG_INFINITY {
        "-Inf".to_owned()
    } else {
        value.to_string()
    }
}

/// Always with an exponent, of a sign and at least two digits: `1.5e+00`.
pub fn format_exponent(value: f64) -> String {
    if !value.is_finite() {
        return format_plain(value);
    }
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// Reads what people and Prometheus write: decimals, hexadecimal integers, `Inf`, `NaN`.
pub fn parse_float(text: &str) -> Option<f64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        return u64::from_str_radix(hex, 16).ok().map(|value| sign * value as f64);
    }
    if digits.starts_with(['+', '-']) {
        return None;
    }
    digits.parse::<f64>().ok().map(|value| sign * value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_floats_as_prometheus_does() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.1, "0.1"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e-7, "1.5e-07"),
            (1e-6, "0.000001"),
            (-2.5e300, "-2.5e+300"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(format_float(value), text);
        }
        assert_eq!(format_exponent(1.5), "1.5e+00");
        assert_eq!(format_exponent(f64::INFINITY), "+Inf");
    }

    #[test]
    fn reads_floats() {
        assert_eq!(parse_float("0x1F"), Some(31.0));
        assert_eq!(parse_float("-1.5e3"), Some(-1500.0));
        assert_eq!(parse_float("-Inf"), Some(f64::NEG_INFINITY));
        assert!(parse_float("NaN").is_some_and(f64::is_nan));
        assert_eq!(parse_float("--1"), None);
        assert_eq!(parse_float(""), None);
    }
}
