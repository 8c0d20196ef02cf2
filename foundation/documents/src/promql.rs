//! Whether PromQL can be parsed. The evaluator lives in another room; whoever has it may bring its own check.

use std::sync::Arc;

/// Says what is wrong with an expression.
pub type PromqlCheck = Arc<dyn Fn(&str) -> Result<(), PromqlFault> + Send + Sync>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromqlFault {
    Wrong(String),
    /// Newer syntax than the check knows; the expression may well be right.
    Unchecked(String),
}

/// The check of the kept parser.
pub fn default_check() -> PromqlCheck {
    Arc::new(check)
}

/// The parser recurses, so an expression of thousands of parentheses could exhaust the stack.
const NESTING_MAX: usize = 100;
const EXPRESSION_BYTES_MAX: usize = 64 * 1024;

fn check(expression: &str) -> Result<(), PromqlFault> {
    if expression.len() > EXPRESSION_BYTES_MAX || nesting(expression) > NESTING_MAX {
        return Err(PromqlFault::Wrong(format!(
            "the expression is longer than {EXPRESSION_BYTES_MAX} bytes or nested deeper than {NESTING_MAX} levels"
        )));
    }
    promql_parser::parser::parse(expression).map(drop).map_err(|message| {
        if uses_newer_syntax(expression) {
            PromqlFault::Unchecked(format!("not checked, because it seems to use newer PromQL: {message}"))
        } else {
            PromqlFault::Wrong(message)
        }
    })
}

fn nesting(expression: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut signs = 0;
    for byte in expression.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        // `-----x` nests without brackets.
        signs = if matches!(byte, b'-' | b'+' | b' ') { signs + usize::from(byte != b' ') } else { 0 };
        deepest = deepest.max(depth + signs);
    }
    deepest
}

/// Native histogram literals, arithmetic in durations, and experimental modifiers.
fn uses_newer_syntax(expression: &str) -> bool {
    let in_range = |inside: &str| inside.contains(['+', '*', '/', '^', '%', '(']) || inside.contains(" -");
    let arithmetic = expression.split('[').skip(1).filter_map(|rest| rest.split(']').next()).any(in_range);
    let words = ["{{", "smoothed", "anchored", "fill(", "fill_left(", "fill_right(", "step()", "range()", "offset (", "offset step"];
    arithmetic || words.iter().any(|word| expression.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_right_from_wrong_from_new() {
        let check = default_check();
        assert_eq!(check("sum by (job) (rate(requests_total[5m])) > 0.5"), Ok(()));
        assert!(matches!(check("sum(rate(requests_total[5m])"), Err(PromqlFault::Wrong(_))));
        assert!(matches!(check("rate(requests_total[5m * 2])"), Err(PromqlFault::Unchecked(_))));
        assert!(matches!(check(&"(".repeat(100_000)), Err(PromqlFault::Wrong(_))));
    }
}
