//! The tasks a worker has or is about to have, and where each of their inputs stands.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tributary_schema::Contracts;

use crate::checkpoint::{Checkpoints, Keeper, Loaded};
use crate::client::{Client, Partition, Slot};
use crate::error::StreamError;
use crate::metrics::StageMetrics;
use crate::processor::{Stage, TaskInfo};
use crate::pulse::Held;
use crate::standby::{Standby, StandbySettings};
use crate::stats::StageStats;
use crate::takeover::{Context, Ready, Step, Takeover, changelog_partition, inputs_of};
use crate::task::Task;

/// One input partition.
#[derive(Debug, Clone, Copy)]
struct Position {
    /// What is to be read next after the last commit; `None`: the beginning.
    committed: Option<i64>,
    /// What is to be read next in the open transaction.
    next: Option<i64>,
}

/// A worker's tasks and their positions.
pub(crate) struct Assignment<C: Client> {
    stage: Stage,
    contracts: Arc<Contracts>,
    leader_partitions: i32,
    tasks: BTreeMap<TaskInfo, Task>,
    positions: BTreeMap<Partition, Position>,
    takeovers: Vec<Takeover<C>>,
    keeper: Option<Keeper>,
    standby: Option<Standby<C::Reader>>,
}

impl<C: Client> Assignment<C> {
    /// No tasks yet; checks that the stage's topics are there and co-partitioned.
    pub(crate) fn new(stage: &Stage, client: &mut C, contracts: Arc<Contracts>) -> Result<Self, StreamError> {
        let mut leader_partitions = 0;
        let mut count = |topic: &String| match client.partition_count(topic) {
            Ok(0) => Err(StreamError::Topic { topic: topic.clone(), detail: "does not exist".to_owned() }),
            other => other,
        };
        for topic in stage.leader_topics.iter().chain(&stage.sibling_topics) {
            let partitions = count(topic)?;
            if leader_partitions != 0 && partitions != leader_partitions {
                let detail = format!(
                    "has {partitions} partitions and must have {leader_partitions} like {}",
                    stage.leader_topics[0]
                );
                return Err(StreamError::Topic { topic: topic.clone(), detail });
            }
            leader_partitions = partitions;
        }
        let needed = leader_partitions * stage.leader_topics.len() as i32;
        for topic in stage.changelogs() {
            let partitions = count(&topic)?;
            if partitions != needed {
                let detail = format!("has {partitions} partitions and must have {needed}");
                return Err(StreamError::Topic { topic, detail });
            }
        }
        Ok(Self {
            stage: stage.clone(),
            contracts,
            leader_partitions,
            tasks: BTreeMap::new(),
            positions: BTreeMap::new(),
            takeovers: Vec::new(),
            keeper: None,
            standby: None,
        })
    }

    /// Keeps checkpoints from now on, and takes partitions over from them.
    pub(crate) fn keep_checkpoints(&mut self, client: &mut C, checkpoints: Arc<Checkpoints>) {
        let stage = self.stage.name;
        let Some(cluster_id) = client.cluster_id() else {
            tracing::warn!(
                stage,
                "the log does not tell which cluster it is: all state is in memory, and no checkpoints are kept"
            );
            return;
        };
        match Keeper::new(checkpoints, cluster_id, &self.stage, self.leader_partitions) {
            Ok(keeper) => self.keeper = Some(keeper),
            Err(error) => {
                tracing::warn!(stage, %error, "no thread for checkpoints: none are kept, and all state is in memory")
            }
        }
    }

    /// Keeps copies of the state of partitions that others work on.
    pub(crate) fn keep_standby(&mut self, settings: StandbySettings) {
        self.standby = Some(Standby::new(settings));
    }

