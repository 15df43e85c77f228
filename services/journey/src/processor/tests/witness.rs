//! A chained step that shows what it was told.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tributary_model::experiment::ExperimentKey;
use tributary_model::step::{PersonStep, PersonView, StepEffects};
use tributary_model::time::DAY_MS;
use tributary_model::{
    Arm, Decision, Enrolment, EnrolmentStatus, Fate, Identifier, JourneyEvent, Permission, PersonId, Recheck,
    Touchpoint, TriggerIntent,
};

use crate::timeline::is_first_statement;

/// A step that remembers which touches it was told of, wakes an hour after each, and decides on every sale.
pub(super) struct Witness;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) touches: BTreeSet<String>,
    /// By which identifier each touch came, and when it was received: this goes with the identifier when the person is taken
    /// apart, and with what is not erased when the person is.
    pub(super) by: BTreeMap<String, (Identifier, i64)>,
    pub(super) woken: Vec<i64>,
    pub(super) absorbed: u32,
}

impl PersonStep for Witness {
    type State = Seen;

    fn on_journey(&self, person: PersonView<'_>, changes: &[JourneyEvent], state: &mut Seen, wanted: &mut StepEffects) {
        for change in changes.iter().filter(|change| is_first_statement(change)) {
            let touchpoint = &change.touchpoint;
            assert!(person.history.iter().any(|event| event.touchpoint == *touchpoint), "the history shows the change");
            state.touches.insert(touchpoint.touchpoint_id.clone());
            let came = |via: &Identifier| (touchpoint.touchpoint_id.clone(), (via.clone(), touchpoint.received_at));
            state.by.extend(person.via.map(came));
            wanted.wake_at.push(touchpoint.occurred_at + 1_000);
            wanted.wake_promptly_at.push(touchpoint.occurred_at + 30 * DAY_MS);
            if touchpoint.is_sale() && !person.merge_pending {
                wanted.decisions.push(decision(person.person_id, touchpoint));
                wanted.intents.push(intent(person.person_id, touchpoint));
            }
        }
    }

    fn on_timer(&self, _: PersonView<'_>, at: i64, state: &mut Seen, _: &mut StepEffects) {
        state.woken.push(at);
    }

    fn absorb(&self, person: PersonView<'_>, state: &mut Seen, loser: Seen, wanted: &mut StepEffects) {
        state.touches.extend(loser.touches);
        state.by.extend(loser.by);
        state.absorbed += 1 + loser.absorbed;
        wanted.wake_at.extend(person.history.iter().map(|event| event.touchpoint.occurred_at + 1_000));
    }

    fn take(&self, state: &mut Seen, is_taken: &dyn Fn(&Identifier, i64) -> bool) -> Seen {
        let is_taken = |(_, (via, received_at)): &(String, (Identifier, i64))| is_taken(via, *received_at);
        let (by, own) = std::mem::take(&mut state.by).into_iter().partition(is_taken);
        state.by = own;
        Seen { by, ..Seen::default() }
    }

    fn recheck(&self, _: PersonView<'_>, _: &Recheck, _: &Seen) -> Permission {
        Permission::Send
    }

    fn enrolments(&self, person_id: PersonId, before: &Seen, after: &Seen) -> Vec<Enrolment> {
        let status = match [before, after].map(|seen| seen.touches.is_empty()) {
            [true, false] => EnrolmentStatus::Enrolled,
            [false, true] => EnrolmentStatus::Withdrawn,
            _ => return Vec::new(),
        };
        let (experiment, team_id) = ("seen".to_owned(), "crm".to_owned());
        let key = ExperimentKey {
            experiment,
            team_id,
            holdout_buckets: 5_000,
            is_clustered: false,
            campaign_id: None,
            is_observed: false,
        };
        vec![Enrolment { person_id, key, arm: Arm::Treated, status, enrolled_at: 0 }]
    }
}

fn decision(person_id: PersonId, touchpoint: &Touchpoint) -> Decision {
    Decision {
        decision_id: touchpoint.touchpoint_id.clone(),
        trigger_id: "thanks".to_owned(),
        trigger_version: 1,
        team_id: "crm".to_owned(),
        person_id,
        decided_at: touchpoint.occurred_at,
        arm: Arm::Treated,
        fate: Fate::Sent,
        reason: None,
        detail: None,
        channel: "email".to_owned(),
        priority: 1,
        evidence: Vec::new(),
        valid_until_at: touchpoint.occurred_at,
        account_id: None,
        consent: None,
        judged_at: None,
        experiment: None,
        channel_reason: None,
        action: "message".to_owned(),
    }
}

fn intent(person_id: PersonId, touchpoint: &Touchpoint) -> TriggerIntent {
    TriggerIntent {
        decision_id: touchpoint.touchpoint_id.clone(),
        trigger_id: "thanks".to_owned(),
        trigger_version: 1,
        team_id: "crm".to_owned(),
        person_id,
        action: "message".to_owned(),
        channel: "email".to_owned(),
        decided_at: touchpoint.occurred_at,
        valid_until_at: touchpoint.occurred_at,
        payload: "{}".to_owned(),
        account_id: None,
    }
}
