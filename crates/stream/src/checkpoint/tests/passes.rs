//! Passes over a task that works on meanwhile: what the file says, with the tail of the changelogs over it, is the state.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tributary_schema::Contracts;

use super::memory::MemoryFiles;
use crate::checkpoint::{Checkpoints, Keeper, LoadContext, Loaded, Loads, StateSettings};
use crate::client::Span;
use crate::disk::Database;
use crate::effects::Effects;
use crate::error::Failure;
use crate::metrics::StageMetrics;
use crate::processor::{Processor, Stage, TaskInfo};
use crate::record::Record;
use crate::stats::StageStats;
use crate::store::{Change, KeyedStore, OrderedStore, StateStore};
use crate::task::Task;

pub(crate) const INFO: TaskInfo = TaskInfo { topic_index: 0, partition: 2 };

/// What an input says is to be done to the state.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Set(u16, u8),
    Remove(u16),
    Add(u16, u8),
    Cut(u16, u8),
    Timer(u16),
    Time(u16),
}

/// Does what its inputs say.
struct Obedient {
    single: KeyedStore<u16, u8>,
    many: OrderedStore<u16, u8, u8>,
}

impl Processor for Obedient {
    fn process(&mut self, input: &Record, effects: &mut Effects) -> Result<(), Failure> {
        let [kind, k0, k1, value] = input.key.as_slice() else { return Ok(()) };
        let key = u16::from_le_bytes([*k0, *k1]);
        match kind {
            0 => self.single.insert(key, *value),
            1 => drop(self.single.remove(&key)),
            2 => self.many.insert(&key, *value, 1),
            3 => drop(self.many.remove(&key, value)),
            4 => effects.set_timer(i64::from(key), vec![*value]),
            _ => effects.observe_event_time(i64::from(key)),
        }
        Ok(())
    }
    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.single, &mut self.many]
    }
}

pub(crate) fn stage() -> Stage {
    Stage {
        name: "obedient",
        leader_topics: vec!["in".to_owned()],
        sibling_topics: Vec::new(),
        stores: vec!["single", "many"],
        allowed_lateness_ms: 0,
        factory: Arc::new(|_| {
            Box::new(Obedient { single: KeyedStore::new("single", 1), many: OrderedStore::new("many", 1) })
        }),
    }
}

pub(crate) fn record(op: &Op) -> Record {
    let (kind, key, value) = match op {
        Op::Set(key, value) => (0, key, *value),
        Op::Remove(key) => (1, key, 0),
        Op::Add(key, value) => (2, key, *value),
        Op::Cut(key, value) => (3, key, *value),
        Op::Timer(at) => (4, at, 0),
        Op::Time(at) => (5, at, 0),
    };
    let [k0, k1] = key.to_le_bytes();
    Record {
        topic: "in".to_owned(),
        partition: INFO.partition,
        offset: 0,
        timestamp_ms: None,
        key: vec![kind, k0, k1, value],
        value: None,
        headers: Vec::new(),
    }
}

/// A task, its changelogs, and its checkpoints on a disk in memory.
pub(super) struct Bench {
    pub(super) files: MemoryFiles,
    pub(super) keeper: Keeper,
    pub(super) stats: StageStats,
    pub(super) logs: Vec<Vec<Change>>,
    tasks: BTreeMap<TaskInfo, Task>,
    metrics: StageMetrics,
    clock: Cell<Duration>,
    is_open: bool,
}

fn new_task() -> Task {
    Task::new(&stage(), INFO, Contracts::single_object().unwrap())
}

impl Bench {
    pub(super) fn new() -> Self {
        let files = MemoryFiles::default();
        files.disk.lock().unwrap().clock_ms = 1_000_000_000;
        Self {
            keeper: keeper(&files, "c1", &stage()),
            files,
            stats: StageStats::default(),
            logs: vec![Vec::new(); 3],
            tasks: BTreeMap::from([(INFO, new_task())]),
            metrics: StageMetrics::new("obedient"),
            clock: Cell::new(Duration::ZERO),
            is_open: false,
        }
    }

    pub(super) fn task(&mut self) -> &mut Task {
        self.tasks.get_mut(&INFO).unwrap()
    }

    pub(super) fn handle(&mut self, op: &Op) {
        self.is_open = true;
        self.task().handle(&record(op), &mut Vec::new()).unwrap();
    }

    pub(super) fn commit(&mut self) {
        let task = self.tasks.get_mut(&INFO).unwrap();
        task.before_commit(&mut Vec::new()).unwrap();
        for (store, change) in task.changes() {
            self.logs[store].push(change);
            task.note_changelog(store, self.logs[store].len() as i64);
        }
        task.commit();
        self.is_open = false;
    }

    fn abort(&mut self) {
        self.task().abort();
        self.is_open = false;
    }

    /// One turn of the worker; each look at the clock takes two thirds of a millisecond.
    pub(super) fn turn(&mut self) {
        let tick = || {
            self.clock.set(self.clock.get() + Duration::from_micros(667));
            self.clock.get()
        };
        self.keeper.turn(&tick, !self.is_open, &mut self.tasks, &self.stats, &self.metrics);
    }

    /// Turns until `count` checkpoints are there.
    pub(super) fn until_written(&mut self, count: u64) {
        for _ in 0..100_000 {
            if self.stats.recovery().checkpoints_written >= count {
                return;
            }
            self.turn();
        }
        panic!("{:?} instead of {count}", self.stats.recovery());
    }

