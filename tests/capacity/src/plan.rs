//! From a scenario to the size of a hub: partitions, workers, cores, memory, times of restoring, realms.

#[cfg(test)]
mod tests;

use crate::costs::{Costs, Of, Stage, State, Write};
use crate::flow::{self, Flow, Input};
use crate::kafka::{self, KafkaPlan};
use crate::problem::{Problem, Problems};
use crate::scenario::Scenario;
use crate::worker::{Cycle, Pace, spread_over};

/// No topic has more partitions: the search for their number has gone astray.
const MOST_PARTITIONS: f64 = 50_000.0;
/// Rounds in which rates and sizes come to agree.
const ROUNDS: usize = 20;
const SECONDS_A_DAY: f64 = 86_400.0;

/// How large a hub has to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// For what.
    pub scenario: Scenario,
    /// Realms: hubs of their own, with topics of their own, that share out the persons.
    pub realms: Realms,
    /// One of the realms.
    pub realm: RealmPlan,
}

/// How many realms, and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Realms {
    /// How many there are to be: the most of the others, and `least_realms`.
    pub count: f64,
    /// For the rate of the sequencers.
    pub by_rate: f64,
    /// For the memory of the sequencers.
    pub by_memory: f64,
}

/// One realm.
#[derive(Debug, Clone, PartialEq)]
pub struct RealmPlan {
    /// What it has to do.
    pub scenario: Scenario,
    /// Partitions of each keyed topic.
    pub partitions: f64,
    /// The stage that needs so many, or `least_partitions`.
    pub partitions_for: String,
    /// Its stages, in the order of the costs.
    pub stages: Vec<StagePlan>,
    /// Records a second, topic by topic and stage by stage.
    pub flow: Flow,
    /// What the sequencer can do.
    pub sequencer: SequencerPlan,
    /// What Kafka has to do.
    pub kafka: KafkaPlan,
    /// What somebody should know who builds it.
    pub notes: Vec<String>,
}

/// A stage.
#[derive(Debug, Clone, PartialEq)]
pub struct StagePlan {
    /// Its name.
    pub name: String,
    /// Records it reads in a second.
    pub records_per_s: f64,
    /// Records a second that one worker can do at most.
    pub worker_per_s: f64,
    /// Worker threads, for the rate and for restoring in time.
    pub workers: f64,
    /// Cores to provide.
    pub cores: f64,
    /// Processes, for the workers and for the memory.
    pub processes: f64,
    /// Entries of state.
    pub entries: f64,
    /// Memory of all processes.
    pub memory_bytes: f64,
    /// Transactions of all workers in a second.
    pub transactions_per_s: f64,
    /// Their markers.
    pub markers_per_s: f64,
    /// Records on its changelogs in a second.
    pub changelog_per_s: f64,
    /// Bytes of these, with what Kafka adds.
    pub changelog_bytes_per_s: f64,
    /// Bytes of the changelogs as they lie there, one copy.
    pub changelog_stored_bytes: f64,
    /// How long a process that starts takes for its state.
    pub restore: Restore,
}

/// Seconds until a process has its state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Restore {
    /// From the changelogs alone.
    pub changelog_s: f64,
    /// From a checkpoint, and the changelogs since.
    pub checkpoint_s: f64,
    /// From a standby.
    pub standby_s: f64,
}

/// The sequencers of identity.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SequencerPlan {
    /// Links a second at the peak.
    pub links_per_s: f64,
    /// Links a second that it can do.
    pub most_per_s: f64,
    /// Memory.
    pub memory_bytes: f64,
    /// Hours to link a base of persons that is loaded at once.
    pub load_hours: f64,
}

impl Plan {
    /// Plans for `scenario`.
    ///
    /// # Errors
    /// [`Problems`] when the scenario is wrong, or when no hub can do it.
    pub fn new(costs: &Costs, scenario: &Scenario) -> Result<Self, Problems> {
        scenario.validate()?;
        let whole = sequencer(costs, scenario);
        let by_rate = (whole.links_per_s / (whole.most_per_s * scenario.utilisation)).ceil().max(1.0);
        let by_memory = (whole.memory_bytes / state_room(costs, scenario)?).ceil().max(1.0);
        let count = by_rate.max(by_memory).max(scenario.least_realms);
        let realm = RealmPlan::new(costs, &scenario.part(count))?;
        Ok(Self { scenario: scenario.clone(), realms: Realms { count, by_rate, by_memory }, realm })
    }

