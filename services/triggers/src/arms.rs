//! Hold-outs: which arm of a trigger's experiment a person is in.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use tributary_model::{Arm, PersonId};

/// Buckets a hold-out is cut from; one is a hundredth of a percent.
pub use tributary_model::experiment::BUCKETS;

/// The bucket of a person in an experiment, 0 to 9999: the first 64 bits of HMAC-SHA-256 (RFC 2104) of the
/// experiment id under the seed, modulo [`BUCKETS`] (the bias of the modulo is below 10⁻¹⁵).
#[must_use]
pub fn bucket(seed: &str, experiment_id: PersonId) -> u16 {
    // HMAC takes keys of any length; an empty slice stands in for the error that cannot occur.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(seed.as_bytes()) else { return 0 };
    mac.update(experiment_id.0.as_bytes());
    let digest = mac.finalize().into_bytes();
    let first = digest.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    (first % u64::from(BUCKETS)) as u16
}

/// The arm by bucket: the first `holdout_buckets` buckets are held out.
#[must_use]
pub fn assign(seed: &str, experiment_id: PersonId, holdout_buckets: u16) -> Arm {
    if bucket(seed, experiment_id) < holdout_buckets { Arm::HeldOut } else { Arm::Treated }
}

/// The arms a person has been exposed in: one from the first exposure on, two after a merge that joined both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmsSeen {
    treated: bool,
    held_out: bool,
}

impl ArmsSeen {
    /// Exposed in these arms.
    #[must_use]
    pub fn new(treated: bool, held_out: bool) -> Self {
        Self { treated, held_out }
    }

    /// Fixes the arm at the first exposure; later exposures change nothing.
    pub fn expose(&mut self, arm: Arm) {
        if !self.treated && !self.held_out {
            match arm {
                Arm::Treated => self.treated = true,
                Arm::HeldOut => self.held_out = true,
            }
        }
    }

    /// The arm fixed at the first exposure; `None` before it, and treated when a merge joined both.
    #[must_use]
    pub fn fixed(self) -> Option<Arm> {
        match (self.treated, self.held_out) {
            (true, _) => Some(Arm::Treated),
            (false, true) => Some(Arm::HeldOut),
            (false, false) => None,
        }
    }

    /// A merge joined two arms: the person tells nothing about the effect.
    #[must_use]
    pub fn is_contaminated(self) -> bool {
        self.treated && self.held_out
    }

    /// Both persons' exposures together.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self { treated: self.treated || other.treated, held_out: self.held_out || other.held_out }
    }
}

#[cfg(test)]
mod tests {
    use tributary_model::Identifier;
    use tributary_model::ids::realm_uuid;

    use super::*;

    fn person(number: u32) -> PersonId {
        PersonId::of(&realm_uuid("test"), &Identifier::new("email", number.to_string()))
    }

    #[test]
    fn the_share_held_out_is_the_share_asked_for() {
        for holdout_buckets in [500_u16, 1_000, 5_000] {
            let held = (0..100_000).filter(|n| assign("summer", person(*n), holdout_buckets) == Arm::HeldOut).count();
            let share = f64::from(holdout_buckets) / f64::from(BUCKETS);
            let four_sigma = 4.0 * (100_000.0 * share * (1.0 - share)).sqrt();
            assert!((held as f64 - 100_000.0 * share).abs() < four_sigma, "{held} of 100000 at {share}");
        }
        assert!((0..1_000).all(|n| assign("s", person(n), 0) == Arm::Treated));
        assert!((0..1_000).all(|n| assign("s", person(n), BUCKETS) == Arm::HeldOut));
    }

    #[test]
    fn seeds_shuffle_independently_and_a_bucket_stays_the_same() {
        let both = (0..10_000)
            .filter(|n| {
                assign("one", person(*n), 5_000) == Arm::HeldOut && assign("two", person(*n), 5_000) == Arm::HeldOut
            })
            .count();
        assert!((2_300..2_700).contains(&both), "{both} of 10000 are held out under both seeds");
        assert_eq!(bucket("one", person(7)), bucket("one", person(7)));
    }

    #[test]
    fn the_first_exposure_fixes_the_arm_and_two_arms_contaminate() {
        let mut seen = ArmsSeen::default();
        assert_eq!(seen.fixed(), None);
        seen.expose(Arm::HeldOut);
        seen.expose(Arm::Treated);
        assert_eq!(seen.fixed(), Some(Arm::HeldOut));
        assert!(!seen.is_contaminated());
        let mut other = ArmsSeen::default();
        other.expose(Arm::Treated);
        assert!(seen.union(other).is_contaminated());
        assert!(!seen.union(seen).is_contaminated());
    }
}
