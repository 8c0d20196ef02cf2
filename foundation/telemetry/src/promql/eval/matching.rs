//! Operators between two vectors: which series belong together, and what becomes of them.
//!
//! Each series is hashed once. Whether a match is unique depends on the step, because several series
//! of one group may follow each other in time.

use std::collections::HashMap;

use super::binary::{apply, drops_name};
use super::row::{Cells, Row, merge};
use super::{Evaluation, Sink};
use crate::Labels;
use crate::labels::OF_METRIC;
use crate::promql::QueryError;
use crate::promql::fetch::Grid;
use crate::promql::plan::{Binary, BinaryOp, Grouping, Matching, OneSide};

/// The series of both sides that have the matching labels in common.
#[derive(Default)]
struct Group {
    labels: Labels,
    /// In an operator with `group_left` or `group_right`, the many; else the left.
    many: Vec<Row>,
    one: Vec<Row>,
}

impl Evaluation {
    /// `and`, `or`, `unless`.
    pub(super) fn set(&self, binary: &Binary, grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        let left = self.rows(&binary.left, grid)?;
        let right = self.rows(&binary.right, grid)?;
        let (kept, other) = if binary.op == BinaryOp::Or { (&left, &right) } else { (&right, &left) };
        let mut present: HashMap<Labels, Vec<bool>, ahash::RandomState> = HashMap::default();
        for row in kept {
            let steps = present.entry(binary.matching.labels.key(&row.labels)).or_insert_with(|| vec![false; grid.len]);
            row.cells.iter().for_each(|(step, _)| steps[step] = true);
        }
        let wanted = binary.op == BinaryOp::And;
        let mut filtered = Vec::with_capacity(other.len());
        for row in other {
            let mut row = row.clone();
            let steps = present.get(&binary.matching.labels.key(&row.labels));
            row.cells.update(|step, value| (steps.is_some_and(|steps| steps[step]) == wanted).then_some(value));
            if row.cells.any() {
                filtered.push(row);
            }
        }
        if binary.op != BinaryOp::Or {
            return filtered.into_iter().try_for_each(sink);
        }
        let all = left.into_iter().chain(filtered).collect();
        merge(all, super::same_labelset)?.into_iter().try_for_each(sink)
    }

    /// Arithmetic and comparison.
    pub(super) fn matched(&self, binary: &Binary, grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        let left = self.rows(&binary.left, grid)?;
        let right = self.rows(&binary.right, grid)?;
        let swapped = binary.matching.side == OneSide::Left;
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        let busy = any_at(&many, grid);
        let mut results = Vec::new();
        for group in grouped(&binary.matching, many, one) {
            self.check_cancelled()?;
            Matcher { binary, grid, swapped, busy: &busy }.group(group, &mut results)?;
        }
        let clash = || "multiple matches for labels: grouping labels must ensure unique matches".to_owned();
        let delayed = self.limits.delayed_name_removal;
        for mut row in merge(results, clash)? {
            row.drop_name |= delayed && drops_name(binary.op);
            sink(row)?;
        }
        Ok(())
    }
}

fn any_at(rows: &[Row], grid: &Grid) -> Vec<bool> {
    let mut any = vec![false; grid.len];
    rows.iter().flat_map(|row| row.cells.iter()).for_each(|(step, _)| any[step] = true);
    any
}

/// In the order in which the groups first occur.
fn grouped(matching: &Matching, many: Vec<Row>, one: Vec<Row>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut index: HashMap<Labels, usize, ahash::RandomState> = HashMap::default();
    let mut place = |groups: &mut Vec<Group>, row: &Row| {
        *index.entry(matching.labels.key(&row.labels)).or_insert_with_key(|labels| {
            groups.push(Group { labels: labels.clone(), ..Group::default() });
            groups.len() - 1
        })
    };
    for row in many {
        let at = place(&mut groups, &row);
        groups[at].many.push(row);
    }
    for row in one {
        let at = place(&mut groups, &row);
        groups[at].one.push(row);
    }
    groups
}

struct Matcher<'a> {
    binary: &'a Binary,
    grid: &'a Grid,
    /// Whether the many are on the right.
    swapped: bool,
    /// The steps at which there are many at all.
    busy: &'a [bool],
}