    /// Goes on with following others' changelogs, without waiting.
    pub(crate) fn tend_standby(&mut self, client: &mut C, stats: &StageStats, metrics: &StageMetrics) {
        let Some(standby) = &mut self.standby else { return };
        let (stage, tasks, takeovers) = (&self.stage, &self.tasks, &self.takeovers);
        let leader_partitions = self.leader_partitions;
        let others = || {
            let all = (0..stage.leader_topics.len()).flat_map(|topic_index| {
                (0..leader_partitions).map(move |partition| TaskInfo { topic_index, partition })
            });
            let is_own =
                |info: &TaskInfo| tasks.contains_key(info) || takeovers.iter().any(|takeover| takeover.is_of(*info));
            all.filter(|info| !is_own(info)).collect()
        };
        let empty = |info| Task::new(stage, info, Arc::clone(&self.contracts));
        if standby.turn(client, stage, leader_partitions, &others, &empty) {
            metrics.standby_grew(standby.growth());
            stats.add_standby_pass();
        }
    }

    /// Goes on with the checkpoints, for about a millisecond; `is_clean`: no transaction is open.
    pub(crate) fn tend_checkpoints(&mut self, client: &C, is_clean: bool, stats: &StageStats, metrics: &StageMetrics) {
        if let Some(keeper) = &mut self.keeper {
            keeper.turn(&|| client.now(), is_clean, &mut self.tasks, stats, metrics);
        }
    }

    /// How long the worker may wait when there is nothing to handle, at most `wait`.
    pub(crate) fn patience(&self, client: &C, wait: Duration) -> Duration {
        self.keeper.as_ref().map_or(wait, |keeper| keeper.patience(client.now(), wait))
    }

    /// The task that a record of this partition belongs to, if it is worked on and this is the record it waits for.
    pub(crate) fn task_for(&mut self, topic: &str, partition: i32) -> Option<&mut Task> {
        let topic_index = match self.stage.leader_topics.iter().position(|leader| leader == topic) {
            Some(topic_index) => topic_index,
            None if self.stage.sibling_topics.iter().any(|sibling| sibling == topic) => 0,
            None => return None,
        };
        self.tasks.get_mut(&TaskInfo { topic_index, partition })
    }

    /// All tasks that are worked on, in order.
    pub(crate) fn tasks(&mut self) -> impl Iterator<Item = &mut Task> {
        self.tasks.values_mut()
    }

    /// Wakes the tasks that have something to do without any input; true when there are some.
    pub(crate) fn wake(&mut self) -> bool {
        let mut is_any = false;
        for task in self.tasks.values_mut() {
            is_any |= task.wake();
        }
        is_any
    }

    /// Why state that is on disk could not be read, if so: the tasks must be built anew.
    pub(crate) fn disk_fault(&self) -> Option<String> {
        self.tasks.values().find_map(Task::disk_fault)
    }

    /// True while partitions are being taken over.
    pub(crate) fn is_taking_over(&self) -> bool {
        !self.takeovers.is_empty()
    }

    /// True when some partitions are worked on.
    pub(crate) fn is_working(&self) -> bool {
        !self.tasks.is_empty()
    }

    /// The inputs of all tasks, and what is done with them.
    pub(crate) fn held(&self) -> BTreeMap<Partition, Held> {
        let infos = self.takeovers.iter().flat_map(Takeover::infos);
        let on_their_way = infos.flat_map(|info| inputs_of(&self.stage, *info)).map(|input| (input, Held::TakingOver));
        on_their_way.chain(self.positions.keys().map(|input| (input.clone(), Held::Working))).collect()
    }

    /// Where a task's changes of one store are written to.
    pub(crate) fn slot(&self, info: TaskInfo, store: usize) -> Slot {
        Slot { store, partition: changelog_partition(info, self.leader_partitions) }
    }

    /// Hands all state that is worked on to `each`, with where its changes are written to.
    pub(crate) fn each_entry(&mut self, each: &mut impl FnMut(Slot, &[u8], &[u8])) {
        for task in self.tasks.values_mut() {
            let partition = changelog_partition(task.info(), self.leader_partitions);
            task.each_entry(|store, key, value| each(Slot { store, partition }, key, value));
        }
    }