    /// The sum of `of` over the stages of all realms.
    #[must_use]
    pub fn total(&self, of: impl Fn(&StagePlan) -> f64) -> f64 {
        self.realms.count * self.realm.stages.iter().map(of).sum::<f64>()
    }
}

/// Memory of a process that is left for state.
fn state_room(costs: &Costs, scenario: &Scenario) -> Result<f64, Problems> {
    let room = scenario.gbytes_per_process * 1e9 - costs.runtime.process_mbytes.value * 1e6;
    if room > 0.0 {
        return Ok(room);
    }
    let why = "is not more than a process needs without any state";
    Err(Problems(vec![Problem::new("gbytes_per_process", scenario.gbytes_per_process, why, "give more memory")]))
}

fn sequencer(costs: &Costs, scenario: &Scenario) -> SequencerPlan {
    let Some(stage) = costs.stages.iter().find(|stage| stage.alone) else { return SequencerPlan::default() };
    let commit_us = costs.runtime.commit_ms.value * 1e3;
    let most_per_s = pace(costs, stage).most_per_s(&|_| commit_us);
    let memory_bytes = stage.state.iter().map(|state| entries(state, scenario, 1.0) * state.memory_bytes.value).sum();
    let links = scenario.persons * (scenario.identifiers_per_person - 1.0);
    let load_hours = links / most_per_s / 3_600.0;
    SequencerPlan { links_per_s: scenario.links_per_s(), most_per_s, memory_bytes, load_hours }
}

pub(crate) fn pace(costs: &Costs, stage: &Stage) -> Pace {
    Pace {
        thread_us: stage.thread_us.value,
        interval_us: costs.runtime.commit_interval_ms.value * 1e3,
        most_records: costs.runtime.commit_records.value,
    }
}

/// How many entries there are, with so many partitions.
fn entries(state: &State, scenario: &Scenario, partitions: f64) -> f64 {
    let things = match state.of {
        Of::Person => scenario.persons,
        Of::Identifier => scenario.persons * scenario.identifiers_per_person,
        Of::Touch => scenario.persons * scenario.touches_per_person,
        Of::Account => scenario.accounts,
        Of::Scorecard => scenario.scorecards,
        Of::Event => {
            let days = state.days.as_ref().map_or(0.0, |days| days.value);
            scenario.events_per_s * scenario.mean_share * SECONDS_A_DAY * days
        }
    };
    let most = state.most_per_partition.as_ref().map_or(f64::INFINITY, |most| most.value * partitions);
    (things * state.entries.value).min(most)
}

/// One try: a realm with this many partitions, and what each stage then does.
struct Draft<'a> {
    costs: &'a Costs,
    scenario: &'a Scenario,
    partitions: f64,
    /// Commits of a worker of each stage in a second, and how many records are in one.
    cycles: Vec<Cycle>,
    workers: Vec<f64>,
    worker_per_s: Vec<f64>,
    flow: Flow,
}

impl<'a> Draft<'a> {
    fn new(costs: &'a Costs, scenario: &'a Scenario) -> Self {
        let idle = Cycle { commits_per_s: 0.0, records: 1.0, commit_us: 0.0 };
        let count = costs.stages.len();
        Self {
            costs,
            scenario,
            partitions: 1.0,
            cycles: vec![idle; count],
            workers: vec![1.0; count],
            worker_per_s: vec![0.0; count],
            flow: Flow::default(),
        }
    }

    fn follow(&mut self) -> Result<(), Problems> {
        let input = Input { events_per_s: self.scenario.events_per_s, links_per_s: self.scenario.links_per_s() };
        let most = |stage: usize, write: &Write| match &write.most_per_transaction {
            Some(most) if self.cycles[stage].commits_per_s > 0.0 => {
                most.value * self.partitions * self.cycles[stage].commits_per_s
            }
            _ => f64::INFINITY,
        };
        self.flow = flow::follow(self.costs, input, &most)?;
        Ok(())
    }

