//! One partition: records with their transactions, and what a reader of committed records may see of them.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

/// A transaction; never used twice.
pub type TransactionId = u64;

/// A record as it lies in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its key.
    pub key: Vec<u8>,
    /// Its value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Its headers in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// When it was written, in milliseconds.
    pub timestamp_ms: i64,
}

#[derive(Debug)]
struct Entry {
    transaction: Option<TransactionId>,
    /// `None` is a marker that ends a transaction: it takes an offset and nobody gets to see it.
    record: Option<Stored>,
}

/// How far the log cleaner has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Before this offset only the last record of each key is left.
    pub before: i64,
    /// Before this one old tombstones are gone too: the cleaner had come past them for as long as they are kept.
    pub forgotten_before: i64,
    at_ms: i64,
}

/// The log of one partition.
#[derive(Debug, Default)]
pub struct PartitionLog {
    entries: Vec<Entry>,
    /// Transactions that have written here and whose end has not been marked here, with their first offset.
    open: BTreeMap<TransactionId, usize>,
    aborted: BTreeSet<TransactionId>,
    cleaned: Cleaned,
}

impl PartitionLog {
    /// The cleaner has come to `before`, if it was not further already. When nobody has looked for as long as tombstones are
    /// kept, it had come there at the beginning of that time. What was seen to be left is never left again without the
    /// tombstone behind it: a reader that goes on sees every deletion of what it has read.
    pub fn clean(&mut self, before: i64, now_ms: i64, tombstones_kept_ms: i64) -> Cleaned {
        self.cleaned.before = self.cleaned.before.max(before);
        if now_ms - self.cleaned.at_ms >= tombstones_kept_ms {
            self.cleaned.forgotten_before = self.cleaned.before;
        }
        self.cleaned.at_ms = now_ms;
        self.cleaned
    }

    /// The offset that the next record gets: what readers of uncommitted records call the end.
    pub fn end(&self) -> i64 {
        self.entries.len() as i64
    }

    /// The last stable offset: readers of committed records get what lies before it.
    pub fn stable_end(&self) -> i64 {
        self.open.values().min().map_or_else(|| self.end(), |first| *first as i64)
    }

    /// Writes a record; gives its offset.
    pub fn append(&mut self, transaction: Option<TransactionId>, record: Stored) -> i64 {
        let offset = self.entries.len();
        if let Some(id) = transaction {
            self.open.entry(id).or_insert(offset);
        }
        self.entries.push(Entry { transaction, record: Some(record) });
        offset as i64
    }

    /// Marks the end of a transaction.
    pub fn mark(&mut self, id: TransactionId, is_commit: bool) {
        if self.open.remove(&id).is_none() {
            return;
        }
        if !is_commit {
            self.aborted.insert(id);
        }
        self.entries.push(Entry { transaction: Some(id), record: None });
    }

    /// The first committed record at `offset` or behind it, with its offset.
    pub fn committed_from(&self, offset: i64) -> Option<(i64, &Stored)> {
        let stable = self.stable_end() as usize;
        let first = (offset.max(0) as usize).min(stable);
        let mut visible = self.entries[first..stable].iter().enumerate();
        visible.find_map(|(index, entry)| self.visible(entry).map(|record| ((first + index) as i64, record)))
    }

    /// All committed records with their offsets.
    pub fn committed(&self) -> impl Iterator<Item = (i64, &Stored)> {
        let stable = self.stable_end() as usize;
        let entries = self.entries[..stable].iter().enumerate();
        entries.filter_map(|(offset, entry)| Some((offset as i64, self.visible(entry)?)))
    }

