//! Finds where patterns come to complete: by a change of the journey, by the passing of time, by a merge.

use smallvec::SmallVec;
use tributary_model::step::StepEffects;
use tributary_model::{Glimpse, JourneyEvent, Past};

use crate::definition::Definition;
use crate::index::Index;
use crate::ledger::Candidate;
use crate::pattern::{Absence, History};
use crate::state::{Facts, Held, TriggerState};

/// The definitions in order of their ids, and what event types they are about.
#[derive(Debug)]
pub(crate) struct Catalogue {
    pub(crate) definitions: Vec<Definition>,
    index: Index,
}

/// Where one trigger's pattern may have come to complete.
#[derive(Debug, Default)]
pub(crate) struct Suspects {
    /// Exactly at these positions, in any order.
    at: SmallVec<[usize; 2]>,
    /// Anywhere behind this one, up to the reach of the pattern behind `up_to`.
    behind: Option<(usize, usize)>,
}

/// The suspects of a trigger, among those in order of their triggers.
fn of_trigger(suspects: &mut Vec<(usize, Suspects)>, trigger: usize) -> &mut Suspects {
    let place = suspects.binary_search_by_key(&trigger, |(known, _)| *known).unwrap_or_else(|place| {
        suspects.insert(place, (trigger, Suspects::default()));
        place
    });
    &mut suspects[place].1
}

/// The definition of this id, among those in order of their ids.
pub(crate) fn find<'d>(definitions: &'d [Definition], trigger_id: &str) -> Option<&'d Definition> {
    place_of(definitions, trigger_id).map(|place| &definitions[place])
}

fn place_of(definitions: &[Definition], trigger_id: &str) -> Option<usize> {
    definitions.binary_search_by(|known| known.id.as_str().cmp(trigger_id)).ok()
}

impl Catalogue {
    pub(crate) fn new(definitions: Vec<Definition>) -> Self {
        Self { index: Index::new(&definitions), definitions }
    }

    /// Where the definition of this id is.
    pub(crate) fn definition(&self, trigger_id: &str) -> Option<usize> {
        place_of(&self.definitions, trigger_id)
    }

    /// The triggers that these changes may complete, in their order, and where.
    pub(crate) fn suspects(&self, history: &History<'_>, changes: &[JourneyEvent]) -> Vec<(usize, Suspects)> {
        let mut suspects = Vec::new();
        for change in changes.iter().filter(|change| !change.retracted) {
            let mut position = None;
            let glimpse = Glimpse::of(&change.touchpoint);
            for role in self.index.roles(glimpse.event_type) {
                if !self.definitions[role.trigger].pattern.steps[role.step].filter.may_match(&glimpse) {
                    continue;
                }
                // A touch older than the horizon has no position, and nothing comes of it.
                let Some(position) = *position.get_or_insert_with(|| position_of(history, &change.touchpoint)) else {
                    break;
                };
                let is_newest = position + 1 == history.len();
                if role.completes {
                    of_trigger(&mut suspects, role.trigger).at.push(position);
                }
                if role.contributes && !is_newest {
                    let behind = &mut of_trigger(&mut suspects, role.trigger).behind;
                    let (from, up_to) = behind.unwrap_or((position, position));
                    *behind = Some((from.min(position), up_to.max(position)));
                }
            }
        }
        suspects
    }

    /// What has completed at the suspected places: candidates, or absences to wait for.
    pub(crate) fn examine(
        &self,
        history: &History<'_>,
        trigger: usize,
        suspects: Suspects,
        state: &mut TriggerState,
        effects: &mut StepEffects,
    ) -> Vec<Candidate> {
        let pattern = &self.definitions[trigger].pattern;
        let mut places = suspects.at;
        if let Some((from, up_to)) = suspects.behind {
            let last_at = history[up_to].at();
            let reach_at = pattern.reach_ms().map_or(i64::MAX, |reach_ms| last_at.saturating_add(reach_ms));
            let in_reach = |place: &usize| history[*place].at() <= reach_at;
            places.extend((from + 1..history.len()).take_while(in_reach));
        }
        places.sort_unstable();
        places.dedup();
        let completions = places.into_iter().filter_map(|end| Some((end, pattern.completes_at(history, end)?)));
        self.turn_into_candidates(history, trigger, completions, state, effects)
    }

    fn turn_into_candidates(
        &self,
        history: &History<'_>,
        trigger: usize,
        completions: impl Iterator<Item = (usize, Vec<usize>)>,
        state: &mut TriggerState,
        effects: &mut StepEffects,
    ) -> Vec<Candidate> {
        let definition = &self.definitions[trigger];
        let mut candidates = Vec::new();
        for (position, evidence) in completions {
            let at = history[position].at();
            match &definition.pattern.absence {
                None => candidates.push(Candidate { trigger, position, evidence, eligible_at: at, waited_for: None }),
                Some(absence) => wait(&definition.id, absence, at, state, effects),
            }
        }
        candidates
    }

