//! What happened after a decision: which later touches are its outcomes.
//!
//! A touch that carries the id of a decision is an outcome of it. So is, by rule, one that comes to a person within a time
//! after the decision: a sale, or what the trigger itself names. The held-out have outcomes by rule too; without them
//! nobody could tell what the message was good for.

use serde_json::Value;
use tributary_model::step::{PersonView, StepEffects};
use tributary_model::{DecisionOutcome, Glimpse, JourneyEvent, MatchedBy, OutcomeKind, Past};
use uuid::Uuid;

use crate::config::Policy;
use crate::contact::{Send, is_contact};
use crate::definition::Definition;
use crate::fields::{Fields, Report};
use crate::filter::TouchFilter;
use crate::search::find;
use crate::span::Span;
use crate::state::Facts;

/// Which touches are outcomes of a trigger by rule.
#[derive(Debug, Clone)]
pub struct OutcomeRule {
    /// The touches.
    pub filter: TouchFilter,
    /// Until how long after the decision.
    pub within: Span,
}

impl OutcomeRule {
    pub(crate) fn read(report: &Report, value: Value, name: &str) -> Option<Self> {
        let mut fields = Fields::of(report, "outcome", value);
        let filter = TouchFilter::read(&mut fields, name);
        if !fields.has("within") {
            fields.problem("within", "is missing", "say until when, such as `within: 7d`");
        }
        let within = fields.parsed("within", "write a duration such as 7d");
        fields.finish();
        Some(Self { filter, within: within? })
    }
}

/// Finds outcomes among the new touches of one person.
pub(crate) struct Outcomes<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) definitions: &'a [Definition],
    pub(crate) person: PersonView<'a>,
}

impl Outcomes<'_> {
    /// Tells what a new touch says about earlier decisions.
    pub(crate) fn tell(&self, event: &JourneyEvent, facts: &Facts, effects: &mut StepEffects) {
        let touchpoint = &event.touchpoint;
        let named = touchpoint.decision_id.as_deref().and_then(|id| Uuid::parse_str(id).ok());
        if let Some((id, send)) = named.and_then(|id| Some((id, facts.contacts.send(id)?))) {
            let kind = OutcomeKind::of(touchpoint);
            effects.outcomes.push(self.outcome(id, send, event, kind, MatchedBy::DecisionId));
        }
        // Most touches are no outcome of anything, and what was sent is not looked at for them.
        let sends = self.may_be_meant(event).then(|| facts.contacts.sends()).into_iter().flatten();
        for (id, send) in sends.filter(|(id, _)| Some(**id) != named) {
            if send.at <= touchpoint.occurred_at && self.is_meant(send, event) {
                let kind =
                    if touchpoint.is_conversion() { OutcomeKind::Converted } else { OutcomeKind::of(touchpoint) };
                effects.outcomes.push(self.outcome(*id, send, event, kind, MatchedBy::Rule));
            }
        }
        if is_contact(&Glimpse::of(touchpoint)) && !is_transactional(event) {
            self.tell_leak(event, facts, effects);
        }
    }

    /// A contact while a suppression held is an outcome of the suppression: it leaked.
    fn tell_leak(&self, event: &JourneyEvent, facts: &Facts, effects: &mut StepEffects) {
        let touchpoint = &event.touchpoint;
        let purpose = touchpoint.properties.get("purpose").map_or("marketing", String::as_str);
        let order_of = |trigger_id: &str| find(self.definitions, trigger_id)?.suppress.as_ref();
        let (at, history) = (touchpoint.occurred_at, self.person.history);
        let in_force = facts.suppressions.in_force_with_id(&touchpoint.channel, purpose, at, history, order_of);
        if let Some((id, send)) = in_force.and_then(|(id, _)| Some((id, facts.contacts.send(id)?))) {
            effects.outcomes.push(self.outcome(id, send, event, OutcomeKind::Leaked, MatchedBy::Rule));
        }
    }

    /// Whether the rule of any trigger, or the one for all, may mean this touch.
    fn may_be_meant(&self, event: &JourneyEvent) -> bool {
        let glimpse = Glimpse::of(&event.touchpoint);
        let mut rules = self.definitions.iter().filter_map(|definition| definition.outcome.as_ref());
        event.touchpoint.is_sale() || rules.any(|rule| rule.filter.may_match(&glimpse))
    }

    /// Whether the rule of the trigger, or the one for all, means this touch.
    fn is_meant(&self, send: &Send, event: &JourneyEvent) -> bool {
        let after_ms = event.touchpoint.occurred_at - send.at;
        match find(self.definitions, &send.trigger_id).and_then(|definition| definition.outcome.as_ref()) {
            Some(rule) => after_ms <= rule.within.as_ms() && rule.filter.matches(&Past::of(event)),
            None => send.reaches_person && after_ms <= self.policy.outcome_window.as_ms() && event.touchpoint.is_sale(),
        }
    }

    fn outcome(
        &self,
        decision_id: Uuid,
        send: &Send,
        event: &JourneyEvent,
        kind: OutcomeKind,
        matched_by: MatchedBy,
    ) -> DecisionOutcome {
        let touchpoint = &event.touchpoint;
        let name = [kind.name(), touchpoint.touchpoint_id.as_str()].join(":");
        DecisionOutcome {
            outcome_id: Uuid::new_v5(&decision_id, name.as_bytes()).to_string(),
            decision_id: decision_id.to_string(),
            trigger_id: send.trigger_id.clone(),
            team_id: send.team_id.clone(),
            person_id: self.person.person_id,
            channel: send.channel.clone(),
            is_ghost: send.is_ghost,
            kind,
            matched_by,
            touchpoint_id: Some(touchpoint.touchpoint_id.clone()),
            touchpoint_team_id: Some(event.team_id.clone()),
            occurred_at: touchpoint.occurred_at,
            loop_ms: touchpoint.occurred_at - send.at,
            value: touchpoint.value.clone(),
            detail: None,
        }
    }
}

/// A message that the person asked for by what it did: a receipt is no leak.
fn is_transactional(event: &JourneyEvent) -> bool {
    event.touchpoint.properties.get("transactional").is_some_and(|text| text == "true")
}
