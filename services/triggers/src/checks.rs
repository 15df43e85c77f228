//! The checks a decision passes before it is sent, in their order, and the proof or the reason they give.

use tributary_model::WithheldReason;
use tributary_model::time::to_rfc3339;

use crate::arbitrate::Slots;
use crate::caps::Asked;
use crate::consent::{Answer, ConsentRule};
use crate::definition::{Action, Definition};
use crate::ledger::{Candidate, Desk};
use crate::quiet::QuietPolicy;
use crate::state::Facts;
use crate::suppression::Suppression;

/// The answer of the checks.
pub(crate) enum Verdict {
    Allow { channel: String, proof: String },
    Refuse { channel: String, reason: WithheldReason, detail: String },
    WaitUntil(i64),
}

impl Desk<'_> {
    /// Validity, then the first channel that passes every check, then arbitration.
    pub(crate) fn judge(
        &self,
        definition: &Definition,
        candidate: &Candidate,
        valid_until_at: i64,
        facts: &Facts,
    ) -> Verdict {
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
}
