//! The checks a decision passes before it is sent, in their order, and the proof or the reason they give.

use tributary_model::time::to_rfc3339;
use tributary_model::{ConsentProof, WithheldReason};

use crate::arbitrate::Slots;
use crate::caps::Asked;
use crate::consent::{Answer, ConsentRule};
use crate::definition::{Action, Definition};
use crate::ledger::{Candidate, Desk};
use crate::quiet::QuietPolicy;
use crate::search::find;
use crate::state::Facts;
use crate::suppression::Suppression;

/// The answer of the checks.
pub(crate) enum Verdict {
    Allow { channel: String, proof: String, consent: Option<ConsentProof> },
    Refuse { channel: String, reason: WithheldReason, detail: String, consent: Option<ConsentProof> },
    WaitUntil(i64),
}

impl Desk<'_> {
    /// Time and validity, then the first channel that passes every check, then arbitration.
    pub(crate) fn judge(
        &self,
        definition: &Definition,
        candidate: &Candidate,
        ranked: &[&str],
        (send_at, valid_until_at): (i64, i64),
        facts: &Facts,
    ) -> Verdict {
        let first = ranked.first().copied().unwrap_or_default();
        let refuse = |channel: &str, reason, detail, consent| {
            let channel = channel.to_owned();
            Verdict::Refuse { channel, reason, detail, consent }
        };
        if self.now_at > valid_until_at {
            let detail = format!("valid until {}, decided at {}", to_rfc3339(valid_until_at), to_rfc3339(self.now_at));
            return refuse(first, WithheldReason::Expired, detail, None);
        }
        if self.now_at < send_at {
            // It should wait, and there is no place for it: sooner not at all than at another time than it asks for.
            let detail = format!("{} decisions wait already", facts.held.len());
            return refuse(first, WithheldReason::Capped, detail, None);
        }
        let channels = ranked.iter().copied().chain(ranked.is_empty().then_some(""));
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
            Some(Verdict::Allow { channel, proof, consent }) => match self.slots.winner(&channel) {
                Some((taken, winner)) if Slots::competes(definition) => {
                    refuse(&channel, WithheldReason::LostArbitration, format!("to {winner} on {taken}"), consent)
                }
                _ => Verdict::Allow { channel, proof, consent },
            },
            Some(verdict) => verdict,
            None => Verdict::Allow { channel: first.to_owned(), proof: String::new(), consent: None },
        }
    }

    /// Every check but validity and arbitration, on one channel.
    pub(crate) fn check_channel(
        &self,
        definition: &Definition,
        channel: &str,
        valid_until_at: i64,
        candidate: &Candidate,
        facts: &Facts,
    ) -> Verdict {
        let answer = self.consent(definition, channel, facts);
        let stated = match &answer {
            Some(Answer::Allowed(stated)) => stated.clone(),
            Some(Answer::Withdrawn(stated)) => Some(stated.clone()),
            Some(Answer::NeverGiven) | None => None,
        };
        let refuse = |reason, detail| {
            let (channel, consent) = (channel.to_owned(), stated.clone());
            Verdict::Refuse { channel, reason, detail, consent }
        };
        let mut proof = Vec::new();
        match answer.map(|answer| basis(&answer, channel, &definition.purpose)) {
            None => {}
            Some(Ok(basis)) => proof.push(basis),
            Some(Err(detail)) => return refuse(WithheldReason::NoConsent, detail),
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
        Verdict::Allow { channel: channel.to_owned(), proof: proof.join("; "), consent: stated }
    }

    /// Consent is asked for messages, and for what says that it needs consent. Nothing is exempt.
    fn consent(&self, definition: &Definition, channel: &str, facts: &Facts) -> Option<Answer> {
        if definition.action != Action::Message && definition.consent.is_none() {
            return None;
        }
        let purpose = definition.purpose.as_str();
        let rule = definition.consent.unwrap_or_else(|| {
            let denied = self.policy.deny_by_default.iter().any(|denied| denied == purpose);
            if denied { ConsentRule::Required } else { ConsentRule::OptOut }
        });
        Some(facts.consents.answer(channel, purpose, rule))
    }

    fn suppression<'f>(&'f self, definition: &Definition, channel: &str, facts: &'f Facts) -> Option<&'f Suppression> {
        if definition.action != Action::Message || definition.transactional {
            return None;
        }
        let order_of = |trigger_id: &str| find(self.definitions, trigger_id)?.suppress.as_ref();
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
}

/// What allows a message on a channel for a purpose, or what forbids it.
fn basis(answer: &Answer, channel: &str, purpose: &str) -> Result<String, String> {
    let stated = |proof: &ConsentProof| {
        let ConsentProof { touchpoint_id, source, occurred_at, .. } = proof;
        format!("by {touchpoint_id} from {source} at {}", to_rfc3339(*occurred_at))
    };
    match answer {
        Answer::Allowed(Some(proof)) => Ok(format!("consent {channel}/{purpose} {}", stated(proof))),
        Answer::Allowed(None) => Ok(format!("no objection to {channel}/{purpose}")),
        Answer::Withdrawn(proof) => Err(format!("{channel}/{purpose} withdrawn {}", stated(proof))),
        Answer::NeverGiven => Err(format!("{channel}/{purpose} never given")),
    }
}
