//! Every decision is made once, and every one that was sent has its one intent.

use std::collections::BTreeMap;

use tributary_model::Fate;

use crate::outputs::Outputs;

pub(super) fn check(outputs: &Outputs) -> Vec<String> {
    let mut found = Vec::new();
    let mut intents: BTreeMap<&str, u32> = BTreeMap::new();
    for intent in &outputs.intents {
        *intents.entry(&intent.decision_id).or_default() += 1;
    }
    let mut made: BTreeMap<&str, u32> = BTreeMap::new();
    for decision in &outputs.decisions {
        *made.entry(&decision.decision_id).or_default() += 1;
        let count = intents.remove(decision.decision_id.as_str()).unwrap_or(0);
        let due = u32::from(decision.fate == Fate::Sent);
        if count != due {
            found.push(format!(
                "decisions: {} of {} is {:?} and has {count} intents",
                decision.decision_id, decision.trigger_id, decision.fate
            ));
        }
    }
    for (id, count) in made.into_iter().filter(|(_, count)| *count > 1) {
        found.push(format!("decisions: {id} was made {count} times"));
    }
    found.extend(intents.into_keys().map(|id| format!("triggers: intent of {id}, which was never decided")));
    found
}
