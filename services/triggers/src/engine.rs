//! The step behind the journey: finds the triggers that a change or the passing of time makes eligible, and has
//! them decided.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::JourneyEvent;
use tributary_model::step::{PersonStep, PersonView, StepEffects};

use crate::arbitrate::{Slots, precedence};
use crate::config::{Policy, TriggersConfig};
use crate::consent::Consents;
use crate::definition::Definition;
use crate::error::TriggersError;
use crate::index::Index;
use crate::ledger::{Candidate, Desk, Outcome};
use crate::load::Definitions;
use crate::metrics;
use crate::pattern::History;
use crate::state::{Facts, Held, HeldFor, MAX_HELD, TriggerState};
use crate::zone::zone_of;

/// All triggers, ready to run.
#[derive(Debug)]
pub struct TriggerEngine {
    definitions: Vec<Definition>,
    index: Index,
    policy: Policy,
    looks_back_ms: i64,
}

/// Where one trigger's pattern may have come to complete.
#[derive(Debug, Default)]
struct Suspects {
    /// Exactly at these positions.
    at: BTreeSet<usize>,
    /// Anywhere behind this one, up to the reach of the pattern behind `up_to`.
    behind: Option<(usize, usize)>,
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
        let looks_back_ms = caps.map(crate::caps::Cap::looks_back_ms).max().unwrap_or(0);
        Ok(Self { index: Index::new(&definitions), definitions, policy, looks_back_ms })
    }

    /// The definitions and directories that a configuration names, ready to run.
    ///
    /// # Errors
    /// As [`Definitions::configured`] and [`TriggerEngine::new`].
    pub fn configured(config: &TriggersConfig) -> Result<Self, TriggersError> {
        Self::new(Definitions::configured(config)?, config)
    }

    fn definition(&self, trigger_id: &str) -> Option<usize> {
        self.definitions.binary_search_by(|known| known.id.as_str().cmp(trigger_id)).ok()
    }

    /// The triggers that these changes may complete, and where.
    fn suspects(&self, history: &History<'_>, changes: &[JourneyEvent]) -> BTreeMap<usize, Suspects> {
        let mut suspects: BTreeMap<usize, Suspects> = BTreeMap::new();
        for change in changes.iter().filter(|change| !change.retracted) {
            let mut position = None;
            for role in self.index.roles(&change.touchpoint.event_type) {
                // A touch older than the horizon has no position, and nothing comes of it.
                let Some(position) = *position.get_or_insert_with(|| position_of(history, &change.touchpoint)) else {
                    break;
                };
                let is_newest = position + 1 == history.len();
                if role.completes {
                    suspects.entry(role.trigger).or_default().at.insert(position);
                }
                if role.contributes && !is_newest {
                    let behind = &mut suspects.entry(role.trigger).or_default().behind;
                    let (from, up_to) = behind.unwrap_or((position, position));
                    *behind = Some((from.min(position), up_to.max(position)));
                }
            }
        }
        suspects
    }

    /// What has completed at the suspected places: candidates, or absences to wait for.
    fn examine(
        &self,
        history: &History<'_>,
        trigger: usize,
        suspects: Suspects,
        facts: &mut Facts,
        effects: &mut StepEffects,
    ) -> Vec<Candidate> {
        let pattern = &self.definitions[trigger].pattern;
        let mut places = suspects.at;
        if let Some((from, up_to)) = suspects.behind {
            let last_at = history[up_to].touchpoint.occurred_at;
            let reach_at = pattern.reach_ms().map_or(i64::MAX, |reach_ms| last_at.saturating_add(reach_ms));
            let in_reach = |place: &usize| history[*place].touchpoint.occurred_at <= reach_at;
            places.extend((from + 1..history.len()).take_while(in_reach));
        }
        let completions = places.into_iter().filter_map(|end| Some((end, pattern.completes_at(history, end)?)));
        self.turn_into_candidates(history, trigger, completions, facts, effects)
    }

    fn turn_into_candidates(
        &self,
        history: &History<'_>,
        trigger: usize,
        completions: impl Iterator<Item = (usize, Vec<usize>)>,
        facts: &mut Facts,
        effects: &mut StepEffects,
    ) -> Vec<Candidate> {
        let definition = &self.definitions[trigger];
        let mut candidates = Vec::new();
        for (position, evidence) in completions {
            let at = history[position].touchpoint.occurred_at;
            match &definition.pattern.absence {
                None => candidates.push(Candidate { trigger, position, evidence, eligible_at: at }),
                Some(absence) => wait(&definition.id, at + absence.span.as_ms(), facts, effects),
            }
        }
        candidates
    }

    /// Absences that are due by `at`: those that held become candidates, and the next one is waited for.
    fn wake(
        &self,
        history: &History<'_>,
        at: i64,
        now_at: i64,
        facts: &mut Facts,
        effects: &mut StepEffects,
    ) -> Vec<Candidate> {
        let due: Vec<(String, i64)> =
            facts.waits.iter().filter(|(_, due)| **due <= at).map(|(id, due)| (id.clone(), *due)).collect();
        let mut candidates = Vec::new();
        for (trigger_id, due_at) in due {
            facts.waits.remove(&trigger_id);
            let Some(trigger) = self.definition(&trigger_id) else { continue };
            let pattern = &self.definitions[trigger].pattern;
            let Some(absence) = &pattern.absence else { continue };
            let span_ms = absence.span.as_ms();
            let from = history.partition_point(|event| event.touchpoint.occurred_at + span_ms < due_at);
            for (position, evidence) in pattern.completions_from(history, from) {
                if !pattern.absence_held(history, position, now_at) {
                    continue;
                }
                let eligible_at = history[position].touchpoint.occurred_at + span_ms;
                if eligible_at > at {
                    wait(&trigger_id, eligible_at, facts, effects);
                    break;
                }
                candidates.push(Candidate { trigger, position, evidence, eligible_at });
            }
        }
        candidates
    }

    /// Decisions that waited, as candidates once more: the pattern must still complete and its absence hold.
    fn revive(&self, history: &History<'_>, held: Vec<Held>, now_at: i64) -> Vec<Candidate> {
        let revive_one = |held: Held| {
            let trigger = self.definition(&held.trigger_id)?;
            let pattern = &self.definitions[trigger].pattern;
            let position = position_at(history, held.touched_at, &held.touchpoint_id)?;
            let evidence = pattern.completes_at(history, position)?;
            let holds = pattern.absence_held(history, position, now_at);
            holds.then_some(Candidate { trigger, position, evidence, eligible_at: held.eligible_at })
        };
        held.into_iter().filter_map(revive_one).collect()
    }

    /// Decides the candidates of one input, in order of precedence.
    fn settle(
        &self,
        person: PersonView<'_>,
        now_at: i64,
        mut candidates: Vec<Candidate>,
        waits_for_merge: bool,
        facts: &mut Facts,
        effects: &mut StepEffects,
    ) {
        if candidates.is_empty() {
            return;
        }
        let order = |candidate: &Candidate| (candidate.eligible_at, candidate.position);
        candidates.sort_by(|a, b| {
            let (left, right) = (&self.definitions[a.trigger], &self.definitions[b.trigger]);
            precedence(left).cmp(&precedence(right)).then(order(a).cmp(&order(b)))
        });
        let zone = zone_of(person.history, &self.policy.zone_property, &self.policy.default_zone);
        let mut desk = Desk {
            policy: &self.policy,
            definitions: &self.definitions,
            person,
            zone,
            now_at,
            looks_back_ms: self.looks_back_ms,
            slots: Slots::default(),
        };
        for candidate in candidates {
            let definition = &self.definitions[candidate.trigger];
            let touchpoint = &person.history[candidate.position].touchpoint;
            let log = facts.fired.get(&definition.id);
            let has_fired =
                log.is_some_and(|log| log.blocks(definition.reentry, person.history, candidate.position, &desk.zone));
            if has_fired || facts.is_held(&definition.id, &touchpoint.touchpoint_id) {
                continue;
            }
            let situation = desk.situation(definition, &candidate);
            if !definition.condition.as_ref().is_none_or(|condition| condition.holds(&situation)) {
                continue;
            }
            let may_wait = facts.held.len() < MAX_HELD;
            let wait = if waits_for_merge && may_wait {
                Some((now_at + self.policy.merge_wait.as_ms(), HeldFor::Merge))
            } else {
                match desk.decide(definition, &candidate, facts, effects) {
                    Outcome::Decided => None,
                    Outcome::WaitUntil(at) => Some((at, HeldFor::QuietHours)),
                }
            };
            if let Some((due_at, held_for)) = wait {
                facts.held.insert(Held {
                    due_at,
                    trigger_id: definition.id.clone(),
                    touched_at: touchpoint.occurred_at,
                    touchpoint_id: touchpoint.touchpoint_id.clone(),
                    eligible_at: candidate.eligible_at,
                    held_for,
                });
                effects.wake_at.push(due_at);
            }
        }
    }

    /// The completions of the union of two persons that could still be acted on, those across both among them.
    fn reconsider(
        &self,
        history: &History<'_>,
        now_at: i64,
        facts: &mut Facts,
        effects: &mut StepEffects,
    ) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for (trigger, definition) in self.definitions.iter().enumerate() {
            let pattern = &definition.pattern;
            let waits_ms = pattern.absence.as_ref().map_or(0, |absence| absence.span.as_ms());
            let useful_at = now_at - waits_ms - definition.validity.as_ms();
            let from = history.partition_point(|event| event.touchpoint.occurred_at < useful_at);
            let completions = pattern.completions_from(history, from);
            candidates.extend(self.turn_into_candidates(history, trigger, completions, facts, effects));
        }
        candidates
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
        for change in changes.iter().filter(|change| !change.retracted && Consents::speaks(&change.touchpoint)) {
            state.facts_mut().consents.note(&change.touchpoint, &self.policy.unsubscribe_withdraws);
        }
        let suspects = self.suspects(person.history, changes);
        let is_held = state.facts().is_some_and(|facts| !facts.held.is_empty());
        if suspects.is_empty() && !is_held {
            return;
        }
        let facts = state.facts_mut();
        let now_at = now(person.history, None, facts);
        let mut candidates = Vec::new();
        for (trigger, suspects) in suspects {
            candidates.extend(self.examine(person.history, trigger, suspects, facts, effects));
        }
        if !person.merge_pending {
            let held = facts.take_held(|held| held.held_for == HeldFor::Merge);
            candidates.extend(self.revive(person.history, held, now_at));
        }
        self.settle(person, now_at, candidates, person.merge_pending, facts, effects);
        state.tidy();
        metrics::decided(effects, decided_before);
    }

    fn on_timer(&self, person: PersonView<'_>, at: i64, state: &mut TriggerState, effects: &mut StepEffects) {
        if state.facts().is_none() {
            return;
        }
        let decided_before = effects.decisions.len();
        let facts = state.facts_mut();
        let now_at = now(person.history, Some(at), facts);
        let waited = facts.take_held(|held| held.due_at <= at);
        let woken = self.wake(person.history, at, now_at, facts, effects);
        let (merges, nights) = waited.into_iter().partition::<Vec<_>, _>(|held| held.held_for == HeldFor::Merge);
        // What has waited for a merge long enough is decided without it.
        let mut candidates = self.revive(person.history, merges, now_at);
        if person.merge_pending {
            self.settle(person, now_at, std::mem::take(&mut candidates), false, facts, effects);
        }
        candidates.extend(self.revive(person.history, nights, now_at));
        candidates.extend(woken);
        self.settle(person, now_at, candidates, person.merge_pending, facts, effects);
        state.tidy();
        metrics::decided(effects, decided_before);
    }

    fn absorb(&self, person: PersonView<'_>, state: &mut TriggerState, loser: TriggerState, effects: &mut StepEffects) {
        let decided_before = effects.decisions.len();
        state.absorb(loser);
        let facts = state.facts_mut();
        // The loser's timers went with it.
        effects.wake_at.extend(facts.waits.values().copied().chain(facts.held.iter().map(|held| held.due_at)));
        let now_at = now(person.history, None, facts);
        let mut candidates = self.reconsider(person.history, now_at, facts, effects);
        if !person.merge_pending {
            let held = facts.take_held(|held| held.held_for == HeldFor::Merge);
            candidates.extend(self.revive(person.history, held, now_at));
        }
        self.settle(person, now_at, candidates, person.merge_pending, facts, effects);
        state.tidy();
        metrics::decided(effects, decided_before);
    }
}

