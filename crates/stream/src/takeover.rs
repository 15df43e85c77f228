//! Partitions on their way to being worked on: first their committed offsets (the broker answers once no transaction of
//! a previous owner is open on them), then, once no transaction is open on the changelogs either, their state. All of it goes step
//! by step, so that the partitions that a worker already has do not stand still meanwhile.

use std::sync::Arc;
use std::time::Duration;

use tributary_schema::Contracts;

use crate::client::{ChangelogReader, Client, Partition};
use crate::error::StreamError;
use crate::processor::{Stage, TaskInfo};
use crate::task::Task;

/// Changelog records that are read in one step.
const RECORDS_A_STEP: usize = 2_000;
/// How long the broker may take to tell the committed offsets, and the pause before it is asked again: while it makes us
/// wait, the partitions that are worked on stand still.
const OFFSETS_WAIT: Duration = Duration::from_millis(50);
const OFFSETS_PAUSE: Duration = Duration::from_millis(200);

/// Where the inputs of a task start.
pub(crate) type Starts = Vec<(Partition, Option<i64>)>;

enum Phase<R> {
    /// Waiting for the committed offsets; not asked again before `next_try`.
    Offsets { next_try: Duration },
    /// Waiting for transactions on the changelogs to end: what their readers are not shown yet belongs to the offsets.
    Settling { starts: Starts, next_try: Duration },
    /// Reading changelogs; `places` says for each of them whose it is: place in `tasks`, and index of the store.
    State { starts: Starts, tasks: Vec<Task>, reader: R, places: Vec<(usize, usize)>, restored: u64 },
}

/// Tasks being taken over together.
pub(crate) struct Takeover<C: Client> {
    infos: Vec<TaskInfo>,
    phase: Phase<C::Reader>,
    since: Duration,
}

/// Tasks that are ready.
pub(crate) struct Ready {
    /// The tasks, with their state.
    pub(crate) tasks: Vec<Task>,
    /// Where their inputs start.
    pub(crate) starts: Starts,
    /// Changelog records that were read for them.
    pub(crate) restored: u64,
    /// How long it took.
    pub(crate) took: Duration,
}

/// What a step came to.
pub(crate) enum Step<C: Client> {
    /// Go on later.
    Pending(Takeover<C>),
    /// Done.
    Ready(Ready),
}

/// The inputs of a task: its partition of the leader, and of every sibling.
pub(crate) fn inputs_of(stage: &Stage, info: TaskInfo) -> impl Iterator<Item = Partition> {
    let leader = stage.leader_topics.get(info.topic_index).into_iter();
    leader.chain(&stage.sibling_topics).map(move |topic| (topic.clone(), info.partition))
}

/// The partition of the stage's changelogs that belongs to a task.
pub(crate) fn changelog_partition(info: TaskInfo, leader_partitions: i32) -> i32 {
    info.topic_index as i32 * leader_partitions + info.partition
}

/// The changelogs of a task, in the order of the stores.
fn changelogs_of(stage: &Stage, info: TaskInfo, leader_partitions: i32) -> impl Iterator<Item = Partition> {
    let partition = changelog_partition(info, leader_partitions);
    stage.changelogs().into_iter().map(move |topic| (topic, partition))
}

impl<C: Client> Takeover<C> {
    /// Begins to take over these tasks.
    pub(crate) fn new(infos: Vec<TaskInfo>, now: Duration) -> Self {
        Self { infos, phase: Phase::Offsets { next_try: now }, since: now }
    }

    /// Lets go of a task that was given back meanwhile.
    pub(crate) fn forget(&mut self, info: TaskInfo) {
        self.infos.retain(|other| *other != info);
    }

    /// True when nothing is left to take over.
    pub(crate) fn is_empty(&self) -> bool {
        self.infos.is_empty()
    }

    /// One step, waiting at most `wait` for the broker.
    pub(crate) fn step(
        mut self,
        client: &mut C,
        stage: &Stage,
        leader_partitions: i32,
        contracts: &Arc<Contracts>,
        wait: Duration,
    ) -> Result<Step<C>, StreamError> {
        match &mut self.phase {
            Phase::Offsets { next_try } if client.now() < *next_try => Ok(Step::Pending(self)),
            Phase::Offsets { next_try } => {
                let inputs: Vec<Partition> = self.infos.iter().flat_map(|info| inputs_of(stage, *info)).collect();
                let Some(offsets) = client.committed(&inputs, OFFSETS_WAIT)? else {
                    *next_try = client.now() + OFFSETS_PAUSE;
                    return Ok(Step::Pending(self));
                };
                let starts = inputs.into_iter().zip(offsets).collect();
                self.phase = Phase::Settling { starts, next_try: client.now() };
                Ok(Step::Pending(self))
            }
            Phase::Settling { next_try, .. } if client.now() < *next_try => Ok(Step::Pending(self)),
            Phase::Settling { starts, next_try } => {
                let infos = self.infos.iter();
                let changelogs: Vec<Partition> =
                    infos.flat_map(|info| changelogs_of(stage, *info, leader_partitions)).collect();
                if client.are_settled(&changelogs, OFFSETS_WAIT)? {
                    let starts = std::mem::take(starts);
                    self.phase = self.open_state(client, stage, leader_partitions, contracts, starts)?;
                } else {
                    *next_try = client.now() + OFFSETS_PAUSE;
                }
                Ok(Step::Pending(self))
            }
            Phase::State { tasks, reader, places, restored, .. } => {
                let changelogs = stage.changelogs();
                let done = reader.read(RECORDS_A_STEP, wait, &mut |record| {
                    let (place, store) = places[record.index];
                    *restored += 1;
                    tasks[place].note_changelog(store, record.offset + 1);
                    tasks[place].restore(store, record.key, record.value).map_err(|error| StreamError::State {
                        topic: changelogs[store].clone(),
                        partition: changelog_partition(tasks[place].info(), leader_partitions),
                        offset: record.offset,
                        detail: error.to_string(),
                    })
                })?;
                if done { Ok(Step::Ready(self.finish(stage, client.now()))) } else { Ok(Step::Pending(self)) }
            }
        }
    }

    fn open_state(
        &self,
        client: &mut C,
        stage: &Stage,
        leader_partitions: i32,
        contracts: &Arc<Contracts>,
        starts: Starts,
    ) -> Result<Phase<C::Reader>, StreamError> {
        let tasks: Vec<Task> = self.infos.iter().map(|info| Task::new(stage, *info, Arc::clone(contracts))).collect();
        let (mut from, mut places) = (Vec::new(), Vec::new());
        for (place, task) in tasks.iter().enumerate() {
            for (store, changelog) in changelogs_of(stage, task.info(), leader_partitions).enumerate() {
                from.push((changelog, None));
                places.push((place, store));
            }
        }
        let reader = client.open_changelogs(&from)?;
        Ok(Phase::State { starts, tasks, reader, places, restored: 0 })
    }

    fn finish(self, stage: &Stage, now: Duration) -> Ready {
        let took = now.saturating_sub(self.since);
        let Phase::State { mut starts, mut tasks, restored, .. } = self.phase else {
            return Ready { tasks: Vec::new(), starts: Vec::new(), restored: 0, took };
        };
        tasks.retain(|task| self.infos.contains(&task.info()));
        starts.retain(|(input, _)| tasks.iter().any(|task| inputs_of(stage, task.info()).any(|own| own == *input)));
        Ready { tasks, starts, restored, took }
    }
}
