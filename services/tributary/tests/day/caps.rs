//! The limits counted anew from the ledger, knowing who is who in the end.

use std::collections::BTreeMap;

use tributary_model::time::DAY_MS;
use tributary_model::{Decision, PersonId};

use crate::rules::{PER_DAY, PER_WEEK_AND_CHANNEL};

/// The messages of one person, each with the instant at which it was sent, that are beyond a limit; oldest first.
pub(crate) fn beyond<'a>(sent: &BTreeMap<PersonId, Vec<&'a Decision>>) -> Vec<&'a Decision> {
    let mut beyond = Vec::new();
    for messages in sent.values() {
        for one in messages {
            let at = sent_at(one);
            let before = |other: &&&Decision| (sent_at(other), &other.decision_id) < (at, &one.decision_id);
            let same_day = |other: &&&Decision| sent_at(other).div_euclid(DAY_MS) == at.div_euclid(DAY_MS);
            let in_week = |other: &&&Decision| sent_at(other) > at - 7 * DAY_MS && other.channel == one.channel;
            let of_the_day = messages.iter().filter(before).filter(same_day).count();
            let of_the_week = messages.iter().filter(before).filter(in_week).count();
            if of_the_day >= PER_DAY || of_the_week >= PER_WEEK_AND_CHANNEL {
                beyond.push(*one);
            }
        }
    }
    beyond
}

pub(crate) fn sent_at(decision: &Decision) -> i64 {
    decision.judged_at.unwrap_or(decision.decided_at)
}