/// Event time as this person knows it: the newest touch, the timer, and never behind an earlier decision.
fn now(history: &History<'_>, timer_at: Option<i64>, facts: &Facts) -> i64 {
    let newest_at = history.last().map(|event| event.touchpoint.occurred_at);
    newest_at.max(timer_at).max(facts.decided_at).unwrap_or(0)
}

/// Waits for an absence, unless an earlier one of the same trigger is waited for: one timer a trigger.
fn wait(trigger_id: &str, due_at: i64, facts: &mut Facts, effects: &mut StepEffects) {
    if facts.waits.get(trigger_id).is_none_or(|known| due_at < *known) {
        facts.waits.insert(trigger_id.to_owned(), due_at);
        effects.wake_at.push(due_at);
    }
}

fn position_of(history: &History<'_>, touchpoint: &tributary_model::Touchpoint) -> Option<usize> {
    position_at(history, touchpoint.occurred_at, &touchpoint.touchpoint_id)
}

/// The position of a touch; the newest is looked at first, as most changes are about it.
fn position_at(history: &History<'_>, at: i64, touchpoint_id: &str) -> Option<usize> {
    let is_meant =
        |event: &JourneyEvent| event.touchpoint.occurred_at == at && event.touchpoint.touchpoint_id == touchpoint_id;
    match history.last() {
        Some(newest) if is_meant(newest) => Some(history.len() - 1),
        _ => history
            .binary_search_by(|event| {
                let touchpoint = &event.touchpoint;
                (touchpoint.occurred_at, touchpoint.touchpoint_id.as_str()).cmp(&(at, touchpoint_id))
            })
            .ok(),
    }
}