    /// Partitions that a transaction with so many records leaves a marker on.
    fn touched(&self, index: usize, records: f64) -> f64 {
        let stage = &self.costs.stages[index];
        let read = self.flow.stages[index].max(1e-9);
        let written: f64 = self.flow.writes[index]
            .iter()
            .zip(&stage.writes)
            .map(|(rate, write)| spread_over(records * rate / read, self.partitions_of(&write.topic)))
            .sum();
        let tasks = if stage.alone { 1.0 } else { (self.partitions / self.workers[index]).max(1.0).min(records) };
        let stores = if stage.changelog.is_some() { stage.state.len() as f64 } else { 0.0 };
        written + tasks * stores + 1.0
    }

    fn partitions_of(&self, topic: &str) -> f64 {
        if kafka::is_single(topic) { 1.0 } else { self.partitions }
    }

    /// Sizes every stage for the flow; says how many partitions are needed and for which stage.
    fn size(&mut self, room: f64) -> (f64, String) {
        let mut needed = (1.0, String::new());
        for index in 0..self.costs.stages.len() {
            let stage = &self.costs.stages[index];
            let runtime = &self.costs.runtime;
            let (base, each) = (runtime.commit_ms.value * 1e3, runtime.commit_ms_per_partition.value * 1e3);
            let commit_us = |records: f64| base + each * self.touched(index, records);
            let (read, pace) = (self.flow.stages[index], pace(self.costs, stage));
            let is_gateway = stage.reads.is_empty();
            let most = if is_gateway { 1e6 / stage.thread_us.value } else { pace.most_per_s(&commit_us) };
            let busiest = read * if is_gateway || stage.alone { 1.0 } else { runtime.skew.value };
            let for_rate = (busiest / (self.scenario.utilisation * most)).ceil().max(1.0);
            let restored = runtime.restore_checkpoint_per_s.value * self.scenario.restore_s;
            let for_restore = (self.entries(stage) / restored).ceil();
            let workers = if stage.alone { 1.0 } else { for_rate.max(for_restore) };
            let cycle = pace.cycle(read / workers, &commit_us);
            let memory: f64 = self.state_bytes(stage);
            let processes = if stage.alone { 1.0 } else { (memory / room).ceil() };
            let wanted = if is_gateway { 1.0 } else { workers.max(processes) };
            if wanted > needed.0 {
                needed = (wanted, stage.name.clone());
            }
            if is_gateway {
                self.cycles[index] = Cycle { commits_per_s: 0.0, records: 1.0, commit_us: 0.0 };
            } else {
                self.cycles[index] = cycle;
            }
            (self.workers[index], self.worker_per_s[index]) = (workers, most);
        }
        needed
    }

    fn entries(&self, stage: &Stage) -> f64 {
        stage.state.iter().map(|state| entries(state, self.scenario, self.partitions)).sum()
    }

    fn state_bytes(&self, stage: &Stage) -> f64 {
        let of = |state: &State| entries(state, self.scenario, self.partitions) * state.memory_bytes.value;
        stage.state.iter().map(of).sum()
    }

