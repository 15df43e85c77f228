//! A stage on the runtime's own task, with the transactions in the test's hands and no broker.

use std::sync::Arc;

use tributary_schema::{AvroRecord, Contracts};
use tributary_stream::{Change, Count, Failure, OutRecord, Record, Stage, Task, TaskInfo};

const INFO: TaskInfo = TaskInfo { topic_index: 0, partition: 0 };

/// A task, and what its committed transactions have written.
pub(crate) struct Rig {
    contracts: Arc<Contracts>,
    task: Task,
    changelog: Vec<(usize, Change)>,
}

impl Rig {
    pub(crate) fn new(stage: &Stage) -> Self {
        let contracts = Contracts::single_object().unwrap();
        let task = Task::new(stage, INFO, Arc::clone(&contracts));
        Self { contracts, task, changelog: Vec::new() }
    }

    /// The task as another worker makes it: from the changelog alone, perhaps with another configuration.
    pub(crate) fn restart(&mut self, stage: &Stage) {
        self.task = Task::new(stage, INFO, Arc::clone(&self.contracts));
        for (store, (key, value)) in &self.changelog {
            self.task.restore(*store, key, value.as_deref()).unwrap();
        }
    }

    pub(crate) fn record<T: AvroRecord>(&self, topic: &str, key: Vec<u8>, value: &T) -> Record {
        let value = Some(self.contracts.encode(topic, value).unwrap());
        Record { topic: topic.to_owned(), partition: 0, offset: 0, timestamp_ms: None, key, value, headers: Vec::new() }
    }

    pub(crate) fn read<T: AvroRecord>(&self, record: &OutRecord) -> T {
        self.contracts.decode(record.value.as_ref().unwrap()).unwrap()
    }

    /// One input, not committed.
    pub(crate) fn handle(&mut self, input: &Record) -> Result<Vec<OutRecord>, Failure> {
        let mut out = Vec::new();
        self.task.handle(input, &mut out).map(|()| out)
    }

    /// One transaction over these inputs; what it has written when it commits.
    pub(crate) fn transact(&mut self, inputs: &[Record], commits: bool) -> Vec<OutRecord> {
        let mut out: Vec<OutRecord> = inputs.iter().flat_map(|input| self.handle(input).unwrap()).collect();
        self.task.before_commit(&mut out).unwrap();
        if !commits {
            self.task.abort();
            return Vec::new();
        }
        self.changelog.extend(self.task.changes());
        self.task.commit();
        out
    }

    /// A transaction without input, if the task wants one.
    pub(crate) fn wake(&mut self, commits: bool) -> Option<Vec<OutRecord>> {
        self.task.wake().then(|| self.transact(&[], commits))
    }

    pub(crate) fn dropped(&self, reason: &str) -> i64 {
        self.task.counts().get(&Count::Dropped(reason.to_owned())).copied().unwrap_or(0)
    }
}
