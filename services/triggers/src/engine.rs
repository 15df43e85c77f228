//! The step behind the journey: finds the triggers that a change or the passing of time makes eligible, and has
//! them decided.

pub(crate) mod explain;

use tributary_model::step::{PersonStep, PersonView, StepEffects};
use tributary_model::{Enrolment, Identifier, JourneyEvent, Past, Permission, PersonId, Recheck};

use crate::arbitrate::{Slots, precedence};
use crate::config::{Policy, TriggersConfig};
use crate::consent::Consents;
use crate::definition::Definition;
use crate::enrolled::enrolments;
use crate::error::TriggersError;
use crate::ledger::{Candidate, Desk, Outcome};
use crate::load::Definitions;
use crate::metrics;
use crate::outcome::Outcomes;
use crate::pattern::History;
use crate::search::Catalogue;
use crate::state::{Facts, Held, HeldFor, MAX_HELD, TriggerState};
use crate::viewed::viewed;
use crate::zone::zone_of;

/// All triggers, ready to run.
#[derive(Debug)]
pub struct TriggerEngine {
    pub(crate) catalogue: Catalogue,
    pub(crate) policy: Policy,
    pub(crate) looks_back_ms: i64,
}

impl TriggerEngine {
    /// An engine for these definitions.
    ///
    /// # Errors
    /// [`TriggersError::Invalid`] with all problems of the configuration.
    pub fn new(definitions: Definitions, config: &TriggersConfig) -> Result<Self, TriggersError> {
        let policy = config.policy().map_err(TriggersError::Invalid)?;
        let definitions = definitions.into_vec();
        let caps = definitions.iter().flat_map(|definition| &definition.caps).chain(&policy.caps);
        let caps = caps.map(crate::caps::Cap::looks_back_ms);
        let rules = definitions.iter().filter_map(|definition| definition.outcome.as_ref());
        let outcomes = rules.map(|rule| rule.within).chain([policy.outcome_window]).map(crate::span::Span::as_ms);
        // Suppressions tell what leaks as long as they last.
        let suppressions = definitions.iter().filter_map(|definition| definition.suppress.as_ref());
        let suppressions = suppressions.map(|order| order.span.as_ms());
        let looks_back_ms = caps.chain(outcomes).chain(suppressions).max().unwrap_or(0);
        Ok(Self { catalogue: Catalogue::new(definitions), policy, looks_back_ms })
    }

    /// The definitions and directories that a configuration names, ready to run.
    ///
    /// # Errors
    /// As [`Definitions::configured`] and [`TriggerEngine::new`].
    pub fn configured(config: &TriggersConfig) -> Result<Self, TriggersError> {
        Self::new(Definitions::configured(config)?, config)
    }

    pub(crate) fn desk<'a>(&'a self, person: PersonView<'a>, now_at: i64) -> Desk<'a> {
        Desk {
            policy: &self.policy,
            definitions: &self.catalogue.definitions,
            person,
            zone: zone_of(person.history, &self.policy.zone_property, &self.policy.default_zone),
            now_at,
            looks_back_ms: self.looks_back_ms,
            slots: Slots::new(self.policy.arbitration),
        }
    }

