//! Operators between vectors and scalars; between two vectors see [`matching`](super::matching).

use super::{Evaluation, Sink};
use super::math::{arithmetic, compare};
use crate::promql::QueryError;
use crate::promql::fetch::Grid;
use crate::promql::plan::{Binary, BinaryOp, Node};

/// The value of `a op b`; a comparison that filters answers `kept`, or nothing.
#[inline]
pub(super) fn apply(op: BinaryOp, a: f64, b: f64, kept: f64) -> Option<f64> {
    match op {
        BinaryOp::Arithmetic(op) => Some(arithmetic(op, a, b)),
        BinaryOp::Compare(op, true) => Some(f64::from(compare(op, a, b))),
        BinaryOp::Compare(op, false) => compare(op, a, b).then_some(kept),
        BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => None,
    }
}

/// Whether the result is no longer what its name says.
pub(super) fn drops_name(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Arithmetic(_) | BinaryOp::Compare(_, true))
}

impl Evaluation {
    pub(super) fn binary(&self, binary: &Binary, grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        let op = binary.op;
        match (binary.left.is_scalar(), binary.right.is_scalar()) {
            (false, true) => {
                let right = self.scalar(&binary.right, grid)?;
                self.with_scalar(op, &binary.left, grid, sink, |step, value| apply(op, value, right.at(step), value))
            }
            (true, false) => {
                let left = self.scalar(&binary.left, grid)?;
                self.with_scalar(op, &binary.right, grid, sink, |step, value| apply(op, left.at(step), value, value))
            }
            _ => match op {
                BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => self.set(binary, grid, sink),
                BinaryOp::Arithmetic(_) | BinaryOp::Compare(..) => self.matched(binary, grid, sink),
            },
        }
    }

    fn with_scalar(&self, op: BinaryOp, vector: &Node, grid: &Grid, sink: &mut Sink, f: impl Fn(usize, f64) -> Option<f64>) -> Result<(), QueryError> {
        if drops_name(op) {
            return self.map(vector, grid, sink, f);
        }
        self.each(vector, grid, &mut |mut row| {
            row.cells.update(&f);
            if row.cells.any() { sink(row) } else { Ok(()) }
        })
    }
}
