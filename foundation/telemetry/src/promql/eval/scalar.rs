//! Scalars: one value for each step.

use super::row::Cells;
use super::{Evaluation, math};
use crate::promql::QueryError;
use crate::promql::fetch::Grid;
use crate::promql::plan::{BinaryOp, Function, Node};

pub(crate) enum Scalar {
    Constant(f64),
    Steps(Vec<f64>),
}

impl Scalar {
    pub fn at(&self, step: usize) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Steps(values) => values[step],
        }
    }

    pub fn into_cells(self, len: usize) -> Cells {
        let mut cells = Cells::absent(len);
        (0..len).for_each(|step| cells.set(step, self.at(step)));
        cells
    }

    fn map(self, f: impl Fn(f64) -> f64) -> Self {
        match self {
            Self::Constant(value) => Self::Constant(f(value)),
            Self::Steps(values) => Self::Steps(values.into_iter().map(f).collect()),
        }
    }

    fn zip(self, other: Self, len: usize, f: impl Fn(f64, f64) -> f64) -> Self {
        match (self, other) {
            (Self::Constant(a), Self::Constant(b)) => Self::Constant(f(a, b)),
            (a, b) => Self::Steps((0..len).map(|step| f(a.at(step), b.at(step))).collect()),
        }
    }
}

impl Evaluation {
    pub(super) fn scalar(&self, node: &Node, grid: &Grid) -> Result<Scalar, QueryError> {
        Ok(match node {
            Node::Number(value) => Scalar::Constant(*value),
            Node::Negate(inner) => self.scalar(inner, grid)?.map(|value| -value),
            Node::Binary(binary) => {
                let (left, right) = (self.scalar(&binary.left, grid)?, self.scalar(&binary.right, grid)?);
                match binary.op {
                    BinaryOp::Arithmetic(op) => left.zip(right, grid.len, |a, b| math::arithmetic(op, a, b)),
                    BinaryOp::Compare(op, _) => left.zip(right, grid.len, |a, b| f64::from(math::compare(op, a, b))),
                    BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => return Err(QueryError::Execution("set operators are for vectors".to_owned())),
                }
            }
            Node::Call(function, args) => self.scalar_call(function, args, grid)?,
            _ => return Err(QueryError::Execution("not a scalar".to_owned())),
        })
    }

    fn scalar_call(&self, function: &Function, args: &[Node], grid: &Grid) -> Result<Scalar, QueryError> {
        let outer = self.frame.outer;
        let seconds = |ms: i64| ms as f64 / 1000.0;
        Ok(match function {
            Function::Pi => Scalar::Constant(std::f64::consts::PI),
            Function::Time => Scalar::Steps((0..grid.len).map(|step| seconds(grid.time(step))).collect()),
            Function::Start => Scalar::Constant(seconds(outer.start_ms)),
            Function::End => Scalar::Constant(seconds(outer.end_ms())),
            Function::Range => Scalar::Constant(seconds(outer.end_ms() - outer.start_ms)),
            // An instant query has no step.
            Function::Step => Scalar::Constant(if outer.len > 1 { seconds(outer.step_ms) } else { 0.0 }),
            Function::MaxOf | Function::MinOf => {
                let pick = if matches!(function, Function::MaxOf) { math::max } else { math::min };
                self.scalar(&args[0], grid)?.zip(self.scalar(&args[1], grid)?, grid.len, pick)
            }
            Function::Scalar => self.only_value(&args[0], grid)?,
            _ => return Err(QueryError::Execution("not a scalar".to_owned())),
        })
    }

    /// The value of a vector's only series; NaN where there is none or more than one.
    fn only_value(&self, node: &Node, grid: &Grid) -> Result<Scalar, QueryError> {
        let mut values = vec![f64::NAN; grid.len];
        let mut seen = vec![false; grid.len];
        self.each(node, grid, &mut |row| {
            for (step, value) in row.cells.iter() {
                values[step] = if seen[step] { f64::NAN } else { value };
                seen[step] = true;
            }
            Ok(())
        })?;
        Ok(Scalar::Steps(values))
    }
}