    /// Tells what new touches say about earlier decisions.
    fn tell_outcomes<'c>(
        &self,
        person: PersonView<'_>,
        touches: impl Iterator<Item = &'c JourneyEvent>,
        state: &TriggerState,
        effects: &mut StepEffects,
    ) {
        let Some(facts) = state.facts().filter(|facts| !facts.contacts.is_empty()) else { return };
        let outcomes = Outcomes { policy: &self.policy, definitions: &self.catalogue.definitions, person };
        let from = effects.outcomes.len();
        for touch in touches {
            outcomes.tell(touch, facts, effects);
        }
        metrics::told(effects, from);
    }

    /// Decides the candidates of one input, in order of precedence.
    fn settle(
        &self,
        person: PersonView<'_>,
        now_at: i64,
        mut candidates: Vec<Candidate>,
        waits_for_merge: bool,
        state: &mut TriggerState,
        effects: &mut StepEffects,
    ) {
        if candidates.is_empty() {
            return;
        }
        let definitions = &self.catalogue.definitions;
        let place = |candidate: &Candidate| (candidate.eligible_at, candidate.position);
        candidates.sort_by(|a, b| {
            let order = precedence(&definitions[a.trigger]).cmp(&precedence(&definitions[b.trigger]));
            order.then(place(a).cmp(&place(b)))
        });
        let mut desk = self.desk(person, now_at);
        for candidate in candidates {
            let definition = &definitions[candidate.trigger];
            if !is_eligible(&desk, definition, &candidate, state.facts()) {
                continue;
            }
            let facts = state.facts_mut();
            if waits_for_merge && facts.held.len() < MAX_HELD {
                let due_at = now_at + self.policy.merge_wait.as_ms();
                hold(&desk, definition, &candidate, (due_at, HeldFor::Merge), facts, effects);
            } else if let Outcome::WaitUntil(at, held_for) = desk.decide(definition, &candidate, facts, effects) {
                hold(&desk, definition, &candidate, (at, held_for), facts, effects);
            }
        }
    }
}

/// Whether a completed pattern is a decision to be made: its key has not fired, it does not wait already, and the
/// condition holds.
fn is_eligible(desk: &Desk<'_>, definition: &Definition, candidate: &Candidate, facts: Option<&Facts>) -> bool {
    let history = desk.person.history;
    let log = facts.and_then(|facts| facts.fired.get(&definition.id));
    let has_fired = log.is_some_and(|log| log.blocks(definition.reentry, history, candidate.position, &desk.zone));
    let touchpoint_id = history[candidate.position].glimpse.touchpoint_id;
    !has_fired
        && !facts.is_some_and(|facts| facts.is_held(&definition.id, touchpoint_id))
        && definition.condition.as_ref().is_none_or(|condition| condition.holds(&desk.situation(definition, candidate)))
}

/// Puts a decision off.
fn hold(
    desk: &Desk<'_>,
    definition: &Definition,
    candidate: &Candidate,
    (due_at, held_for): (i64, HeldFor),
    facts: &mut Facts,
    effects: &mut StepEffects,
) {
    let touch = desk.person.history[candidate.position].glimpse;
    facts.held.insert(Held {
        due_at,
        trigger_id: definition.id.clone(),
        touched_at: touch.occurred_at,
        touchpoint_id: touch.touchpoint_id.to_owned(),
        eligible_at: candidate.eligible_at,
        held_for,
    });
    wake(due_at, held_for, effects);
}

/// Asks to be called when the time of a decision that waits has come.
fn wake(due_at: i64, held_for: HeldFor, effects: &mut StepEffects) {
    if held_for.is_prompt() {
        effects.wake_promptly_at.push(due_at);
    } else {
        effects.wake_at.push(due_at);
    }
}

impl PersonStep for TriggerEngine {
    type State = TriggerState;

    fn on_journey(
        &self,
        person: PersonView<'_>,
        changes: &[JourneyEvent],
        state: &mut TriggerState,
        effects: &mut StepEffects,
    ) {
        let decided_before = effects.decisions.len();
        // A correction says again what is known already, and not by which identifier it came.
        let is_new = |change: &&JourneyEvent| change.revision == 1 && !change.retracted;
        for change in changes.iter().filter(is_new).filter(|change| Consents::speaks(&change.touchpoint)) {
            state.facts_mut().consents.note(&change.touchpoint, person.via, &self.policy.unsubscribe_withdraws);
        }
        for (experiment, enrolled) in changes.iter().filter(is_new).filter_map(viewed) {
            state.facts_mut().enrolled.entry(experiment).or_default().absorb(enrolled);
        }
        self.tell_outcomes(person, changes.iter().filter(is_new), state, effects);
        let suspects = self.catalogue.suspects(person.history, changes);
        let is_held = state.facts().is_some_and(|facts| !facts.held.is_empty());
        if suspects.is_empty() && !is_held {
            return;
        }
        let now_at = now(person.history, None, state.facts());
        let mut candidates = Vec::new();
        for (trigger, suspects) in suspects {
            candidates.extend(self.catalogue.examine(person.history, trigger, suspects, state, effects));
        }
        if !person.merge_pending {
            let held = state.take_held(|held| held.held_for == HeldFor::Merge);
            candidates.extend(self.catalogue.revive(person.history, held, now_at));
        }
        self.settle(person, now_at, candidates, person.merge_pending, state, effects);
        state.tidy();
        metrics::decided(effects, decided_before);
    }