    /// Absences that are due by `at`: those that held become candidates, and the next one is waited for.
    pub(crate) fn wake(
        &self,
        history: &History<'_>,
        at: i64,
        now_at: i64,
        state: &mut TriggerState,
        effects: &mut StepEffects,
    ) -> Vec<Candidate> {
        let waits = state.facts().into_iter().flat_map(|facts| &facts.waits);
        let due: Vec<(String, i64)> =
            waits.filter(|(_, due)| **due <= at).map(|(id, due)| (id.clone(), *due)).collect();
        let mut candidates = Vec::new();
        for (trigger_id, due_at) in due {
            state.facts_mut().waits.remove(&trigger_id);
            let Some(trigger) = self.definition(&trigger_id) else { continue };
            let pattern = &self.definitions[trigger].pattern;
            let Some(absence) = &pattern.absence else { continue };
            let asks_after_ms = absence.asks_after_ms();
            let from = history.partition_point(|touch| touch.at() + asks_after_ms < due_at);
            for (position, evidence) in pattern.completions_from(history, from) {
                if !pattern.absence_held(history, position, now_at) {
                    continue;
                }
                let touched_at = history[position].at();
                if touched_at + asks_after_ms > at {
                    wait(&trigger_id, absence, touched_at, state, effects);
                    break;
                }
                let eligible_at = touched_at + absence.span.as_ms();
                candidates.push(Candidate { trigger, position, evidence, eligible_at, waited_for: None });
            }
        }
        candidates
    }

    /// Asks once more to be called for every absence that is waited for.
    pub(crate) fn wake_for_waits(&self, facts: &Facts, effects: &mut StepEffects) {
        for (trigger_id, due_at) in &facts.waits {
            let absence =
                self.definition(trigger_id).and_then(|found| self.definitions[found].pattern.absence.as_ref());
            let is_prompt = absence.is_some_and(|absence| absence.patience.is_some());
            let wakes = if is_prompt { &mut effects.wake_promptly_at } else { &mut effects.wake_at };
            wakes.push(*due_at);
        }
    }

    /// Decisions that waited, as candidates once more: the pattern must still complete and its absence hold.
    pub(crate) fn revive(&self, history: &History<'_>, held: Vec<Held>, now_at: i64) -> Vec<Candidate> {
        let revive_one = |held: Held| {
            let trigger = self.definition(&held.trigger_id)?;
            let pattern = &self.definitions[trigger].pattern;
            let position = position_at(history, held.touched_at, &held.touchpoint_id)?;
            let evidence = pattern.completes_at(history, position)?;
            let (eligible_at, waited_for) = (held.eligible_at, Some(held.held_for));
            let holds = pattern.absence_held(history, position, now_at);
            holds.then_some(Candidate { trigger, position, evidence, eligible_at, waited_for })
        };
        held.into_iter().filter_map(revive_one).collect()
    }

    /// The completions of the union of two persons that could still be acted on, those across both among them.
    pub(crate) fn reconsider(
        &self,
        history: &History<'_>,
        now_at: i64,
        state: &mut TriggerState,
        effects: &mut StepEffects,
    ) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        for (trigger, definition) in self.definitions.iter().enumerate() {
            let pattern = &definition.pattern;
            let waits_ms = pattern.absence.as_ref().map_or(0, Absence::asks_after_ms);
            let useful_at = now_at - waits_ms - definition.validity.as_ms();
            let from = history.partition_point(|touch| touch.at() < useful_at);
            let completions = pattern.completions_from(history, from);
            candidates.extend(self.turn_into_candidates(history, trigger, completions, state, effects));
        }
        candidates
    }
}

/// Waits for an absence after a touch, unless an earlier one of the same trigger is waited for: one timer a trigger.
fn wait(trigger_id: &str, absence: &Absence, touched_at: i64, state: &mut TriggerState, effects: &mut StepEffects) {
    let due_at = touched_at + absence.asks_after_ms();
    let known = state.facts().and_then(|facts| facts.waits.get(trigger_id));
    if known.is_none_or(|known| due_at < *known) {
        state.facts_mut().waits.insert(trigger_id.to_owned(), due_at);
        let wakes = if absence.patience.is_some() { &mut effects.wake_promptly_at } else { &mut effects.wake_at };
        wakes.push(due_at);
    }
}

pub(crate) fn position_of(history: &History<'_>, touchpoint: &tributary_model::Touchpoint) -> Option<usize> {
    position_at(history, touchpoint.occurred_at, &touchpoint.touchpoint_id)
}

/// The position of a touch; the newest is looked at first, as most changes are about it.
fn position_at(history: &History<'_>, at: i64, touchpoint_id: &str) -> Option<usize> {
    let place = (at, touchpoint_id);
    match history.last() {
        Some(newest) if newest.place() == place => Some(history.len() - 1),
        _ => history.binary_search_by_key(&place, Past::place).ok(),
    }
}
