//! When virtual users arrive: known before the run begins, whatever the target does.

use std::time::Duration;

use documents::script::{Arrivals, Phase, Spread};

use super::run::Share;

/// The phases of a run, laid out one after the other.
#[derive(Debug, Clone)]
pub struct Plan {
    phases: Vec<Planned>,
    seed: u64,
}

/// One phase and when it begins and ends, counted from the run's start.
#[derive(Debug, Clone, Copy)]
pub struct Planned {
    pub index: usize,
    pub begins: Duration,
    pub ends: Duration,
    pub arrivals: Arrivals,
    pub max_vusers: Option<u64>,
}

/// One virtual user to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Counted from the run's start.
    pub at: Duration,
    /// Its number in the run.
    pub number: u64,
    pub phase: usize,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Plays one journey.
    Once,
    /// Of a closed workload: begins anew as long as there is time.
    Until(Duration),
}

impl Plan {
    pub fn new(phases: &[Phase], seed: u64) -> Self {
        let mut begins = Duration::ZERO;
        let mut planned = Vec::with_capacity(phases.len());
        for (index, phase) in phases.iter().enumerate() {
            let ends = begins + length(&phase.arrivals);
            planned.push(Planned { index, begins, ends, arrivals: phase.arrivals, max_vusers: phase.max_vusers });
            begins = ends;
        }
        Self { phases: planned, seed }
    }

    pub fn phases(&self) -> &[Planned] {
        &self.phases
    }

    /// The planned end of all phases.
    pub fn length(&self) -> Duration {
        self.phases.last().map_or(Duration::ZERO, |phase| phase.ends)
    }

    /// All arrivals, in order. The same seed gives the same ones, in every process.
    pub fn arrivals(&self) -> impl Iterator<Item = Arrival> + '_ {
        let each = self.phases.iter().flat_map(|phase| phase.arrivals(self.seed));
        each.enumerate().map(|(number, (at, phase, kind))| Arrival { at, number: number as u64, phase, kind })
    }

    /// How many users of open workloads a share of the run is asked for.
    pub fn asked(&self, share: Share) -> u64 {
        self.arrivals().filter(|arrival| arrival.kind == Kind::Once && share.holds(arrival.number)).count() as u64
    }

    /// The highest rate of arrivals, a second. Users of a closed workload count once.
    pub fn peak_rate(&self) -> f64 {
        let peak = |phase: &Planned| match phase.arrivals {
            Arrivals::Pause { .. } => 0.0,
            Arrivals::Rate { from, to, .. } => from.max(to),
            Arrivals::Count { duration, count } => count as f64 / duration.as_secs_f64().max(0.001),
            Arrivals::Users { users, .. } => users as f64,
        };
        self.phases.iter().map(peak).fold(0.0, f64::max)
    }
}

fn length(arrivals: &Arrivals) -> Duration {
    match arrivals {
        Arrivals::Pause { duration }
        | Arrivals::Rate { duration, .. }
        | Arrivals::Count { duration, .. }
        | Arrivals::Users { duration, .. } => *duration,
    }
}

impl Planned {
    fn arrivals(&self, seed: u64) -> Box<dyn Iterator<Item = (Duration, usize, Kind)> + '_> {
        let place = move |offset: f64, kind| (self.begins + Duration::from_secs_f64(offset), self.index, kind);
        match self.arrivals {
            Arrivals::Pause { .. } => Box::new(std::iter::empty()),
            Arrivals::Count { duration, count } => {
                let gap = duration.as_secs_f64() / count.max(1) as f64;
                Box::new((0..count).map(move |number| place(number as f64 * gap, Kind::Once)))
            }
            Arrivals::Users { users, .. } => {
                Box::new((0..users).map(move |_| place(0.0, Kind::Until(self.ends))))
            }
            Arrivals::Rate { duration, from, to, spread } => {
                let curve = Curve::new(duration, from, to);
                let marks = Marks::new(spread, seed ^ (self.index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
                Box::new(marks.map_while(move |mark| curve.reaches(mark)).map(move |at| place(at, Kind::Once)))
            }
        }
    }
}

/// How many users have arrived by when, in expectation: a line for each second, since a ramp changes its rate
/// by the second: in second i it is start + (end − start) · i / (seconds − 1).
struct Curve {
    /// The end of each piece: its time in seconds, the arrivals by then, and the rate within it.
    pieces: Vec<(f64, f64, f64)>,
}

impl Curve {
    fn new(duration: Duration, from: f64, to: f64) -> Self {
        let total = duration.as_secs_f64();
        if from == to {
            return Self { pieces: vec![(total, total * from, from)] };
        }
        let seconds = total.ceil().max(1.0) as u64;
        let mut pieces = Vec::with_capacity(seconds as usize);
        let mut reached = 0.0;
        for second in 0..seconds {
            let rate = match seconds {
                1 => f64::midpoint(from, to),
                _ => from + (to - from) * second as f64 / (seconds - 1) as f64,
            };
            let ends = ((second + 1) as f64).min(total);
            reached += rate * (ends - second as f64);
            pieces.push((ends, reached, rate));
        }
        Self { pieces }
    }

    /// When the expected number of arrivals reaches `mark`; none if the phase is over before.
    fn reaches(&self, mark: f64) -> Option<f64> {
        let at = self.pieces.partition_point(|(_, reached, _)| *reached <= mark + ROUNDING);
        let (ends, reached, rate) = *self.pieces.get(at)?;
        Some((ends - (reached - mark) / rate).max(0.0))
    }
}

/// Sums of many rates miss whole numbers by less than this.
const ROUNDING: f64 = 1e-7;

/// The numbers of expected arrivals at which one happens: 0, 1, 2, … if evenly spread, and with random gaps of
/// mean 1 if not.
struct Marks {
    next: f64,
    random: Option<fastrand::Rng>,
}

impl Marks {
    fn new(spread: Spread, seed: u64) -> Self {
        let mut random = match spread {
            Spread::Uniform => None,
            Spread::Poisson => Some(fastrand::Rng::with_seed(seed)),
        };
        let next = random.as_mut().map_or(0.0, exponential);
        Self { next, random }
    }
}

impl Iterator for Marks {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        let mark = self.next;
        self.next += self.random.as_mut().map_or(1.0, exponential);
        Some(mark)
    }
}

