//! Sums that do not lose small parts: Kahan's method as improved by Neumaier.

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum {
    total: f64,
    lost: f64,
}

impl Sum {
    #[inline]
    pub fn add(&mut self, value: f64) {
        let total = self.total + value;
        if total.is_infinite() {
            self.lost = 0.0;
        } else if self.total.abs() >= value.abs() {
            self.lost += (self.total - total) + value;
        } else {
            self.lost += (value - total) + self.total;
        }
        self.total = total;
    }

    #[inline]
    pub fn value(&self) -> f64 {
        if self.total.is_infinite() { self.total } else { self.total + self.lost }
    }
}

/// An arithmetic mean that does not overflow where its values do not.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mean {
    sum: Sum,
    count: f64,
    /// Once the sum would overflow, it holds the mean so far instead.
    incremental: bool,
}

impl Mean {
    #[inline]
    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        if !self.incremental {
            let mut sum = self.sum;
            sum.add(value);
            if self.count == 1.0 || !sum.total.is_infinite() {
                self.sum = sum;
                return;
            }
            self.incremental = true;
            self.sum.total /= self.count - 1.0;
            self.sum.lost /= self.count - 1.0;
        }
        let keep = (self.count - 1.0) / self.count;
        self.sum.total *= keep;
        self.sum.lost *= keep;
        self.sum.add(value / self.count);
    }

    #[inline]
    pub fn value(&self) -> f64 {
        if self.incremental {
            return self.sum.value();
        }
        if self.sum.total.is_infinite() { self.sum.total } else { self.sum.total / self.count + self.sum.lost / self.count }
    }
}

/// The population variance, by Welford's method.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Variance {
    count: f64,
    mean: Sum,
    squares: Sum,
}

impl Variance {
    #[inline]
    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        let before = value - self.mean.value();
        self.mean.add(before / self.count);
        self.squares.add(before * (value - self.mean.value()));
    }

    #[inline]
    pub fn value(&self) -> f64 {
        self.squares.value() / self.count
    }
}

/// The φ-quantile, interpolated between neighbours; NaN sorts first. Reorders the values.
pub(crate) fn quantile(phi: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || phi.is_nan() {
        return f64::NAN;
    }
    if phi < 0.0 {
        return f64::NEG_INFINITY;
    }
    if phi > 1.0 {
        return f64::INFINITY;
    }
    values.sort_unstable_by(nan_first);
    let rank = phi * (values.len() as f64 - 1.0);
    let lower = (rank.floor() as usize).min(values.len() - 1);
    let upper = (lower + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    values[lower] * (1.0 - weight) + values[upper] * weight
}

pub(crate) fn nan_first(a: &f64, b: &f64) -> std::cmp::Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) => a.partial_cmp(b).expect("neither is NaN"),
        (left, right) => right.cmp(&left),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_keep_small_parts() {
        let mut sum = Sum::default();
        [1e100, 1.0, -1e100].into_iter().for_each(|v| sum.add(v));
        assert_eq!(sum.value(), 1.0);
    }

    #[test]
    fn means_do_not_overflow() {
        let mut mean = Mean::default();
        [f64::MAX, f64::MAX].into_iter().for_each(|v| mean.add(v));
        assert_eq!(mean.value(), f64::MAX);
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(0.5, &mut [4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(quantile(1.0, &mut [f64::NAN, 1.0]), 1.0);
        assert_eq!(quantile(-0.1, &mut [1.0]), f64::NEG_INFINITY);
    }
}
