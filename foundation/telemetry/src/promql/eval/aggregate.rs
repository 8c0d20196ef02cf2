//! Aggregations that fold each group to one series.

use std::collections::HashMap;

use super::row::{Cells, Row};
use super::sum::{Mean, Sum, Variance};
use super::{Evaluation, Sink};
use crate::Labels;
use crate::labels::METRIC_NAME;
use crate::promql::QueryError;
use crate::promql::fetch::Grid;
use crate::promql::plan::{Aggregate, AggregateOp, Grouping};

impl AggregateOp {
    /// Whether it picks some of its series, instead of folding them to new ones.
    pub fn keeps_series(self) -> bool {
        matches!(self, Self::TopK | Self::BottomK | Self::LimitK | Self::LimitRatio)
    }
}

impl Evaluation {
    pub(super) fn aggregate(&self, aggregate: &Aggregate, grid: &Grid, sink: &mut Sink) -> Result<(), QueryError> {
        match aggregate.op {
            AggregateOp::Sum => self.fold::<Sum>(aggregate, grid, sink, Sum::add, |sum| sum.value()),
            AggregateOp::Average => self.fold::<Mean>(aggregate, grid, sink, Mean::add, |mean| mean.value()),
            AggregateOp::Stddev => self.fold::<Variance>(aggregate, grid, sink, Variance::add, |variance| variance.value().sqrt()),
            AggregateOp::Stdvar => self.fold::<Variance>(aggregate, grid, sink, Variance::add, |variance| variance.value()),
            AggregateOp::Count => self.fold::<f64>(aggregate, grid, sink, |count, _| *count += 1.0, |count| *count),
            AggregateOp::Group => self.fold::<f64>(aggregate, grid, sink, |_, _| {}, |_| 1.0),
            AggregateOp::Min => self.fold::<Extreme>(aggregate, grid, sink, |best, value| best.offer(value, value < best.0), |best| best.0),
            AggregateOp::Max => self.fold::<Extreme>(aggregate, grid, sink, |best, value| best.offer(value, value > best.0), |best| best.0),
            AggregateOp::Quantile => self.quantile(aggregate, grid, sink),
            AggregateOp::CountValues => self.count_values(aggregate, grid, sink),
            AggregateOp::TopK | AggregateOp::BottomK => self.top(aggregate, grid, sink),
            AggregateOp::LimitK => self.limit(aggregate, grid, sink),
            AggregateOp::LimitRatio => self.limit_ratio(aggregate, grid, sink),
        }
    }

    /// Keeps one state for each group and step.
    fn fold<T: Default + Clone>(&self, aggregate: &Aggregate, grid: &Grid, sink: &mut Sink, add: impl Fn(&mut T, f64), value: impl Fn(&T) -> f64) -> Result<(), QueryError> {
        struct Group<T> {
            labels: Labels,
            drop_name: bool,
            states: Vec<Option<T>>,
        }
        let mut groups: Vec<Group<T>> = Vec::new();
        let mut index: HashMap<Labels, usize, ahash::RandomState> = HashMap::default();
        self.each(&aggregate.inner, grid, &mut |row| {
            self.check_size(groups.len(), grid)?;
            let labels = aggregate.grouping.key(&row.labels);
            let at = *index.entry(labels).or_insert_with_key(|labels| {
                groups.push(Group { labels: labels.clone(), drop_name: false, states: vec![None; grid.len] });
                groups.len() - 1
            });
            let group = &mut groups[at];
            group.drop_name |= row.drop_name;
            row.cells.iter().for_each(|(step, cell)| add(group.states[step].get_or_insert_default(), cell));
            Ok(())
        })?;
        for group in groups {
            let mut cells = Cells::absent(grid.len);
            let states = group.states.iter().enumerate();
            states.for_each(|(step, state)| state.iter().for_each(|state| cells.set(step, value(state))));
            sink(Row { labels: group.labels, drop_name: group.drop_name, cells })?;
        }
        Ok(())
    }
}

/// The least or greatest value so far; any value beats NaN.
#[derive(Clone)]
struct Extreme(f64);

impl Default for Extreme {
    fn default() -> Self {
        Self(f64::NAN)
    }
}

impl Extreme {
    fn offer(&mut self, value: f64, better: bool) {
        if better || self.0.is_nan() {
            self.0 = value;
        }
    }
}

impl Grouping {
    /// The labels that a series has in common with its group.
    pub fn key(&self, labels: &Labels) -> Labels {
        labels.filtered(|name| match self {
            Self::By(names) => names.iter().any(|by| by == name),
            Self::Without(names) => name != METRIC_NAME && !names.iter().any(|without| without == name),
        })
    }
}