    /// Notes that everything before `next` of this partition is handled.
    pub(crate) fn advance(&mut self, topic: &str, partition: i32, next: i64) {
        if let Some(position) = self.positions.get_mut(&(topic.to_owned(), partition)) {
            position.next = Some(next);
        }
    }

    /// The offsets that the open transaction moves. A task that has changed without any, because a timer fired, gives one
    /// as it is: it is with the offsets that the broker asks whether we are still the member that has the partition, and
    /// without them a worker that slept through its session could commit what is not its own any more.
    pub(crate) fn offsets(&self) -> Vec<(Partition, i64)> {
        let mut offsets = Vec::new();
        for task in self.tasks.values().filter(|task| task.is_dirty()) {
            let read: Vec<(Partition, Position)> = inputs_of(&self.stage, task.info())
                .filter_map(|input| self.positions.get(&input).map(|position| (input, *position)))
                .collect();
            let moved: Vec<&(Partition, Position)> = read.iter().filter(|(_, at)| at.next != at.committed).collect();
            let kept = if moved.is_empty() { read.iter().find(|(_, at)| at.next.is_some()) } else { None };
            let told = moved.into_iter().chain(kept);
            offsets.extend(told.filter_map(|(input, at)| Some((input.clone(), at.next?))));
        }
        offsets
    }

    /// The open transaction is committed; `written` tells where its changelog records ended up.
    pub(crate) fn commit(&mut self, written: &[(Slot, i64)], stats: &StageStats) {
        for position in self.positions.values_mut() {
            position.committed = position.next;
        }
        for task in self.tasks.values_mut().filter(|task| task.is_dirty()) {
            let partition = changelog_partition(task.info(), self.leader_partitions);
            for (slot, next) in written.iter().filter(|(slot, _)| slot.partition == partition) {
                task.note_changelog(slot.store, *next);
            }
            task.commit();
            stats.set(task.info(), task.counts());
        }
    }

    /// The open transaction is aborted: state is as at the last commit again.
    pub(crate) fn abort(&mut self) {
        self.tasks.values_mut().for_each(Task::abort);
    }

    /// Reads again from the last commit whatever has moved since.
    pub(crate) fn rewind(&mut self, client: &mut C) -> Result<(), StreamError> {
        for (input, position) in &mut self.positions {
            client.seek(input, position.committed)?;
            position.next = position.committed;
        }
        Ok(())
    }

    /// Stops or resumes fetching for all inputs.
    pub(crate) fn pause(&self, client: &mut C, pause: bool) -> Result<(), StreamError> {
        let inputs: Vec<Partition> = self.positions.keys().cloned().collect();
        client.pause(&inputs, pause)
    }

    /// Begins to take over partitions of leader topics, with those of their siblings.
    pub(crate) fn assign(&mut self, client: &mut C, partitions: &[Partition]) -> Result<(), StreamError> {
        let infos: Vec<TaskInfo> = partitions.iter().filter_map(|partition| self.info_of(partition)).collect();
        if !infos.is_empty() {
            let now = client.now();
            let copy = |info: &TaskInfo| Some((*info, self.standby.as_mut()?.take(*info, now)?));
            let copies = infos.iter().filter_map(copy).collect();
            self.takeovers.push(Takeover::new(infos, copies, now));
        }
        client.take_over(&[])
    }

    /// Goes on with taking over, waiting at most `wait` for the broker; gives the tasks that are worked on from now on.
    pub(crate) fn take_over(
        &mut self,
        client: &mut C,
        wait: Duration,
        stats: &StageStats,
        metrics: &StageMetrics,
    ) -> Result<Vec<TaskInfo>, StreamError> {
        let mut begun = Vec::new();
        for takeover in std::mem::take(&mut self.takeovers) {
            let context = Context {
                stage: &self.stage,
                leader_partitions: self.leader_partitions,
                contracts: &self.contracts,
                keeper: self.keeper.as_ref(),
                metrics,
                is_working: self.is_working(),
            };
            match takeover.step(client, &context, wait)? {
                Step::Pending(takeover) => self.takeovers.push(takeover),
                Step::Ready(ready) => {
                    metrics.restored(&ready.restored);
                    begun.extend(self.begin(client, ready, stats)?);
                }
            }
        }
        Ok(begun)
    }

