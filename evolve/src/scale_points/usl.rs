//! The Universal Scalability Law: how throughput grows with concurrency, and where it stops.
//!
//! `X(N) = γN / (1 + α(N−1) + βN(N−1))`. Source: N. Gunther, "A General Theory of Computational
//! Scalability Based on Rational Functions", arXiv:0808.1431.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Three coefficients need some points more than three.
pub const POINTS_MIN: usize = 6;
const ITERATIONS_MAX: usize = 500;
const CONFIDENCE: f64 = 0.95;

/// What was measured at one load.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Virtual users in flight, on average.
    pub concurrency: f64,
    /// Completed a second.
    pub throughput: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Usl {
    /// Contention: the share of work that is done one after the other.
    pub alpha: Coefficient,
    /// Coherence: what each pair costs to keep in step.
    pub beta: Coefficient,
    /// Throughput of one alone.
    pub gamma: Coefficient,
    /// Residual standard error, in the unit of throughput.
    pub residual_error: f64,
    pub peak: Peak,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Coefficient {
    pub value: f64,
    /// None for a coefficient that lies on its bound of zero.
    pub standard_error: Option<f64>,
    /// 95 %, two-sided, from Student's t with as many degrees of freedom as there are points beyond the
    /// coefficients that were fitted.
    pub interval: Option<(f64, f64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Peak {
    /// Beyond it more load means less throughput. `interval` is open above if coherence cannot be told from zero.
    At { concurrency: f64, throughput: f64, interval: (f64, Option<f64>), in_sight: bool },
    /// Without coherence cost throughput only levels off; this is what it approaches, if there is contention.
    None { limit: Option<f64> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UslError {
    #[error("{given} different loads were measured; the scalability law needs at least {POINTS_MIN}")]
    TooFew { given: usize },
    #[error("the loads and throughputs must be positive, finite numbers")]
    NotPositive,
    #[error("the measurements do not lie on a curve of the scalability law")]
    NoFit,
}

impl Usl {
    pub fn throughput(&self, concurrency: f64) -> f64 {
        model([self.alpha.value, self.beta.value, self.gamma.value], concurrency)
    }

    /// Whether the curve says little about what lies beyond the measurements.
    pub fn extrapolates(&self) -> bool {
        !matches!(self.peak, Peak::At { in_sight: true, .. })
    }
}

/// Least squares under `0 ≤ α ≤ 1`, `β ≥ 0`, `γ > 0`.
pub fn fit(points: &[Point]) -> Result<Usl, UslError> {
    if points.iter().any(|point| !(point.concurrency.is_finite() && point.throughput.is_finite() && point.concurrency > 0.0 && point.throughput > 0.0)) {
        return Err(UslError::NotPositive);
    }
    let mut loads: Vec<f64> = points.iter().map(|point| point.concurrency).collect();
    loads.sort_by(f64::total_cmp);
    loads.dedup();
    if loads.len() < POINTS_MIN {
        return Err(UslError::TooFew { given: loads.len() });
    }
    // The minimum lies inside the bounds or on some of them: each case is a problem without bounds.
    let cases = [[true, true], [true, false], [false, true], [false, false]];
    let fits = cases.into_iter().filter_map(|[alpha, beta]| descend(points, [alpha, beta, true]));
    let best = fits.filter(|fit| fit.is_feasible()).min_by(|a, b| a.squares.total_cmp(&b.squares)).ok_or(UslError::NoFit)?;
    Ok(best.described(points))
}

type Three = [f64; 3];

fn model([alpha, beta, gamma]: Three, n: f64) -> f64 {
    gamma * n / (1.0 + alpha * (n - 1.0) + beta * n * (n - 1.0))
}

fn gradient([alpha, beta, gamma]: Three, n: f64) -> Three {
    let divisor = 1.0 + alpha * (n - 1.0) + beta * n * (n - 1.0);
    let by_divisor = -gamma * n / (divisor * divisor);
    [by_divisor * (n - 1.0), by_divisor * n * (n - 1.0), n / divisor]
}

fn squares(points: &[Point], at: Three) -> f64 {
    points.iter().map(|point| (point.throughput - model(at, point.concurrency)).powi(2)).sum()
}

struct Fit {
    at: Three,
    free: [bool; 3],
    squares: f64,
}

/// Levenberg and Marquardt's method; a coefficient that is not free stays at zero.
fn descend(points: &[Point], free: [bool; 3]) -> Option<Fit> {
    let gamma = points.iter().map(|point| point.throughput / point.concurrency).fold(0.0, f64::max);
    let mut at = [if free[0] { 0.01 } else { 0.0 }, if free[1] { 1e-4 } else { 0.0 }, gamma];
    let mut error = squares(points, at);
    let mut damping = 1e-3;
    for _ in 0..ITERATIONS_MAX {
        let (mut normal, right) = normal_equations(points, at, free);
        for (index, row) in normal.iter_mut().enumerate() {
            row[index] *= 1.0 + damping;
        }
        let step = solve(normal, right)?;
        let next = [at[0] + step[0], at[1] + step[1], at[2] + step[2]];
        let next_error = squares(points, next);
        if next_error.is_finite() && next_error <= error {
            let settled = step.iter().zip(at).all(|(step, at)| step.abs() <= 1e-12 * (1e-12 + at.abs()));
            (at, error, damping) = (next, next_error, (damping / 10.0).max(1e-15));
            if settled {
                break;
            }
        } else {
            damping *= 10.0;
            if damping > 1e12 {
                break;
            }
        }
    }
    Some(Fit { at, free, squares: error })
}

/// `JᵀJ` and `Jᵀr`; the row of a coefficient that is not free says that it does not move.
fn normal_equations(points: &[Point], at: Three, free: [bool; 3]) -> ([Three; 3], Three) {
    let (mut normal, mut right) = ([[0.0; 3]; 3], [0.0; 3]);
    for point in points {
        let slope = gradient(at, point.concurrency);
        let residual = point.throughput - model(at, point.concurrency);
        for row in (0..3).filter(|row| free[*row]) {
            right[row] += slope[row] * residual;
            for column in (0..3).filter(|column| free[*column]) {
                normal[row][column] += slope[row] * slope[column];
            }
        }
    }
    for fixed in (0..3).filter(|index| !free[*index]) {
        normal[fixed][fixed] = 1.0;
    }
    (normal, right)
}

/// By Cramer's rule, after scaling: the coefficients differ by many orders of magnitude.
fn solve(matrix: [Three; 3], right: Three) -> Option<Three> {
    let scale: Vec<f64> = (0..3).map(|index| matrix[index][index].sqrt()).collect();
    if scale.iter().any(|scale| !(scale.is_finite() && *scale > 0.0)) {
        return None;
    }
    let mut scaled = matrix;
    for (row, column) in (0..9).map(|index| (index / 3, index % 3)) {
        scaled[row][column] /= scale[row] * scale[column];
    }
    let whole = determinant(scaled);
    if whole.abs() < 1e-300 {
        return None;
    }
    let mut solution = [0.0; 3];
    for column in 0..3 {
        let mut replaced = scaled;
        for row in 0..3 {
            replaced[row][column] = right[row] / scale[row];
        }
        solution[column] = determinant(replaced) / whole / scale[column];
    }
    Some(solution)
}

fn determinant([a, b, c]: [Three; 3]) -> f64 {
    a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0])
}

impl Fit {
    fn is_feasible(&self) -> bool {
        let [alpha, beta, gamma] = self.at;
        (0.0..=1.0).contains(&alpha) && beta >= 0.0 && gamma > 0.0
    }

    fn described(self, points: &[Point]) -> Usl {
        let freedom = points.len() as f64 - self.free.iter().filter(|free| **free).count() as f64;
        let residual_error = (self.squares / freedom).sqrt();
        let (normal, _) = normal_equations(points, self.at, self.free);
        let column = |index: usize| {
            let mut unit = [0.0; 3];
            unit[index] = 1.0;
            solve(normal, unit)
        };
        let covariance = [column(0), column(1), column(2)].map(|column| column.map(|column| column.map(|value| value * residual_error * residual_error)));
        let quantile = StudentsT::new(0.0, 1.0, freedom).map(|student| student.inverse_cdf(0.5 + CONFIDENCE / 2.0)).unwrap_or(f64::NAN);
        let coefficient = |index: usize| {
            let value = self.at[index];
            let standard_error = covariance[index].filter(|_| self.free[index]).map(|column| column[index].sqrt());
            Coefficient { value, standard_error, interval: standard_error.map(|error| (value - quantile * error, value + quantile * error)) }
        };
        let (alpha, beta, gamma) = (coefficient(0), coefficient(1), coefficient(2));
        let peak = self.peak(points, &beta, covariance[0].zip(covariance[1]), quantile);
        Usl { alpha, beta, gamma, residual_error, peak }
    }

    fn peak(&self, points: &[Point], beta_told: &Coefficient, covariance: Option<(Three, Three)>, quantile: f64) -> Peak {
        let [alpha, beta, gamma] = self.at;
        if beta <= 0.0 || alpha >= 1.0 {
            return Peak::None { limit: (alpha > 0.0).then(|| gamma / alpha) };
        }
        let concurrency = ((1.0 - alpha) / beta).sqrt();
        // The logarithm of the peak is nearer to normal than the peak is: the delta method on it.
        let slope = [-0.5 / (1.0 - alpha), -0.5 / beta];
        let spread = covariance.map(|(of_alpha, of_beta)| {
            let variance = slope[0] * slope[0] * of_alpha[0] + 2.0 * slope[0] * slope[1] * of_alpha[1] + slope[1] * slope[1] * of_beta[1];
            (quantile * variance.max(0.0).sqrt()).exp()
        });
        let told = beta_told.interval.is_some_and(|(lower, _)| lower > 0.0);
        let interval = match spread {
            Some(spread) => (concurrency / spread, told.then_some(concurrency * spread)),
            None => (0.0, None),
        };
        let highest = points.iter().map(|point| point.concurrency).fold(0.0, f64::max);
        Peak::At { concurrency, throughput: model(self.at, concurrency), interval, in_sight: told && highest >= concurrency }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn points(pairs: &[(f64, f64)]) -> Vec<Point> {
        pairs.iter().map(|&(concurrency, throughput)| Point { concurrency, throughput }).collect()
    }

    /// Relative, of 0.02 %, as far as the published figures have digits.
    fn close(value: f64, published: f64) {
        assert!((value / published - 1.0).abs() < 2e-4, "{value} is not {published}");
    }

    const SPECSDM91: [(f64, f64); 7] =
        [(1.0, 64.9), (18.0, 995.9), (36.0, 1652.4), (72.0, 1853.2), (108.0, 1828.9), (144.0, 1775.0), (216.0, 1702.2)];

    const RAYTRACER: [(f64, f64); 11] = [
        (1.0, 20.0), (4.0, 78.0), (8.0, 130.0), (12.0, 170.0), (16.0, 190.0), (20.0, 200.0),
        (24.0, 210.0), (28.0, 230.0), (32.0, 260.0), (48.0, 280.0), (64.0, 310.0),
    ];

    const CISCO: [f64; 32] = [
        955.16, 1878.91, 2688.01, 3548.68, 4315.54, 5130.43, 5931.37, 6531.08, 7219.8, 7867.61, 8278.71, 8646.7, 9047.84, 9426.55, 9645.37,
        9897.24, 10097.6, 10240.5, 10532.39, 10798.52, 11151.43, 11518.63, 11806.0, 12089.37, 12075.41, 12177.29, 12211.41, 12158.93,
        12155.27, 12118.04, 12140.4, 12074.39,
    ];

    fn cisco(first: usize) -> Vec<Point> {
        let numbered = CISCO.iter().zip(1..).take(first);
        numbered.map(|(&throughput, users)| Point { concurrency: f64::from(users), throughput }).collect()
    }

    fn peak(usl: &Usl) -> (f64, f64) {
        match usl.peak {
            Peak::At { concurrency, throughput, .. } => (concurrency, throughput),
            Peak::None { .. } => panic!("{usl:?}"),
        }
    }

    /// Published with the R package `usl`.
    #[test]
    fn specsdm91_as_published() {
        let usl = fit(&points(&SPECSDM91)).unwrap();
        close(usl.alpha.value, 0.027_728_5);
        close(usl.beta.value, 1.043_66e-4);
        close(usl.gamma.value, 89.995);
        close(peak(&usl).0, 96.52);
        close(peak(&usl).1, 1883.77);
        close(usl.residual_error, 82.85);
        close(usl.gamma.value / usl.alpha.value, 3245.6);
        assert!((usl.alpha.standard_error.unwrap() - 0.00912).abs() < 5e-6 && (usl.gamma.standard_error.unwrap() - 14.2).abs() < 0.05);
        assert!(!usl.extrapolates());
    }

    /// Published with usl4j.
    #[test]
    fn cisco_as_published() {
        let usl = fit(&cisco(32)).unwrap();
        close(usl.alpha.value, 0.026_716);
        close(usl.beta.value, 7.690_9e-4);
        close(usl.gamma.value, 995.65);
        assert_eq!(peak(&usl).0.floor(), 35.0);
        close(peak(&usl).1, 12_341.0);
    }

    /// With the two-sided interval of n − 3 degrees of freedom.
    #[test]
    fn six_points_of_the_raytracer_say_little() {
        let usl = fit(&points(&RAYTRACER[..6])).unwrap();
        assert!((usl.alpha.value - 0.02444).abs() < 5e-6 && (usl.beta.value - 0.00163).abs() < 5e-6);
        close(usl.gamma.value, 20.856);
        let (lower, upper) = usl.alpha.interval.unwrap();
        assert!((lower + 0.0023).abs() < 1e-4 && (upper - 0.0511).abs() < 1e-4, "{lower} to {upper}");
        assert!(usl.extrapolates());
    }

    #[test]
    fn without_coherence_there_is_no_peak() {
        let usl = fit(&points(&RAYTRACER)).unwrap();
        assert_eq!(usl.beta.value, 0.0);
        assert!((usl.alpha.value - 0.05777).abs() < 1e-5 && (usl.gamma.value - 21.85).abs() < 0.01, "{usl:?}");
        assert!(matches!(usl.peak, Peak::None { limit: Some(_) }));
    }

    #[test]
    fn early_points_are_refused_or_doubted() {
        assert_eq!(fit(&cisco(5)), Err(UslError::TooFew { given: 5 }));
        for first in [6, 8, 12, 16, 20, 24] {
            assert!(fit(&cisco(first)).unwrap().extrapolates(), "{first}");
        }
        let repeated: Vec<Point> = (0..10).map(|_| Point { concurrency: 4.0, throughput: 9.0 }).collect();
        assert_eq!(fit(&repeated), Err(UslError::TooFew { given: 1 }));
        assert_eq!(fit(&points(&[(0.0, 1.0)])), Err(UslError::NotPositive));
    }

    proptest! {
        #[test]
        fn exact_curves_are_found_again(alpha in 0.001..0.5_f64, beta in 1e-5..0.02_f64, gamma in 0.1..5000.0_f64) {
            let curve: Vec<Point> = (1..=40)
                .map(|n| Point { concurrency: f64::from(n), throughput: model([alpha, beta, gamma], f64::from(n)) })
                .collect();
            let usl = fit(&curve).unwrap();
            prop_assert!((usl.alpha.value - alpha).abs() < 1e-6);
            prop_assert!((usl.beta.value - beta).abs() < 1e-7);
            prop_assert!((usl.gamma.value / gamma - 1.0).abs() < 1e-6);
        }

        #[test]
        fn noise_never_panics(throughputs in proptest::collection::vec(1e-3..1e6_f64, 0..20)) {
            let noise: Vec<Point> = throughputs.iter().zip(1..).map(|(&throughput, n)| Point { concurrency: f64::from(n), throughput }).collect();
            let _ = fit(&noise);
        }
    }
}
