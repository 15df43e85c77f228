//! What is asked of the simulation: latency over load, and what happens when workers come, go and die.

use crate::costs::{Costs, Stage};
use crate::plan::{RealmPlan, StagePlan, pace};
use crate::problem::{Problem, Problems};
use crate::sim::draw::Time;
use crate::sim::model::{Arrivals, Commit, Fault, FaultKind, Model, StageModel};
use crate::worker::spread_over;

/// The stages that an event passes on its way to a trigger.
pub const PATH: [&str; 3] = ["normalizer", "identity", "journey"];
/// The one whose workers come, go and die: it has the most state.
const STRUCK: usize = 2;
const SEED: u64 = 1;
/// Records that are handled as one where times are seconds.
const GRAIN: u32 = 100;
/// When a fault begins.
pub const FAULT_AT_S: f64 = 60.0;
/// How long a burst lasts.
const BURST_S: f64 = 60.0;

/// A part of a realm: some partitions of each stage of the path, with the workers that they have there.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    stages: Vec<StageModel>,
    /// Events a second that it can do at most.
    pub most_per_s: f64,
    /// The stage that can do no more.
    pub busiest: String,
    restore: [f64; 3],
    costs: Costs,
}

/// A question with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What happens.
    pub name: String,
    /// The model.
    pub model: Model,
}

impl Slice {
    /// A part of `realm` with `workers` workers in its busiest stage, `partitions` partitions each.
    ///
    /// # Errors
    /// [`Problems`] when a stage of the path has no costs.
    pub fn of(costs: &Costs, realm: &RealmPlan, workers: usize, partitions: usize) -> Result<Self, Problems> {
        let find = |name: &str| costs.stages.iter().position(|stage| stage.name == name);
        let missing = |name: &str| {
            let remedy = "give the costs of this stage";
            Problems(vec![Problem::new("stages", name, "is not there, and every event passes it", remedy)])
        };
        let mut path: Vec<(&Stage, &StagePlan, f64, Vec<f64>)> = Vec::new();
        for name in PATH {
            let index = find(name).ok_or_else(|| missing(name))?;
            let (read, plan) = (realm.flow.stages[index], &realm.stages[index]);
            // What else the stage reads is work that comes with the event.
            let each = read / realm.scenario.events_per_s;
            let outputs = realm.flow.writes[index].iter().map(|rate| rate / realm.scenario.events_per_s).collect();
            path.push((&costs.stages[index], plan, each, outputs));
        }
        let slowest = path.iter().map(|(stage, _, each, _)| stage.thread_us.value * each).fold(0.0, f64::max);
        let runtime = &costs.runtime;
        let (mut stages, mut limits) = (Vec::new(), Vec::new());
        for (stage, _, each, outputs) in &path {
            let step_us = stage.thread_us.value * each;
            let count = (workers as f64 * step_us / slowest).ceil().max(1.0) as usize;
            let commit = commit(costs, realm.partitions, outputs.clone());
            let (takes, per, total) = (commit.takes.mean_us(), commit.per_partition_us, commit.partitions);
            let commit_us =
                |records: f64| takes + per * outputs.iter().map(|out| spread_over(records * out, total)).sum::<f64>();
            let mut pace = pace(costs, stage);
            pace.thread_us = step_us;
            limits.push((pace.most_per_s(&commit_us) * count as f64, stage.name.clone()));
            stages.push(StageModel {
                name: stage.name.clone(),
                weights: weights(count * partitions, runtime.skew.value),
                workers: count,
                step: Time::Lognormal(step_us, runtime.spread.value),
                commit,
                hop_us: runtime.hop_ms.value * 1e3,
            });
        }
        let (most_per_s, busiest) =
            limits.into_iter().min_by(|left, right| left.0.total_cmp(&right.0)).unwrap_or_default();
        let restore = path[STRUCK].1.restore;
        let restore = [restore.changelog_s, restore.checkpoint_s, restore.standby_s].map(|s| s / partitions as f64);
        Ok(Self { stages, most_per_s, busiest, restore, costs: costs.clone() })
    }

    /// Its workers, stage by stage.
    #[must_use]
    pub fn workers(&self) -> Vec<(String, usize, usize)> {
        self.stages.iter().map(|stage| (stage.name.clone(), stage.workers, stage.weights.len())).collect()
    }

    /// With this share of what it can do, for so many seconds.
    #[must_use]
    pub fn at(&self, load: f64, seconds: f64) -> Model {
        let arrivals = Arrivals::steady(load * self.most_per_s);
        Model { stages: self.stages.clone(), arrivals, seconds, grain: 1, faults: Vec::new(), seed: SEED }
    }