    fn begin(&mut self, client: &mut C, ready: Ready, stats: &StageStats) -> Result<Vec<TaskInfo>, StreamError> {
        client.take_over(&ready.starts)?;
        // They may have been paused when they were taken away from us.
        client.pause(&ready.starts.iter().map(|(input, _)| input.clone()).collect::<Vec<_>>(), false)?;
        for (input, offset) in ready.starts {
            self.positions.insert(input, Position { committed: offset, next: offset });
        }
        let infos: Vec<TaskInfo> = ready.tasks.iter().map(|loaded| loaded.task.info()).collect();
        let restored = ready.restored;
        stats.add_restored(&restored);
        tracing::info!(
            stage = self.stage.name,
            tasks = ?infos.iter().map(|info| (info.topic_index, info.partition)).collect::<Vec<_>>(),
            from_checkpoints = restored.checkpoint.0,
            from_changelogs = restored.changelog.0,
            millis = restored.took.as_millis() as u64,
            "partitions taken over"
        );
        for Loaded { task, header } in ready.tasks {
            if let Some(keeper) = &mut self.keeper {
                keeper.begin(task.info(), header.as_ref(), client.now());
            }
            stats.set(task.info(), task.counts());
            self.tasks.insert(task.info(), task);
        }
        Ok(infos)
    }

    /// Gives partitions of leader topics back, with those of their siblings; gives all that were worked on.
    pub(crate) fn revoke(
        &mut self,
        client: &mut C,
        partitions: &[Partition],
        stats: &StageStats,
    ) -> Result<Vec<Partition>, StreamError> {
        let infos: Vec<TaskInfo> = partitions.iter().filter_map(|partition| self.info_of(partition)).collect();
        for info in &infos {
            self.takeovers.iter_mut().for_each(|takeover| takeover.forget(*info));
        }
        self.takeovers.retain(|takeover| !takeover.is_empty());
        let (inputs, tasks) = self.drop_tasks(&infos, stats);
        if let Some(standby) = &mut self.standby {
            let now = client.now();
            tasks.into_iter().for_each(|task| standby.keep(task, now));
        }
        client.give_back(&inputs)?;
        Ok(inputs)
    }

    /// Takes all tasks over anew, from the last commit; gives their inputs.
    pub(crate) fn rebuild(&mut self, client: &mut C, stats: &StageStats) -> Result<Vec<Partition>, StreamError> {
        let infos: Vec<TaskInfo> = self.tasks.keys().copied().collect();
        let (inputs, _) = self.drop_tasks(&infos, stats);
        client.give_back(&inputs)?;
        self.takeovers.push(Takeover::new(infos, BTreeMap::new(), client.now()));
        Ok(inputs)
    }

    /// Forgets all tasks.
    pub(crate) fn clear(&mut self, stats: &StageStats) {
        self.takeovers.clear();
        self.keeper = None;
        self.tasks.keys().for_each(|info| stats.remove(*info));
        self.tasks.clear();
        self.positions.clear();
    }

    fn info_of(&self, (topic, partition): &Partition) -> Option<TaskInfo> {
        let topic_index = self.stage.leader_topics.iter().position(|leader| leader == topic)?;
        Some(TaskInfo { topic_index, partition: *partition })
    }

    fn drop_tasks(&mut self, infos: &[TaskInfo], stats: &StageStats) -> (Vec<Partition>, Vec<Task>) {
        let (mut inputs, mut tasks) = (Vec::new(), Vec::new());
        for info in infos {
            if let Some(task) = self.tasks.remove(info) {
                self.keeper.iter_mut().for_each(|keeper| keeper.forget(*info));
                stats.remove(*info);
                tasks.push(task);
            }
            inputs.extend(inputs_of(&self.stage, *info).filter(|input| self.positions.remove(input).is_some()));
        }
        (inputs, tasks)
    }
}
