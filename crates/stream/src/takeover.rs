//! Partitions on their way to being worked on: first their committed offsets (the broker answers once no transaction of
//! a previous owner is open on them), then, once no transaction is open on the changelogs either, their state: a
//! checkpoint if there is one that may be trusted, and the changelogs from there. All of it goes step by step, so that the partitions that a worker already has do not stand
//! still meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tributary_schema::Contracts;

use crate::checkpoint::{Keeper, LoadContext, Loaded, Loads};
use crate::client::{ChangelogReader, Client, Partition};
use crate::disk::{Database, DiskContext, DiskTakeover};
use crate::error::StreamError;
use crate::metrics::{Restored, StageMetrics};
use crate::processor::{Stage, TaskInfo};
use crate::task::Task;

/// Entries of checkpoints or records of changelogs that are read in one step.
const RECORDS_A_STEP: usize = 2_000;
/// How long the broker may take to tell offsets, and the pause before it is asked again: while it makes us wait, the
/// partitions that are worked on stand still. One that has not answered is given twice as long the next time, or a slow
/// broker would never be heard. Where nothing is worked on yet, nobody is kept waiting.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(200);
const SHORT_PAUSE: Duration = Duration::from_millis(20);

/// Where the inputs of a task start.
pub(crate) type Starts = Vec<(Partition, Option<i64>)>;

enum Phase<R> {
    /// Waiting for the committed offsets.
    Offsets { question: Question },
    /// Waiting for transactions on the changelogs to end: what their readers are not shown yet belongs to the offsets.
    Settling { starts: Starts, question: Question },
    /// Holding the state on disk against the changelogs.
    Disk { starts: Starts, disk: DiskTakeover },
    /// Reading checkpoints.
    Checkpoints { starts: Starts, loads: Loads },
    /// Reading changelogs; `places` says for each of them whose it is: place in `tasks`, and index of the store.
    Changelogs { starts: Starts, tasks: Vec<Loaded>, reader: R, places: Vec<(usize, usize)>, records: u64 },
}

/// When a broker is to be asked, and how long it may take then. Whether partitions stand still meanwhile can change
/// between two tries, so each says it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question {
    last_try: Option<Duration>,
    wait: Duration,
}

impl Question {
    /// To be asked at once.
    pub(crate) fn new() -> Self {
        Self { last_try: None, wait: FIRST_WAIT }
    }

    /// How long it may take, when it is to be asked now; `is_working` when there are partitions that stand still meanwhile.
    pub(crate) fn wait(&self, now: Duration, is_working: bool) -> Option<Duration> {
        let (wait, pause) = if is_working { (self.wait, PAUSE) } else { (LONGEST_WAIT, SHORT_PAUSE) };
        self.last_try.is_none_or(|last| now >= last + pause).then_some(wait)
    }

    /// To be asked again: there was no answer.
    pub(crate) fn again(&self, now: Duration, is_working: bool) -> Self {
        let wait = if is_working { (self.wait * 2).min(LONGEST_WAIT) } else { self.wait };
        Self { last_try: Some(now), wait }
    }
}

/// Tasks being taken over together.
pub(crate) struct Takeover<C: Client> {
    of: Journal,
    phase: Phase<C::Reader>,
}

/// Which tasks they are, and how far they have come.
struct Journal {
    infos: Vec<TaskInfo>,
    /// Copies of the state of some of them, which lack only what was written since.
    copies: BTreeMap<TaskInfo, Task>,
    since: Duration,
    /// When the phase at hand began.
    phase_since: Duration,
    restored: Restored,
}

/// What the steps need, apart from the client.
pub(crate) struct Context<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) leader_partitions: i32,
    pub(crate) contracts: &'a Arc<Contracts>,
    pub(crate) keeper: Option<&'a Keeper>,
    pub(crate) metrics: &'a StageMetrics,
    /// True when there are partitions that stand still while the broker is waited for.
    pub(crate) is_working: bool,
}

impl Context<'_> {
    fn of_disk<'a>(&self, keeper: &'a Keeper, database: &'a Arc<Database>) -> DiskContext<'a> {
        DiskContext { keeper, database, is_working: self.is_working }
    }

    fn empty(&self, info: TaskInfo) -> Task {
        Task::new(self.stage, info, Arc::clone(self.contracts))
    }
}

/// Tasks that are ready.
pub(crate) struct Ready {
    /// The tasks, with their state.
    pub(crate) tasks: Vec<Loaded>,
    /// Where their inputs start.
    pub(crate) starts: Starts,
    /// Where their state came from, and how long that took.
    pub(crate) restored: Restored,
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
pub(crate) fn changelogs_of(stage: &Stage, info: TaskInfo, leader_partitions: i32) -> impl Iterator<Item = Partition> {
    let partition = changelog_partition(info, leader_partitions);
    stage.changelogs().into_iter().map(move |topic| (topic, partition))
}

impl<C: Client> Takeover<C> {
    /// Begins to take over these tasks, some of them from copies.
    pub(crate) fn new(infos: Vec<TaskInfo>, copies: BTreeMap<TaskInfo, Task>, now: Duration) -> Self {
        let of = Journal { infos, copies, since: now, phase_since: now, restored: Restored::default() };
        Self { of, phase: Phase::Offsets { question: Question::new() } }
    }

