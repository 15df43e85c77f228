//! The pure heart of the stage `insight`: statements, decisions and enrolments in, combined changes to scorecards, paths and
//! experiments out.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use tributary_model::experiment::LiftDelta;
use tributary_model::path::PathDelta;
use tributary_model::scorecard::{MeasureDelta, Measures, ScorecardKey};
use tributary_model::{Decision, DecisionOutcome, Enrolment, JourneyEvent, PersonId};
use tributary_stream::StateStore;

use crate::card::KeyRef;
use crate::config::Config;
use crate::contribution::{self, Contribution};
use crate::error::InsightError;
use crate::outcomes::of_outcome;
use crate::paths::Paths;
use crate::reach::{Distinct, Reach};
use crate::trials::Trials;
use crate::views::{Span, Views};

/// The changes of the open transaction, one for each scorecard, and what is known of the persons behind them.
#[derive(Debug)]
pub struct Ledger {
    /// Who did what.
    pub reach: Reach,
    /// Who went which way.
    pub paths: Paths,
    /// Who takes part in which experiment.
    pub trials: Trials,
    views: Views,
    pending: HashMap<ScorecardKey, Pending, FxBuildHasher>,
}

#[derive(Debug, Default)]
struct Pending {
    delta: Measures,
    change_count: i64,
    occurred_at: Option<i64>,
}

