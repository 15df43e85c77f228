//! A place for a worker: what supervises it, and what it is told at its start.

use std::cell::{Cell, RefCell};
use std::rc::Weak;
use std::sync::Arc;
use std::time::Duration;

use tributary_schema::Contracts;
use tributary_stream::{Checkpoints, KafkaSettings, Stage, StageStats, StandbySettings, StreamError, Worker};

use crate::client::{DEAD, SimClient};
use crate::log::{Refused, SimLog};
use crate::state::Entries;
use crate::world::World;

/// A place for a worker of a stage.
pub(crate) struct Slot {
    /// Index of the stage.
    pub(crate) of: usize,
    /// Transactional id.
    pub(crate) name: String,
    /// The name of its database. One that takes its place while it stands still has another: both are open then.
    pub(crate) store: String,
    stage: Stage,
    /// It is started again at this time.
    pub(crate) wake_at: Cell<Duration>,
    /// It is not wanted at present.
    pub(crate) is_off: Cell<bool>,
    /// Another slot has its name now: when its worker ends, nobody starts it again.
    pub(crate) is_retired: Cell<bool>,
    /// Turns since the world last asked.
    pub(crate) turns: Cell<u32>,
    /// Borrowed while the worker is in its turn, even if it stands still in it.
    pub(crate) worker: RefCell<Option<Worker<SimClient>>>,
    pub(crate) stats: RefCell<StageStats>,
    /// Entries that its workers so far took over from checkpoints.
    pub(crate) restored_entries: Cell<u64>,
}

/// What a worker keeps for its next start or that of others.
pub(crate) struct Keeps {
    pub(crate) checkpoints: Option<Arc<Checkpoints>>,
    pub(crate) standby: Option<StandbySettings>,
}

/// How a worker ended.
#[derive(Debug)]
pub(crate) enum End {
    /// As a fault explains.
    Expected,
    /// For a reason that no fault explains.
    Surprising(StreamError),
}

impl Slot {
    pub(crate) fn new(stage: &Stage, of: usize, ordinal: u32) -> Self {
        let name = format!("{}-{ordinal}", stage.name);
        Self::named(stage, of, name.clone(), name)
    }

    /// A second process under the same name; this one is not started again once it ends.
    pub(crate) fn replace(&self) -> Self {
        self.is_retired.set(true);
        Self::named(&self.stage, self.of, self.name.clone(), format!("{}'", self.store))
    }

    fn named(stage: &Stage, of: usize, name: String, store: String) -> Self {
        Self {
            of,
            name,
            store,
            stage: stage.clone(),
            wake_at: Cell::default(),
            is_off: Cell::default(),
            is_retired: Cell::default(),
            turns: Cell::default(),
            worker: RefCell::default(),
            stats: RefCell::default(),
            restored_entries: Cell::default(),
        }
    }

    /// True while a worker is in its turn here.
    pub(crate) fn is_busy(&self) -> bool {
        self.worker.try_borrow().is_err()
    }

    /// True when it has a worker or is going to have one.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.is_off.get() && !self.is_retired.get()
    }

    pub(crate) fn start(
        &self,
        log: &SimLog,
        world: Weak<World>,
        settings: &KafkaSettings,
        contracts: &Arc<Contracts>,
        keeps: Keeps,
    ) -> Result<(), End> {
        let stats = StageStats::default();
        self.stats.replace(stats.clone());
        let client = SimClient::new(log, world, self.stage.name, &self.stage.group(), self.name.clone());
        let mut place = self.worker.borrow_mut();
        let worker = Worker::new(client, self.stage.clone(), settings, Arc::clone(contracts), stats);
        let mut worker = worker.map_err(end)?;
        if let Some(checkpoints) = keeps.checkpoints {
            worker = worker.with_checkpoints(checkpoints);
        }
        if let Some(standby) = keeps.standby {
            worker = worker.with_standby(standby);
        }
        *place = Some(worker);
        Ok(())
    }

    /// One turn; the worker is gone when it ends.
    pub(crate) fn turn(&self) -> Result<(), End> {
        self.turns.set(self.turns.get() + 1);
        let mut place = self.worker.borrow_mut();
        let Some(worker) = place.as_mut() else { return Ok(()) };
        let result = worker.turn();
        let is_dead = worker.client().is_dead();
        if result.is_ok() && !is_dead {
            return Ok(());
        }
        worker.client().crash();
        *place = None;
        self.forget_stats();
        Err(if is_dead { End::Expected } else { result.err().map_or(End::Expected, end) })
    }

    fn forget_stats(&self) {
        let stats = self.stats.replace(StageStats::default());
        self.restored_entries.set(self.restored_entries.get() + stats.recovery().checkpoint_entries);
    }

    /// Adds the state that its worker has to `entries`.
    pub(crate) fn gather(&self, entries: &mut Entries) {
        if let Some(worker) = self.worker.borrow_mut().as_mut() {
            worker.each_entry(|changelog, key, value| drop(entries.insert((changelog, key.to_vec()), value.to_vec())));
        }
    }

    /// Stops the worker in good order.
    pub(crate) fn finish(&self) -> Result<(), End> {
        let mut place = self.worker.borrow_mut();
        let Some(worker) = place.take() else { return Ok(()) };
        let result = worker.finish();
        self.forget_stats();
        result.map_err(end)
    }
}

/// Errors that faults of the simulation explain, and others.
fn end(error: StreamError) -> End {
    let is_expected = match &error {
        StreamError::Fenced { detail, .. } => *detail != format!("{:?}", Refused::UnknownTopic),
        StreamError::Fatal { detail, .. } => detail == DEAD,
        _ => false,
    };
    if is_expected { End::Expected } else { End::Surprising(error) }
}
