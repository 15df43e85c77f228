//! The tasks a worker has, and where each of their inputs stands.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::TopicPartitionList;
use tributary_schema::Contracts;

use crate::error::StreamError;
use crate::membership::Membership;
use crate::processor::{Stage, TaskInfo};
use crate::restore::restore;
use crate::settings::KafkaSettings;
use crate::stats::StageStats;
use crate::task::Task;

const BROKER_TIMEOUT: Duration = Duration::from_secs(30);

/// One input partition.
#[derive(Debug, Clone, Copy)]
struct Position {
    /// What is to be read next after the last commit; `None`: the beginning.
    committed: Option<i64>,
    /// What is to be read next in the open transaction.
    next: Option<i64>,
}

/// A worker's tasks and their positions.
pub(crate) struct Assignment {
    stage: Stage,
    settings: KafkaSettings,
    contracts: Arc<Contracts>,
    leader_partitions: i32,
    tasks: BTreeMap<(usize, i32), Task>,
    positions: BTreeMap<(String, i32), Position>,
}

impl Assignment {
    /// No tasks yet; checks that the stage's topics are there and co-partitioned.
    pub(crate) fn new(
        stage: &Stage,
        consumer: &BaseConsumer<Membership>,
        settings: &KafkaSettings,
        contracts: Arc<Contracts>,
    ) -> Result<Self, StreamError> {
        let count = |topic: &str| partition_count(consumer, settings, topic);
        let mut leader_partitions = 0;
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
                return Err(StreamError::Topic {
                    topic,
                    detail: format!("has {partitions} partitions and must have {needed}"),
                });
            }
        }
        Ok(Self {
            stage: stage.clone(),
            settings: settings.clone(),
            contracts,
            leader_partitions,
            tasks: BTreeMap::new(),
            positions: BTreeMap::new(),
        })
    }

    /// Partitions of each leader topic.
    pub(crate) fn leader_partitions(&self) -> i32 {
        self.leader_partitions
    }

    /// The task that a record of this partition belongs to.
    pub(crate) fn task_for(&mut self, topic: &str, partition: i32) -> Option<&mut Task> {
        let index = match self.stage.leader_topics.iter().position(|leader| leader == topic) {
            Some(index) => index,
            None if self.stage.sibling_topics.iter().any(|sibling| sibling == topic) => 0,
            None => return None,
        };
        self.tasks.get_mut(&(index, partition))
    }

    /// All tasks, in order.
    pub(crate) fn tasks(&mut self) -> impl Iterator<Item = &mut Task> {
        self.tasks.values_mut()
    }

    /// Notes that everything before `next` of this partition is handled.
    pub(crate) fn advance(&mut self, topic: &str, partition: i32, next: i64) {
        if let Some(position) = self.positions.get_mut(&(topic.to_owned(), partition)) {
            position.next = Some(next);
        }
    }

    /// The offsets that the open transaction moves.
    pub(crate) fn offsets(&self) -> Result<TopicPartitionList, StreamError> {
        let mut list = TopicPartitionList::new();
        for ((topic, partition), position) in &self.positions {
            if let (Some(next), true) = (position.next, position.next != position.committed) {
                list.add_partition_offset(topic, *partition, Offset::Offset(next))
                    .map_err(StreamError::kafka(format!("noting the offset of {topic}-{partition}")))?;
            }
        }
        Ok(list)
    }

    /// The open transaction is committed.
    pub(crate) fn commit(&mut self, stats: &StageStats) {
        for position in self.positions.values_mut() {
            position.committed = position.next;
        }
        for task in self.tasks.values_mut().filter(|task| task.is_dirty()) {
            task.commit();
            stats.set(task.info(), task.counts());
        }
    }

    /// The open transaction is aborted: state is as at the last commit again.
    pub(crate) fn abort(&mut self) {
        self.tasks.values_mut().for_each(Task::abort);
    }

    /// Reads again from the last commit whatever has moved since.
    pub(crate) fn rewind(&mut self, consumer: &BaseConsumer<Membership>) -> Result<(), StreamError> {
        for ((topic, partition), position) in &mut self.positions {
            let offset = position.committed.map_or(Offset::Beginning, Offset::Offset);
            consumer
                .seek(topic, *partition, offset, BROKER_TIMEOUT)
                .map_err(StreamError::kafka(format!("rewinding {topic}-{partition}")))?;
            position.next = position.committed;
        }
        Ok(())
    }

    /// Stops or resumes fetching for all inputs.
    pub(crate) fn pause(&self, consumer: &BaseConsumer<Membership>, pause: bool) -> Result<(), StreamError> {
        let mut list = TopicPartitionList::new();
        for (topic, partition) in self.positions.keys() {
            list.add_partition(topic, *partition);
        }
        let result = if pause { consumer.pause(&list) } else { consumer.resume(&list) };
        result.map_err(StreamError::kafka(format!("pausing the inputs of {}", self.stage.name)))
    }

    /// Takes over partitions of leader topics: committed offsets first (the broker answers once no transaction of the
    /// previous owner is open on them), then the state, then the input. Gives the number of changelog records read.
    pub(crate) fn assign(
        &mut self,
        consumer: &BaseConsumer<Membership>,
        partitions: &[(String, i32)],
        stats: &StageStats,
    ) -> Result<u64, StreamError> {
        let mut inputs = TopicPartitionList::new();
        let mut infos = Vec::new();
        for (topic, partition) in partitions {
            inputs.add_partition(topic, *partition);
            for sibling in &self.stage.sibling_topics {
                inputs.add_partition(sibling, *partition);
            }
            if let Some(topic_index) = self.stage.leader_topics.iter().position(|leader| leader == topic) {
                infos.push(TaskInfo { topic_index, partition: *partition });
            }
        }
        if infos.is_empty() {
            return consumer
                .incremental_assign(&inputs)
                .map(|()| 0)
                .map_err(StreamError::kafka(format!("taking over the inputs of {}", self.stage.name)));
        }
        let committed = consumer
            .committed_offsets(inputs, BROKER_TIMEOUT)
            .map_err(StreamError::kafka(format!("asking for the offsets of {}", self.stage.group())))?;
        let restored = self.make_tasks(&infos, stats)?;
        let mut start = TopicPartitionList::new();
        for element in committed.elements() {
            let offset = match element.offset() {
                Offset::Offset(offset) => Some(offset),
                _ => None,
            };
            let from = offset.map_or(Offset::Beginning, Offset::Offset);
            start
                .add_partition_offset(element.topic(), element.partition(), from)
                .map_err(StreamError::kafka(format!("taking over {}-{}", element.topic(), element.partition())))?;
            let position = Position { committed: offset, next: offset };
            self.positions.insert((element.topic().to_owned(), element.partition()), position);
        }
        consumer
            .incremental_assign(&start)
            .map_err(StreamError::kafka(format!("taking over the inputs of {}", self.stage.name)))?;
        Ok(restored)
    }

    /// Gives partitions of leader topics back, with those of their siblings; gives all of them.
    pub(crate) fn revoke(
        &mut self,
        consumer: &BaseConsumer<Membership>,
        partitions: &[(String, i32)],
        stats: &StageStats,
    ) -> Result<Vec<(String, i32)>, StreamError> {
        let mut list = TopicPartitionList::new();
        let mut inputs = Vec::new();
        for (topic, partition) in partitions {
            let Some(topic_index) = self.stage.leader_topics.iter().position(|leader| leader == topic) else {
                continue;
            };
            self.tasks.remove(&(topic_index, *partition));
            stats.remove(TaskInfo { topic_index, partition: *partition });
            for topic in std::iter::once(topic).chain(&self.stage.sibling_topics) {
                if self.positions.remove(&(topic.clone(), *partition)).is_some() {
                    list.add_partition(topic, *partition);
                    inputs.push((topic.clone(), *partition));
                }
            }
        }
        consumer
            .incremental_unassign(&list)
            .map(|()| inputs)
            .map_err(StreamError::kafka(format!("giving back the inputs of {}", self.stage.name)))
    }

    /// Makes all tasks anew from their changelogs.
    pub(crate) fn rebuild(&mut self, stats: &StageStats) -> Result<(), StreamError> {
        let infos: Vec<TaskInfo> = self.tasks.values().map(Task::info).collect();
        self.tasks.clear();
        self.make_tasks(&infos, stats).map(drop)
    }

    /// Forgets all tasks.
    pub(crate) fn clear(&mut self, stats: &StageStats) {
        for task in self.tasks.values() {
            stats.remove(task.info());
        }
        self.tasks.clear();
    }

    fn make_tasks(&mut self, infos: &[TaskInfo], stats: &StageStats) -> Result<u64, StreamError> {
        let mut tasks: Vec<Task> =
            infos.iter().map(|info| Task::new(&self.stage, *info, Arc::clone(&self.contracts))).collect();
        let mut borrowed: Vec<&mut Task> = tasks.iter_mut().collect();
        let restored = restore(&self.settings, &self.stage, self.leader_partitions, &mut borrowed)?;
        for task in tasks {
            stats.set(task.info(), task.counts());
            self.tasks.insert((task.info().topic_index, task.info().partition), task);
        }
        Ok(restored)
    }
}

fn partition_count(
    consumer: &BaseConsumer<Membership>,
    settings: &KafkaSettings,
    topic: &str,
) -> Result<i32, StreamError> {
    let metadata = consumer.fetch_metadata(Some(topic), BROKER_TIMEOUT).map_err(|error| StreamError::Unreachable {
        bootstrap: settings.bootstrap.clone(),
        detail: error.to_string(),
    })?;
    let partitions = metadata.topics().iter().find(|t| t.name() == topic).map_or(0, |t| t.partitions().len());
    if partitions == 0 {
        return Err(StreamError::Topic { topic: topic.to_owned(), detail: "does not exist".to_owned() });
    }
    Ok(partitions as i32)
}
