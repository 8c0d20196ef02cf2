//! Which steps an expression is evaluated at, and what that asks of the source.

use std::ops::RangeInclusive;

use super::plan::{At, Node, Plan, Selector, Shift, Subquery};

/// Evenly spaced instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    pub start_ms: i64,
    pub step_ms: i64,
    pub len: usize,
}

/// What `start()` and `end()` mean, and the spacing of subqueries that name none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub outer: Grid,
    pub subquery_step_ms: i64,
    pub lookback_ms: i64,
}

/// When a selector looks, with its modifiers applied.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Look {
    /// The same instant at every step.
    Fixed(i64),
    /// So much before the step.
    Before(i64),
}

impl Grid {
    pub fn instant(time_ms: i64) -> Self {
        Self { start_ms: time_ms, step_ms: 1, len: 1 }
    }

    /// From `start` in steps up to `end`; the caller has checked that there are not too many.
    pub fn range(start_ms: i64, end_ms: i64, step_ms: i64) -> Self {
        let len = if end_ms < start_ms { 0 } else { ((end_ms - start_ms) / step_ms) as usize + 1 };
        Self { start_ms, step_ms, len }
    }

    pub fn time(&self, step: usize) -> i64 {
        self.start_ms + self.step_ms * step as i64
    }

    pub fn end_ms(&self) -> i64 {
        self.time(self.len.saturating_sub(1))
    }
}

impl Look {
    pub fn from(&self, time_ms: i64) -> i64 {
        match self {
            Self::Fixed(at) => *at,
            Self::Before(offset_ms) => time_ms - offset_ms,
        }
    }
}

impl Frame {
    pub fn look(&self, shift: Shift) -> Look {
        match shift.at {
            None => Look::Before(shift.offset_ms),
            Some(At::Start) => Look::Fixed(self.outer.start_ms - shift.offset_ms),
            Some(At::End) => Look::Fixed(self.outer.end_ms() - shift.offset_ms),
            Some(At::Ms(at)) => Look::Fixed(at - shift.offset_ms),
        }
    }

    /// The steps of a subquery's inner expression: the multiples of its step within all its windows,
    /// whose left ends are excluded.
    pub fn inner_grid(&self, subquery: &Subquery, grid: &Grid) -> Grid {
        let look = self.look(subquery.shift);
        let step_ms = subquery.step_ms.unwrap_or(self.subquery_step_ms).max(1);
        let after = look.from(grid.start_ms) - subquery.range_ms;
        let start_ms = (after.div_euclid(step_ms) + 1) * step_ms;
        Grid::range(start_ms, look.from(grid.end_ms()), step_ms)
    }

    /// The window that each selector reads, by its id.
    pub fn windows(&self, plan: &Plan) -> Vec<RangeInclusive<i64>> {
        let mut windows = vec![0..=0; plan.selectors.len()];
        self.collect(&plan.root, &self.outer, &mut windows);
        windows
    }

    fn collect(&self, node: &Node, grid: &Grid, windows: &mut Vec<RangeInclusive<i64>>) {
        match node {
            Node::Number(_) | Node::Text(_) => {}
            Node::Instant(selector) => windows[selector.id] = self.window(selector, self.lookback_ms, grid),
            Node::Range(selector, range_ms) => windows[selector.id] = self.window(selector, *range_ms, grid),
            Node::Subquery(subquery) => self.collect(&subquery.inner, &self.inner_grid(subquery, grid), windows),
            Node::Negate(inner) => self.collect(inner, grid, windows),
            Node::Binary(binary) => {
                self.collect(&binary.left, grid, windows);
                self.collect(&binary.right, grid, windows);
            }
            Node::Aggregate(aggregate) => {
                self.collect(&aggregate.inner, grid, windows);
                if let Some(parameter) = &aggregate.parameter {
                    self.collect(parameter, grid, windows);
                }
            }
            Node::Call(_, args) => args.iter().for_each(|arg| self.collect(arg, grid, windows)),
        }
    }

    fn window(&self, selector: &Selector, reach_ms: i64, grid: &Grid) -> RangeInclusive<i64> {
        let look = self.look(selector.shift);
        let first = look.from(grid.start_ms);
        let last = look.from(grid.end_ms());
        first - reach_ms + 1..=last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(expression: &str, grid: Grid) -> Vec<RangeInclusive<i64>> {
        let frame = Frame { outer: grid, subquery_step_ms: 60_000, lookback_ms: 300_000 };
        frame.windows(&Plan::of(expression).unwrap())
    }

    #[test]
    fn windows_are_open_on_the_left() {
        assert_eq!(windows("x", Grid::instant(1_000_000)), [700_001..=1_000_000]);
        assert_eq!(windows("rate(x[1m])", Grid::range(1_000_000, 1_060_000, 30_000)), [940_001..=1_060_000]);
    }

    #[test]
    fn modifiers_move_windows() {
        let grid = Grid::range(1_000_000, 2_000_000, 1_000_000);
        assert_eq!(windows("x offset 1s", grid), [699_001..=1_999_000]);
        assert_eq!(windows("x @ end()", grid), [1_700_001..=2_000_000]);
        assert_eq!(windows("x @ 500 offset -1s", grid), [201_001..=501_000]);
    }

    #[test]
    fn a_subquery_steps_on_multiples() {
        // Steps at 60 s and 90 s; the inner selector looks back five minutes from the first.
        assert_eq!(windows("sum_over_time(x[1m:30s])", Grid::instant(100_000)), [60_000 - 299_999..=90_000]);
    }
}
