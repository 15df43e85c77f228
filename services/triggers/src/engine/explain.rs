//! Says what the triggers made of a touch or of the passing of time, with the functions that decide it: for those who
//! write triggers, never on the way of an event.

use tributary_model::step::PersonView;
use tributary_model::{Decision, JourneyEvent, Past};

use super::{TriggerEngine, now};
use crate::definition::Definition;
use crate::filter::TouchFilter;
use crate::finding::{Finding, Mismatch, Note, StepNumber};
use crate::ledger::{Candidate, situation};
use crate::pattern::{History, Step, complete};
use crate::search::position_of;
use crate::state::{Facts, TriggerState};
use crate::zone::zone_of;

/// A step of the engine that is over.
#[derive(Debug, Clone, Copy)]
pub struct Taken<'a> {
    /// The person as the step saw it.
    pub person: PersonView<'a>,
    /// What was remembered before it.
    pub before: &'a TriggerState,
    /// What was remembered after it.
    pub after: &'a TriggerState,
    /// What was decided in it.
    pub decided: &'a [Decision],
}

impl Taken<'_> {
    fn history(&self) -> &History<'_> {
        self.person.history
    }

    fn has_decided(&self, trigger_id: &str, touchpoint_id: &str) -> bool {
        let is_meant = |decision: &Decision| {
            decision.trigger_id == trigger_id && decision.evidence.last().is_some_and(|last| last == touchpoint_id)
        };
        self.decided.iter().any(is_meant)
    }
}

impl TriggerEngine {
    /// What the triggers made of a touch that is new to the journey; decisions speak for themselves.
    #[must_use]
    pub fn explain_touch(&self, taken: Taken<'_>, touchpoint: &tributary_model::Touchpoint) -> Vec<Note> {
        let Some(position) = position_of(taken.history(), touchpoint) else { return Vec::new() };
        let mut notes = Vec::new();
        for (trigger, definition) in self.catalogue.definitions.iter().enumerate() {
            let mut findings = Vec::new();
            let steps = &definition.pattern.steps;
            for index in 0..steps.len() {
                findings.extend(of_step(&steps[..=index], steps.len(), taken.history(), position));
            }
            let at = touchpoint.occurred_at;
            match (definition.pattern.completes_at(taken.history(), position), &definition.pattern.absence) {
                (Some(_), Some(absence)) => findings.push(Finding::WaitBegun { until_at: at + absence.span.as_ms() }),
                (Some(evidence), None) => {
                    let candidate = Candidate { trigger, position, evidence, eligible_at: at, waited_for: None };
                    findings.extend(self.outcome(taken, definition, &candidate));
                }
                (None, _) => findings.extend(breaks_wait(taken, definition, position)),
            }
            notes.extend(findings.into_iter().map(|finding| Note { trigger_id: definition.id.clone(), finding }));
        }
        notes
    }

    /// What the triggers made of a time that was waited for.
    #[must_use]
    pub fn explain_timer(&self, taken: Taken<'_>, at: i64) -> Vec<Note> {
        let Some(before) = taken.before.facts() else { return Vec::new() };
        let now_at = now(taken.history(), Some(at), Some(before));
        let mut notes = Vec::new();
        for (trigger, definition) in self.catalogue.definitions.iter().enumerate() {
            let mut findings = Vec::new();
            if before.waits.get(&definition.id).is_some_and(|due_at| *due_at <= at) {
                findings.extend(self.of_wait(taken, (trigger, definition), before, at, now_at));
            }
            for held in before.held.iter().filter(|held| held.trigger_id == definition.id && held.due_at <= at) {
                match after_wait(taken, &held.trigger_id, &held.touchpoint_id) {
                    Some(finding) => findings.push(finding),
                    None if taken.has_decided(&held.trigger_id, &held.touchpoint_id) => {}
                    None => findings.push(Finding::Dropped),
                }
            }
            notes.extend(findings.into_iter().map(|finding| Note { trigger_id: definition.id.clone(), finding }));
        }
        notes
    }

    /// What came of the waits of one trigger that are over by `at`.
    fn of_wait(
        &self,
        taken: Taken<'_>,
        (trigger, definition): (usize, &Definition),
        before: &Facts,
        at: i64,
        now_at: i64,
    ) -> Vec<Finding> {
        let (Some(absence), Some(due_at)) = (&definition.pattern.absence, before.waits.get(&definition.id)) else {
            return Vec::new();
        };
        let history = taken.history();
        let (span_ms, asks_after_ms) = (absence.span.as_ms(), absence.asks_after_ms());
        let from = history.partition_point(|touch| touch.at() + asks_after_ms < *due_at);
        let mut findings = Vec::new();
        for (position, evidence) in definition.pattern.completions_from(history, from) {
            let touched_at = history[position].at();
            if touched_at + asks_after_ms > at {
                break;
            }
            let eligible_at = touched_at + span_ms;
            if !definition.pattern.absence_held(history, position, now_at) {
                continue; // It was said when the touch came.
            }
            findings.push(Finding::WaitOver);
            let candidate = Candidate { trigger, position, evidence, eligible_at, waited_for: None };
            findings.extend(self.outcome(taken, definition, &candidate));
        }
        findings
    }

