//! What a statement expects, and whether an answer is that.

use std::collections::BTreeMap;

use regex::Regex;
use telemetry::Labels;
use telemetry::ports::{Sample, Series};
use telemetry::promql::{Answer, QueryError, Value};

use super::notation::{self, Line, Point};
use super::script::{When, time_ms};

#[derive(Debug, Default)]
pub struct Expectation {
    fails: bool,
    ordered: bool,
    warnings: Messages,
    infos: Messages,
    /// One of these must match the error.
    errors: Vec<Text>,
    /// What the points of an instant query's range vector mean.
    points_at: Option<When>,
    string: Option<String>,
    scalar: Option<f64>,
    series: Vec<Line>,
}

#[derive(Debug, Default)]
struct Messages {
    wanted: bool,
    refused: bool,
    texts: Vec<Text>,
}

#[derive(Debug)]
enum Text {
    Exactly(String),
    Like(Regex),
}

impl Text {
    fn matches(&self, message: &str) -> bool {
        match self {
            Self::Exactly(text) => text == message,
            Self::Like(regex) => regex.is_match(message),
        }
    }
}

impl Expectation {
    pub fn parse(block: &[&str]) -> Result<Self, String> {
        let mut expected = Self::default();
        for line in block {
            if let Some(rest) = line.strip_prefix("expect ") {
                expected.add(rest.trim())?;
            } else if let Some(message) = line.strip_prefix("expected_fail_message ") {
                expected.errors.push(Text::Exactly(message.trim().to_owned()));
            } else if let Some(pattern) = line.strip_prefix("expected_fail_regexp ") {
                expected.errors.push(Text::Like(regex(pattern.trim())?));
            } else if let Some(value) = notation::number(line) {
                expected.scalar = Some(value);
            } else {
                expected.series.push(notation::series(line)?);
            }
        }
        Ok(expected)
    }

    pub fn add_old_style(&mut self, word: &str) {
        match word {
            "eval_fail" => self.fails = true,
            "eval_warn" => self.warnings.wanted = true,
            "eval_info" => self.infos.wanted = true,
            "eval_ordered" => self.ordered = true,
            _ => {}
        }
    }

    fn add(&mut self, text: &str) -> Result<(), String> {
        let (kind, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let message = message(rest.trim())?;
        match kind {
            "fail" => {
                self.fails = true;
                self.errors.extend(message);
            }
            "warn" => self.warnings.want(message),
            "info" => self.infos.want(message),
            "no_warn" => self.warnings.refused = true,
            "no_info" => self.infos.refused = true,
            "ordered" => self.ordered = true,
            "string" => self.string = Some(unquote(rest.trim())),
            "range" => self.points_at = Some(points_at(rest.trim())?),
            _ => return Err(format!("unknown expectation {kind:?}")),
        }
        Ok(())
    }

    pub fn needs_histograms(&self) -> bool {
        self.series.iter().any(|line| line.points.contains(&Point::Histogram))
    }

    /// What is wrong with the answer, if anything is.
    pub fn check(&self, when: When, answer: &Result<Answer, QueryError>) -> Result<(), String> {
        let answer = match answer {
            Ok(_) if self.fails => return Err("expected an error, got an answer".to_owned()),
            Ok(answer) => answer,
            Err(error) if !self.fails => return Err(format!("unexpected error: {error}")),
            Err(error) => {
                let message = error.to_string();
                let known = self.errors.is_empty() || self.errors.iter().any(|text| text.matches(&message));
                return if known { Ok(()) } else { Err(format!("expected another error than {message:?}")) };
            }
        };
        self.warnings.check("warning", &answer.warnings)?;
        self.infos.check("info", &answer.infos)?;
        match (&answer.value, when) {
            (Value::Scalar(sample), _) => self.check_scalar(sample.value),
            (Value::String { value, .. }, _) => match &self.string {
                Some(expected) if expected != value => Err(format!("expected {expected:?}, got {value:?}")),
                _ => Ok(()),
            },
            (Value::Vector(vector), _) => self.check_vector(vector),
            (Value::Matrix(matrix), When::Range { .. }) => self.check_matrix(matrix, when),
            (Value::Matrix(matrix), When::Instant(_)) => match self.points_at {
                Some(points_at) => self.check_matrix(matrix, points_at),
                None => Err("an instant query answered a range vector without 'expect range vector'".to_owned()),
            },
        }
    }

    fn check_scalar(&self, value: f64) -> Result<(), String> {
        match self.scalar {
            Some(expected) if nearly_equal(expected, value) => Ok(()),
            Some(expected) => Err(format!("expected {expected}, got {value}")),
            None => Err(format!("expected no scalar, got {value}")),
        }
    }

    fn check_vector(&self, vector: &[(Labels, Sample)]) -> Result<(), String> {
        let mut found: BTreeMap<&Labels, (usize, f64)> = BTreeMap::new();
        for (place, (labels, sample)) in vector.iter().enumerate() {
            if found.insert(labels, (place, sample.value)).is_some() {
                return Err(format!("{labels} occurs twice"));
            }
        }
        for (place, line) in self.series.iter().enumerate() {
            let (got_place, value) = found.remove(&line.labels).ok_or_else(|| format!("expected {}, which is missing", line.labels))?;
            let expected = only_value(line)?;
            if !nearly_equal(expected, value) {
                return Err(format!("expected {expected} for {}, got {value}", line.labels));
            }
            if self.ordered && got_place != place {
                return Err(format!("expected {} at place {place}, it is at {got_place}", line.labels));
            }
        }
        match found.into_iter().next() {
            Some((labels, (_, value))) => Err(format!("unexpected {labels} {value}")),
            None => Ok(()),
        }
    }

    fn check_matrix(&self, matrix: &[Series], points_at: When) -> Result<(), String> {
        let When::Range { start_ms, end_ms, step_ms } = points_at else { return Err("no range".to_owned()) };
        let mut found: BTreeMap<&Labels, &Series> = matrix.iter().map(|series| (&series.labels, series)).collect();
        for line in &self.series {
            let expected = expected_samples(line, start_ms, step_ms);
            if expected.last().is_some_and(|sample| sample.time_ms > end_ms) {
                return Err(format!("more points for {} than steps", line.labels));
            }
            let got = found.remove(&line.labels).map_or(&[][..], |series| &series.samples);
            let same = expected.len() == got.len() && expected.iter().zip(got).all(|(a, b)| a.time_ms == b.time_ms && nearly_equal(a.value, b.value));
            if !same {
                return Err(format!("expected {} for {}, got {}", show(&expected), line.labels, show(got)));
            }
        }
        match found.into_iter().next() {
            Some((labels, series)) => Err(format!("unexpected {labels} {}", show(&series.samples))),
            // A scalar over a range is written as such, and comes as a series without labels.
            None => Ok(()),
        }
    }
}

impl Messages {
    fn want(&mut self, text: Option<Text>) {
        self.wanted = true;
        self.texts.extend(text);
    }

