//! Questions about sent decisions that leave the hub late: the chained step answers them as of now, and a tombstone passes
//! them on to whom the person is.

use tributary_model::delivery::DeliveryCommand;
use tributary_model::step::{PersonStep, PersonView};
use tributary_model::{Permission, Recheck, WithheldReason, topics};
use tributary_stream::{Effects, Failure};

use super::{JourneyProcessor, history};

impl<T: PersonStep> JourneyProcessor<T> {
    pub(super) fn on_recheck(&self, asked: Recheck, effects: &mut Effects) -> Result<(), Failure> {
        let person_id = asked.person_id;
        let header = self.persons.get(&person_id).unwrap_or(&self.unmarked);
        if self.left_of(person_id).is_some() {
            let reason = WithheldReason::NoConsent;
            let detail = "nobody is known by this id any more".to_owned();
            return answer(&asked, &Permission::Withhold { reason, detail }, effects);
        }
        if let Some(person_id) = header.merge.forward(person_id) {
            let forwarded = Recheck { person_id, ..asked };
            return effects.emit(topics::RECHECKS, person_id.to_key(), &forwarded);
        }
        let history = history(&self.touches, person_id, &[]);
        let merge_pending = header.merge.is_pending();
        let person = PersonView { person_id, experiment_id: person_id, history: &history, via: None, merge_pending };
        let state = self.steps.get(&person_id).cloned().unwrap_or_default();
        answer(&asked, &self.step.recheck(person, &asked, &state), effects)
    }
}

fn answer(asked: &Recheck, permission: &Permission, effects: &mut Effects) -> Result<(), Failure> {
    let command = DeliveryCommand::answer(asked, permission);
    effects.emit(topics::DELIVERIES, command.to_key(), &command)
}
