//! Dead letters counted by stage, source and reason.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ledger::Ledger;
use super::letter::Letter;

/// The letters of one stage, source and reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The stage that refused them.
    pub stage: String,
    /// Their source; empty when the records do not tell.
    pub source: String,
    /// The reason code.
    pub code: String,
    /// How many.
    pub letters: u64,
    /// Of these, not replayed.
    pub open: u64,
    /// When the first of them was dead-lettered.
    pub first_at: Option<i64>,
    /// When the last of them was dead-lettered.
    pub last_at: Option<i64>,
}

/// Counts one letter.
pub fn summarise(groups: &mut BTreeMap<(String, String, String), Group>, letter: &Letter, ledger: &Ledger) {
    let source = letter.source.clone().unwrap_or_default();
    let key = (letter.letter.stage.clone(), source.clone(), letter.letter.code.clone());
    let group = groups.entry(key).or_insert_with_key(|(stage, source, code)| Group {
        stage: stage.clone(),
        source: source.clone(),
        code: code.clone(),
        letters: 0,
        open: 0,
        first_at: None,
        last_at: None,
    });
    group.letters += 1;
    group.open += u64::from(ledger.of(letter.place).is_none());
    group.first_at = [group.first_at, letter.lettered_at].into_iter().flatten().min();
    group.last_at = group.last_at.max(letter.lettered_at);
}
