//! Who takes part in which experiment, and what that comes to: the changes to the sums of experiments, and of those who are
//! compared as they came ([`crate::observed`]).
//!
//! A person counts with what it did after its first exposure, for as long as an outcome is looked for, and with what it did
//! before, so that noise can be removed that the time before explains. Both are made again from what is known of the
//! person whenever that changes, and only the difference is written. So neither the order of statements, nor that of journeys
//! and enrolments, nor a merge makes a difference.
//!
//! Bounds: a person is closed when the time in which an outcome is looked for is a horizon older than the newest event: what
//! was counted stays. Who is found to have taken part so long ago, or is found then to have begun at another time, is left
//! out and counted as late. Who is erased is taken out, as if it had never taken part.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tributary_model::experiment::{ExperimentKey, LiftDelta};
use tributary_model::{Arm, Enrolment, EnrolmentStatus, JourneyEvent, PersonId};
use tributary_stream::{OrderedStore, StateStore};
use uuid::Uuid;

use crate::deeds::{Deed, Outcome, outcome};
use crate::experiment_sums::Sums;
use crate::observed::{OBSERVED, comparisons};

/// Name of the store of what persons did.
pub const DEEDS_STORE: &str = "deeds";
/// Name of the store of who takes part.
pub const TRIALS_STORE: &str = "trials";
const VERSION: u8 = 2;

/// What is looked at for a lift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiftRules {
    /// For how long after the first exposure an outcome is looked for.
    pub outcome_ms: i64,
    /// How much of the time before is held against it.
    pub before_ms: i64,
    /// Whether visits are counted.
    pub counts_visits: bool,
    /// Whether demand messages are compared by the brand messages before them.
    pub compares_brand: bool,
}

/// What was told of a person in an experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) key: ExperimentKey,
    pub(crate) arm: Arm,
    pub(crate) is_contaminated: bool,
    pub(crate) enrolled_at: i64,
}

/// What a person counts as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Counted {
    /// With what it did, in its arm.
    Outcome(Outcome),
    /// Left out: a merge joined both arms.
    Contaminated,
    /// Left out: heard of too late.
    Late,
}

/// A person in an experiment, as last told and as counted: the two differ only while a transaction is open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Trial {
    told: Option<Told>,
    counted: Option<(Told, Counted)>,
}

/// The experiments of the persons of one task, and what the open transaction changes about their sums.
#[derive(Debug)]
pub struct Trials {
    rules: LiftRules,
    /// How often each is stated at present; below zero only while statements are out of order.
    deeds: OrderedStore<Uuid, Deed, i32>,
    /// By person and experiment.
    trials: OrderedStore<Uuid, String, Trial>,
    /// Whose deeds or enrolments the open transaction has changed.
    touched: BTreeSet<Uuid>,
}

impl Trials {
    /// Nobody takes part.
    #[must_use]
    pub fn new(rules: LiftRules) -> Self {
        let (deeds, trials) = (OrderedStore::new(DEEDS_STORE, VERSION), OrderedStore::new(TRIALS_STORE, VERSION));
        Self { rules, deeds, trials, touched: BTreeSet::new() }
    }

    /// Hears of a touch, or that it is taken back; times before `oldest_open_at` are closed.
    pub fn journey_event(&mut self, event: &JourneyEvent, oldest_open_at: Option<i64>) {
        if event.touchpoint.identifiers.is_empty() {
            return;
        }
        let kept_from_at = self.kept_from_at(oldest_open_at);
        let (person, by) = (event.person_id.0, if event.retracted { -1 } else { 1 });
        let asked = if self.rules.compares_brand { Deed::asked(event) } else { None };
        let deeds = Deed::of(event, self.rules.counts_visits).into_iter().chain(asked);
        for deed in deeds.filter(|deed| deed.occurred_at >= kept_from_at) {
            let count = self.deeds.get(&person, &deed).copied().unwrap_or(0).saturating_add(by);
            if count == 0 {
                self.deeds.remove(&person, &deed);
            } else {
                self.deeds.insert(&person, deed, count);
            }
            self.touched.insert(person);
        }
    }

    /// Hears how a person takes part in an experiment.
    pub fn enrolment(&mut self, enrolment: &Enrolment) {
        let (person, experiment) = (enrolment.person_id.0, enrolment.key.experiment.clone());
        let mut trial = self.trials.get(&person, &experiment).cloned().unwrap_or_default();
        trial.told = (enrolment.status != EnrolmentStatus::Withdrawn).then(|| Told {
            key: enrolment.key.clone(),
            arm: enrolment.arm,
            is_contaminated: enrolment.status == EnrolmentStatus::Contaminated,
            enrolled_at: enrolment.enrolled_at,
        });
        self.trials.insert(&person, experiment, trial);
        self.touched.insert(person);
    }

    /// Takes a person out of every experiment.
    pub fn withdraw(&mut self, person: PersonId) {
        let trials: Vec<(String, Trial)> =
            self.trials.list(&person.0).map(|(experiment, trial)| (experiment.clone(), trial.clone())).collect();
        for (experiment, trial) in trials {
            self.trials.insert(&person.0, experiment, Trial { told: None, ..trial });
        }
        self.touched.insert(person.0);
    }