    /// The tasks.
    pub(crate) fn infos(&self) -> &[TaskInfo] {
        &self.of.infos
    }

    /// Lets go of a task that was given back meanwhile.
    pub(crate) fn forget(&mut self, info: TaskInfo) {
        self.of.infos.retain(|other| *other != info);
    }

    /// True when this task is among them.
    pub(crate) fn is_of(&self, info: TaskInfo) -> bool {
        self.of.infos.contains(&info)
    }

    /// True when nothing is left to take over.
    pub(crate) fn is_empty(&self) -> bool {
        self.of.infos.is_empty()
    }

    /// One step, waiting at most `wait` for the broker or a disk.
    pub(crate) fn step(self, client: &mut C, context: &Context<'_>, wait: Duration) -> Result<Step<C>, StreamError> {
        let Self { mut of, phase } = self;
        let phase = match phase {
            Phase::Offsets { question } => of.ask_offsets(client, context, question)?,
            Phase::Settling { starts, question } => of.settle(client, context, starts, question)?,
            Phase::Disk { starts, disk } => of.hold_disk(client, context, starts, disk)?,
            Phase::Checkpoints { starts, loads } => of.load(client, context, starts, loads, wait)?,
            Phase::Changelogs { starts, mut tasks, mut reader, places, mut records } => {
                let changelogs = context.stage.changelogs();
                let is_done = reader.read(RECORDS_A_STEP, wait, &mut |record| {
                    let (place, store) = places[record.index];
                    let task = &mut tasks[place].task;
                    records += 1;
                    task.note_changelog(store, record.offset + 1);
                    task.restore(store, record.key, record.value).map_err(|error| StreamError::State {
                        topic: changelogs[store].clone(),
                        partition: changelog_partition(task.info(), context.leader_partitions),
                        offset: record.offset,
                        detail: error.to_string(),
                    })
                })?;
                if is_done && tasks.iter().any(|loaded| loaded.task.disk_fault().is_some()) {
                    // What could not be read is thrown away when all of it begins anew.
                    Phase::Offsets { question: Question::new() }
                } else if is_done {
                    return Ok(Step::Ready(of.finish(context.stage, client.now(), tasks, starts, records)));
                } else {
                    Phase::Changelogs { starts, tasks, reader, places, records }
                }
            }
        };
        Ok(Step::Pending(Self { of, phase }))
    }
}

impl Journal {
    fn ask_offsets<C: Client>(
        &mut self,
        client: &mut C,
        context: &Context<'_>,
        question: Question,
    ) -> Result<Phase<C::Reader>, StreamError> {
        let Some(wait) = question.wait(client.now(), context.is_working) else {
            return Ok(Phase::Offsets { question });
        };
        let inputs: Vec<Partition> = self.infos.iter().flat_map(|info| inputs_of(context.stage, *info)).collect();
        let Some(offsets) = client.committed(&inputs, wait)? else {
            return Ok(Phase::Offsets { question: question.again(client.now(), context.is_working) });
        };
        let starts = inputs.into_iter().zip(offsets).collect();
        Ok(Phase::Settling { starts, question: Question::new() })
    }

    fn settle<C: Client>(
        &mut self,
        client: &mut C,
        context: &Context<'_>,
        starts: Starts,
        question: Question,
    ) -> Result<Phase<C::Reader>, StreamError> {
        let Some(wait) = question.wait(client.now(), context.is_working) else {
            return Ok(Phase::Settling { starts, question });
        };
        let of_task = |info: &TaskInfo| changelogs_of(context.stage, *info, context.leader_partitions);
        let changelogs: Vec<Partition> = self.infos.iter().flat_map(of_task).collect();
        if !client.are_settled(&changelogs, wait)? {
            return Ok(Phase::Settling { starts, question: question.again(client.now(), context.is_working) });
        }
        self.phase_since = client.now();
        let copies = &mut self.copies;
        let task = |info: &TaskInfo| copies.remove(info).unwrap_or_else(|| context.empty(*info));
        let tasks: Vec<Task> = self.infos.iter().map(task).collect();
        match context.keeper.map(|keeper| (keeper, keeper.database())) {
            Some((keeper, Some(database))) => {
                let disk = DiskTakeover::new(tasks, &context.of_disk(keeper, database))?;
                Ok(Phase::Disk { starts, disk })
            }
            Some((keeper, None)) => Ok(Phase::Checkpoints { starts, loads: Loads::new(tasks, keeper) }),
            None => {
                let tasks = tasks.into_iter().map(|task| Loaded { task, header: None }).collect();
                open_changelogs(client, context, starts, tasks)
            }
        }
    }

