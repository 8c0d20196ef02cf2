//! From the text of a script to its statements.

use std::time::Duration;

use super::expect::Expectation;
use super::notation::{self, Line};

#[derive(Debug)]
pub struct Statement {
    pub line: usize,
    pub kind: Kind,
}

#[derive(Debug)]
pub enum Kind {
    Load { step_ms: i64, series: Vec<Line>, with_histograms: bool },
    Clear,
    Eval(Eval),
    /// Not of the format, or of a part of it that we do not know.
    Unknown(String),
}

#[derive(Debug)]
pub struct Eval {
    pub expression: String,
    pub when: When,
    pub expected: Expectation,
}

#[derive(Debug, Clone, Copy)]
pub enum When {
    Instant(i64),
    Range { start_ms: i64, end_ms: i64, step_ms: i64 },
}

pub fn parse(text: &str) -> Vec<Statement> {
    // A comment counts as a blank line, which ends a block.
    let lines: Vec<&str> = text.lines().map(str::trim).map(|line| if line.starts_with('#') { "" } else { line }).collect();
    let mut statements = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let head = lines[at];
        let block: Vec<&str> = lines[at + 1..].iter().take_while(|line| !line.is_empty()).copied().collect();
        let takes_block = head.starts_with("load") || head.starts_with("eval");
        if !head.is_empty() {
            let kind = statement(head, &block).unwrap_or_else(Kind::Unknown);
            statements.push(Statement { line: at + 1, kind });
        }
        at += if takes_block { block.len() + 1 } else { 1 };
    }
    statements
}

fn statement(head: &str, block: &[&str]) -> Result<Kind, String> {
    let (word, rest) = head.split_once(char::is_whitespace).unwrap_or((head, ""));
    match word {
        "clear" => Ok(Kind::Clear),
        "load" | "load_with_nhcb" => {
            let series = block.iter().map(|line| notation::series(line)).collect::<Result<_, _>>()?;
            Ok(Kind::Load { step_ms: time_ms(rest.trim())?, series, with_histograms: word != "load" })
        }
        "eval" | "eval_fail" | "eval_warn" | "eval_info" | "eval_ordered" => {
            let mut expected = Expectation::parse(block)?;
            expected.add_old_style(word);
            let (when, expression) = when(rest.trim_start())?;
            Ok(Kind::Eval(Eval { expression: expression.to_owned(), when, expected }))
        }
        _ => Err(format!("unknown statement {word:?}")),
    }
}

fn when(text: &str) -> Result<(When, &str), String> {
    if let Some(rest) = text.strip_prefix("instant") {
        let (time, expression) = keyword(rest, "at")?;
        return Ok((When::Instant(time_ms(time)?), expression));
    }
    let rest = text.strip_prefix("range").ok_or("expected 'instant' or 'range'")?;
    let (start, rest) = keyword(rest, "from")?;
    let (end, rest) = keyword(rest, "to")?;
    let (step, expression) = keyword(rest, "step")?;
    Ok((When::Range { start_ms: time_ms(start)?, end_ms: time_ms(end)?, step_ms: time_ms(step)? }, expression))
}

/// Reads a word after its keyword.
fn keyword<'a>(text: &'a str, word: &str) -> Result<(&'a str, &'a str), String> {
    let rest = text.trim_start().strip_prefix(word).ok_or_else(|| format!("expected {word:?} at {text:?}"))?.trim_start();
    rest.split_once(char::is_whitespace).map(|(value, rest)| (value, rest.trim_start())).ok_or_else(|| format!("nothing follows {word:?}"))
}

/// A duration, or seconds; maybe negative.
pub fn time_ms(text: &str) -> Result<i64, String> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    if let Some(seconds) = notation::number(digits) {
        return Ok((seconds * 1000.0).round() as i64 * sign);
    }
    let duration: Duration = kernel::parse_duration(digits).map_err(|error| error.to_string())?;
    Ok(sign * duration.as_millis() as i64)
}
