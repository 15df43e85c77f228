//! The loop of events: what comes in is handled, committed and passed on.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::sim::draw::Draw;
use crate::sim::log::{Bundle, Fate, Log, Transactions};
use crate::sim::model::Model;
use crate::sim::outcome::{LagPoint, Outcome, Sample};
use crate::worker::spread_over;

/// Between two looks at what waits.
const LOOK_NS: u64 = 500_000_000;
/// While a worker restores partitions beside those that it works on, both get half of its time.
const SHARED: f64 = 2.0;

/// Something that happens at a time.
#[derive(Debug)]
pub(crate) enum Event {
    /// The next raw event comes.
    Arrive,
    /// Consumers have these records.
    Readable { stage: usize, partition: usize, bundles: Vec<Bundle> },
    /// A worker is done with the record in its hand.
    Handled { stage: usize, worker: usize, life: u32 },
    /// The broker has answered a commit.
    Committed { stage: usize, worker: usize, life: u32 },
    /// A fault of the model begins.
    Fault(usize),
    /// A worker is there again.
    Back { fault: usize, worker: usize },
    /// The broker ends a transaction that nobody ends.
    TimedOut { stage: usize, worker: usize },
    /// The group gives away what nobody has.
    Assign { fault: usize },
    /// The group gives a new worker its share.
    Share { fault: usize, worker: usize },
    /// Partitions have their state.
    Restored { stage: usize, worker: usize, life: u32, partitions: Vec<usize> },
    /// Time to count what waits.
    Look,
}

struct Item {
    at: u64,
    order: u64,
    event: Event,
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}

impl Eq for Item {}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Item {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// What a worker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Doing {
    #[default]
    Nothing,
    Handling,
    Committing,
}

/// One worker.
#[derive(Debug, Default)]
pub(crate) struct Worker {
    pub(crate) is_alive: bool,
    /// Events of an earlier life are of no interest.
    pub(crate) life: u32,
    pub(crate) doing: Doing,
    pub(crate) in_hand: Option<(usize, Bundle)>,
    pub(crate) transaction: Option<usize>,
    pub(crate) opened: u64,
    pub(crate) records: u64,
    pub(crate) taken: Vec<(usize, Bundle)>,
    /// Partitions of the next stage that the open transaction has written to.
    pub(crate) touched: Vec<usize>,
    /// Partitions that it owns.
    pub(crate) partitions: Vec<usize>,
    /// Takeovers under way.
    pub(crate) restoring: u32,
    /// To commit now: partitions go to somebody else, with the fault that says how.
    pub(crate) giving: Vec<(usize, usize, usize)>,
    /// To end after the next commit, with the fault that says how.
    pub(crate) leaving: Option<usize>,
}

/// A stage: partitions and workers. The last one has no workers: it is who reads what comes out.
pub(crate) struct StageState {
    pub(crate) logs: Vec<Log>,
    pub(crate) workers: Vec<Worker>,
    sums: Vec<f64>,
    waiting: u64,
}

/// The state of a simulation.
pub(crate) struct Hub<'a> {
    pub(crate) model: &'a Model,
    pub(crate) now: u64,
    pub(crate) stages: Vec<StageState>,
    pub(crate) transactions: Transactions,
    heap: BinaryHeap<Reverse<Item>>,
    order: u64,
    draw: Draw,
    outcome: Outcome,
    through: Vec<bool>,
}

