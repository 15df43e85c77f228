//! One decision after the other: every check in its order, and the entry in the ledger with its reason.

use jiff::tz::TimeZone;
use serde_json::{Value as Json, json};
use tributary_model::step::{PersonView, StepEffects};
use tributary_model::{Arm, Decision, Fate, JourneyEvent, TriggerIntent, WithheldReason};
use tributary_rules::Value;
use uuid::Uuid;

use crate::arbitrate::Slots;
use crate::checks::Verdict;
use crate::config::Policy;
use crate::contact::Send;
use crate::context::{Situation, build};
use crate::definition::{Action, Definition};
use crate::experiment::{self, Assignment};
use crate::pattern::History;
use crate::preference::ChannelChoice;
use crate::span::Span;
use crate::state::{Facts, HeldFor, MAX_HELD};
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
    /// What it has waited for last.
    pub(crate) waited_for: Option<HeldFor>,
}

/// What became of a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is in the ledger.
    Decided,
    /// To be judged again then.
    WaitUntil(i64, HeldFor),
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

impl Desk<'_> {
    /// Judges a candidate and enters the decision, unless it is to wait.
    pub(crate) fn decide(
        &mut self,
        definition: &Definition,
        candidate: &Candidate,
        facts: &mut Facts,
        effects: &mut StepEffects,
    ) -> Outcome {
        let send_at = definition.send.due_at(candidate.eligible_at, &self.zone);
        if let Some(wait) = self.wait(definition, candidate, send_at, facts) {
            return wait;
        }
        let valid_until_at = send_at + definition.validity.as_ms();
        let (ranked, channel_reason) = self.rank_channels(definition);
        let verdict = self.judge(definition, candidate, &ranked, (send_at, valid_until_at), facts);
        let (channel, refusal, detail, consent) = match verdict {
            Verdict::WaitUntil(at) => return Outcome::WaitUntil(at, HeldFor::QuietHours),
            Verdict::Refuse { channel, reason, detail, consent } => (channel, Some(reason), detail, consent),
            Verdict::Allow { channel, proof, consent } => (channel, None, proof, consent),
        };
        let event: &JourneyEvent = &self.person.history[candidate.position];
        let key = definition.reentry.key(event, &self.zone);
        let decision_id = decision_id(&definition.id, self.person.experiment_id.0, &key);
        let assignments = self.assignments(definition, facts);
        let (reason, detail) = match refusal {
            Some(reason) => (Some(reason), detail),
            None => match experiment::withheld_by(&assignments) {
                Some((reason, words)) => (Some(reason), words.unwrap_or(detail)),
                None => (None, detail),
            },
        };
        let told = experiment::told(&assignments);
        let decision = Decision {
            decision_id: decision_id.to_string(),
            trigger_id: definition.id.clone(),
            trigger_version: definition.version,
            team_id: definition.team_id.clone(),
            person_id: self.person.person_id,
            decided_at: candidate.eligible_at,
            arm: told.map_or(Arm::Treated, |one| one.arm),
            fate: if reason.is_none() { Fate::Sent } else { Fate::Withheld },
            reason,
            detail: Some(detail).filter(|text| !text.is_empty()),
            channel,
            priority: definition.priority,
            evidence: self.touchpoint_ids(&candidate.evidence),
            valid_until_at,
            account_id: None,
            consent,
            judged_at: Some(self.now_at),
            experiment: told.map(|one| one.experiment.clone()),
            channel_reason,
            action: definition.action.name().to_owned(),
        };
        self.remember(definition, event, (decision_id, &decision), &assignments, facts);
        if decision.fate == Fate::Sent {
            if Slots::competes(definition) {
                self.slots.win(&decision.channel, &definition.id);
            }
            effects.intents.push(self.intent(definition, candidate, &decision));
        }
        effects.decisions.push(decision);
        Outcome::Decided
    }

    /// What a decision waits for before it is judged: its own time, and then those it may compete with. Nothing more waits
    /// where [`MAX_HELD`] do.
    fn wait(&self, definition: &Definition, candidate: &Candidate, send_at: i64, facts: &Facts) -> Option<Outcome> {
        if facts.held.len() >= MAX_HELD {
            return None;
        }
        if self.now_at < send_at {
            return Some(Outcome::WaitUntil(send_at, HeldFor::SendTime));
        }
        let window = self.policy.arbitration.window.filter(|_| Slots::competes(definition))?;
        let has_waited = matches!(candidate.waited_for, Some(HeldFor::Arbitration | HeldFor::QuietHours));
        // The first that waits opens the window; all who come before it closes are judged together.
        let open = facts.held.iter().filter(|held| held.held_for == HeldFor::Arbitration && held.due_at > self.now_at);
        let closes_at = open.map(|held| held.due_at).min().unwrap_or(self.now_at + window.as_ms());
        (!has_waited).then_some(Outcome::WaitUntil(closes_at, HeldFor::Arbitration))
    }

    /// The channels in the order in which they are tried, and why when that is the person's.
    fn rank_channels<'d>(&self, definition: &'d Definition) -> (Vec<&'d str>, Option<String>) {
        if definition.channel_choice == ChannelChoice::Order || definition.channels.len() < 2 {
            return (definition.channels.iter().map(String::as_str).collect(), None);
        }
        let (ranked, why) = self.policy.preference.rank(&definition.channels, self.person.history, self.now_at);
        (ranked, Some(why))
    }

    fn touchpoint_ids(&self, positions: &[usize]) -> Vec<String> {
        positions.iter().map(|position| self.person.history[*position].glimpse.touchpoint_id.to_owned()).collect()
    }

    /// Writes down what a decision means for later ones.
    fn remember(
        &self,
        definition: &Definition,
        event: &JourneyEvent,
        (decision_id, decision): (Uuid, &Decision),
        assignments: &[Assignment],
        facts: &mut Facts,
    ) {
        let forget_at = self.now_at - self.policy.remember.as_ms();
        facts.fired.entry(definition.id.clone()).or_default().remember(
            definition.reentry,
            event,
            &self.zone,
            forget_at,
        );
        facts.decided_at = facts.decided_at.max(Some(self.now_at));
        let is_ghost = decision.reason == Some(WithheldReason::HeldOut);
        let is_sent = decision.fate == Fate::Sent;
        if !is_sent && !is_ghost {
            return;
        }
        for one in assignments {
            facts.expose(one, self.now_at);
        }
        let send = Send {
            at: self.now_at,
            trigger_id: definition.id.clone(),
            team_id: definition.team_id.clone(),
            channel: decision.channel.clone(),
            reaches_person: definition.action == Action::Message,
            is_ghost,
            is_transactional: definition.transactional,
            is_told_over_cap: false,
        };
        let remembered_ms = self.looks_back_ms.saturating_add(OUTCOME_DELAY.as_ms());
        facts.contacts.forget(self.now_at - remembered_ms);
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
        let mut context = build(&self.situation(definition, candidate), definition.payload.reads());
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
            account_id: None,
        }
    }

    /// The moment a condition is asked about.
    pub(crate) fn situation(&self, definition: &Definition, candidate: &Candidate) -> Situation<'_> {
        situation(self.person.history, definition, candidate)
    }
}

/// The moment a condition is asked about: the touch that completed the pattern; when time alone has passed since, the
/// person as of the newest touch.
pub(crate) fn situation<'a>(history: &'a History<'a>, definition: &Definition, candidate: &Candidate) -> Situation<'a> {
    let touch: &JourneyEvent = &history[candidate.position];
    let person = match history.last() {
        Some(newest) if definition.pattern.absence.is_some() => newest,
        _ => touch,
    };
    Situation { touch, person, now_at: candidate.eligible_at }
}

/// The id of a decision: UUIDv5 (RFC 9562) of trigger, experiment id and re-entry key.
#[must_use]
pub fn decision_id(trigger_id: &str, experiment_id: Uuid, reentry_key: &str) -> Uuid {
    Uuid::new_v5(&experiment_id, format!("urn:tributary:decision:{trigger_id}:{reentry_key}").as_bytes())
}