    fn stage(&self, index: usize, room: f64) -> StagePlan {
        let (stage, scenario, runtime) = (&self.costs.stages[index], self.scenario, &self.costs.runtime);
        let (records_per_s, workers) = (self.flow.stages[index], self.workers[index]);
        let transactions_per_s = workers * self.cycles[index].commits_per_s;
        let busy_us = records_per_s * stage.cpu_us.value + transactions_per_s * runtime.commit_cpu_us.value;
        let state_bytes = self.state_bytes(stage);
        let for_workers = (workers / scenario.workers_per_process).ceil();
        let processes = if stage.alone { 1.0 } else { for_workers.max((state_bytes / room).ceil()) };
        let entries = self.entries(stage);
        let changelog_per_s = stage.changelog.as_ref().map_or(0.0, |log| records_per_s * log.records.value);
        let overhead = runtime.record_overhead_bytes.value;
        let record_bytes = stage.changelog.as_ref().map_or(0.0, |log| log.bytes.value + overhead);
        let live =
            |state: &State| self::entries(state, scenario, self.partitions) * (state.changelog_bytes.value + overhead);
        let limit = if stage.alone { 1.0 } else { self.partitions };
        let restoring = (processes * scenario.workers_per_process).min(limit).max(workers.min(limit));
        let read_s = |records: f64, per_s: f64| records / restoring / per_s;
        let (from_log, from_file) = (runtime.restore_changelog_per_s.value, runtime.restore_checkpoint_per_s.value);
        let tail_s = |behind_ms: f64| read_s((changelog_per_s * behind_ms / 1e3).min(entries), from_log);
        StagePlan {
            name: stage.name.clone(),
            records_per_s,
            worker_per_s: self.worker_per_s[index],
            workers,
            cores: busy_us / 1e6 / scenario.utilisation,
            processes,
            entries,
            memory_bytes: state_bytes + processes * runtime.process_mbytes.value * 1e6,
            transactions_per_s,
            markers_per_s: if stage.reads.is_empty() {
                0.0
            } else {
                transactions_per_s * self.touched(index, self.cycles[index].records)
            },
            changelog_per_s,
            changelog_bytes_per_s: changelog_per_s * record_bytes,
            changelog_stored_bytes: stage.state.iter().map(live).sum::<f64>() * runtime.compaction.value,
            restore: Restore {
                changelog_s: read_s(entries * runtime.compaction.value, from_log),
                checkpoint_s: read_s(entries, from_file) + tail_s(runtime.checkpoint_behind_ms.value),
                standby_s: tail_s(runtime.standby_behind_ms.value),
            },
        }
    }
}

impl RealmPlan {
    fn new(costs: &Costs, scenario: &Scenario) -> Result<Self, Problems> {
        let room = state_room(costs, scenario)?;
        let mut draft = Draft::new(costs, scenario);
        draft.partitions = scenario.least_partitions;
        let mut partitions_for = "least_partitions".to_owned();
        loop {
            draft.follow()?;
            let (needed, stage) = draft.size(room);
            if needed <= draft.partitions {
                break;
            }
            (draft.partitions, partitions_for) = (needed, stage);
            if needed > MOST_PARTITIONS {
                let why = "needs more partitions than a realm can have";
                let remedy = "raise least_realms: each realm has a part of the persons";
                return Err(Problems(vec![Problem::new("events_per_s", scenario.events_per_s, why, remedy)]));
            }
        }
        // What combines changes writes by its transactions, and these go by what it reads.
        for _ in 0..ROUNDS {
            draft.follow()?;
            draft.size(room);
        }
        let stages: Vec<StagePlan> = (0..costs.stages.len()).map(|index| draft.stage(index, room)).collect();
        let kafka = KafkaPlan::new(costs, scenario, draft.partitions, &draft.flow, &stages);
        let notes = notes(costs, scenario, draft.partitions);
        Ok(Self {
            scenario: scenario.clone(),
            partitions: draft.partitions,
            partitions_for,
            stages,
            flow: draft.flow,
            sequencer: sequencer(costs, scenario),
            kafka,
            notes,
        })
    }
}

/// What is not as it was asked for.
fn notes(costs: &Costs, scenario: &Scenario, partitions: f64) -> Vec<String> {
    let mut notes = Vec::new();
    for stage in &costs.stages {
        for state in &stage.state {
            let unbounded = State { most_per_partition: None, ..state.clone() };
            let share = entries(state, scenario, partitions) / entries(&unbounded, scenario, partitions).max(1e-9);
            if let (Some(days), true) = (&state.days, share < 0.999) {
                let hours = days.value * 24.0 * share;
                notes.push(format!(
                    "`{}` remembers events for {hours:.1} hours instead of {:.0}: its bound for a partition is reached.",
                    stage.name,
                    days.value * 24.0
                ));
            }
        }
    }
    notes
}
