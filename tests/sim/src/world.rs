//! The hub's workers, interleaved on one thread as the seed wants it, until everything is read and nothing is due.

mod settling;

use std::cell::{Cell, RefCell, RefMut};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use tributary_schema::Contracts;
use tributary_stream::{Checkpoints, KafkaSettings, Stage, StageCounts, StandbySettings, StateSettings, StoreKind};

use crate::disk::Disks;
use crate::faults::{CheckpointHabit, Faults, Profile};
use crate::hub::{Hub, partition_number};
use crate::log::{EPOCH_MS, LogSettings, SimLog};
use crate::slot::{End, Keeps, Slot};
use crate::state::{self, Entries};
use crate::stores::{Shares, Stores};
use crate::trouble::Trouble;
use crate::workload::Arrival;

/// Steps after which a run that is still not through with a wave has lost its way.
const MAX_STEPS: u64 = 400_000;
/// Steps between two looks at whether all is read.
const LOOK_EVERY: u64 = 32;

/// The hub at work in its own small world.
pub struct World {
    log: SimLog,
    disks: Disks,
    stores: Stores,
    /// By stage, where its workers share them.
    shared: RefCell<BTreeMap<usize, Arc<Checkpoints>>>,
    faults: RefCell<Faults>,
    slots: RefCell<Vec<Rc<Slot>>>,
    stages: Vec<Stage>,
    trouble: Trouble,
    settings: KafkaSettings,
    contracts: Arc<Contracts>,
    feed: RefCell<VecDeque<Arrival>>,
    /// What arrives once everything before has been worked off.
    later: RefCell<VecDeque<Vec<Arrival>>>,
    is_static: bool,
    /// Everybody has been away for days.
    was_away: Cell<bool>,
    /// How many workers stand still at the moment.
    standing: Cell<u32>,
    steps: Cell<u64>,
    /// Of these, those before the last wave.
    steps_before: Cell<u64>,
    /// Crashes, restarts and the like: while there are some, silence means nothing.
    disturbances: Cell<u64>,
    problems: RefCell<Vec<String>>,
}

impl World {
    /// A world with the hub's topics, its workers about to start, and what is going to arrive.
    ///
    /// # Errors
    /// When the embedded schemas are broken.
    pub fn new(hub: &Hub, profile: &Profile, seed: u64, waves: Vec<Vec<Arrival>>) -> anyhow::Result<Rc<Self>> {
        let log = SimLog::new(LogSettings {
            seed,
            session_timeout: profile.session_timeout,
            transaction_timeout: profile.transaction_timeout,
            slow_markers: profile.slow_markers,
        });
        for topic in &hub.topics {
            log.create(&topic.name, partition_number(topic.partitions, profile.partitions));
        }
        let disks = Disks::new(seed, profile.disk);
        let mut faults = Faults::new(profile.clone(), seed);
        let trouble = Trouble::default();
        let stages: Vec<Stage> = hub.stages.iter().map(|stage| trouble.in_stage(stage)).collect();
        let mut slots = Vec::new();
        for (of, stage) in stages.iter().enumerate() {
            for ordinal in 0..faults.rng().random_range(1..=profile.max_workers) {
                slots.push(Rc::new(Slot::new(stage, of, ordinal)));
            }
        }
        let settings = KafkaSettings {
            commit_records: profile.commit_records,
            static_membership: profile.static_membership,
            idle_after_ms: profile.idle_after.as_millis() as u64,
            ..KafkaSettings::default()
        };
        Ok(Rc::new(Self {
            log,
            disks,
            stores: Stores::new(seed)?,
            shared: RefCell::default(),
            faults: RefCell::new(faults),
            slots: RefCell::new(slots),
            stages,
            trouble,
            contracts: settings.contracts()?,
            settings,
            feed: RefCell::default(),
            later: RefCell::new(waves.into()),
            is_static: profile.static_membership,
            was_away: Cell::new(false),
            standing: Cell::new(0),
            steps: Cell::new(0),
            steps_before: Cell::new(0),
            disturbances: Cell::new(0),
            problems: RefCell::new(Vec::new()),
        }))
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &SimLog {
        &self.log
    }

    /// The disks of the workers.
    #[must_use]
    pub fn disks(&self) -> &Disks {
        &self.disks
    }

    /// Databases that were there when a worker started.
    #[must_use]
    pub fn found_stores(&self) -> u64 {
        self.stores.found()
    }

    /// Entries of state that workers which have ended took over from checkpoints.
    #[must_use]
    pub fn restored_entries(&self) -> u64 {
        self.slots.borrow().iter().map(|slot| slot.restored_entries.get()).sum()
    }

    /// The stages.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The source of faults. Not to be held over anything that may go wrong.
    pub fn faults(&self) -> RefMut<'_, Faults> {
        self.faults.borrow_mut()
    }