    /// What can happen to a worker of the struck stage at this load, and a burst.
    #[must_use]
    pub fn faults(&self, load: f64) -> Vec<Case> {
        let runtime = &self.costs.runtime;
        let [changelog, checkpoint, standby] = self.restore;
        let back = FaultKind::KillAndBack(runtime.restart_ms.value / 1e3);
        let session_s = runtime.session_timeout_ms.value / 1e3;
        let transaction_s = (runtime.transaction_timeout_ms.value + runtime.transaction_check_ms.value) / 1e3;
        let for_good = |in_commit| FaultKind::KillForGood { session_s, transaction_s, in_commit };
        let leave = FaultKind::Leave { session_s };
        let case = |name: &str, kind, restore_s: f64| {
            let rebalance_s = runtime.rebalance_ms.value / 1e3;
            let fault = Fault { at_s: FAULT_AT_S, stage: STRUCK, kind, restore_s, rebalance_s };
            let model = Model { faults: vec![fault], grain: GRAIN, ..self.at(load, 0.0) };
            Case { name: name.to_owned(), model }
        };
        let mut cases = vec![
            case("killed, back from its checkpoint", back, checkpoint),
            case("killed, back from the changelogs", back, changelog),
            case("killed for good, standbys", for_good(false), standby),
            case("killed for good in a commit, standbys", for_good(true), standby),
            case("killed for good, changelogs", for_good(false), changelog),
            case("scaled away, standbys", leave, standby),
            case("scaled away, changelogs", leave, changelog),
            case("one more worker, changelogs", FaultKind::Join, changelog),
        ];
        let rate = load * self.most_per_s;
        let per_s = vec![(0.0, rate), (FAULT_AT_S, 3.0 * rate), (FAULT_AT_S + BURST_S, rate)];
        let model = Model { arrivals: Arrivals { per_s }, grain: GRAIN, ..self.at(load, 0.0) };
        cases.push(Case { name: format!("three times the load for {BURST_S:.0} s"), model });
        for case in &mut cases {
            // Long enough to be away, to restore and to catch up.
            let restore_s = case.model.faults.first().map_or(BURST_S, |fault| fault.restore_s);
            case.model.seconds = (FAULT_AT_S + 180.0 + 7.0 * restore_s).min(3_600.0);
        }
        cases
    }
}

fn commit(costs: &Costs, partitions: f64, outputs: Vec<f64>) -> Commit {
    let runtime = &costs.runtime;
    Commit {
        interval_us: runtime.commit_interval_ms.value * 1e3,
        most_records: runtime.commit_records.value as u64,
        takes: Time::Lognormal(runtime.commit_ms.value * 1e3, runtime.commit_spread.value),
        per_partition_us: runtime.commit_ms_per_partition.value * 1e3,
        outputs,
        partitions,
    }
}

/// The first partition has `skew` times the mean, the others share what is left.
fn weights(count: usize, skew: f64) -> Vec<f64> {
    let total = count as f64;
    let other = if count > 1 { ((total - skew) / (total - 1.0)).max(0.0) } else { 1.0 };
    std::iter::once(skew.min(total)).chain(std::iter::repeat_n(other, count.saturating_sub(1))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::scenario::Scenario;

    #[test]
    fn weights_have_the_mean_one() {
        let all = weights(12, 1.2);
        assert!((all.iter().sum::<f64>() - 12.0).abs() < 1e-9 && (all[0] - 1.2).abs() < 1e-9, "{all:?}");
        assert_eq!(weights(1, 1.2), [1.0]);
    }

    #[test]
    fn a_slice_can_do_what_it_says_and_no_more() {
        let costs = Costs::read(include_str!("../../costs.yaml")).unwrap();
        let plan = Plan::new(&costs, &Scenario::of(100_000.0, 1e8)).unwrap();
        let slice = Slice::of(&costs, &plan.realm, 2, 3).unwrap();
        let waiting = |load: f64| {
            let model = Model { grain: 20, ..slice.at(load, 20.0) };
            crate::sim::run(&model).lag.last().unwrap().records.iter().sum::<f64>()
        };
        // A tenth of a second is on its way in the one case, and twenty seconds of a tenth in the other.
        assert!(waiting(0.9) < 0.3 * slice.most_per_s, "{}", waiting(0.9));
        assert!(waiting(1.15) > 1.0 * slice.most_per_s, "{}", waiting(1.15));
    }

    #[test]
    fn a_path_without_costs_is_named() {
        let mut costs = Costs::read(include_str!("../../costs.yaml")).unwrap();
        let plan = Plan::new(&costs, &Scenario::default()).unwrap();
        costs.stages.retain(|stage| stage.name != "journey");
        let told = Slice::of(&costs, &plan.realm, 2, 3).unwrap_err().to_string();
        assert!(told.starts_with("stages = journey: "), "{told}");
    }
}