    fn check(&self, kind: &str, got: &[String]) -> Result<(), String> {
        if self.refused && !got.is_empty() {
            return Err(format!("unexpected {kind} {:?}", got[0]));
        }
        if self.wanted && got.is_empty() {
            return Err(format!("expected a {kind}"));
        }
        match self.texts.iter().find(|text| !got.iter().any(|message| text.matches(message))) {
            Some(text) => Err(format!("expected a {kind} {text:?}, got {got:?}")),
            None => Ok(()),
        }
    }
}

/// `msg: text` or `regex: pattern`.
fn message(text: &str) -> Result<Option<Text>, String> {
    if let Some(text) = text.strip_prefix("msg:") {
        return Ok(Some(Text::Exactly(unquote(text.trim()))));
    }
    text.strip_prefix("regex:").map(|pattern| regex(&unquote(pattern.trim())).map(Text::Like)).transpose()
}

fn regex(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|error| error.to_string())
}

fn unquote(text: &str) -> String {
    for quote in ['"', '\'', '`'] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote)) {
            let escapes = quote != '`';
            return if escapes { inner.replace("\\\"", "\"").replace("\\n", "\n").replace("\\\\", "\\") } else { inner.to_owned() };
        }
    }
    text.to_owned()
}

/// `vector from 10s to 1m step 10s`.
fn points_at(text: &str) -> Result<When, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let ["vector", "from", start, "to", end, "step", step] = words[..] else {
        return Err(format!("expected 'range vector from … to … step …', got {text:?}"));
    };
    Ok(When::Range { start_ms: time_ms(start)?, end_ms: time_ms(end)?, step_ms: time_ms(step)? })
}

fn only_value(line: &Line) -> Result<f64, String> {
    match line.points[..] {
        [Point::Value(value)] => Ok(value),
        _ => Err(format!("expected exactly one value for {}", line.labels)),
    }
}

fn expected_samples(line: &Line, start_ms: i64, step_ms: i64) -> Vec<Sample> {
    let at = |i: usize| start_ms + step_ms * i as i64;
    let points = line.points.iter().enumerate();
    points.filter_map(|(i, point)| if let Point::Value(value) = point { Some(Sample { time_ms: at(i), value: *value }) } else { None }).collect()
}

fn show(samples: &[Sample]) -> String {
    let texts: Vec<String> = samples.iter().map(|sample| format!("{}@{}", sample.value, sample.time_ms as f64 / 1000.0)).collect();
    texts.join(" ")
}

/// To a millionth, as Prometheus compares.
fn nearly_equal(a: f64, b: f64) -> bool {
    const TOLERANCE: f64 = 1e-6;
    if a.is_nan() || b.is_nan() {
        return a.is_nan() && b.is_nan();
    }
    if a == b {
        return true;
    }
    let (difference, size) = ((a - b).abs(), a.abs() + b.abs());
    if a == 0.0 || b == 0.0 || size < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / size.min(f64::MAX) < TOLERANCE
}