    fn hold_disk<C: Client>(
        &mut self,
        client: &mut C,
        context: &Context<'_>,
        starts: Starts,
        mut disk: DiskTakeover,
    ) -> Result<Phase<C::Reader>, StreamError> {
        let Some((keeper, database)) = context.keeper.and_then(|keeper| Some((keeper, keeper.database()?))) else {
            // Where there was one, there still is.
            return Ok(Phase::Offsets { question: Question::new() });
        };
        let now = client.now();
        let of_disk = context.of_disk(keeper, database);
        if !disk.step(now, &mut |asked, wait| client.changelog_spans(asked, wait), &of_disk)? {
            return Ok(Phase::Disk { starts, disk });
        }
        Ok(Phase::Checkpoints { starts, loads: Loads::new(disk.into_tasks(), keeper) })
    }

    fn load<C: Client>(
        &mut self,
        client: &mut C,
        context: &Context<'_>,
        starts: Starts,
        mut loads: Loads,
        wait: Duration,
    ) -> Result<Phase<C::Reader>, StreamError> {
        let is_done = match context.keeper {
            Some(keeper) => {
                let empty = |task: &Task| context.empty(task.info());
                let load =
                    LoadContext { keeper, metrics: context.metrics, empty: &empty, is_working: context.is_working };
                let now = client.now();
                loads.step(now, &mut |asked, wait| client.changelog_spans(asked, wait), &load, RECORDS_A_STEP, wait)?
            }
            None => true,
        };
        if !is_done {
            return Ok(Phase::Checkpoints { starts, loads });
        }
        let (tasks, entries) = loads.into_tasks();
        let now = client.now();
        self.restored.checkpoint = (entries, now.saturating_sub(self.phase_since));
        self.phase_since = now;
        open_changelogs(client, context, starts, tasks)
    }

    fn finish(
        mut self,
        stage: &Stage,
        now: Duration,
        mut tasks: Vec<Loaded>,
        mut starts: Starts,
        records: u64,
    ) -> Ready {
        self.restored.changelog = (records, now.saturating_sub(self.phase_since));
        self.restored.took = now.saturating_sub(self.since);
        tasks.iter().for_each(|loaded| loaded.task.flush_disk());
        tasks.retain(|loaded| self.infos.contains(&loaded.task.info()));
        let is_ours =
            |input: &Partition| self.infos.iter().any(|info| inputs_of(stage, *info).any(|own| own == *input));
        starts.retain(|(input, _)| is_ours(input));
        Ready { tasks, starts, restored: self.restored }
    }
}

/// Opens the changelogs of all stores, each where its checkpoint ends.
fn open_changelogs<C: Client>(
    client: &mut C,
    context: &Context<'_>,
    starts: Starts,
    tasks: Vec<Loaded>,
) -> Result<Phase<C::Reader>, StreamError> {
    let (mut from, mut places) = (Vec::new(), Vec::new());
    for (place, Loaded { task, .. }) in tasks.iter().enumerate() {
        for (store, changelog) in changelogs_of(context.stage, task.info(), context.leader_partitions).enumerate() {
            from.push((changelog, task.changelog_next().get(&store).copied()));
            places.push((place, store));
        }
    }
    let reader = client.open_changelogs(&from)?;
    Ok(Phase::Changelogs { starts, tasks, reader, places, records: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_without_an_answer_waits_and_is_given_more_time() {
        let mut question = Question::new();
        let mut waits = Vec::new();
        let mut now = Duration::ZERO;
        for _ in 0..8 {
            waits.extend(question.wait(now, true).map(|wait| wait.as_millis()));
            question = question.again(now, true);
            assert_eq!(question.wait(now + PAUSE / 2, true), None);
            now += PAUSE;
        }
        assert_eq!(waits, [50, 100, 200, 400, 800, 1_600, 2_000, 2_000]);
    }

    #[test]
    fn where_nobody_is_kept_waiting_the_broker_has_its_time_at_once_and_is_asked_again_soon() {
        let question = Question::new();
        assert_eq!(question.wait(Duration::ZERO, false), Some(LONGEST_WAIT));
        let again = question.again(Duration::ZERO, false);
        assert_eq!(again.wait(SHORT_PAUSE, false), Some(LONGEST_WAIT));
    }

    #[test]
    fn one_that_began_with_nothing_to_keep_waiting_is_short_once_there_is_something() {
        let question = Question::new();
        assert_eq!(question.wait(Duration::ZERO, false), Some(LONGEST_WAIT));
        let again = question.again(Duration::ZERO, false);
        assert_eq!(again.wait(SHORT_PAUSE, true), None);
        assert_eq!(again.wait(PAUSE, true), Some(FIRST_WAIT));
    }
}
