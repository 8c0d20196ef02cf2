//! Simulated versions, to know the judge by its errors: log-normal points with a standard deviation of a quarter,
//! dependent as an autoregressive process of the first order.

use super::kayenta::{Class, Classifier};
use super::{Direction, MIN_POINTS, Plan, Verdict, judge};

pub struct Case {
    /// Of neighbouring points, before they are raised to the power of e.
    pub correlation: f64,
    /// Of the canary: 0.2 is a fifth more.
    pub shift: f64,
    pub points: usize,
    /// At each point from the first that can be judged, instead of once at the end.
    pub every_look: bool,
}

/// As shares of the trials.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// At any look.
    pub failed: f64,
    /// At the last.
    pub passed: f64,
}

const DEVIATION: f64 = 0.25;

impl Case {
    pub fn play(&self, trials: u32, seed: u64) -> Outcome {
        let plan = Plan { direction: Direction::Either, points: self.points, ..Plan::default() };
        let (mut failed, mut passed) = (0, 0);
        self.each_trial(trials, seed, |control, canary| {
            let looks: Vec<Verdict> = self.looks().map(|points| judge(&control[..points], &canary[..points], &plan).verdict).collect();
            failed += u32::from(looks.contains(&Verdict::Fail));
            passed += u32::from(looks.last() == Some(&Verdict::Pass));
        });
        Outcome { failed: f64::from(failed) / f64::from(trials), passed: f64::from(passed) / f64::from(trials) }
    }

    /// The share of the same trials that Kayenta's test fails at any look.
    pub fn play_kayenta(&self, trials: u32, seed: u64) -> f64 {
        let mut failed = 0;
        self.each_trial(trials, seed, |control, canary| {
            let passes = |points: usize| Classifier::default().classify(&control[..points], &canary[..points]).class == Class::Pass;
            failed += u32::from(!self.looks().all(passes));
        });
        f64::from(failed) / f64::from(trials)
    }

    fn looks(&self) -> impl Iterator<Item = usize> {
        (if self.every_look { MIN_POINTS } else { self.points })..=self.points
    }

    fn each_trial(&self, trials: u32, seed: u64, mut judged: impl FnMut(&[f64], &[f64])) {
        let mut normals = Normals(seed);
        for _ in 0..trials {
            let control = self.series(&mut normals, 1.0);
            let canary = self.series(&mut normals, 1.0 + self.shift);
            judged(&control, &canary);
        }
    }

    fn series(&self, normals: &mut Normals, level: f64) -> Vec<f64> {
        let mut last = normals.next();
        let surprise = (1.0 - self.correlation * self.correlation).sqrt();
        (0..self.points)
            .map(|_| {
                let point = level * (DEVIATION * last).exp();
                last = self.correlation * last + surprise * normals.next();
                point
            })
            .collect()
    }
}

/// Repeatable: SplitMix64 (Steele, Lea and Flood 2014) and the Box-Muller transform.
struct Normals(u64);

impl Normals {
    fn next(&mut self) -> f64 {
        let (radius, angle) = (self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }

    /// Above 0, up to 1.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64 + f64::EPSILON
    }
}
