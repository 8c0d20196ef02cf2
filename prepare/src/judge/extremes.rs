//! A few points out of all proportion, which ranks and logarithms make light of.
//!
//! A point is out of proportion when it is ten times the control's spread away from the control's middle, and more than
//! twice its level. What the dependence of neighbours can explain stays far within that, so the points count as they
//! are: Fisher's exact test asks whether so many of them would fall to the canary by chance.

use statrs::distribution::{DiscreteCDF, Hypergeometric};

use super::sample::{mean, median};
use super::scale::Scale;
use super::{Plan, Test, TestKind};

/// Rarer than this is not by chance.
const CHANCE: f64 = 0.007;
const SPREADS: f64 = 10.0;
const DOUBLE: f64 = 1.0;

pub(super) fn test(control: &[f64], canary: &[f64], scale: &Scale, plan: &Plan) -> Test {
    let middle = median(control);
    let average = mean(control);
    let spread = (control.iter().map(|value| (value - average).powi(2)).sum::<f64>() / control.len() as f64).sqrt();
    let fence = (SPREADS * spread).max(scale.change(DOUBLE));
    let extreme = |value: &&f64| plan.direction.is_worse(**value - middle) && (**value - middle).abs() > fence;
    let (old, new) = (control.iter().filter(extreme).count(), canary.iter().filter(extreme).count());
    let least = (1..=canary.len()).find(|count| chance(old, *count, control.len(), canary.len()) < CHANCE / plan.metrics.max(1) as f64);
    let boundary = least.unwrap_or(canary.len() + 1);
    Test { test: TestKind::Extremes, statistic: Some(new as f64), boundary: boundary as f64, failed: new >= boundary }
}

/// That at least `new` of the extreme points fall to the canary.
fn chance(old: usize, new: usize, control: usize, canary: usize) -> f64 {
    let drawn = Hypergeometric::new((control + canary) as u64, (old + new) as u64, canary as u64);
    drawn.map_or(1.0, |drawn| drawn.sf(new as u64 - 1))
}
