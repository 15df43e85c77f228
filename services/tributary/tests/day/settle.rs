//! Whether every stage has read what was written for it, asked of the broker alone.

use std::collections::BTreeSet;
use std::time::Duration;

use tributary_model::{Pseudonymizer, topics};
use tributary_stream::{InputPosition, KafkaSettings, Positions, Range, read_ranges};
use tributary_testkit::eventually_every;
use tributary_tributary::cli::Service;
use tributary_tributary::compose::Definition;
use tributary_tributary::config::HubConfig;

/// A partition with the offset that is read next and the end.
type Tail = (String, i32, i64, i64);

pub(crate) struct Watch {
    settings: KafkaSettings,
    /// The inputs of each stage.
    stages: Vec<(Positions, Vec<String>)>,
    /// Tails that hold nothing but ends of transactions and what was taken back.
    empty: BTreeSet<Tail>,
}

impl Watch {
    pub(crate) fn new(settings: &KafkaSettings) -> Self {
        let config = HubConfig::default();
        let definition = Definition::read(&config).unwrap();
        let tables = definition.fixed_tables(&config).unwrap();
        let key = Pseudonymizer::new(b"a key that is only for tests, 0123456789").unwrap();
        let stages = definition.staffed(&config, Service::All, &tables, key).unwrap();
        let stages = stages.into_iter().map(|staffed| {
            let inputs = staffed.stage.leader_topics.iter().chain(&staffed.stage.sibling_topics).cloned().collect();
            (Positions::new(settings, &staffed.stage.group()).unwrap(), inputs)
        });
        Self { settings: settings.clone(), stages: stages.collect(), empty: BTreeSet::new() }
    }

    /// Waits until nothing is on its way: two looks at all positions in which nothing has moved and nothing is left to be
    /// read. Whatever a stage commits between them moves a position.
    pub(crate) fn until_settled(&mut self, timeout: Duration, what: &str) {
        let mut last = None;
        let settled = eventually_every(Duration::from_millis(10), timeout, || {
            let positions = self.look();
            let is_same = positions.is_some() && positions == last;
            last = positions;
            is_same.then_some(())
        });
        assert!(settled.is_some(), "{what} is not settled after {} s: {:?}", timeout.as_secs(), self.behind());
    }

    /// All positions, if nothing is left to be read.
    fn look(&mut self) -> Option<Vec<InputPosition>> {
        let mut all = Vec::new();
        for at in 0..self.stages.len() {
            let (positions, inputs) = &self.stages[at];
            // A busy broker may not answer in time.
            for position in positions.read(inputs).ok()? {
                if self.has_records(&position) {
                    return None;
                }
                all.push(position);
            }
        }
        Some(all)
    }

    /// Whether anything that counts is between what is read next and the end.
    fn has_records(&mut self, position: &InputPosition) -> bool {
        let (topic, partition) = position.input.clone();
        // Raw events are in no transaction, so each offset is one. Elsewhere the last offset is the end of one: a record in an
        // open transaction is seen by what was read for it and is not committed.
        if position.lag() <= i64::from(!topics::is_open(&topic)) {
            return false;
        }
        let tail = (topic.clone(), partition, position.next(), position.end);
        if self.empty.contains(&tail) {
            return false;
        }
        let range = Range { partition, from: position.next(), to: position.end };
        let mut count = 0;
        read_ranges(&self.settings, &topic, &[range], |_| count += 1).unwrap();
        if count == 0 {
            self.empty.insert(tail);
        }
        count > 0
    }

    /// The inputs of which something is still to be read, and how much at most.
    pub(crate) fn behind(&self) -> Vec<(String, i64)> {
        let all = self.stages.iter().filter_map(|(positions, inputs)| positions.read(inputs).ok()).flatten();
        all.filter(|position| position.lag() > 1).map(|position| (position.input.0.clone(), position.lag())).collect()
    }
}
