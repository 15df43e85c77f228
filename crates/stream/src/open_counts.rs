//! The accounting of an open transaction: topics are few and counted for each record, so they are found without making a name.

use std::collections::BTreeMap;

use crate::runtime_state::Count;

/// How many records of each topic.
#[derive(Debug, Default)]
pub(crate) struct ByTopic(Vec<(String, i64)>);

impl ByTopic {
    /// One more.
    pub(crate) fn add(&mut self, topic: &str) {
        match self.0.iter_mut().find(|(known, _)| known == topic) {
            Some((_, count)) => *count += 1,
            None => self.0.push((topic.to_owned(), 1)),
        }
    }
}

/// What was counted since the last commit.
#[derive(Debug, Default)]
pub(crate) struct OpenCounts {
    /// Input records.
    pub(crate) accepted: ByTopic,
    /// Output records.
    pub(crate) emitted: ByTopic,
    processed: i64,
    others: BTreeMap<Count, i64>,
}

impl OpenCounts {
    /// One more of something.
    pub(crate) fn count(&mut self, count: Count) {
        match count {
            Count::Processed => self.processed += 1,
            other => *self.others.entry(other).or_insert(0) += 1,
        }
    }

    /// Everything, each once; nothing is left.
    pub(crate) fn take(&mut self) -> BTreeMap<Count, i64> {
        let Self { accepted, emitted, processed, others } = std::mem::take(self);
        let mut all = others;
        all.extend(accepted.0.into_iter().map(|(topic, count)| (Count::Accepted(topic), count)));
        all.extend(emitted.0.into_iter().map(|(topic, count)| (Count::Emitted(topic), count)));
        if processed > 0 {
            all.insert(Count::Processed, processed);
        }
        all
    }

    /// Nothing was counted.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_for_itself_and_once() {
        let mut counts = OpenCounts::default();
        ["a", "b", "a"].into_iter().for_each(|topic| counts.accepted.add(topic));
        counts.emitted.add("a");
        counts.count(Count::Processed);
        counts.count(Count::Dropped("bot".to_owned()));
        counts.count(Count::Dropped("bot".to_owned()));
        let expected = BTreeMap::from([
            (Count::Accepted("a".to_owned()), 2),
            (Count::Accepted("b".to_owned()), 1),
            (Count::Emitted("a".to_owned()), 1),
            (Count::Processed, 1),
            (Count::Dropped("bot".to_owned()), 2),
        ]);
        assert_eq!(counts.take(), expected);
        assert_eq!(counts.take(), BTreeMap::new());
    }
}