impl Ledger {
    /// Nobody is known, and nothing pending.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            reach: Reach::new(config.day_horizon_days),
            paths: Paths::new(config.path_limits),
            trials: Trials::new(config.lift.rules()),
            views: config.views(),
            pending: HashMap::default(),
        }
    }

    /// Counts a statement of the journeys stream, or takes it back when it is a retraction.
    ///
    /// # Errors
    /// [`InsightError`] when the statement cannot be counted; nothing has changed then.
    pub fn journey_event(&mut self, event: &JourneyEvent) -> Result<(), InsightError> {
        let contribution = contribution::of_journey_event(event, &self.views)?;
        let closes = self.reach.observe(contribution.occurred_at);
        let oldest_open_at = self.reach.oldest_open_at();
        if let Some(oldest_open_at) = oldest_open_at.filter(|_| closes) {
            self.paths.close(oldest_open_at);
            self.trials.close(oldest_open_at);
        }
        self.paths.journey_event(event, oldest_open_at);
        self.trials.journey_event(event, oldest_open_at);
        for window in self.views.windows(contribution.occurred_at) {
            let mut presence = self.reach.take(event.person_id, window);
            contribution.for_each(&self.views, |card, measures, counts| {
                let distinct = match (&mut presence, counts) {
                    (Some(presence), Some(counts)) => presence.shift(card.fingerprint(), counts),
                    _ => Distinct::default(),
                };
                add(&mut self.pending, card.within(window), measures, distinct, contribution.occurred_at);
            });
            if let Some(presence) = presence {
                self.reach.put(event.person_id, window, presence);
            }
        }
        if self.views.has_flights() {
            self.count_flights(event.person_id, &contribution);
        }
        Ok(())
    }

    /// Counts a statement in the flights of the campaigns that have a part in it.
    fn count_flights(&mut self, person: PersonId, contribution: &Contribution<'_>) {
        let all = Span::Campaign.around(0);
        let mut presence = self.reach.take(person, all);
        let mut has_changed = false;
        contribution.for_each(&self.views, |card, measures, counts| {
            let Some(flight_at) = card.flight_at else { return };
            let distinct = match (&mut presence, counts) {
                (Some(presence), Some(counts)) => {
                    has_changed = true;
                    presence.shift(card.fingerprint_in_flight(flight_at), counts)
                }
                _ => Distinct::default(),
            };
            let window = Span::Campaign.around(flight_at);
            add(&mut self.pending, card.within(window), measures, distinct, contribution.occurred_at);
        });
        if let Some(presence) = presence.filter(|_| has_changed) {
            self.reach.put(person, all, presence);
        }
    }

    /// Counts a decision.
    ///
    /// # Errors
    /// [`InsightError`] when the decision cannot be counted; nothing has changed then.
    pub fn decision(&mut self, decision: &Decision) -> Result<(), InsightError> {
        let contribution = contribution::of_decision(decision)?;
        self.count(&contribution);
        Ok(())
    }

    /// Counts what came of a decision.
    ///
    /// # Errors
    /// [`InsightError`] when the outcome cannot be counted; nothing has changed then.
    pub fn outcome(&mut self, outcome: &DecisionOutcome) -> Result<(), InsightError> {
        for contribution in of_outcome(outcome)? {
            self.count(&contribution);
        }
        Ok(())
    }

    /// Counts what is never taken back and adds no persons.
    fn count(&mut self, contribution: &Contribution<'_>) {
        for window in self.views.windows(contribution.occurred_at) {
            contribution.for_each(&self.views, |card, measures, _| {
                let at = contribution.occurred_at;
                add(&mut self.pending, card.within(window), measures, Distinct::default(), at);
            });
        }
    }

    /// Forgets what is known of a person. What was counted stays.
    pub fn forget_person(&mut self, person: PersonId) {
        self.reach.forget(person);
        self.paths.forget(person);
        self.trials.forget(person);
    }

    /// Hears how a person takes part in an experiment.
    pub fn enrolment(&mut self, enrolment: &Enrolment) {
        self.trials.enrolment(enrolment);
    }

    /// Takes a person that was erased out of every experiment.
    pub fn withdraw(&mut self, person: PersonId) {
        self.trials.withdraw(person);
    }

    /// Hands over the pending changes of scorecards in order of key and forgets them.
    pub fn drain(&mut self) -> Vec<MeasureDelta> {
        let mut deltas: Vec<MeasureDelta> = self
            .pending
            .drain()
            .map(|(key, pending)| MeasureDelta {
                key,
                delta: pending.delta,
                change_count: pending.change_count,
                occurred_at: pending.occurred_at.unwrap_or_default(),
            })
            .collect();
        deltas.sort_by(|a, b| a.key.cmp(&b.key));
        deltas
    }

    /// Hands over the pending changes of paths in order of key and forgets them.
    pub fn drain_paths(&mut self) -> Vec<PathDelta> {
        self.paths.drain()
    }

    /// Hands over the pending changes of experiments in order of key and forgets them.
    pub fn drain_lift(&mut self) -> Vec<LiftDelta> {
        self.trials.drain(self.reach.oldest_open_at())
    }

    /// Forgets the pending changes: their transaction was aborted.
    pub fn forget(&mut self) {
        self.pending.clear();
        self.paths.abort();
        self.trials.abort();
    }

    /// The stores, always in the same order.
    pub fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        let [seen, horizon] = self.reach.stores();
        let [deeds, trials] = self.trials.stores();
        vec![seen, horizon, self.paths.store(), deeds, trials]
    }
}

impl Pending {
    fn add(&mut self, measures: &Measures, distinct: Distinct, occurred_at: i64) {
        self.delta.add(measures);
        self.delta.persons += distinct.persons;
        self.delta.reach += distinct.reach;
        self.delta.buyers += distinct.buyers;
        self.delta.several_stories += distinct.several_stories;
        self.change_count += 1;
        self.occurred_at = Some(self.occurred_at.map_or(occurred_at, |at| at.max(occurred_at)));
    }
}

fn add(
    changes: &mut HashMap<ScorecardKey, Pending, FxBuildHasher>,
    key: KeyRef<'_>,
    measures: &Measures,
    distinct: Distinct,
    occurred_at: i64,
) {
    match changes.get_mut(&key) {
        Some(pending) => pending.add(measures, distinct, occurred_at),
        None => {
            let mut pending = Pending::default();
            pending.add(measures, distinct, occurred_at);
            changes.insert(ScorecardKey::from(&key), pending);
        }
    }
}
