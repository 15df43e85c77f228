//! One decision after the other: every check in its order, and the entry in the ledger with its reason.

use jiff::tz::TimeZone;
use serde_json::{Value as Json, json};
use tributary_model::step::{PersonView, StepEffects};
use tributary_model::time::to_rfc3339;
use tributary_model::{Arm, Decision, Fate, JourneyEvent, TriggerIntent, WithheldReason};
use tributary_rules::Value;
use uuid::Uuid;

use crate::arbitrate::Slots;
use crate::arms::assign;
use crate::caps::Asked;
use crate::config::Policy;
use crate::consent::{Answer, ConsentRule};
use crate::contact::Send;
use crate::context::{Needs, Situation, build};
use crate::definition::{Action, Definition};
use crate::quiet::QuietPolicy;
use crate::span::Span;
use crate::state::Facts;
use crate::suppression::Suppression;

/// How much longer than any cap looks back a send is remembered, so that its delivery report is known for its own.
const OUTCOME_DELAY: Span = Span::days(2);

/// A trigger found eligible.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// Its position among the definitions.
    pub(crate) trigger: usize,
    /// Position in the history of the touch that completed the pattern.
    pub(crate) position: usize,
    /// Positions of all touches that fulfilled it.
    pub(crate) evidence: Vec<usize>,
    /// Event time at which it became eligible.
    pub(crate) eligible_at: i64,
}

/// What became of a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is in the ledger.
    Decided,
    /// It is quiet now: to be judged again then.
    WaitUntil(i64),
}

/// Where the decisions of one input are made.
pub(crate) struct Desk<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) definitions: &'a [Definition],
    pub(crate) person: PersonView<'a>,
    pub(crate) zone: TimeZone,
    pub(crate) now_at: i64,
    pub(crate) looks_back_ms: i64,
    pub(crate) slots: Slots,
}

/// The answer of the checks.
enum Verdict {
    Allow { channel: String, proof: String },
    Refuse { channel: String, reason: WithheldReason, detail: String },
    WaitUntil(i64),
}

