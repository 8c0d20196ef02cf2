//! The order of an instant vector: what `sort` and its kin, and `topk`, give to the end of a query.

use std::cmp::Ordering;

use super::row::Row;
use super::sum::nan_first;
use super::{Evaluation, text};
use crate::Labels;
use crate::promql::QueryError;
use crate::promql::fetch::Grid;
use crate::promql::plan::{AggregateOp, Function, Node};

impl Evaluation {
    /// The rows of a whole instant query, in its order: as sorted by the outermost function, else by labels.
    pub(super) fn ordered(&self, node: &Node, grid: &Grid) -> Result<Vec<Row>, QueryError> {
        let mut rows = self.finished(self.rows(node, grid)?)?;
        match node {
            Node::Call(Function::Sort { descending }, _) => rows.sort_by(|a, b| by_value(a, b, *descending)),
            Node::Call(Function::SortByLabel { descending }, args) => {
                let names: Vec<&str> = args[1..].iter().map(text).collect();
                rows.sort_by(|a, b| {
                    let order = by_labels(&a.labels, &b.labels, &names);
                    if *descending { order.reverse() } else { order }
                });
            }
            // These hand on their choice best first.
            Node::Aggregate(aggregate) if matches!(aggregate.op, AggregateOp::TopK | AggregateOp::BottomK) => {}
            _ => rows.sort_by(|a, b| a.labels.cmp(&b.labels)),
        }
        Ok(rows)
    }
}

/// NaN comes last either way.
fn by_value(a: &Row, b: &Row, descending: bool) -> Ordering {
    let (a, b) = (a.cells.get(0).unwrap_or(f64::NAN), b.cells.get(0).unwrap_or(f64::NAN));
    match (a.is_nan(), b.is_nan()) {
        (false, false) if descending => nan_first(&b, &a),
        (false, false) => nan_first(&a, &b),
        (left, right) => left.cmp(&right),
    }
}

/// By the values of the named labels, numbers in them as numbers; then by all labels.
fn by_labels(a: &Labels, b: &Labels, names: &[&str]) -> Ordering {
    let named = names.iter().map(|name| natural(a.get(name).unwrap_or_default(), b.get(name).unwrap_or_default()));
    named.fold(Ordering::Equal, Ordering::then).then_with(|| a.cmp(b))
}

/// `node2` before `node10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (left, right) = (leading(a), leading(b));
        if left.is_empty() || right.is_empty() {
            return a.len().min(1).cmp(&b.len().min(1));
        }
        let numbers = left.as_bytes()[0].is_ascii_digit() && right.as_bytes()[0].is_ascii_digit();
        let order = if numbers { number_order(left, right) } else { left.cmp(right) };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (&a[left.len()..], &b[right.len()..]);
    }
}

/// The digits, or the text without digits, that a text starts with.
fn leading(text: &str) -> &str {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    &text[..end]
}

fn number_order(a: &str, b: &str) -> Ordering {
    let (short_a, short_b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    short_a.len().cmp(&short_b.len()).then_with(|| short_a.cmp(short_b)).then_with(|| a.len().cmp(&b.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_sort_as_numbers() {
        let mut names = ["node10", "node9", "node", "node9a", "n", "4.10", "4.9"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["4.9", "4.10", "n", "node", "node9", "node9a", "node10"]);
    }
}
