//! How a person takes part in an experiment: when it was first exposed, and in which arm.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tributary_model::experiment::ExperimentKey;
use tributary_model::{Arm, Enrolment, EnrolmentStatus, PersonId};

use crate::arms::ArmsSeen;
use crate::state::TriggerState;

/// The first exposure in one arm, with what the experiment was then.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FirstExposure {
    /// When it was.
    pub at: i64,
    /// The team whose messages are tried.
    pub team_id: String,
    /// The share that was held out.
    pub holdout_buckets: u16,
    /// Whether arms were drawn by household or account.
    pub is_clustered: bool,
    /// The campaign that the messages belong to.
    pub campaign_id: Option<String>,
}

/// A person in an experiment: exposed in one arm, or in both after a merge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    treated: Option<FirstExposure>,
    held_out: Option<FirstExposure>,
}

impl Enrolled {
    /// Exposed in this arm.
    #[must_use]
    pub fn new(arm: Arm, first: FirstExposure) -> Self {
        match arm {
            Arm::Treated => Self { treated: Some(first), held_out: None },
            Arm::HeldOut => Self { treated: None, held_out: Some(first) },
        }
    }

    /// The arms it has been exposed in.
    #[must_use]
    pub fn seen(&self) -> ArmsSeen {
        ArmsSeen::new(self.treated.is_some(), self.held_out.is_some())
    }

    /// Fixes the arm at the first exposure; later exposures change nothing.
    pub fn expose(&mut self, arm: Arm, first: FirstExposure) {
        if *self == Self::default() {
            *self = Self::new(arm, first);
        }
    }

    /// The exposures of both; of two in the same arm the earlier counts.
    pub fn absorb(&mut self, other: Self) {
        earliest(&mut self.treated, other.treated);
        earliest(&mut self.held_out, other.held_out);
    }

    /// What is told of it; nothing for who was never exposed.
    #[must_use]
    pub fn statement(&self, person_id: PersonId, experiment: &str) -> Option<Enrolment> {
        let first = self.treated.iter().chain(&self.held_out).min()?;
        let is_contaminated = self.seen().is_contaminated();
        Some(Enrolment {
            person_id,
            key: ExperimentKey {
                experiment: experiment.to_owned(),
                team_id: first.team_id.clone(),
                holdout_buckets: i32::from(first.holdout_buckets),
                is_clustered: first.is_clustered,
                campaign_id: first.campaign_id.clone(),
                is_observed: false,
            },
            arm: self.seen().fixed()?,
            status: if is_contaminated { EnrolmentStatus::Contaminated } else { EnrolmentStatus::Enrolled },
            enrolled_at: first.at,
        })
    }
}

/// Who takes part in what, as far as `after` differs from `before`; both are states of this person.
pub(crate) fn enrolments(person_id: PersonId, before: &TriggerState, after: &TriggerState) -> Vec<Enrolment> {
    static NOTHING: BTreeMap<String, Enrolled> = BTreeMap::new();
    let [before, after] = [before, after].map(|state| state.facts().map_or(&NOTHING, |facts| &facts.enrolled));
    let gone = before.iter().filter(|(experiment, _)| !after.contains_key(*experiment));
    let gone = gone.filter_map(|(experiment, enrolled)| enrolled.statement(person_id, experiment));
    let new = after.iter().filter(|(experiment, enrolled)| before.get(*experiment) != Some(*enrolled));
    // Not all that is remembered is told: of two arms only the earlier exposure is.
    let of =
        |known: &BTreeMap<String, Enrolled>, experiment: &str| known.get(experiment)?.statement(person_id, experiment);
    let new = new.filter_map(|(experiment, _)| {
        of(after, experiment).filter(|told| of(before, experiment).as_ref() != Some(told))
    });
    gone.map(|told| Enrolment { status: EnrolmentStatus::Withdrawn, ..told }).chain(new).collect()
}

fn earliest(known: &mut Option<FirstExposure>, other: Option<FirstExposure>) {
    let first = known.take().into_iter().chain(other).min();
    *known = first;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(at: i64) -> FirstExposure {
        FirstExposure { at, team_id: "crm".to_owned(), holdout_buckets: 1_000, is_clustered: false, campaign_id: None }
    }

    fn person() -> PersonId {
        PersonId(uuid::Uuid::from_u128(7))
    }

    fn told(enrolled: &Enrolled) -> Option<(Arm, EnrolmentStatus, i64)> {
        let told = enrolled.statement(person(), "a:a")?;
        Some((told.arm, told.status, told.enrolled_at))
    }

    #[test]
    fn the_first_exposure_fixes_the_arm() {
        let mut enrolled = Enrolled::default();
        assert_eq!(told(&enrolled), None);
        enrolled.expose(Arm::HeldOut, first(5));
        enrolled.expose(Arm::Treated, first(3));
        assert_eq!(told(&enrolled), Some((Arm::HeldOut, EnrolmentStatus::Enrolled, 5)));
    }

    #[test]
    fn what_has_changed_is_told_and_what_is_gone_withdrawn() {
        let state = |all: &[(&str, i64)]| {
            let mut state = TriggerState::default();
            for (experiment, at) in all {
                state.facts_mut().enrolled.insert((*experiment).to_owned(), Enrolled::new(Arm::Treated, first(*at)));
            }
            state
        };
        let told = |before: &TriggerState, after: &TriggerState| {
            let told = enrolments(person(), before, after).into_iter();
            told.map(|one| (one.key.experiment, one.status, one.enrolled_at)).collect::<Vec<_>>()
        };
        let (old, new) = (state(&[("a", 1), ("b", 2), ("c", 3)]), state(&[("b", 2), ("c", 1), ("d", 4)]));
        let of = |experiment: &str, status, at| (experiment.to_owned(), status, at);
        let all = [
            of("a", EnrolmentStatus::Withdrawn, 1),
            of("c", EnrolmentStatus::Enrolled, 1),
            of("d", EnrolmentStatus::Enrolled, 4),
        ];
        assert_eq!(told(&old, &new), all);
        let both = |held_out_at| {
            let mut state = state(&[("a", 1)]);
            let held_out = Enrolled::new(Arm::HeldOut, first(held_out_at));
            state.facts_mut().enrolled.entry("a".to_owned()).or_default().absorb(held_out);
            state
        };
        assert_eq!(told(&both(9), &both(5)), [], "the later exposure of two arms is told of nowhere");
        assert_eq!(told(&both(9), &both(0)).len(), 1);
        let nothing = TriggerState::default();
        assert_eq!(told(&old, &nothing).len(), 3);
        assert_eq!(told(&nothing, &nothing), []);
    }

    #[test]
    fn two_persons_make_one_whatever_the_order() {
        let all =
            [(Arm::Treated, 5), (Arm::Treated, 3), (Arm::HeldOut, 2)].map(|(arm, at)| Enrolled::new(arm, first(at)));
        let sum = |order: [usize; 4]| {
            let mut sum = Enrolled::default();
            order.iter().for_each(|index| sum.absorb(all[*index].clone()));
            sum
        };
        let whole = sum([0, 1, 2, 2]);
        assert_eq!(whole, sum([2, 1, 0, 1]));
        assert_eq!(told(&whole), Some((Arm::Treated, EnrolmentStatus::Contaminated, 2)));
        assert_eq!(told(&sum([0, 1, 1, 0])), Some((Arm::Treated, EnrolmentStatus::Enrolled, 3)));
    }
}
