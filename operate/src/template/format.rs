//! Numbers, times and `printf` as Go writes them.
//!
//! Sources: Go, packages `fmt` (verbs and flags), `strconv` (`FormatFloat`), `time` (`String`).

use kernel::Timestamp;

use super::{TemplateError, Value};

/// Wider or longer fields are refused.
const FIELD_MAX: usize = 1000;
/// From this exponent on, the shortest form of a number is scientific: a million is `1e+06`.
const SHORTEST_EXPONENT_MAX: i32 = 6;

/// `%g`: with `precision` significant digits, or as few as tell the number from every other.
pub(super) fn general(value: f64, precision: Option<usize>) -> String {
    if let Some(special) = special(value) {
        return special;
    }
    let digits = precision.map(|precision| precision.max(1));
    let scientific = digits.map_or_else(|| format!("{value:e}"), |digits| format!("{value:.*e}", digits - 1));
    let (mantissa, exponent) = split_scientific(&scientific);
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    let exponent_max = digits.map_or(SHORTEST_EXPONENT_MAX, |digits| digits as i32);
    if exponent < -4 || exponent >= exponent_max {
        return format!("{mantissa}{}", go_exponent(exponent));
    }
    let significant = mantissa.bytes().filter(u8::is_ascii_digit).count() as i32;
    format!("{value:.*}", (significant - 1 - exponent).max(0) as usize)
}

/// `%e`.
fn scientific(value: f64, precision: usize) -> String {
    special(value).unwrap_or_else(|| {
        let text = format!("{value:.precision$e}");
        let (mantissa, exponent) = split_scientific(&text);
        format!("{mantissa}{}", go_exponent(exponent))
    })
}

/// `%f`.
fn fixed(value: f64, precision: usize) -> String {
    special(value).unwrap_or_else(|| format!("{value:.precision$}"))
}

fn special(value: f64) -> Option<String> {
    match value {
        _ if value.is_nan() => Some("NaN".to_owned()),
        f64::INFINITY => Some("+Inf".to_owned()),
        f64::NEG_INFINITY => Some("-Inf".to_owned()),
        _ => None,
    }
}

/// Rust writes `1.5e-7`.
fn split_scientific(text: &str) -> (&str, i32) {
    text.split_once('e').and_then(|(mantissa, exponent)| Some((mantissa, exponent.parse().ok()?))).unwrap_or((text, 0))
}

/// At least two digits, always with its sign.
fn go_exponent(exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("e{sign}{:02}", exponent.abs())
}

/// `2015-11-13 06:38:00.5 +0000 UTC`
pub(super) fn go_time(time: Timestamp) -> String {
    let whole = time.strftime("%Y-%m-%d %H:%M:%S");
    match time.subsec_nanosecond().unsigned_abs() {
        0 => format!("{whole} +0000 UTC"),
        nanoseconds => format!("{whole}.{} +0000 UTC", format!("{nanoseconds:09}").trim_end_matches('0')),
    }
}

/// `1h15m0.5s`, `300ms`, `0s`.
pub(super) fn go_duration(seconds: f64) -> String {
    let sign = if seconds < 0.0 { "-" } else { "" };
    let seconds = seconds.abs();
    if seconds == 0.0 {
        return "0s".to_owned();
    }
    for (below, scale, unit) in [(1e-6, 1e9, "ns"), (1e-3, 1e6, "µs"), (1.0, 1e3, "ms")] {
        if seconds < below {
            return format!("{sign}{}{unit}", general(seconds * scale, None));
        }
    }
    let (hours, minutes) = ((seconds / 3600.0).floor(), (seconds / 60.0).floor() % 60.0);
    let rest = general(((seconds % 60.0) * 1e9).round() / 1e9, None);
    match (hours > 0.0, minutes > 0.0) {
        (true, _) => format!("{sign}{hours}h{minutes}m{rest}s"),
        (false, true) => format!("{sign}{minutes}m{rest}s"),
        (false, false) => format!("{sign}{rest}s"),
    }
}

#[derive(Debug, Default)]
struct Verb {
    minus: bool,
    plus: bool,
    zero: bool,
    space: bool,
    sharp: bool,
    width: Option<usize>,
    precision: Option<usize>,
    letter: char,
}

/// Go's `fmt.Sprintf`. As there, a mistake is told within the text: `%!d(string=x)`.
pub(super) fn printf(format: &str, arguments: &[Value]) -> Result<String, TemplateError> {
    let mut out = String::new();
    let mut arguments = arguments.iter();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let (verb, after) = verb(&rest[at + 1..])?;
        rest = after;
        match verb.letter {
            '%' => out.push('%'),
            '\0' => out.push_str("%!(NOVERB)"),
            letter => match arguments.next() {
                Some(argument) => out.push_str(&pad(&verb, one(&verb, argument))),
                None => out.push_str(&format!("%!{letter}(MISSING)")),
            },
        }
    }
    out.push_str(rest);
    let extra: Vec<String> = arguments.map(|value| format!("{}={}", go_type(value), value.print())).collect();
    if !extra.is_empty() {
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    Ok(out)
}

