//! What becomes of each raw event: touchpoint, dead letter, or drop; duplicates found by comparing all with all.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::{Identifier, Touchpoint};

use crate::workload::{Event, Touch, Truth};

/// A touchpoint that has to be there once.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) touchpoint: Touchpoint,
    pub(crate) shared: BTreeSet<Identifier>,
    /// Its receive time is that of the record, which a producer may have left to the broker.
    pub(crate) is_bare: bool,
}

/// A record that has to be on the dead-letter topic, as often as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Dead {
    pub(crate) topic: String,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
    pub(crate) code: &'static str,
}

/// How the events of one source were accounted for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SourceAccount {
    pub(crate) accepted: i64,
    pub(crate) processed: i64,
    pub(crate) dead_letters: BTreeMap<&'static str, i64>,
    pub(crate) drops: BTreeMap<&'static str, i64>,
}

/// All outcomes.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) touches: BTreeMap<String, Kept>,
    pub(crate) dead_letters: BTreeMap<Dead, i64>,
    pub(crate) sources: BTreeMap<String, SourceAccount>,
}

impl Ledger {
    /// The outcomes of events in the order of their arrival. Only the order of events of one key matters.
    pub(crate) fn of<'a>(events: impl Iterator<Item = &'a Event>) -> Self {
        let mut ledger = Self::default();
        // What was said under each touchpoint id so far, by what tells it apart.
        let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for event in events {
            let account = ledger.sources.entry(event.source.clone()).or_default();
            account.accepted += 1;
            match &event.truth {
                Truth::DeadLetter(code) => {
                    *account.dead_letters.entry(code).or_default() += 1;
                    let (topic, key, value) = (event.topic.clone(), event.key.clone(), event.value.clone());
                    *ledger.dead_letters.entry(Dead { topic, key, value, code }).or_default() += 1;
                }
                Truth::Dropped(reason) => *account.drops.entry(reason).or_default() += 1,
                Truth::Touches(touches) => {
                    let fresh: Vec<Kept> = touches.iter().filter_map(|touch| keep(event, touch, &mut said)).collect();
                    if fresh.is_empty() {
                        *account.drops.entry("duplicate").or_default() += 1;
                    } else {
                        account.processed += 1;
                    }
                    ledger.touches.extend(fresh.into_iter().map(|kept| (kept.touchpoint.touchpoint_id.clone(), kept)));
                }
            }
        }
        ledger
    }
}

/// The touchpoint, unless the same was said before; under an id of its own when something else was said under its id.
fn keep(event: &Event, touch: &Touch, said: &mut BTreeMap<String, Vec<String>>) -> Option<Kept> {
    let fingerprint = match event.source.as_str() {
        // Each state of an order repeats it: what maps to the same touchpoint is the same.
        "shopify" | "shopify-pos" => "same".to_owned(),
        _ => event.fingerprint.clone(),
    };
    let mut touchpoint = touch.touchpoint.clone();
    let versions = said.entry(touchpoint.touchpoint_id.clone()).or_default();
    if versions.contains(&fingerprint) {
        return None;
    }
    if !versions.is_empty() {
        let own_id = format!("{}~{}", touchpoint.touchpoint_id, &fingerprint[..8]);
        touchpoint.duplicate_of = Some(std::mem::replace(&mut touchpoint.touchpoint_id, own_id));
    }
    versions.push(fingerprint);
    Some(Kept { touchpoint, shared: touch.shared.clone(), is_bare: event.is_bare })
}
