//! Judging a sent decision again when it is about to leave the hub late: consent, suppressions, quiet hours and caps as they
//! are by then, with its own reservation left out of the caps.

use tributary_model::step::PersonView;
use tributary_model::{Permission, Recheck, WithheldReason};
use uuid::Uuid;

use crate::checks::Verdict;
use crate::engine::{TriggerEngine, now};
use crate::ledger::Candidate;
use crate::state::TriggerState;

/// While a merged person's state is on its way, its consents and sends are not known yet: it is asked again after so long.
const MERGE_PAUSE_MS: i64 = 5_000;

impl TriggerEngine {
    /// Whether what `asked` is about may still be sent; only on its own channel, since that is what it was decided for.
    pub(crate) fn judge_again(&self, person: PersonView<'_>, asked: &Recheck, state: &TriggerState) -> Permission {
        if person.merge_pending {
            return Permission::Postpone { until_at: asked.asked_at + MERGE_PAUSE_MS };
        }
        let Some(trigger) = self.catalogue.definition(&asked.trigger_id) else {
            let detail = format!("the trigger {} does not run any more", asked.trigger_id);
            return Permission::Withhold { reason: WithheldReason::Suppressed, detail };
        };
        let mut facts = state.facts().cloned().unwrap_or_default();
        if let Ok(own) = Uuid::parse_str(&asked.decision_id) {
            facts.contacts.take_back(&own);
        }
        let definitions = &self.catalogue.definitions;
        let desk = self.desk(person, now(person.history, Some(asked.asked_at), Some(&facts)));
        let candidate =
            Candidate { trigger, position: 0, evidence: Vec::new(), eligible_at: asked.decided_at, waited_for: None };
        match desk.check_channel(&definitions[trigger], &asked.channel, asked.valid_until_at, &candidate, &facts) {
            Verdict::Allow { .. } => Permission::Send,
            Verdict::Refuse { reason, detail, .. } => Permission::Withhold { reason, detail },
            Verdict::WaitUntil(until_at) => Permission::Postpone { until_at },
        }
    }
}
