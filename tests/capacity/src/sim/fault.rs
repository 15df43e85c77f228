//! What happens when workers die, leave and join.

use crate::sim::hub::{Doing, Event, Hub, Worker, ns};
use crate::sim::log::Fate;
use crate::sim::model::FaultKind;

/// The worker that goes: the first, which has the busiest partition.
const VICTIM: usize = 0;
/// Until a worker is looked at again that is to be killed while it does something else.
const MOMENT_NS: u64 = 50_000;

impl Hub<'_> {
    pub(crate) fn fault(&mut self, index: usize) {
        let fault = self.model.faults[index];
        match fault.kind {
            FaultKind::KillAndBack(back_s) => {
                self.kill(fault.stage);
                self.after(ns(back_s), Event::Back { fault: index, worker: VICTIM });
            }
            FaultKind::KillForGood { session_s, transaction_s, in_commit } => {
                let own = &self.stages[fault.stage].workers[VICTIM];
                if own.transaction.is_none() || (own.doing == Doing::Committing) != in_commit {
                    return self.after(MOMENT_NS, Event::Fault(index));
                }
                let end = (own.opened + ns(transaction_s)).saturating_sub(self.now);
                self.kill(fault.stage);
                self.after(end, Event::TimedOut { stage: fault.stage, worker: VICTIM });
                // Offsets that hang in the open transaction are not told before its end.
                let assigned = ns(session_s + fault.rebalance_s);
                self.after(if in_commit { assigned.max(end) } else { assigned }, Event::Assign { fault: index });
            }
            FaultKind::Leave { .. } => {
                self.stages[fault.stage].workers[VICTIM].leaving = Some(index);
                self.go_on(fault.stage, VICTIM);
            }
            FaultKind::Join => {
                let workers = &mut self.stages[fault.stage].workers;
                workers.push(Worker { is_alive: true, ..Worker::default() });
                let worker = workers.len() - 1;
                self.after(ns(fault.rebalance_s), Event::Share { fault: index, worker });
            }
        }
    }

    /// What the worker had in hand and had not committed is to be read again; its transaction stays open.
    fn kill(&mut self, stage: usize) {
        let state = &mut self.stages[stage];
        let own = &mut state.workers[VICTIM];
        own.is_alive = false;
        own.life += 1;
        own.doing = Doing::Nothing;
        own.restoring = 0;
        let undone = std::mem::take(&mut own.taken).into_iter().chain(own.in_hand.take());
        for (partition, bundle) in undone.collect::<Vec<_>>().into_iter().rev() {
            state.logs[partition].queue.push_front(bundle);
        }
        for partition in &state.workers[VICTIM].partitions {
            state.logs[*partition].is_served = false;
        }
    }

    pub(crate) fn abort(&mut self, stage: usize, worker: usize) {
        self.end(stage, worker, Fate::Aborted);
    }

    /// The worker's replacement ends what was left open and restores its partitions.
    pub(crate) fn back(&mut self, index: usize, worker: usize) {
        let fault = self.model.faults[index];
        self.abort(fault.stage, worker);
        let own = &mut self.stages[fault.stage].workers[worker];
        own.is_alive = true;
        let partitions = std::mem::take(&mut own.partitions);
        self.take_over(fault.stage, worker, partitions, fault.restore_s);
    }

    /// Gives the partitions of dead workers to those who have the fewest.
    pub(crate) fn assign(&mut self, index: usize) {
        let fault = self.model.faults[index];
        let workers = &mut self.stages[fault.stage].workers;
        let dead = workers.iter_mut().filter(|worker| !worker.is_alive);
        let orphans: Vec<usize> = dead.flat_map(|worker| std::mem::take(&mut worker.partitions)).collect();
        let mut shares: Vec<Vec<usize>> = vec![Vec::new(); workers.len()];
        for partition in orphans {
            let alive = (0..workers.len()).filter(|worker| workers[*worker].is_alive);
            if let Some(heir) = alive.min_by_key(|worker| workers[*worker].partitions.len() + shares[*worker].len()) {
                shares[heir].push(partition);
            }
        }
        for (heir, share) in shares.into_iter().enumerate().filter(|(_, share)| !share.is_empty()) {
            self.take_over(fault.stage, heir, share, fault.restore_s);
        }
    }

    /// Moves as many partitions to a new worker as the others have.
    pub(crate) fn share(&mut self, index: usize, newcomer: usize) {
        let stage = self.model.faults[index].stage;
        let workers = &mut self.stages[stage].workers;
        let count = workers.iter().filter(|worker| worker.is_alive).count();
        let total: usize = workers.iter().map(|worker| worker.partitions.len()).sum();
        for _ in 0..total / count {
            let free = |worker: &Worker| worker.partitions.len() - worker.giving.len();
            let Some(from) = (0..workers.len()).max_by_key(|worker| (free(&workers[*worker]), *worker)) else { return };
            let given = workers[from].giving.len();
            let Some(partition) = workers[from].partitions.iter().rev().nth(given).copied() else { return };
            workers[from].giving.push((partition, newcomer, index));
        }
        for worker in 0..workers.len() {
            self.go_on(stage, worker);
        }
    }

    /// After a commit: what goes to somebody else goes now.
    pub(crate) fn hand_over(&mut self, stage: usize, worker: usize) {
        let own = &mut self.stages[stage].workers[worker];
        let given = std::mem::take(&mut own.giving);
        if let Some(index) = own.leaving.take() {
            own.is_alive = false;
            for partition in self.stages[stage].workers[worker].partitions.clone() {
                self.stages[stage].logs[partition].is_served = false;
            }
            let fault = self.model.faults[index];
            if let FaultKind::Leave { session_s } = fault.kind {
                self.after(ns(session_s + fault.rebalance_s), Event::Assign { fault: index });
            }
        }
        let Some((_, newcomer, index)) = given.first().copied() else { return };
        let partitions: Vec<usize> = given.iter().map(|(partition, ..)| *partition).collect();
        self.stages[stage].workers[worker].partitions.retain(|partition| !partitions.contains(partition));
        self.take_over(stage, newcomer, partitions, self.model.faults[index].restore_s);
    }

    /// Partitions get a new owner, who restores them; beside what it works on that takes twice as long.
    fn take_over(&mut self, stage: usize, worker: usize, partitions: Vec<usize>, restore_s: f64) {
        let state = &mut self.stages[stage];
        let own = &mut state.workers[worker];
        let is_working = own.partitions.iter().any(|partition| state.logs[*partition].is_served);
        own.restoring += 1;
        own.partitions.extend(&partitions);
        for partition in &partitions {
            (state.logs[*partition].owner, state.logs[*partition].is_served) = (Some(worker), false);
        }
        let life = own.life;
        let took = restore_s * partitions.len() as f64 * if is_working { 2.0 } else { 1.0 };
        self.after(ns(took), Event::Restored { stage, worker, life, partitions });
    }

    pub(crate) fn restored(&mut self, stage: usize, worker: usize, partitions: &[usize]) {
        let state = &mut self.stages[stage];
        state.workers[worker].restoring -= 1;
        for partition in partitions {
            state.logs[*partition].is_served = true;
        }
        self.go_on(stage, worker);
    }
}