    pub(super) fn spans(&self) -> Vec<Span> {
        self.logs.iter().map(|log| Span { begin: 0, end: log.len() as i64, first: Some(0), since: None }).collect()
    }

    /// A new task out of what is on the disk, with what its checkpoint was good for.
    pub(super) fn load(&self, keeper: &Keeper, spans: &[Span]) -> Loaded {
        let mut loads = Loads::new(vec![new_task()], keeper);
        let context = LoadContext { keeper, metrics: &self.metrics, empty: &|_| new_task(), is_working: true };
        let mut ask = |asked: &[((String, i32), i64)], _: Duration| {
            let place = |topic: &str| stage().changelogs().iter().position(|own| own == topic);
            Ok(Some(asked.iter().map(|((topic, _), _)| spans.get(place(topic)?).copied()).collect()))
        };
        while !loads.step(Duration::ZERO, &mut ask, &context, 100, Duration::ZERO).unwrap() {}
        let (mut tasks, entries) = loads.into_tasks();
        let mut loaded = tasks.pop().unwrap();
        assert_eq!(entries == 0, state(&mut loaded.task).is_empty(), "{entries} entries");
        loaded
    }

    /// The state that comes of replaying the changelogs over `loaded`, and how many records that took.
    fn replay(&self, mut loaded: Loaded) -> (Task, usize) {
        let mut records = 0;
        for (store, log) in self.logs.iter().enumerate() {
            let from = loaded.task.changelog_next().get(&store).copied().unwrap_or(0) as usize;
            for (key, value) in &log[from..] {
                records += 1;
                loaded.task.restore(store, key, value.as_deref()).unwrap();
            }
        }
        (loaded.task, records)
    }
}

pub(crate) fn keeper(files: &MemoryFiles, cluster: &str, stage: &Stage) -> Keeper {
    let settings = StateSettings { checkpoint_interval_s: 1, checkpoint_max_age_s: 3_600, ..StateSettings::default() };
    let checkpoints = Checkpoints::in_step(Arc::new(files.clone()), &settings, stage.name, 2_000);
    let mut keeper = Keeper::new(checkpoints, cluster.to_owned(), stage, 4).unwrap();
    keeper.begin(INFO, None, Duration::ZERO);
    keeper
}

/// A keeper of state that is itself in `database`.
pub(crate) fn keeper_on_disk(files: &MemoryFiles, cluster: &str, stage: &Stage, database: Arc<Database>) -> Keeper {
    let settings = StateSettings { checkpoint_max_age_s: 3_600, ..StateSettings::default() };
    let checkpoints = Checkpoints::new(Arc::new(files.clone()), &settings, true, 2_000);
    let checkpoints = Checkpoints { database: Some(database), ..checkpoints };
    Keeper::new(Arc::new(checkpoints), cluster.to_owned(), stage, 4).unwrap()
}

/// Everything that is committed in a task.
pub(crate) fn state(task: &mut Task) -> BTreeMap<(usize, Vec<u8>), Vec<u8>> {
    let mut state = BTreeMap::new();
    task.begin_walk();
    assert!(task.walk(usize::MAX, |store, key, value| drop(state.insert((store, key.to_vec()), value.to_vec()))));
    state
}

#[derive(Debug, Clone)]
enum Event {
    Do(Op),
    Commit,
    Abort,
    Turns(usize),
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..300_u16, any::<u8>()).prop_map(|(key, value)| Op::Set(key, value)),
        3 => (0..300_u16).prop_map(Op::Remove),
        3 => (0..40_u16, 0..9_u8).prop_map(|(key, value)| Op::Add(key, value)),
        3 => (0..40_u16, 0..9_u8).prop_map(|(key, value)| Op::Cut(key, value)),
        1 => (0..500_u16).prop_map(Op::Timer),
        1 => (0..400_u16).prop_map(Op::Time),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => op().prop_map(Event::Do),
        1 => Just(Event::Commit),
        1 => Just(Event::Abort),
        3 => (1..12_usize).prop_map(Event::Turns),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_checkpoint_with_the_tail_is_the_state_whatever_happens_during_the_pass(
        before in prop::collection::vec(op(), 0..400),
        during in prop::collection::vec(event(), 0..300),
    ) {
        let mut bench = Bench::new();
        before.iter().for_each(|op| bench.handle(op));
        bench.handle(&Op::Set(999, 9));
        bench.commit();
        for event in &during {
            match event {
                Event::Do(op) => bench.handle(op),
                Event::Commit => bench.commit(),
                Event::Abort => bench.abort(),
                Event::Turns(turns) => (0..*turns).for_each(|_| bench.turn()),
            }
        }
        bench.abort();
        bench.until_written(1);

        let loaded = bench.load(&bench.keeper, &bench.spans());
        prop_assert!(loaded.header.is_some());
        let (mut task, replayed) = bench.replay(loaded);
        prop_assert_eq!(state(&mut task), state(bench.task()));
        prop_assert_eq!(task.watermark(), bench.task().watermark());
        let total: usize = bench.logs.iter().map(Vec::len).sum();
        prop_assert!(replayed < total, "{} of {} replayed", replayed, total);
    }
}