impl Matcher<'_> {
    fn group(&self, group: Group, results: &mut Vec<Row>) -> Result<(), QueryError> {
        let matching = &self.binary.matching;
        let partner = self.partners(&group)?;
        let mut taken = vec![false; if matching.side == OneSide::Both && group.many.len() > 1 { self.grid.len } else { 0 }];
        for many in &group.many {
            // One result for each partner that the series meets over time.
            let mut met: Vec<Option<Cells>> = group.one.iter().map(|_| None).collect();
            let mut alone = Cells::absent(self.grid.len);
            for (step, value) in many.cells.iter() {
                let other = partner[step];
                let Some(one) = self.value_of(&group, other, step) else { continue };
                let Some(result) = self.apply(value, one) else { continue };
                if let Some(taken) = taken.get_mut(step)
                    && std::mem::replace(taken, true)
                {
                    return Err(QueryError::Execution("multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)".to_owned()));
                }
                match other {
                    Some(i) => met[i].get_or_insert_with(|| Cells::absent(self.grid.len)).set(step, result),
                    None => alone.set(step, result),
                }
            }
            for (one, cells) in group.one.iter().zip(met) {
                if let Some(cells) = cells {
                    results.push(self.row(many, Some(one), cells));
                }
            }
            if alone.any() {
                results.push(self.row(many, None, alone));
            }
        }
        self.fill_many(&group, results);
        Ok(())
    }

    /// At each step the only series of the one side; two are an error where the operator has something to do.
    fn partners(&self, group: &Group) -> Result<Vec<Option<usize>>, QueryError> {
        let mut partner: Vec<Option<usize>> = vec![None; self.grid.len];
        for (i, row) in group.one.iter().enumerate() {
            for (step, _) in row.cells.iter() {
                if let Some(first) = partner[step]
                    && self.busy[step]
                {
                    let side = if self.swapped { "left" } else { "right" };
                    return Err(QueryError::Execution(format!(
                        "found duplicate series for the match group {} on the {side} hand-side of the operation: [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
                        group.labels, row.labels, group.one[first].labels
                    )));
                }
                partner[step] = Some(i);
            }
        }
        Ok(partner)
    }

    fn value_of(&self, group: &Group, partner: Option<usize>, step: usize) -> Option<f64> {
        let (left, right) = self.binary.matching.fill;
        match partner {
            Some(i) => group.one[i].cells.get(step),
            None if self.swapped => left,
            None => right,
        }
    }

    /// Gives the one side's series without a partner the value they are to be filled up with.
    fn fill_many(&self, group: &Group, results: &mut Vec<Row>) {
        let (left, right) = self.binary.matching.fill;
        let Some(fill) = (if self.swapped { right } else { left }) else { return };
        for one in &group.one {
            let mut cells = one.cells.clone();
            cells.update(|step, value| {
                let met = group.many.iter().any(|many| many.cells.has(step));
                if met { None } else { self.apply(fill, value) }
            });
            if cells.any() {
                let labels = if self.binary.matching.side == OneSide::Both { self.labels(&one.labels, None) } else { group.labels.clone() };
                results.push(Row::new(labels, cells));
            }
        }
    }

    fn apply(&self, many: f64, one: f64) -> Option<f64> {
        let (left, right) = if self.swapped { (one, many) } else { (many, one) };
        apply(self.binary.op, left, right, left)
    }

    fn row(&self, many: &Row, one: Option<&Row>, cells: Cells) -> Row {
        let drop_name = many.drop_name && !drops_name(self.binary.op);
        Row { labels: self.labels(&many.labels, one.map(|row| &row.labels)), drop_name, cells }
    }

    /// The labels of a result: of one-to-one the matching labels, else those of the many side, with
    /// what it takes from the one side.
    fn labels(&self, many: &Labels, one: Option<&Labels>) -> Labels {
        let matching = &self.binary.matching;
        let drop_name = drops_name(self.binary.op);
        let kept = many.filtered(|name| {
            if drop_name && OF_METRIC.contains(&name) {
                return false;
            }
            match &matching.labels {
                _ if matching.side != OneSide::Both => true,
                Grouping::By(names) => names.iter().any(|by| by == name),
                Grouping::Without(names) => !names.iter().any(|without| without == name),
            }
        });
        if matching.include.is_empty() {
            return kept;
        }
        let mut builder = kept.to_builder();
        for name in &matching.include {
            builder.set(name, one.and_then(|labels| labels.get(name)).unwrap_or_default());
        }
        builder.build()
    }
}
