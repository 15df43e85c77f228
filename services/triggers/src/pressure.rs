//! Contacts over a cap that nobody could know of: made to two persons before it was known that they are one.

use tributary_model::step::StepEffects;
use tributary_model::{DecisionOutcome, MatchedBy, OutcomeKind};
use uuid::Uuid;

use crate::caps::Asked;
use crate::contact::Send;
use crate::ledger::Desk;
use crate::search::find;
use crate::state::Facts;

impl Desk<'_> {
    /// Tells, once for each send, that it is over a cap of the person as it is now known. Neither of the persons before was
    /// sent more than it might, so what is over is over by the link.
    pub(crate) fn tell_contacts_over_caps(&self, facts: &mut Facts, effects: &mut StepEffects) {
        let mut told = Vec::new();
        for (id, send) in facts.contacts.sends() {
            if send.is_told_over_cap || send.is_ghost || send.is_transactional || !send.reaches_person {
                continue;
            }
            if let Some(detail) = self.over_cap(*id, send, facts) {
                told.push(*id);
                effects.outcomes.push(self.over_cap_outcome(*id, send, detail));
            }
        }
        facts.contacts.tell_over_cap(&told);
    }

    /// The first cap that this send is over, in words.
    fn over_cap(&self, id: Uuid, send: &Send, facts: &Facts) -> Option<String> {
        let own = find(self.definitions, &send.trigger_id);
        let caps = own.map_or(&[][..], |definition| &definition.caps).iter().chain(&self.policy.caps);
        let asked =
            Asked { trigger_id: &send.trigger_id, team_id: &send.team_id, channel: &send.channel, now_at: send.at };
        for cap in caps {
            // Contacts of one instant come one after the other in order of their ids.
            let after_it = |(other_id, other): &(&Uuid, &Send)| other.at == send.at && **other_id >= id;
            let not_before =
                facts.contacts.sends().filter(after_it).filter(|(_, other)| cap.counts_send(other, asked)).count();
            let used = cap.used(asked, &facts.contacts, self.person.history, &self.zone).saturating_sub(not_before);
            if used >= cap.max {
                return Some(format!("{used} used of {cap} before it"));
            }
        }
        None
    }

    fn over_cap_outcome(&self, decision_id: Uuid, send: &Send, detail: String) -> DecisionOutcome {
        let kind = OutcomeKind::OverCap;
        DecisionOutcome {
            outcome_id: Uuid::new_v5(&decision_id, kind.name().as_bytes()).to_string(),
            decision_id: decision_id.to_string(),
            trigger_id: send.trigger_id.clone(),
            team_id: send.team_id.clone(),
            person_id: self.person.person_id,
            channel: send.channel.clone(),
            is_ghost: false,
            kind,
            matched_by: MatchedBy::Rule,
            touchpoint_id: None,
            touchpoint_team_id: None,
            occurred_at: send.at,
            loop_ms: 0,
            value: None,
            detail: Some(detail),
        }
    }
}
