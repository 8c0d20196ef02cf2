//! Which series an expression reads, to tell "nothing is wrong" from "there is nothing to judge".
//!
//! An empty answer alone says neither. So when an expression answers nothing, its selectors are asked
//! for their series, without samples, one after the other until one has any. If none has, the alarm
//! has no data. An expression without selectors always has data.

use std::ops::RangeInclusive;
use std::time::Duration;

use promql_parser::label::MatchOp as ParsedOp;
use promql_parser::parser::{Expr, Offset, VectorSelector};
use telemetry::ports::{MatchOp, Matcher, SourceError};
use telemetry::{labels::METRIC_NAME, MetricSource};

/// How far back PromQL looks for the latest sample of a series.
pub const LOOKBACK: Duration = Duration::from_secs(5 * 60);

#[derive(Debug, Clone)]
pub struct Selector {
    matchers: Vec<Matcher>,
    range_ms: i64,
    /// Into the past; negative into the future.
    offset_ms: i64,
}

/// Empty if the expression has none, or cannot be told apart into them.
pub fn selectors(expression: &str) -> Vec<Selector> {
    let mut found = Vec::new();
    match promql_parser::parser::parse(expression) {
        Ok(parsed) if collect(&parsed, 0, 0, &mut found).is_some() => found,
        _ => Vec::new(),
    }
}

/// Do any of the selectors find a series at this instant?
pub async fn any_series(selectors: &[Selector], metrics: &dyn MetricSource, at_ms: i64) -> Result<bool, SourceError> {
    for selector in selectors {
        let series = metrics.series(std::slice::from_ref(&selector.matchers), selector.window_ms(at_ms)).await?;
        if !series.is_empty() {
            return Ok(true);
        }
    }
    Ok(selectors.is_empty())
}

impl Selector {
    /// How far into the past it reads.
    pub fn reach(&self) -> Duration {
        Duration::from_millis(self.range_ms.saturating_add(self.offset_ms).max(0).unsigned_abs())
    }

    fn window_ms(&self, at_ms: i64) -> RangeInclusive<i64> {
        let end = at_ms.saturating_sub(self.offset_ms);
        end.saturating_sub(self.range_ms)..=end
    }
}

/// None if a selector is not a plain conjunction of matchers at a relative time.
fn collect(expression: &Expr, range_ms: i64, offset_ms: i64, found: &mut Vec<Selector>) -> Option<()> {
    match expression {
        Expr::Aggregate(aggregate) => {
            if let Some(parameter) = &aggregate.param {
                collect(parameter, range_ms, offset_ms, found)?;
            }
            collect(&aggregate.expr, range_ms, offset_ms, found)
        }
        Expr::Unary(unary) => collect(&unary.expr, range_ms, offset_ms, found),
        Expr::Binary(binary) => {
            collect(&binary.lhs, range_ms, offset_ms, found)?;
            collect(&binary.rhs, range_ms, offset_ms, found)
        }
        Expr::Paren(inner) => collect(&inner.expr, range_ms, offset_ms, found),
        Expr::Subquery(subquery) if subquery.at.is_none() => {
            let range_ms = range_ms.saturating_add(milliseconds(subquery.range));
            collect(&subquery.expr, range_ms, offset_ms.saturating_add(signed(subquery.offset.as_ref())), found)
        }
        Expr::Call(call) => call.args.args.iter().try_for_each(|argument| collect(argument, range_ms, offset_ms, found)),
        Expr::VectorSelector(selector) => {
            found.push(read(selector, range_ms.saturating_add(milliseconds(LOOKBACK)), offset_ms)?);
            Some(())
        }
        Expr::MatrixSelector(matrix) => {
            found.push(read(&matrix.vs, range_ms.saturating_add(milliseconds(matrix.range)), offset_ms)?);
            Some(())
        }
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) => Some(()),
        Expr::Subquery(_) | Expr::Extension(_) => None,
    }
}

fn read(selector: &VectorSelector, range_ms: i64, offset_ms: i64) -> Option<Selector> {
    if selector.at.is_some() || !selector.matchers.or_matchers.is_empty() {
        return None;
    }
    let name = selector.name.as_deref().map(|name| Matcher::equal(METRIC_NAME, name));
    let matchers = selector.matchers.matchers.iter().map(|matcher| Matcher {
        name: matcher.name.clone(),
        value: matcher.value.clone(),
        op: match &matcher.op {
            ParsedOp::Equal => MatchOp::Equal,
            ParsedOp::NotEqual => MatchOp::NotEqual,
            ParsedOp::Re(regex) => MatchOp::Regex(regex.clone()),
            ParsedOp::NotRe(regex) => MatchOp::NotRegex(regex.clone()),
        },
    });
    let offset_ms = offset_ms.saturating_add(signed(selector.offset.as_ref()));
    Some(Selector { matchers: name.into_iter().chain(matchers).collect(), range_ms, offset_ms })
}

fn signed(offset: Option<&Offset>) -> i64 {
    match offset {
        None => 0,
        Some(Offset::Pos(offset)) => milliseconds(*offset),
        Some(Offset::Neg(offset)) => -milliseconds(*offset),
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_found_with_their_windows() {
        let found = selectors("sum by (job) (rate(errors_total{code=~\"5..\"}[5m] offset 1m)) / on (job) max_over_time(requests[1h:1m])");
        let windows: Vec<_> = found.iter().map(|selector| selector.window_ms(10_000_000)).collect();
        assert_eq!(windows, [9_640_000..=9_940_000, 6_100_000..=10_000_000]);
        assert_eq!(found[0].matchers.len(), 2);
        assert_eq!(found[1].reach(), Duration::from_secs(3900));
    }

    #[test]
    fn without_selectors_there_is_nothing_to_miss() {
        assert!(selectors("vector(1) > 2").is_empty());
        assert!(selectors("up @ 5").is_empty());
        assert!(selectors("not promql (").is_empty());
    }
}
