//! The topics in one pass: each record is taken in as it comes, and the report is made of what stands in the end.

use tributary_model::time::to_rfc3339;
use tributary_model::{Decision, DecisionOutcome, JourneyEvent, PersonId};

use crate::delays::RELATIVE_ERROR;
use crate::fact::LATE_AFTER_MS;
use crate::loops::Loops;
use crate::persons::Persons;
use crate::report::{HandOver, SiloReport};
use crate::tally::Tally;
use crate::{grading, journeys, ledger, repair};

/// Folds journeys, decisions and outcomes, in any order among topics; a tombstone counts for what came before it on its
/// topic.
#[derive(Debug, Clone, Default)]
pub struct SiloFold {
    since_at: Option<i64>,
    live_at: Option<i64>,
    last_at: Option<i64>,
    loaded_decisions: u64,
    persons: Persons,
    loops: Loops,
}

impl SiloFold {
    /// Nothing read yet. What occurred or was decided before `since_at` will not count.
    #[must_use]
    pub fn new(since_at: Option<i64>) -> Self {
        Self { since_at, ..Self::default() }
    }

    /// The same with the hub live since an instant. What occurred or was decided before is loaded history: nobody could hand it
    /// over in time, keep a suppression or send a message that was decided about it afterwards.
    #[must_use]
    pub fn live_since(mut self, live_at: Option<i64>) -> Self {
        self.live_at = live_at;
        self.persons.facts.live_at = live_at;
        self
    }

    /// Takes in a record of `tributary.journeys`.
    pub fn journey(&mut self, event: &JourneyEvent) {
        if self.is_meant(event.touchpoint.occurred_at) {
            self.see(event.touchpoint.occurred_at);
            self.persons.apply(event);
        }
    }

    /// Takes in a record of `tributary.decisions`.
    pub fn decision(&mut self, decision: &Decision) {
        let at = decision.judged_at.unwrap_or(decision.decided_at);
        if self.is_meant(at) {
            self.see(at);
            if self.is_live(at) {
                self.loops.decide(decision);
            } else {
                self.loaded_decisions += 1;
            }
        }
    }

    /// Takes in a record of `tributary.outcomes`. It counts when its decision does.
    pub fn outcome(&mut self, outcome: &DecisionOutcome) {
        let decided_at = outcome.occurred_at.saturating_sub(outcome.loop_ms);
        if self.is_meant(decided_at) {
            self.see(outcome.occurred_at);
            if self.is_live(decided_at) {
                self.loops.tell(outcome);
            }
        }
    }

    /// A record without a value under the person's key on `tributary.journeys`: the person was erased.
    pub fn erase_journey(&mut self, person_id: PersonId) {
        self.persons.erase(person_id);
    }

    /// The same on `tributary.decisions`.
    pub fn erase_decisions(&mut self, person_id: PersonId) {
        self.loops.erase_decisions(person_id);
    }

    /// The same on `tributary.outcomes`.
    pub fn erase_outcomes(&mut self, person_id: PersonId) {
        self.loops.erase_outcomes(person_id);
    }

    /// The report on what stands.
    #[must_use]
    pub fn report(&self) -> SiloReport {
        let (tally, facts) = (Tally::of(&self.persons), &self.persons.facts);
        let mut report = SiloReport {
            as_of: self.last_at.map(to_rfc3339),
            since: self.since_at.map(to_rfc3339),
            live_since: self.live_at.map(to_rfc3339),
            persons: tally.persons,
            touches: tally.touches,
            grades: Vec::new(),
            repairs: Vec::new(),
            match_rates: journeys::match_rates(&tally),
            hand_over: HandOver {
                relative_error: RELATIVE_ERROR,
                late_after_ms: LATE_AFTER_MS,
                sources: journeys::source_delays(&tally, facts),
                teams: ledger::team_delays(&self.loops),
            },
            identity: journeys::identity(&tally, facts),
            consistency: journeys::consistency(&tally, facts),
            leakage: ledger::leakage(&self.loops),
            loops: ledger::loops(&self.loops, self.last_at.unwrap_or(0), self.loaded_decisions),
            unmatched_retractions: tally.unmatched,
        };
        report.grades = grading::grades(&report);
        report.repairs = repair::repairs(&report);
        report
    }

    fn is_meant(&self, at: i64) -> bool {
        self.since_at.is_none_or(|since_at| at >= since_at)
    }

    fn is_live(&self, at: i64) -> bool {
        self.live_at.is_none_or(|live_at| at >= live_at)
    }

    fn see(&mut self, at: i64) {
        self.last_at = self.last_at.max(Some(at));
    }
}