fn exponential(random: &mut fastrand::Rng) -> f64 {
    -(1.0 - random.f64()).ln()
}

#[cfg(test)]
mod tests {
    use documents::diagnostic::Origin;
    use proptest::prelude::*;

    use super::*;

    fn phase(arrivals: Arrivals) -> Phase {
        let origin = Origin { path: "load.yaml".to_owned(), line: 1, column: 1 };
        Phase { name: None, arrivals, max_vusers: None, origin }
    }

    fn rate(seconds: f64, from: f64, to: f64, spread: Spread) -> Phase {
        phase(Arrivals::Rate { duration: Duration::from_secs_f64(seconds), from, to, spread })
    }

    fn times(phases: &[Phase]) -> Vec<f64> {
        Plan::new(phases, 7).arrivals().map(|arrival| arrival.at.as_secs_f64()).collect()
    }

    #[test]
    fn a_steady_rate_is_evenly_spaced() {
        assert_eq!(times(&[rate(1.0, 4.0, 4.0, Spread::Uniform)]), [0.0, 0.25, 0.5, 0.75]);
    }

    #[test]
    fn a_count_is_spread_over_its_duration() {
        let count = phase(Arrivals::Count { duration: Duration::from_secs(1), count: 2 });
        assert_eq!(times(&[count]), [0.0, 0.5]);
    }

    #[test]
    fn a_ramp_changes_its_rate_by_the_second() {
        let arrivals = times(&[rate(3.0, 10.0, 30.0, Spread::Uniform)]);
        let within = |second: f64| arrivals.iter().filter(|at| **at >= second && **at < second + 1.0).count();
        assert_eq!([within(0.0), within(1.0), within(2.0)], [10, 20, 30]);
    }

    #[test]
    fn a_ramp_from_nothing_begins_when_there_is_a_rate() {
        let arrivals = times(&[rate(2.0, 0.0, 10.0, Spread::Uniform)]);
        assert_eq!((arrivals.len(), arrivals[0]), (10, 1.0));
    }

    #[test]
    fn a_pause_moves_what_follows() {
        let pause = phase(Arrivals::Pause { duration: Duration::from_secs(5) });
        assert_eq!(times(&[pause, rate(1.0, 2.0, 2.0, Spread::Uniform)]), [5.0, 5.5]);
    }

    #[test]
    fn users_of_a_closed_workload_are_there_at_once_and_until_the_end() {
        let users = phase(Arrivals::Users { duration: Duration::from_secs(3), users: 2 });
        let plan = Plan::new(&[users], 7);
        let arrivals: Vec<_> = plan.arrivals().collect();
        assert_eq!(arrivals.len(), 2);
        assert!(arrivals.iter().all(|arrival| arrival.kind == Kind::Until(Duration::from_secs(3))));
    }

    #[test]
    fn a_poisson_process_is_repeated_by_its_seed() {
        let phases = [rate(2.0, 50.0, 50.0, Spread::Poisson)];
        assert_eq!(times(&phases), times(&phases));
        let other: Vec<_> = Plan::new(&phases, 8).arrivals().map(|arrival| arrival.at.as_secs_f64()).collect();
        assert_ne!(times(&phases), other);
    }

    proptest! {
        #[test]
        fn arrivals_are_in_order_and_within_their_phase(
            seconds in 0.1f64..20.0, from in 0.0f64..300.0, to in 0.0f64..300.0, random: bool,
        ) {
            let spread = if random { Spread::Poisson } else { Spread::Uniform };
            let arrivals = times(&[rate(seconds, from, to, spread)]);
            prop_assert!(arrivals.is_sorted());
            prop_assert!(arrivals.iter().all(|at| (0.0..seconds + 1e-6).contains(at)));
        }

        #[test]
        fn every_arrival_is_in_one_share(count in 0u64..500, of in 1u64..7, seed: u64) {
            let rate = rate(2.0, 1.0, count as f64, Spread::Poisson);
            let plan = Plan::new(&[rate], seed);
            let shares: Vec<u64> = (0..of).map(|index| plan.asked(Share { index, of })).collect();
            prop_assert_eq!(shares.iter().sum::<u64>(), plan.asked(Share::WHOLE));
            prop_assert!(shares.iter().max().zip(shares.iter().min()).is_some_and(|(most, least)| most - least <= 1));
        }

        #[test]
        fn a_uniform_rate_brings_as_many_as_it_says(seconds in 1u32..30, from in 0u32..300, to in 0u32..300) {
            let arrivals = times(&[rate(f64::from(seconds), f64::from(from), f64::from(to), Spread::Uniform)]);
            let wanted = f64::from(seconds) * f64::midpoint(f64::from(from), f64::from(to));
            prop_assert!((arrivals.len() as f64 - wanted).abs() <= 1.0, "{} of {wanted}", arrivals.len());
        }

        #[test]
        fn a_poisson_process_has_the_mean_of_its_rate(seed: u64) {
            let phases = [rate(100.0, 100.0, 100.0, Spread::Poisson)];
            let count = Plan::new(&phases, seed).arrivals().count() as f64;
            // Five standard deviations.
            prop_assert!((count - 10_000.0).abs() < 500.0, "{count}");
        }
    }
}