    /// Steps so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps.get()
    }

    /// What no fault explains: workers that ended with an error of their own, or work that did not come to its end.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.problems.borrow().clone()
    }

    /// Everybody has been away for days.
    pub(crate) fn was_away(&self) -> bool {
        self.was_away.get()
    }

    pub(crate) fn is_static(&self) -> bool {
        self.is_static
    }

    /// Somebody waits, and so do the others meanwhile.
    pub(crate) fn wait(&self, wait: Duration) {
        let count = self.slots.borrow().len().max(1) as u32;
        self.log.advance(wait / count);
    }

    /// The worker of this name stands still: the others go on, perhaps for so long that it is given up, and perhaps
    /// another process is started in its place.
    pub(crate) fn go_on_without(self: &Rc<Self>, name: &str) {
        if self.standing.get() > 1 {
            return;
        }
        self.standing.set(self.standing.get() + 1);
        self.disturb();
        let (steps, is_long, is_replaced) = {
            let mut faults = self.faults();
            let rng = faults.rng();
            (rng.random_range(10..400), rng.random_bool(0.6), rng.random_bool(0.3))
        };
        if is_long {
            let most = self.faults().profile().session_timeout.as_millis() as u64 * 2;
            let millis = self.faults().rng().random_range(0..most);
            self.log.advance(Duration::from_millis(millis));
        }
        if is_replaced {
            self.replace(name);
        }
        for _ in 0..steps {
            self.step();
        }
        self.standing.set(self.standing.get() - 1);
    }

    /// Starts a second process under the name of a worker that stands still.
    fn replace(&self, name: &str) {
        let mut slots = self.slots.borrow_mut();
        let old = slots.iter().find(|slot| slot.name == name && slot.is_busy() && !slot.is_retired.get());
        if let Some(twin) = old.map(|slot| slot.replace()) {
            self.log.note(|| format!("another process is started as {name}"));
            slots.push(Rc::new(twin));
        }
    }

    fn disturb(&self) {
        self.disturbances.set(self.disturbances.get() + 1);
    }

    /// One step of the world.
    pub fn step(self: &Rc<Self>) {
        self.steps.set(self.steps.get() + 1);
        let (pause, shakes, scales, jumps, damages, retry, which) = {
            let mut faults = self.faults();
            let pause = faults.rng().random_range(0..2_000);
            let retry = if self.trouble.is_armed() { None } else { faults.next_retry() };
            let count = self.slots.borrow().len();
            let which = faults.rng().random_range(0..count);
            (pause, faults.rebalances(), faults.scales(), faults.jumps(), faults.damages(), retry, which)
        };
        self.log.advance(Duration::from_micros(pause));
        if let Some(steps) = retry {
            self.trouble.arm(steps);
        }
        if shakes {
            let of = self.faults().rng().random_range(0..self.stages.len());
            self.log.note(|| format!("a rebalance of {}", self.stages[of].name));
            self.log.shake(&self.stages[of].group());
        }
        if scales {
            self.scale(which);
        }
        if jumps {
            let millis = self.faults().rng().random_range(0..20_000);
            self.log.note(|| format!("the clock jumps by {millis} ms"));
            self.log.advance(Duration::from_millis(millis));
        }
        self.disks.set_clock(EPOCH_MS + self.log.now().as_millis() as i64);
        if damages && let Some(what) = self.disks.damage() {
            self.log.note(|| what);
        }
        self.feed_some();
        self.turn(which);
    }

    /// A raw record arrives.
    fn feed_some(&self) {
        let arrives = self.faults().rng().random_ratio(1, 6);
        let arrival = if arrives { self.feed.borrow_mut().pop_front() } else { None };
        let Some(Arrival { record, timestamp_ms }) = arrival else { return };
        if let Err(refused) = self.log.publish(&record, timestamp_ms) {
            self.problem(format!("a record from outside for {} cannot be written: {refused:?}", record.topic));
        }
    }

    /// Stops a worker in good order, or starts one that was stopped.
    fn scale(self: &Rc<Self>, which: usize) {
        let slot = Rc::clone(&self.slots.borrow()[which]);
        if slot.is_off.get() {
            self.log.note(|| format!("{} is wanted again", slot.name));
            slot.is_off.set(false);
            return;
        }
        let others = self.slots.borrow();
        let is_last = !others.iter().any(|other| !Rc::ptr_eq(other, &slot) && other.of == slot.of && other.is_wanted());
        drop(others);
        if slot.is_busy() || slot.is_retired.get() || is_last {
            return;
        }
        self.log.note(|| format!("{} is stopped in good order", slot.name));
        slot.is_off.set(true);
        self.disturb();
        let end = slot.finish();
        self.settle_end(&slot, end);
    }

    /// Lets the worker of a slot have its turn, or starts it.
    fn turn(self: &Rc<Self>, which: usize) {
        let slot = Rc::clone(&self.slots.borrow()[which]);
        if slot.is_busy() {
            return;
        }
        let has_worker = slot.worker.borrow().is_some();
        let end = if has_worker {
            slot.turn()
        } else if slot.is_wanted() && slot.wake_at.get() <= self.log.now() {
            self.log.note(|| format!("{} starts", slot.name));
            self.disturb();
            let habit = self.faults().profile().checkpoints;
            let checkpoints = habit.and_then(|habit| self.checkpoints(&slot, habit));
            let standby = self.faults().profile().standby;
            let standby =
                standby.map(|interval| StandbySettings { interval, max_age: Duration::from_secs(12 * 3_600) });
            let keeps = Keeps { checkpoints, standby };
            slot.start(&self.log, Rc::downgrade(self), &self.settings, &self.contracts, keeps)
        } else {
            slot.turns.set(slot.turns.get() + 1);
            Ok(())
        };
        self.settle_end(&slot, end);
    }

    /// The checkpoints of a worker, on its disk, and its state if that is there too.
    fn checkpoints(&self, slot: &Slot, habit: CheckpointHabit) -> Option<Arc<Checkpoints>> {
        let stage = self.stages[slot.of].name;
        let on_disk = self.faults().profile().on_disk;
        let settings = StateSettings { checkpoint_interval_s: habit.interval_s, ..StateSettings::default() };
        let on = |name: &str, store: &str| {
            let (store, directory) = (on_disk.map_or(StoreKind::Memory, |_| StoreKind::Disk), self.stores.place(store));
            let settings = StateSettings { store, directory: Some(directory), cache_mbytes: 0, ..settings.clone() };
            Checkpoints::in_step(self.disks.of(name), &settings, stage, habit.entries_a_slice)
        };
        match on_disk {
            Some(Shares::Stage) => {
                Some(Arc::clone(self.shared.borrow_mut().entry(slot.of).or_insert_with(|| on(stage, stage))))
            }
            Some(Shares::Worker) => match self.settle_store(&slot.store) {
                Ok(()) => Some(on(&slot.name, &slot.store)),
                Err(error) => {
                    self.problem(format!("the database of {} cannot be touched: {error}", slot.store));
                    None
                }
            },
            None => Some(on(&slot.name, &slot.name)),
        }
    }

    /// Nobody has the database of this name open, and somebody is about to.
    fn settle_store(&self, name: &str) -> io::Result<()> {
        self.stores.archive(name)?;
        let swaps = {
            let mut faults = self.faults();
            let is_damaged = faults.profile().damage > 0 && faults.rng().random_bool(0.3);
            is_damaged || (self.was_away.get() && faults.rng().random_bool(0.5))
        };
        if swaps && let Some(what) = self.stores.swap(name)? {
            self.log.note(|| what);
        }
        self.stores.start(name);
        Ok(())
    }

    fn settle_end(&self, slot: &Slot, end: Result<(), End>) {
        let Err(end) = end else { return };
        self.disturb();
        let pause = self.faults().rng().random_range(0..6_000);
        slot.wake_at.set(self.log.now() + Duration::from_millis(pause));
        self.log.note(|| format!("{} has ended: {end:?}; back in {pause} ms", slot.name));
        if let End::Surprising(error) = end {
            self.problem(format!("worker {} ended: {error}", slot.name));
        }
    }

    fn problem(&self, text: String) {
        let mut problems = self.problems.borrow_mut();
        if !problems.contains(&text) && problems.len() < 20 {
            problems.push(text);
        }
    }

    /// True when everything was read and no transaction is under way.
    fn is_drained(&self) -> bool {
        let inputs = |stage: &Stage| -> Vec<String> {
            stage.leader_topics.iter().chain(&stage.sibling_topics).cloned().collect()
        };
        self.feed.borrow().is_empty()
            && self.log.is_settled()
            && self.stages.iter().all(|stage| self.log.lag(&stage.group(), &inputs(stage)) == 0)
    }

    /// True when every partition of every stage is worked on.
    fn is_complete(&self) -> bool {
        let slots = self.slots.borrow();
        self.stages.iter().enumerate().all(|(of, stage)| {
            let has: usize =
                slots.iter().filter(|slot| slot.of == of).map(|slot| slot.stats.borrow().task_count()).sum();
            let wanted: i32 = stage.leader_topics.iter().map(|topic| self.log.inner().partition_count(topic)).sum();
            has == wanted as usize
        })
    }

    /// The accounts of a stage over all its workers.
    #[must_use]
    pub fn accounts(&self, of: usize) -> StageCounts {
        let mut sum = StageCounts::default();
        for slot in self.slots.borrow().iter().filter(|slot| slot.of == of) {
            add(&mut sum, slot.stats.borrow().counts());
        }
        sum
    }

    /// Runs until everything that arrives is read, and then until no timer is left that could fire.
    pub fn run(self: &Rc<Self>) {
        if self.work() && self.settle() {
            self.check_state();
        }
    }

    /// Holds the state that workers have against their changelogs.
    fn check_state(&self) {
        for (of, stage) in self.stages.iter().enumerate() {
            let mut has = Entries::new();
            self.slots.borrow().iter().filter(|slot| slot.of == of).for_each(|slot| slot.gather(&mut has));
            for difference in state::differences(stage, &state::of_changelogs(&self.log, stage), &has) {
                self.problem(difference);
            }
        }
    }

    /// Steps until all is read; false when that takes too long.
    fn work(self: &Rc<Self>) -> bool {
        loop {
            for _ in 0..LOOK_EVERY {
                self.step();
            }
            if self.is_drained() && self.is_complete() {
                let Some(wave) = self.later.borrow_mut().pop_front() else { return true };
                if self.faults().profile().rests {
                    self.rest();
                }
                self.feed.borrow_mut().extend(wave);
                self.steps_before.set(self.steps());
            }
            if self.steps() - self.steps_before.get() > MAX_STEPS {
                let stuck: Vec<&str> =
                    self.stages.iter().filter(|stage| self.is_behind(stage)).map(|s| s.name).collect();
                self.problem(format!("not through after {MAX_STEPS} steps; behind are the stages {stuck:?}"));
                return false;
            }
        }
    }

    fn is_behind(&self, stage: &Stage) -> bool {
        let inputs: Vec<String> = stage.leader_topics.iter().chain(&stage.sibling_topics).cloned().collect();
        self.log.lag(&stage.group(), &inputs) > 0
    }
}

fn add(sum: &mut StageCounts, counts: StageCounts) {
    let fold = |into: &mut std::collections::BTreeMap<String, i64>, from: std::collections::BTreeMap<String, i64>| {
        for (key, count) in from {
            *into.entry(key).or_default() += count;
        }
    };
    fold(&mut sum.accepted, counts.accepted);
    fold(&mut sum.dropped, counts.dropped);
    fold(&mut sum.emitted, counts.emitted);
    sum.processed += counts.processed;
    sum.dead_lettered += counts.dead_lettered;
    sum.timers_fired += counts.timers_fired;
    sum.timers_poisoned += counts.timers_poisoned;
}
