//! The experiments of the stage `scorecards`: changes in, what the experiments come to out.

use std::collections::BTreeMap;

use tributary_model::experiment::{ExperimentKey, ExperimentLift, ExperimentSums, LiftDelta};
use tributary_stream::{KeyedStore, StateStore};

use crate::estimates::{Plan, estimate};
use crate::experiment_sums::Sums;

/// Name of the store of the sums.
pub const EXPERIMENTS_STORE: &str = "experiments";
const VERSION: u8 = 2;

/// The experiments of one task, and those that the open transaction has touched.
#[derive(Debug)]
pub struct LiftBook {
    plan: Plan,
    sums: KeyedStore<ExperimentKey, ExperimentSums>,
    /// What was there before the open transaction.
    before: BTreeMap<ExperimentKey, Option<ExperimentSums>>,
}

impl LiftBook {
    /// No experiments.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self { plan, sums: KeyedStore::new(EXPERIMENTS_STORE, VERSION), before: BTreeMap::new() }
    }

    /// Folds a change into its experiment. An experiment without persons goes.
    pub fn apply(&mut self, change: LiftDelta) {
        let LiftDelta { key, delta } = change;
        let known = self.sums.get(&key).cloned();
        let mut sums = Sums::from(known.clone().unwrap_or_default());
        sums.add(delta.into());
        self.before.entry(key.clone()).or_insert(known);
        if sums == Sums::default() {
            self.sums.remove(&key);
        } else {
            self.sums.insert(key, sums.to_record());
        }
    }

    /// Hands over what has changed, in order of key; `None` for an experiment that is gone.
    pub fn drain(&mut self) -> Vec<(ExperimentKey, Option<ExperimentLift>)> {
        let touched = std::mem::take(&mut self.before).into_iter();
        let now = touched.map(|(key, before)| (self.sums.get(&key).cloned(), before, key));
        let changed = now.filter(|(now, before, _)| now != before);
        changed.map(|(now, _, key)| (key.clone(), now.map(|sums| estimate(key, sums, self.plan)))).collect()
    }

    /// Hands what all experiments come to to `each`, in no order.
    pub fn for_each(&self, mut each: impl FnMut(&ExperimentLift)) {
        self.sums.for_each(|key, sums| each(&estimate(key.clone(), sums.clone(), self.plan)));
    }

    /// Forgets which experiments have changed: their transaction was aborted.
    pub fn forget(&mut self) {
        self.before.clear();
    }

    /// The store.
    pub fn store(&mut self) -> &mut dyn StateStore {
        &mut self.sums
    }
}