    fn on_timer(&self, person: PersonView<'_>, at: i64, state: &mut TriggerState, effects: &mut StepEffects) {
        if state.facts().is_none() {
            return;
        }
        let decided_before = effects.decisions.len();
        let now_at = now(person.history, Some(at), state.facts());
        let waited = state.take_held(|held| held.due_at <= at);
        let woken = self.catalogue.wake(person.history, at, now_at, state, effects);
        let (merges, nights) = waited.into_iter().partition::<Vec<_>, _>(|held| held.held_for == HeldFor::Merge);
        // What has waited for a merge long enough is decided without it.
        let mut candidates = self.catalogue.revive(person.history, merges, now_at);
        if person.merge_pending {
            self.settle(person, now_at, std::mem::take(&mut candidates), false, state, effects);
        }
        candidates.extend(self.catalogue.revive(person.history, nights, now_at));
        candidates.extend(woken);
        self.settle(person, now_at, candidates, person.merge_pending, state, effects);
        state.tidy();
        metrics::decided(effects, decided_before);
    }

    fn absorb(&self, person: PersonView<'_>, state: &mut TriggerState, loser: TriggerState, effects: &mut StepEffects) {
        let decided_before = effects.decisions.len();
        state.absorb(loser);
        let facts = state.facts_mut();
        // The loser's timers went with it.
        self.catalogue.wake_for_waits(facts, effects);
        for held in &facts.held {
            wake(held.due_at, held.held_for, effects);
        }
        let now_at = now(person.history, None, Some(facts));
        if !facts.contacts.is_empty() {
            let told_before = effects.outcomes.len();
            self.desk(person, now_at).tell_contacts_over_caps(facts, effects);
            metrics::told(effects, told_before);
        }
        let mut candidates = self.catalogue.reconsider(person.history, now_at, state, effects);
        if !person.merge_pending {
            let held = state.take_held(|held| held.held_for == HeldFor::Merge);
            candidates.extend(self.catalogue.revive(person.history, held, now_at));
        }
        self.settle(person, now_at, candidates, person.merge_pending, state, effects);
        state.tidy();
        metrics::decided(effects, decided_before);
    }

    fn recheck(&self, person: PersonView<'_>, asked: &Recheck, state: &TriggerState) -> Permission {
        self.judge_again(person, asked, state)
    }

    fn enrolments(&self, person_id: PersonId, before: &TriggerState, after: &TriggerState) -> Vec<Enrolment> {
        enrolments(person_id, before, after)
    }

    fn take(&self, state: &mut TriggerState, is_taken: &dyn Fn(&Identifier, i64) -> bool) -> TriggerState {
        let taken = state.take(is_taken);
        state.tidy();
        taken
    }
}

/// Event time as this person knows it: the newest touch, the timer, and never behind an earlier decision.
pub(crate) fn now(history: &History<'_>, timer_at: Option<i64>, facts: Option<&Facts>) -> i64 {
    let newest_at = history.last().map(Past::at);
    newest_at.max(timer_at).max(facts.and_then(|facts| facts.decided_at)).unwrap_or(0)
}
