//! What a service gives to the runtime.

use std::sync::Arc;

use crate::effects::{Effects, Timer};
use crate::error::Failure;
use crate::record::Record;
use crate::store::StateStore;

/// The logic of one task (one partition). Pure but for its own stores: time and ids come in with the input.
///
/// Return [`Failure::Poison`] at any point: the runtime rolls everything back to the last commit, dead-letters the one
/// input and handles the others again.
pub trait Processor: Send {
    /// Handles one record.
    ///
    /// # Errors
    /// [`Failure`] says what the runtime has to do.
    fn process(&mut self, input: &Record, effects: &mut Effects) -> Result<(), Failure>;

    /// The watermark has reached a timer that was set.
    ///
    /// # Errors
    /// [`Failure`] says what the runtime has to do; a poisonous timer is dropped and counted.
    fn on_timer(&mut self, _timer: &Timer, _effects: &mut Effects) -> Result<(), Failure> {
        Ok(())
    }

    /// Called before each commit, for what is better written once a transaction than once a record.
    ///
    /// # Errors
    /// [`Failure`] says what the runtime has to do.
    fn before_commit(&mut self, _effects: &mut Effects) -> Result<(), Failure> {
        Ok(())
    }

    /// Whether there is something to do although no input comes, such as noting an answer from outside; asked while the
    /// input is quiet. If there is, a transaction is opened for it, and [`Processor::before_commit`] does it.
    fn has_work(&mut self) -> bool {
        false
    }

    /// The open transaction was aborted: forget whatever was kept outside the stores since the last commit.
    fn on_abort(&mut self) {}

    /// The stores, always in the same order.
    fn stores(&mut self) -> Vec<&mut dyn StateStore>;
}

/// What a task is told when it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskInfo {
    /// Index of the leader topic in the stage's list.
    pub topic_index: usize,
    /// Partition of the leader topic.
    pub partition: i32,
}

/// Makes the processor of a task.
pub type ProcessorFactory = Arc<dyn Fn(TaskInfo) -> Box<dyn Processor> + Send + Sync>;

/// One stage: a consumer group with its inputs, its state and its logic.
#[derive(Clone)]
pub struct Stage {
    /// Name: lower case letters and `-`. The consumer group is `tributary.<name>`.
    pub name: &'static str,
    /// Topics whose partitions are shared out among the group's members; all with the same number of partitions.
    pub leader_topics: Vec<String>,
    /// Topics co-partitioned with the one leader topic, read by whoever has the leader's partition.
    pub sibling_topics: Vec<String>,
    /// Names of the stores, as [`StateStore::name`] gives them, in the processor's order.
    pub stores: Vec<&'static str>,
    /// How far the watermark stays behind the largest event time, in milliseconds.
    pub allowed_lateness_ms: i64,
    /// The logic.
    pub factory: ProcessorFactory,
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage")
            .field("name", &self.name)
            .field("leader_topics", &self.leader_topics)
            .finish_non_exhaustive()
    }
}

impl Stage {
    /// The consumer group.
    #[must_use]
    pub fn group(&self) -> String {
        format!("tributary.{}", self.name)
    }

    /// The changelog topics: one for each store, and one for what the runtime itself remembers.
    #[must_use]
    pub fn changelogs(&self) -> Vec<String> {
        let stores = self.stores.iter().copied().chain([crate::runtime_state::STORE]);
        stores.map(|store| tributary_model::topics::changelog(self.name, store)).collect()
    }
}