impl Desk<'_> {
    /// Judges a candidate and enters the decision, unless it is to wait.
    pub(crate) fn decide(
        &mut self,
        definition: &Definition,
        candidate: &Candidate,
        facts: &mut Facts,
        effects: &mut StepEffects,
    ) -> Outcome {
        let valid_until_at = candidate.eligible_at + definition.validity.as_ms();
        let (channel, refusal, detail) = match self.judge(definition, candidate, valid_until_at, facts) {
            Verdict::WaitUntil(at) => return Outcome::WaitUntil(at),
            Verdict::Refuse { channel, reason, detail } => (channel, Some(reason), detail),
            Verdict::Allow { channel, proof } => (channel, None, proof),
        };
        let event = self.person.history[candidate.position];
        let key = definition.reentry.key(event, &self.zone);
        let decision_id = decision_id(&definition.id, self.person.experiment_id.0, &key);
        let experiment = definition.experiment();
        let seen = facts.arms.get(&experiment).copied().unwrap_or_default();
        let assigned = || assign(&definition.seed, self.person.experiment_id, definition.holdout_buckets);
        let arm = seen.fixed().unwrap_or_else(assigned);
        let (reason, detail) = match refusal {
            None if definition.holdout_buckets > 0 && seen.is_contaminated() => {
                (Some(WithheldReason::Contaminated), format!("a merge joined both arms of {experiment}"))
            }
            None if arm == Arm::HeldOut => (Some(WithheldReason::HeldOut), detail),
            refusal => (refusal, detail),
        };
        let decision = Decision {
            decision_id: decision_id.to_string(),
            trigger_id: definition.id.clone(),
            trigger_version: definition.version,
            team_id: definition.team_id.clone(),
            person_id: self.person.person_id,
            decided_at: candidate.eligible_at,
            arm,
            fate: if reason.is_none() { Fate::Sent } else { Fate::Withheld },
            reason,
            detail: Some(detail).filter(|text| !text.is_empty()),
            channel,
            priority: definition.priority,
            evidence: self.touchpoint_ids(&candidate.evidence),
            valid_until_at,
        };
        self.remember(definition, event, decision_id, &decision, facts);
        if decision.fate == Fate::Sent {
            if Slots::competes(definition) {
                self.slots.win(&decision.channel, &definition.id);
            }
            effects.intents.push(self.intent(definition, candidate, &decision));
        }
        effects.decisions.push(decision);
        Outcome::Decided
    }

    fn touchpoint_ids(&self, positions: &[usize]) -> Vec<String> {
        positions.iter().map(|position| self.person.history[*position].touchpoint.touchpoint_id.clone()).collect()
    }

    /// Validity, then the first channel that passes every check, then arbitration.
    fn judge(&self, definition: &Definition, candidate: &Candidate, valid_until_at: i64, facts: &Facts) -> Verdict {
        let first = definition.channels.first().map_or("", String::as_str);
        let refuse = |channel: &str, reason, detail| Verdict::Refuse { channel: channel.to_owned(), reason, detail };
        if self.now_at > valid_until_at {
            let detail = format!("valid until {}, decided at {}", to_rfc3339(valid_until_at), to_rfc3339(self.now_at));
            return refuse(first, WithheldReason::Expired, detail);
        }
        let channels =
            definition.channels.iter().map(String::as_str).chain(definition.channels.is_empty().then_some(""));
        let mut verdict = None;
        for channel in channels {
            let checked = self.check_channel(definition, channel, valid_until_at, candidate, facts);
            let passes = !matches!(checked, Verdict::Refuse { .. });
            if passes || verdict.is_none() {
                verdict = Some(checked);
            }
            if passes {
                break;
            }
        }
        match verdict {
            Some(Verdict::Allow { channel, proof }) => match self.slots.winner(&channel) {
                Some(winner) if Slots::competes(definition) => {
                    refuse(&channel, WithheldReason::LostArbitration, format!("to {winner} on {channel}"))
                }
                _ => Verdict::Allow { channel, proof },
            },
            Some(verdict) => verdict,
            None => Verdict::Allow { channel: first.to_owned(), proof: String::new() },
        }
    }

    fn check_channel(
        &self,
        definition: &Definition,
        channel: &str,
        valid_until_at: i64,
        candidate: &Candidate,
        facts: &Facts,
    ) -> Verdict {
        let refuse = |reason, detail| Verdict::Refuse { channel: channel.to_owned(), reason, detail };
        let mut proof = Vec::new();
        match self.consent(definition, channel, facts) {
            Ok(None) => {}
            Ok(Some(basis)) => proof.push(basis),
            Err(detail) => return refuse(WithheldReason::NoConsent, detail),
        }
        if let Some(suppression) = self.suppression(definition, channel, facts) {
            let until = to_rfc3339(suppression.until_at);
            return refuse(WithheldReason::Suppressed, format!("by {} until {until}", suppression.trigger_id));
        }
        if let Some((ends_at, policy)) = self.quiet(definition) {
            let is_in_time = ends_at <= valid_until_at;
            if policy == QuietPolicy::Queue && is_in_time && ends_at > candidate.eligible_at {
                return Verdict::WaitUntil(ends_at);
            }
            return refuse(WithheldReason::QuietHours, format!("until {}", to_rfc3339(ends_at)));
        }
        match self.caps(definition, channel, facts) {
            Ok(used) => proof.extend(used),
            Err(detail) => return refuse(WithheldReason::Capped, detail),
        }
        Verdict::Allow { channel: channel.to_owned(), proof: proof.join("; ") }
    }

    /// Consent is asked for messages, and for what says that it needs consent. Nothing is exempt.
    fn consent(&self, definition: &Definition, channel: &str, facts: &Facts) -> Result<Option<String>, String> {
        if definition.action != Action::Message && definition.consent.is_none() {
            return Ok(None);
        }
        let purpose = definition.purpose.as_str();
        let rule = definition.consent.unwrap_or_else(|| {
            let denied = self.policy.deny_by_default.iter().any(|denied| denied == purpose);
            if denied { ConsentRule::Required } else { ConsentRule::OptOut }
        });
        match facts.consents.answer(channel, purpose, rule) {
            Answer::Allowed(Some(touchpoint_id)) => Ok(Some(format!("consent {channel}/{purpose} by {touchpoint_id}"))),
            Answer::Allowed(None) => Ok(Some(format!("no objection to {channel}/{purpose}"))),
            Answer::Withdrawn(touchpoint_id) => Err(format!("{channel}/{purpose} withdrawn by {touchpoint_id}")),
            Answer::NeverGiven => Err(format!("{channel}/{purpose} never given")),
        }
    }

    fn suppression<'f>(&'f self, definition: &Definition, channel: &str, facts: &'f Facts) -> Option<&'f Suppression> {
        if definition.action != Action::Message || definition.transactional {
            return None;
        }
        let order_of = |trigger_id: &str| {
            let found = self.definitions.binary_search_by(|known| known.id.as_str().cmp(trigger_id)).ok()?;
            self.definitions[found].suppress.as_ref()
        };
        facts.suppressions.in_force(channel, &definition.purpose, self.now_at, self.person.history, order_of)
    }

    fn quiet(&self, definition: &Definition) -> Option<(i64, QuietPolicy)> {
        if definition.transactional {
            return None;
        }
        let configured = self.policy.quiet_hours.as_ref().filter(|_| definition.action == Action::Message);
        let hours = definition.quiet_hours.as_ref().or(configured)?;
        hours.ends_at(self.now_at, &self.zone).map(|ends_at| (ends_at, hours.policy))
    }

    /// What is used of each cap, or the one that is full.
    fn caps(&self, definition: &Definition, channel: &str, facts: &Facts) -> Result<Vec<String>, String> {
        if definition.transactional {
            return Ok(Vec::new());
        }
        let shared = self.policy.caps.iter().filter(|_| definition.action == Action::Message);
        let asked = Asked { trigger_id: &definition.id, team_id: &definition.team_id, channel, now_at: self.now_at };
        let mut proof = Vec::new();
        for cap in definition.caps.iter().chain(shared) {
            let used = cap.used(asked, &facts.contacts, self.person.history, &self.zone);
            if used >= cap.max {
                return Err(format!("{used} used of {cap}"));
            }
            proof.push(format!("{used} used of {cap}"));
        }
        Ok(proof)
    }

    /// Writes down what a decision means for later ones.
    fn remember(
        &self,
        definition: &Definition,
        event: &JourneyEvent,
        decision_id: Uuid,
        decision: &Decision,
        facts: &mut Facts,
    ) {
        let forget_at = self.now_at - self.policy.remember.as_ms();
        facts.fired.entry(definition.id.clone()).or_default().remember(definition.reentry, event, forget_at);
        facts.decided_at = facts.decided_at.max(Some(self.now_at));
        let is_ghost = decision.reason == Some(WithheldReason::HeldOut);
        let is_sent = decision.fate == Fate::Sent;
        if !is_sent && !is_ghost {
            return;
        }
        if definition.holdout_buckets > 0 {
            facts.arms.entry(definition.experiment()).or_default().expose(decision.arm);
        }
        let send = Send {
            at: self.now_at,
            trigger_id: definition.id.clone(),
            team_id: definition.team_id.clone(),
            channel: decision.channel.clone(),
            reaches_person: definition.action == Action::Message,
            is_ghost,
        };
        facts.contacts.forget(self.now_at - self.looks_back_ms - OUTCOME_DELAY.as_ms());
        facts.contacts.record(decision_id, send);
        if let Some(order) = definition.suppress.as_ref().filter(|_| is_sent) {
            let suppression = Suppression {
                from_at: decision.decided_at,
                until_at: decision.decided_at + order.span.as_ms(),
                trigger_id: definition.id.clone(),
                channels: order.channels.clone(),
                purposes: order.purposes.clone(),
            };
            facts.suppressions.forget(self.now_at);
            facts.suppressions.open(decision_id, suppression);
        }
    }

    fn intent(&self, definition: &Definition, candidate: &Candidate, decision: &Decision) -> TriggerIntent {
        let mut context = build(&self.situation(definition, candidate), &Needs::everything());
        if let Value::Object(sections) = &mut context {
            let fields: [(&str, Value); 5] = [
                ("decision_id", decision.decision_id.as_str().into()),
                ("trigger_id", decision.trigger_id.as_str().into()),
                ("channel", decision.channel.as_str().into()),
                ("decided_at", decision.decided_at.into()),
                ("valid_until_at", decision.valid_until_at.into()),
            ];
            let fields = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
            sections.insert("decision".into(), Value::Object(fields));
        }
        let mut payload = definition.payload.fill(&context);
        if let Some(order) = &definition.suppress {
            let until_at = decision.decided_at + order.span.as_ms();
            payload.insert("suppress".to_owned(), json!({"channels": order.channels, "until_at": until_at}));
        }
        TriggerIntent {
            decision_id: decision.decision_id.clone(),
            trigger_id: decision.trigger_id.clone(),
            trigger_version: decision.trigger_version,
            team_id: decision.team_id.clone(),
            person_id: decision.person_id,
            action: definition.action.name().to_owned(),
            channel: decision.channel.clone(),
            decided_at: decision.decided_at,
            valid_until_at: decision.valid_until_at,
            payload: Json::Object(payload).to_string(),
        }
    }

    /// The moment a condition is asked about: the touch that completed the pattern; when time alone has passed
    /// since, the person as of the newest touch.
    pub(crate) fn situation(&self, definition: &Definition, candidate: &Candidate) -> Situation<'_> {
        let touch = self.person.history[candidate.position];
        let newest = self.person.history.last().copied().unwrap_or(touch);
        let person = if definition.pattern.absence.is_some() { newest } else { touch };
        Situation { touch, person, now_at: candidate.eligible_at }
    }
}

/// The id of a decision: UUIDv5 (RFC 9562) of trigger, experiment id and re-entry key.
#[must_use]
pub fn decision_id(trigger_id: &str, experiment_id: Uuid, reentry_key: &str) -> Uuid {
    Uuid::new_v5(&experiment_id, format!("urn:tributary:decision:{trigger_id}:{reentry_key}").as_bytes())
}