    /// Forgets what a person did.
    pub fn forget(&mut self, person: PersonId) {
        let deeds: Vec<Deed> = self.deeds.list(&person.0).map(|(deed, _)| deed.clone()).collect();
        for deed in deeds {
            self.deeds.remove(&person.0, &deed);
        }
        let compared: Vec<(String, Trial)> = self
            .trials
            .list(&person.0)
            .filter(|(name, _)| name.starts_with(OBSERVED))
            .map(|(name, trial)| (name.clone(), Trial { told: None, ..trial.clone() }))
            .collect();
        for (name, trial) in compared {
            self.trials.insert(&person.0, name, trial);
        }
        self.touched.insert(person.0);
    }

    /// Closes the time before `oldest_open_at`: lets go of deeds that no open outcome can need.
    pub fn close(&mut self, oldest_open_at: i64) {
        let kept_from_at = self.kept_from_at(Some(oldest_open_at));
        let mut old = Vec::new();
        self.deeds.for_each(|person, deed, _| {
            if deed.occurred_at < kept_from_at {
                old.push((*person, deed.clone()));
            }
        });
        for (person, deed) in old {
            self.deeds.remove(&person, &deed);
        }
    }

    /// Hands over what has changed, in order of experiment.
    pub fn drain(&mut self, oldest_open_at: Option<i64>) -> Vec<LiftDelta> {
        let mut changes: BTreeMap<ExperimentKey, Sums> = BTreeMap::new();
        for person in std::mem::take(&mut self.touched) {
            if self.rules.compares_brand {
                self.compare(person, oldest_open_at);
            }
            let trials: Vec<(String, Trial)> =
                self.trials.list(&person).map(|(experiment, trial)| (experiment.clone(), trial.clone())).collect();
            for (experiment, trial) in trials {
                let now = self.judge(person, &trial, oldest_open_at);
                if now == trial.counted {
                    if now.is_none() {
                        self.trials.remove(&person, &experiment);
                    }
                    continue;
                }
                for (counted, sign) in [(&trial.counted, -1), (&now, 1)] {
                    if let Some((told, counted)) = counted {
                        changes.entry(told.key.clone()).or_default().count(told.arm, counted, sign);
                    }
                }
                match now {
                    None => drop(self.trials.remove(&person, &experiment)),
                    Some(_) => self.trials.insert(&person, experiment, Trial { counted: now, ..trial }),
                }
            }
        }
        let changes = changes.into_iter().filter(|(_, sums)| *sums != Sums::default());
        changes.map(|(key, sums)| LiftDelta { key, delta: sums.to_record() }).collect()
    }

    /// Finds the comparisons that a person is part of now. What began before the time of which deeds are kept stays as it is:
    /// its first message may be forgotten, and a later one is not the first.
    fn compare(&mut self, person: Uuid, oldest_open_at: Option<i64>) {
        let kept_from_at = self.kept_from_at(oldest_open_at);
        let deeds = self.deeds.list(&person).map(|(deed, count)| (deed, *count)).collect::<Vec<_>>();
        let mut now = comparisons(deeds.iter().copied(), self.rules.before_ms);
        let known: Vec<(String, Trial)> = self
            .trials
            .list(&person)
            .filter(|(name, _)| name.starts_with(OBSERVED))
            .map(|(name, trial)| (name.clone(), trial.clone()))
            .collect();
        for (name, trial) in known {
            let told = now.remove(&name);
            let is_closed = trial.counted.as_ref().is_some_and(|(counted, _)| counted.enrolled_at < kept_from_at);
            if !is_closed && trial.told != told {
                self.trials.insert(&person, name, Trial { told, ..trial });
            }
        }
        for (name, told) in now {
            self.trials.insert(&person, name, Trial { told: Some(told), counted: None });
        }
    }

    /// Forgets what has changed: the transaction was aborted.
    pub fn abort(&mut self) {
        self.touched.clear();
    }

    /// The stores, always in the same order.
    pub fn stores(&mut self) -> [&mut dyn StateStore; 2] {
        [&mut self.deeds, &mut self.trials]
    }

    /// What a person counts as now.
    fn judge(&self, person: Uuid, trial: &Trial, oldest_open_at: Option<i64>) -> Option<(Told, Counted)> {
        let told = trial.told.clone()?;
        if told.is_contaminated {
            return Some((told, Counted::Contaminated));
        }
        let ends_at = told.enrolled_at.saturating_add(self.rules.outcome_ms);
        if oldest_open_at.is_some_and(|oldest| ends_at < oldest) {
            // As it was counted in time, if it was.
            let in_time = trial
                .counted
                .clone()
                .filter(|(before, counted)| *before == told && matches!(counted, Counted::Outcome(_)));
            return Some(in_time.unwrap_or((told, Counted::Late)));
        }
        let deeds = self.deeds.list(&person).map(|(deed, count)| (deed, *count));
        let outcome = outcome(deeds, told.enrolled_at, (self.rules.before_ms, self.rules.outcome_ms));
        Some((told, Counted::Outcome(outcome)))
    }

    /// From when on deeds may still be needed.
    fn kept_from_at(&self, oldest_open_at: Option<i64>) -> i64 {
        let oldest_open_at = oldest_open_at.unwrap_or(i64::MIN);
        oldest_open_at.saturating_sub(self.rules.outcome_ms).saturating_sub(self.rules.before_ms)
    }
}