    /// The committed records as a log cleaner that has come so far leaves them: of each key the last one before it, and all
    /// behind it. Of tombstones that it may have forgotten only those written at `deleted_since_ms` or later are left.
    pub fn compacted(&self, cleaned: Cleaned, deleted_since_ms: i64) -> Vec<(i64, Stored)> {
        let Cleaned { before: cleaned, forgotten_before, .. } = cleaned;
        let mut last: FxHashMap<&[u8], i64> = FxHashMap::default();
        for (offset, record) in self.committed().take_while(|(offset, _)| *offset < cleaned) {
            last.insert(&record.key, offset);
        }
        let stays = |offset: i64, record: &Stored| {
            offset >= cleaned
                || (last.get(record.key.as_slice()) == Some(&offset)
                    && (record.value.is_some()
                        || offset >= forgotten_before
                        || record.timestamp_ms >= deleted_since_ms))
        };
        let kept = self.committed().filter(|(offset, record)| stays(*offset, record));
        kept.map(|(offset, record)| (offset, record.clone())).collect()
    }

    fn visible<'a>(&self, entry: &'a Entry) -> Option<&'a Stored> {
        let is_aborted = entry.transaction.is_some_and(|id| self.aborted.contains(&id));
        entry.record.as_ref().filter(|_| !is_aborted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str, value: &str) -> Stored {
        let value = (!value.is_empty()).then(|| value.as_bytes().to_vec());
        Stored { key: key.as_bytes().to_vec(), value, headers: Vec::new(), timestamp_ms: 0 }
    }

    fn seen(log: &PartitionLog) -> Vec<i64> {
        log.committed().map(|(offset, _)| offset).collect()
    }

    #[test]
    fn readers_see_committed_records_before_the_first_open_transaction() {
        let mut log = PartitionLog::default();
        log.append(None, record("a", "1"));
        log.append(Some(1), record("b", "1"));
        log.append(Some(2), record("c", "1"));
        log.append(None, record("d", "1"));
        assert_eq!((seen(&log), log.stable_end(), log.end()), (vec![0], 1, 4));
        log.mark(2, true);
        assert_eq!((seen(&log), log.stable_end()), (vec![0], 1), "the first one is still open");
        log.mark(1, false);
        assert_eq!((seen(&log), log.stable_end(), log.end()), (vec![0, 2, 3], 6, 6), "what was aborted stays unseen");
        assert_eq!(log.committed_from(1).map(|(offset, _)| offset), Some(2));
        assert_eq!(log.committed_from(4), None);
        log.mark(1, true);
        assert_eq!(log.end(), 6, "a transaction ends once");
    }

    #[test]
    fn cleaning_keeps_the_last_record_of_each_key() {
        let mut log = PartitionLog::default();
        for (key, value) in [("a", "1"), ("b", "1"), ("a", "2"), ("b", ""), ("a", "3")] {
            log.append(None, record(key, value));
        }
        log.append(Some(1), record("a", "4"));
        let offsets = |before, forgotten_before| -> Vec<i64> {
            let cleaned = Cleaned { before, forgotten_before, at_ms: 0 };
            log.compacted(cleaned, 1).iter().map(|(offset, _)| *offset).collect()
        };
        assert_eq!(offsets(0, 0), [0, 1, 2, 3, 4]);
        assert_eq!(offsets(4, 0), [2, 3, 4]);
        assert_eq!(offsets(4, 4), [2, 4]);
        assert_eq!(offsets(5, 5), [4]);
    }

    #[test]
    fn a_tombstone_goes_only_when_what_it_deletes_has_been_gone_for_as_long_as_it_is_kept() {
        let mut log = PartitionLog::default();
        let told = |cleaned: Cleaned| (cleaned.before, cleaned.forgotten_before);
        assert_eq!(told(log.clean(3, 1_000, 500)), (3, 3));
        assert_eq!(told(log.clean(9, 1_100, 500)), (9, 3), "what was left at 3 may just have been read");
        assert_eq!(told(log.clean(5, 1_200, 500)), (9, 3), "a cleaner does not go back");
        assert_eq!(told(log.clean(5, 1_700, 500)), (9, 9));
    }
}