/// Nanoseconds of seconds.
pub(crate) fn ns(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

/// Simulates `model` to the end.
#[must_use]
pub fn run(model: &Model) -> Outcome {
    let mut hub = Hub::new(model);
    while let Some(Reverse(item)) = hub.heap.pop() {
        hub.now = item.at;
        hub.happen(item.event);
    }
    hub.outcome
}

fn sums(weights: &[f64]) -> Vec<f64> {
    let sum = |sum: &mut f64, weight: &f64| {
        *sum += weight;
        Some(*sum)
    };
    weights.iter().scan(0.0, sum).collect()
}

impl<'a> Hub<'a> {
    fn new(model: &'a Model) -> Self {
        let count = model.stages.len();
        let mut stages: Vec<StageState> =
            model.stages.iter().map(|stage| StageState::new(&stage.weights, stage.workers)).collect();
        stages.push(StageState::new(model.stages.last().map_or(&[1.0][..], |stage| &stage.weights), 0));
        let mut hub = Self {
            model,
            now: 0,
            stages,
            transactions: Transactions::default(),
            heap: BinaryHeap::new(),
            order: 0,
            draw: Draw::new(model.seed),
            outcome: Outcome { busy_s: vec![0.0; count], commits: vec![0; count], ..Outcome::default() },
            through: Vec::new(),
        };
        hub.after(0, Event::Arrive);
        hub.after(LOOK_NS, Event::Look);
        for (index, fault) in model.faults.iter().enumerate() {
            hub.after(ns(fault.at_s), Event::Fault(index));
        }
        hub
    }

    /// Lets something happen later.
    pub(crate) fn after(&mut self, delay: u64, event: Event) {
        self.order += 1;
        self.heap.push(Reverse(Item { at: self.now + delay, order: self.order, event }));
    }

    fn is_open(&self) -> bool {
        self.now < ns(self.model.seconds)
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrive => self.arrive(),
            Event::Readable { stage, partition, bundles } => self.readable(stage, partition, bundles),
            Event::Handled { stage, worker, life } if self.is_of(stage, worker, life) => self.handled(stage, worker),
            Event::Committed { stage, worker, life } if self.is_of(stage, worker, life) => {
                self.committed(stage, worker)
            }
            Event::Restored { stage, worker, life, partitions } if self.is_of(stage, worker, life) => {
                self.restored(stage, worker, &partitions);
            }
            Event::Handled { .. } | Event::Committed { .. } | Event::Restored { .. } => {}
            Event::Fault(fault) => self.fault(fault),
            Event::Back { fault, worker } => self.back(fault, worker),
            Event::TimedOut { stage, worker } => self.abort(stage, worker),
            Event::Assign { fault } => self.assign(fault),
            Event::Share { fault, worker } => self.share(fault, worker),
            Event::Look => self.look(),
        }
    }

    fn is_of(&self, stage: usize, worker: usize, life: u32) -> bool {
        self.stages[stage].workers[worker].life == life
    }

    fn arrive(&mut self) {
        if !self.is_open() {
            return;
        }
        let number = self.outcome.arrived;
        self.outcome.arrived += 1;
        self.through.push(false);
        let first = &mut self.stages[0];
        let partition = self.draw.place(&first.sums);
        first.waiting += 1;
        let bundle = Bundle { number, born: self.now, written: self.now, offset: 0 };
        let placed = first.logs[partition].place(bundle, self.now);
        let hop = (self.model.stages[0].hop_us * 1e3) as u64;
        self.after(hop, Event::Readable { stage: 0, partition, bundles: vec![placed] });
        let rate = self.model.arrivals.at(self.now as f64 / 1e9).max(1e-3);
        let pause = self.draw.time(crate::sim::Time::Exponential(1e6 / rate), self.model.grain);
        self.after(pause, Event::Arrive);
    }

    fn readable(&mut self, stage: usize, partition: usize, bundles: Vec<Bundle>) {
        if stage == self.model.stages.len() {
            return bundles.into_iter().for_each(|bundle| self.leave(bundle));
        }
        let log = &mut self.stages[stage].logs[partition];
        log.queue.extend(bundles);
        if let Some(worker) = log.owner {
            self.go_on(stage, worker);
        }
    }

    fn leave(&mut self, bundle: Bundle) {
        let is_first = !std::mem::replace(&mut self.through[bundle.number as usize], true);
        if is_first {
            self.outcome.left += 1;
        } else {
            self.outcome.repeated += 1;
        }
        let ms = (self.now - bundle.born) as f64 / 1e6;
        self.outcome.samples.push(Sample { at_s: bundle.born as f64 / 1e9, ms });
    }

    /// Lets an idle worker begin what is next.
    pub(crate) fn go_on(&mut self, stage: usize, worker: usize) {
        let grain = self.model.grain;
        let own = &self.stages[stage].workers[worker];
        if !own.is_alive || own.doing != Doing::Nothing {
            return;
        }
        let must_commit = !own.giving.is_empty() || own.leaving.is_some();
        if must_commit || (own.transaction.is_some() && self.is_due(stage, worker)) {
            return self.commit(stage, worker);
        }
        let Some(partition) = self.oldest(stage, worker) else {
            if own.transaction.is_some() {
                self.commit(stage, worker); // Drained.
            }
            return;
        };
        if grain > 1 {
            self.open(stage, worker); // The first of so many records is handled at once.
        }
        let own = &self.stages[stage].workers[worker];
        let factor = if own.restoring > 0 { SHARED } else { 1.0 };
        let state = &mut self.stages[stage];
        let bundle = state.logs[partition].queue.pop_front();
        let took = (self.draw.time(self.model.stages[stage].step, grain) as f64 * factor) as u64;
        let own = &mut state.workers[worker];
        own.in_hand = bundle.map(|bundle| (partition, bundle));
        own.doing = Doing::Handling;
        let life = own.life;
        if self.now < ns(self.model.seconds) {
            self.outcome.busy_s[stage] += took as f64 / 1e9;
        }
        self.after(took, Event::Handled { stage, worker, life });
    }

    /// The partition with the oldest record of those that the worker works on.
    fn oldest(&self, stage: usize, worker: usize) -> Option<usize> {
        let state = &self.stages[stage];
        let front = |partition: &usize| {
            let log = &state.logs[*partition];
            log.queue.front().filter(|_| log.is_served).map(|bundle| (bundle.written, *partition))
        };
        state.workers[worker].partitions.iter().filter_map(front).min().map(|(_, partition)| partition)
    }

    fn is_due(&self, stage: usize, worker: usize) -> bool {
        let (own, commit) = (&self.stages[stage].workers[worker], &self.model.stages[stage].commit);
        own.records >= commit.most_records || (self.now - own.opened) as f64 >= commit.interval_us * 1e3
    }

    fn handled(&mut self, stage: usize, worker: usize) {
        let place = self.draw.place(&self.stages[stage + 1].sums);
        let own = &mut self.stages[stage].workers[worker];
        own.doing = Doing::Nothing;
        let Some((partition, bundle)) = own.in_hand.take() else { return };
        let transaction = self.open(stage, worker);
        let own = &mut self.stages[stage].workers[worker];
        own.records += u64::from(self.model.grain);
        own.taken.push((partition, bundle));
        if !own.touched.contains(&place) {
            own.touched.push(place);
        }
        let next = &mut self.stages[stage + 1];
        next.waiting += 1;
        next.logs[place].write(bundle, transaction, self.now);
        self.go_on(stage, worker);
    }

    /// The open transaction of a worker; begins one when there is none.
    fn open(&mut self, stage: usize, worker: usize) -> usize {
        if let Some(transaction) = self.stages[stage].workers[worker].transaction {
            return transaction;
        }
        let transaction = self.transactions.begin();
        let logs = &mut self.stages[stage + 1].logs;
        let is_everywhere = self.model.grain as usize >= logs.len();
        if is_everywhere {
            // So many records are on every partition, although all of them are counted on one.
            logs.iter_mut().for_each(|log| log.hold(transaction));
        }
        let touched = if is_everywhere { (0..logs.len()).collect() } else { Vec::new() };
        let own = &mut self.stages[stage].workers[worker];
        (own.transaction, own.opened, own.touched) = (Some(transaction), self.now, touched);
        transaction
    }

    fn commit(&mut self, stage: usize, worker: usize) {
        let commit = &self.model.stages[stage].commit;
        let own = &mut self.stages[stage].workers[worker];
        own.doing = Doing::Committing;
        let life = own.life;
        let took = if own.transaction.is_none() {
            0
        } else {
            let records = own.records as f64;
            let touched: f64 = commit.outputs.iter().map(|each| spread_over(records * each, commit.partitions)).sum();
            self.draw.time(commit.takes, 1) + (touched * commit.per_partition_us * 1e3) as u64
        };
        self.after(took, Event::Committed { stage, worker, life });
    }

    fn committed(&mut self, stage: usize, worker: usize) {
        if self.stages[stage].workers[worker].transaction.is_some() && self.is_open() {
            self.outcome.commits[stage] += 1;
        }
        let state = &mut self.stages[stage];
        for (partition, bundle) in std::mem::take(&mut state.workers[worker].taken) {
            let log = &mut state.logs[partition];
            if bundle.offset < log.committed {
                self.outcome.out_of_order += 1;
            }
            log.committed = bundle.offset + 1;
            state.waiting -= 1;
        }
        self.end(stage, worker, Fate::Committed);
        self.stages[stage].workers[worker].doing = Doing::Nothing;
        self.hand_over(stage, worker);
        self.go_on(stage, worker);
    }

    /// Ends the open transaction of a worker: what it decides can be read.
    pub(crate) fn end(&mut self, stage: usize, worker: usize, fate: Fate) {
        let own = &mut self.stages[stage].workers[worker];
        own.records = 0;
        let touched = std::mem::take(&mut own.touched);
        let Some(transaction) = own.transaction.take() else { return };
        self.transactions.end(transaction, fate);
        let hop = (self.model.stages[stage].hop_us * 1e3) as u64;
        for partition in touched {
            let next = &mut self.stages[stage + 1];
            let (bundles, aborted) = next.logs[partition].settle(&self.transactions);
            next.waiting -= aborted;
            if !bundles.is_empty() {
                self.after(hop, Event::Readable { stage: stage + 1, partition, bundles });
            }
        }
    }

    fn look(&mut self) {
        if !self.is_open() {
            return;
        }
        let grain = f64::from(self.model.grain);
        let count = self.model.stages.len();
        let records = self.stages.iter().take(count).map(|stage| stage.waiting as f64 * grain).collect();
        self.outcome.lag.push(LagPoint { at_s: self.now as f64 / 1e9, records });
        self.after(LOOK_NS, Event::Look);
    }
}

impl StageState {
    fn new(weights: &[f64], workers: usize) -> Self {
        let mut logs: Vec<Log> = weights.iter().map(|_| Log::default()).collect();
        let mut all: Vec<Worker> = (0..workers).map(|_| Worker { is_alive: true, ..Worker::default() }).collect();
        for (partition, log) in logs.iter_mut().enumerate().filter(|_| workers > 0) {
            let owner = partition % workers;
            (log.owner, log.is_served) = (Some(owner), true);
            all[owner].partitions.push(partition);
        }
        Self { logs, workers: all, sums: sums(weights), waiting: 0 }
    }
}
