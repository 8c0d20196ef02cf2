//! Series as test scripts write them: `requests{job="api"} 0+10x100 _x3 stale`.

use telemetry::Labels;
use telemetry::labels::METRIC_NAME;
use telemetry::ports::STALE_NAN_BITS;

/// One point of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Point {
    Nothing,
    Value(f64),
    /// A native histogram.
    Histogram,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub labels: Labels,
    pub points: Vec<Point>,
}

/// Reads a series with its points.
pub fn series(text: &str) -> Result<Line, String> {
    let (labels, rest) = labels(text)?;
    Ok(Line { labels, points: points(rest)? })
}

/// Reads `name{label="value", …}` and gives back the rest.
fn labels(text: &str) -> Result<(Labels, &str), String> {
    let end = text.find(|c: char| c == '{' || c.is_whitespace()).unwrap_or(text.len());
    let mut pairs = Vec::new();
    if end > 0 {
        pairs.push((METRIC_NAME.to_owned(), text[..end].to_owned()));
    }
    let Some(mut rest) = text[end..].strip_prefix('{') else {
        return Ok((Labels::from_pairs(pairs), &text[end..]));
    };
    loop {
        rest = rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
        if let Some(after) = rest.strip_prefix('}') {
            return Ok((Labels::from_pairs(pairs), after));
        }
        let (name, after) = name(rest)?;
        rest = after.trim_start();
        match rest.strip_prefix('=') {
            Some(after) => {
                let (value, after) = quoted(after.trim_start())?;
                pairs.push((name, value));
                rest = after;
            }
            // A quoted name by itself is the metric's.
            None => pairs.push((METRIC_NAME.to_owned(), name)),
        }
    }
}

fn name(text: &str) -> Result<(String, &str), String> {
    if text.starts_with(['"', '\'', '`']) {
        return quoted(text);
    }
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
    if end == 0 { Err(format!("expected a label at {text:?}")) } else { Ok((text[..end].to_owned(), &text[end..])) }
}

/// Reads a quoted string; backslash escapes work except between backticks.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')).ok_or_else(|| format!("expected a string at {text:?}"))?;
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((value, &text[at + 1..])),
            '\\' if quote != '`' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, c)) => value.push(c),
                None => break,
            },
            c => value.push(c),
        }
    }
    Err(format!("the string {text:?} has no end"))
}

pub fn points(text: &str) -> Result<Vec<Point>, String> {
    let mut points = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = if rest.starts_with("{{") { histogram_end(rest)? } else { rest.find(char::is_whitespace).unwrap_or(rest.len()) };
        expand(&rest[..end], &mut points).ok_or_else(|| format!("{:?} is not a point", &rest[..end]))?;
        rest = rest[end..].trim_start();
    }
    Ok(points)
}

/// `{{…}}`, maybe with an increment and a repetition.
fn histogram_end(text: &str) -> Result<usize, String> {
    let mut end = 0;
    loop {
        end += text[end..].find("}}").ok_or_else(|| format!("{text:?} has no end"))? + 2;
        let next = text[end..].find(|c: char| c.is_whitespace() || c == '{').map_or(text.len(), |n| end + n);
        if !text[next..].starts_with("{{") {
            return Ok(next);
        }
        end = next;
    }
}

fn expand(token: &str, points: &mut Vec<Point>) -> Option<()> {
    let (body, times) = match token.rsplit_once('x').filter(|(body, times)| !body.is_empty() && !times.contains('}')) {
        Some((body, times)) => (body, Some(times.parse::<usize>().ok()?)),
        None => (token, None),
    };
    // A value repeated three times stands for four points, nothing repeated three times for three.
    let count = times.map_or(1, |times| times + 1);
    if body.starts_with("{{") {
        points.extend(std::iter::repeat_n(Point::Histogram, count));
    } else if body == "_" {
        points.extend(std::iter::repeat_n(Point::Nothing, times.unwrap_or(1)));
    } else if body == "stale" {
        points.extend(std::iter::repeat_n(Point::Value(f64::from_bits(STALE_NAN_BITS)), count));
    } else {
        let (mut value, by) = value_and_increment(body, times.is_some())?;
        for _ in 0..count {
            points.push(Point::Value(value));
            value += by;
        }
    }
    Some(())
}

fn value_and_increment(text: &str, repeated: bool) -> Option<(f64, f64)> {
    if let Some(value) = number(text) {
        return Some((value, 0.0));
    }
    let split = |at: usize| Some((number(&text[..at])?, number(&text[at..])?));
    let signs = text.char_indices().skip(1).filter(|(_, c)| matches!(c, '+' | '-'));
    signs.filter_map(|(at, _)| split(at)).next().filter(|_| repeated)
}

pub fn number(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    if unsigned.starts_with(['+', '-']) {
        return None;
    }
    match unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok().map(|value| sign * value as f64),
        None => unsigned.parse::<f64>().ok().map(|value| sign * value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notation_expands() {
        let line = series(r#"x{a="1", b="q\"}"} 1 2+3x2 _x2 -1-1x1 stale 7x1 1e3"#).unwrap();
        assert_eq!(line.labels, Labels::from_pairs([("__name__", "x"), ("a", "1"), ("b", "q\"}")]));
        let value = Point::Value;
        let stale = line.points.iter().position(|p| matches!(p, Point::Value(v) if telemetry::ports::is_stale(*v))).unwrap();
        assert_eq!(line.points[..stale], [value(1.0), value(2.0), value(5.0), value(8.0), Point::Nothing, Point::Nothing, value(-1.0), value(-2.0)]);
        assert_eq!(line.points[stale + 1..], [value(7.0), value(7.0), value(1000.0)]);
    }

    #[test]
    fn histograms_are_recognised() {
        assert_eq!(points("{{schema:0 sum:1 count:1}}+{{count:2}}x2 5").unwrap().len(), 4);
    }
}