/// The verb after a `%`, and what follows it.
fn verb(text: &str) -> Result<(Verb, &str), TemplateError> {
    let mut verb = Verb::default();
    let flags = text.find(|c| !matches!(c, '-' | '+' | '0' | ' ' | '#')).unwrap_or(text.len());
    for flag in text[..flags].chars() {
        match flag {
            '-' => verb.minus = true,
            '+' => verb.plus = true,
            '0' => verb.zero = true,
            ' ' => verb.space = true,
            _ => verb.sharp = true,
        }
    }
    let (width, text) = digits(&text[flags..])?;
    verb.width = width;
    let text = match text.strip_prefix('.') {
        Some(text) => {
            let (precision, text) = digits(text)?;
            verb.precision = Some(precision.unwrap_or(0));
            text
        }
        None => text,
    };
    let mut rest = text.chars();
    verb.letter = rest.next().unwrap_or('\0');
    Ok((verb, rest.as_str()))
}

fn digits(text: &str) -> Result<(Option<usize>, &str), TemplateError> {
    let (digits, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    if digits.is_empty() {
        return Ok((None, rest));
    }
    match digits.parse() {
        Ok(number) if number <= FIELD_MAX => Ok((Some(number), rest)),
        _ => Err(TemplateError(format!("printf: {digits} is too wide; at most {FIELD_MAX}"))),
    }
}

fn one(verb: &Verb, value: &Value) -> String {
    let signed = |text: String, negative: bool| match (verb.plus, verb.space) {
        (true, _) if !negative && !text.starts_with('+') => format!("+{text}"),
        (false, true) if !negative => format!(" {text}"),
        _ => text,
    };
    match (verb.letter, value) {
        ('v', Value::Float(float)) => signed(general(*float, verb.precision), *float < 0.0),
        ('v', Value::Int(int)) => signed(int.to_string(), *int < 0),
        ('v', value) => value.print(),
        ('g' | 'G', Value::Float(float)) => signed(general(*float, verb.precision), *float < 0.0),
        ('f' | 'F', Value::Float(float)) => signed(fixed(*float, verb.precision.unwrap_or(6)), *float < 0.0),
        ('e' | 'E', Value::Float(float)) => signed(scientific(*float, verb.precision.unwrap_or(6)), *float < 0.0),
        ('d', Value::Int(int)) => signed(int.to_string(), *int < 0),
        ('x', Value::Int(int)) => format!("{}{int:x}", if verb.sharp { "0x" } else { "" }),
        ('X', Value::Int(int)) => format!("{}{int:X}", if verb.sharp { "0X" } else { "" }),
        ('o', Value::Int(int)) => format!("{int:o}"),
        ('b', Value::Int(int)) => format!("{int:b}"),
        ('c', Value::Int(int)) => u32::try_from(*int).ok().and_then(char::from_u32).unwrap_or('\u{fffd}').to_string(),
        ('t', Value::Bool(bool)) => bool.to_string(),
        ('s', Value::Text(text)) => truncated(text, verb.precision),
        ('q', Value::Text(text)) => format!("{:?}", truncated(text, verb.precision)),
        ('x', Value::Text(text)) => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        ('s', Value::Duration(_) | Value::Time(_) | Value::Labels(_) | Value::Map(_) | Value::List(_)) => value.print(),
        ('T', value) => go_type(value).to_owned(),
        (letter, value) => format!("%!{letter}({}={})", go_type(value), value.print()),
    }
}

fn truncated(text: &str, precision: Option<usize>) -> String {
    precision.map_or_else(|| text.to_owned(), |length| text.chars().take(length).collect())
}

fn pad(verb: &Verb, text: String) -> String {
    let missing = verb.width.unwrap_or(0).saturating_sub(text.chars().count());
    match (verb.minus, verb.zero) {
        _ if missing == 0 => text,
        (true, _) => text + &" ".repeat(missing),
        (false, true) => {
            let sign = text.len() - text.trim_start_matches(['+', '-']).len();
            format!("{}{}{}", &text[..sign], "0".repeat(missing), &text[sign..])
        }
        (false, false) => " ".repeat(missing) + &text,
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Nil => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float64",
        Value::Text(_) => "string",
        Value::Duration(_) => "time.Duration",
        Value::Time(_) => "time.Time",
        Value::Labels(_) => "map[string]string",
        Value::Map(_) => "map[string]interface {}",
        Value::List(_) => "[]interface {}",
        Value::Sample(_) => "template.sample",
    }
}
