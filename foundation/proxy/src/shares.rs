//! How the traffic is shared between two versions, and who goes where.

use serde::{Deserialize, Serialize};
use twox_hash::XxHash64;

use crate::error::ProxyError;

/// Two versions and how the traffic is shared between them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shares {
    /// Without it the new version has all the traffic as soon as its weight is above 0.
    #[serde(default)]
    pub old: Option<String>,
    pub new: String,
    /// Of the new version, in percent: 0 to 100.
    pub weight: f64,
}

impl Shares {
    pub fn all(version: impl Into<String>) -> Self {
        Self { old: None, new: version.into(), weight: 100.0 }
    }

    pub(crate) fn check(&self) -> Result<(), ProxyError> {
        if !(0.0..=100.0).contains(&self.weight) {
            return Err(ProxyError::Weight(self.weight));
        }
        if self.old.as_ref() == Some(&self.new) {
            return Err(ProxyError::SameVersion(self.new.clone()));
        }
        Ok(())
    }

    /// In percent, of any version.
    pub fn weight_of(&self, version: &str) -> f64 {
        match (version == self.new, &self.old) {
            (true, None) => if self.weight > 0.0 { 100.0 } else { 0.0 },
            (true, Some(_)) => self.weight,
            (false, Some(old)) if old == version => 100.0 - self.weight,
            (false, _) => 0.0,
        }
    }

    /// Positions below it belong to the new version.
    pub(crate) fn threshold(&self) -> u64 {
        (self.weight_of(&self.new) / 100.0 * POSITIONS as f64).round() as u64
    }

    /// Where a user stands, from 0 to 2³² - 1: fixed as long as the same version comes in, so that a rising weight
    /// only ever moves users from old to new. Each new version orders its users anew, or the same ones would always
    /// be the first.
    pub(crate) fn position(&self, user: &[u8]) -> u64 {
        use std::hash::Hasher;
        let mut hasher = XxHash64::with_seed(0);
        hasher.write(self.new.as_bytes());
        hasher.write(&[0]);
        hasher.write(user);
        hasher.finish() >> 32
    }
}

pub(crate) const POSITIONS: u64 = 1 << 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(weight: f64) -> Shares {
        Shares { old: Some("1".into()), new: "2".into(), weight }
    }

    #[test]
    fn the_ends_take_nobody_and_everybody() {
        assert_eq!(shares(0.0).threshold(), 0);
        assert_eq!(shares(100.0).threshold(), POSITIONS);
        assert_eq!(Shares { old: None, new: "1".into(), weight: 10.0 }.threshold(), POSITIONS);
        assert_eq!(Shares { old: None, new: "1".into(), weight: 0.0 }.threshold(), 0);
    }

    #[test]
    fn users_are_spread_evenly_and_move_one_way() {
        let users: Vec<String> = (0..10_000).map(|user| format!("user-{user}")).collect();
        let mut before = 0;
        for weight in [1.0, 10.0, 50.0, 90.0] {
            let shares = shares(weight);
            let moved = users.iter().filter(|user| shares.position(user.as_bytes()) < shares.threshold()).count();
            assert!((moved as f64 / 100.0 - weight).abs() < 1.5, "{moved} of 10000 at {weight} %");
            assert!(moved > before);
            before = moved;
        }
    }

    #[test]
    fn weights_out_of_range_are_refused() {
        for weight in [-0.1, 100.1, f64::NAN] {
            assert!(shares(weight).check().is_err(), "{weight}");
        }
    }
}