    /// Why a completed pattern is not a decision yet, if it is none.
    fn outcome(&self, taken: Taken<'_>, definition: &Definition, candidate: &Candidate) -> Option<Finding> {
        let history = taken.history();
        let event: &JourneyEvent = &history[candidate.position];
        let touchpoint_id = &event.touchpoint.touchpoint_id;
        if taken.has_decided(&definition.id, touchpoint_id) {
            return None;
        }
        if let Some(held) = after_wait(taken, &definition.id, touchpoint_id) {
            return Some(held);
        }
        let zone = zone_of(history, &self.policy.zone_property, &self.policy.default_zone);
        let log = taken.after.facts().and_then(|facts| facts.fired.get(&definition.id));
        if log.is_some_and(|log| log.blocks(definition.reentry, history, candidate.position, &zone)) {
            return Some(Finding::AlreadyFired { key: definition.reentry.key(event, &zone) });
        }
        let condition = definition.condition.as_ref()?;
        (!condition.holds(&situation(history, definition, candidate))).then_some(Finding::ConditionFalse)
    }
}

/// What the last of `steps` makes of the touch at `position`.
fn of_step(steps: &[Step], of: usize, history: &History<'_>, position: usize) -> Option<Finding> {
    let (step, before) = steps.split_last()?;
    let number = StepNumber { step: steps.len(), of };
    if let Some(why) = mismatch(&step.filter, &history[position])? {
        return Some(Finding::NotMeant { step: number, why });
    }
    let completes = |counting: Step| {
        let steps: Vec<Step> = before.iter().cloned().chain([counting]).collect();
        complete(&steps, history, position).is_some()
    };
    let count = (1..=step.count).rev().find(|count| completes(Step { count: *count, ..step.clone() }));
    Some(match (count, step.within) {
        (Some(count), _) => Finding::Counted { step: number, count, needed: step.count },
        (None, Some(within)) if completes(Step { count: 1, within: None, ..step.clone() }) => {
            Finding::TooLate { step: number, within }
        }
        (None, _) => Finding::OutOfTurn { step: number },
    })
}

/// `None` for a touch of another type; else why it is not meant, if it is not.
#[allow(clippy::option_option, reason = "a touch of another type is no mismatch worth telling")]
fn mismatch(filter: &TouchFilter, touch: &Past<'_>) -> Option<Option<Mismatch>> {
    let of_type = TouchFilter { direction: None, channels: Vec::new(), condition: None, ..filter.clone() };
    if !of_type.may_match(&touch.glimpse) {
        return None;
    }
    let of_direction = TouchFilter { direction: filter.direction, ..of_type };
    Some(if !of_direction.may_match(&touch.glimpse) {
        Some(Mismatch::Direction)
    } else if !filter.may_match(&touch.glimpse) {
        Some(Mismatch::Channel)
    } else if !filter.condition_holds(touch) {
        Some(Mismatch::Where)
    } else {
        None
    })
}

/// What it says when the touch at `position` ends a wait that was not ended before.
fn breaks_wait(taken: Taken<'_>, definition: &Definition, position: usize) -> Option<Finding> {
    let absence = definition.pattern.absence.as_ref()?;
    let until_at = *taken.before.facts()?.waits.get(&definition.id)?;
    let history = taken.history();
    let begun_at = until_at - absence.asks_after_ms();
    let anchor = history.iter().position(|touch| touch.at() == begun_at)?;
    let touch = &history[position];
    let was_held = definition.pattern.absence_held(&history[..position], anchor, touch.at());
    let is_new = position > anchor && was_held && absence.filter.matches(touch);
    is_new.then(|| Finding::WaitBroken { until_at, by: touch.glimpse.touchpoint_id.to_owned() })
}

/// What a decision waits for after the step.
fn after_wait(taken: Taken<'_>, trigger_id: &str, touchpoint_id: &str) -> Option<Finding> {
    let held = &taken.after.facts()?.held;
    let found = held.iter().find(|held| held.trigger_id == trigger_id && held.touchpoint_id == touchpoint_id)?;
    Some(Finding::Held { until_at: found.due_at, held_for: found.held_for })
}
