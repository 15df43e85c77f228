//! What the hub costs: the one list of the figures that a plan and a simulation need.

use serde::Deserialize;

use crate::figure::Figure;
use crate::problem::{Check, Problem, Problems};

/// All figures.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// What all stages have in common.
    pub runtime: Runtime,
    /// The stages, in the order in which an event passes them.
    pub stages: Vec<Stage>,
}

/// What all stages have in common.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runtime {
    /// What Kafka stores with each record beside its value.
    pub record_overhead_bytes: Figure,
    /// The marker that a transaction leaves on each partition that it has written.
    pub marker_bytes: Figure,
    /// A transaction ends at the latest after so long.
    pub commit_interval_ms: Figure,
    /// A transaction ends at the latest after so many records.
    pub commit_records: Figure,
    /// A member that is silent for so long loses its partitions.
    pub session_timeout_ms: Figure,
    /// The broker leaves a transaction open for so long whose producer has died.
    pub transaction_timeout_ms: Figure,
    /// How often the broker looks for such transactions.
    pub transaction_check_ms: Figure,
    /// How long a commit stops its worker.
    pub commit_ms: Figure,
    /// Standard deviation of that by its mean.
    pub commit_spread: Figure,
    /// By how much longer for each partition that was written to.
    pub commit_ms_per_partition: Figure,
    /// What a commit costs the worker's process.
    pub commit_cpu_us: Figure,
    /// From a commit until a consumer has the records.
    pub hop_ms: Figure,
    /// From a change of members until the new assignment is known.
    pub rebalance_ms: Figure,
    /// From the death of a process until the one that replaces it has joined, under a supervisor.
    pub restart_ms: Figure,
    /// How much of the changelogs a standby has not read yet, at most.
    pub standby_behind_ms: Figure,
    /// How much of the changelogs a checkpoint does not have, at most.
    pub checkpoint_behind_ms: Figure,
    /// Entries of a checkpoint that a worker reads in a second.
    pub restore_checkpoint_per_s: Figure,
    /// Records of changelogs that a worker reads in a second.
    pub restore_changelog_per_s: Figure,
    /// Records on the busiest partition by those on the mean one.
    pub skew: Figure,
    /// Standard deviation of the time of a step by its mean.
    pub spread: Figure,
    /// Bytes of a compacted topic by those of the latest record of each key.
    pub compaction: Figure,
    /// Memory of a process without state.
    pub process_mbytes: Figure,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Its name, which is that of its consumer group.
    pub name: String,
    /// The service that it is part of.
    pub service: String,
    /// The topics it reads; without any it is what takes raw events in.
    pub reads: Vec<String>,
    /// It has one partition, whatever the others have.
    #[serde(default)]
    pub alone: bool,
    /// What a record read costs the process: all its threads, commits aside.
    pub cpu_us: Figure,
    /// For how long a record read keeps the worker's thread busy, commits aside.
    pub thread_us: Figure,
    /// What it writes.
    pub writes: Vec<Write>,
    /// What it writes to its changelogs.
    pub changelog: Option<Changelog>,
    /// What it remembers.
    #[serde(default)]
    pub state: Vec<State>,
}

/// Records that a stage writes to one topic.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// The topic.
    pub topic: String,
    /// What `records` are counted by: `record` (each that is read), a topic (each that is read of it), or `link` (each new
    /// pair of identifiers of one event).
    pub per: String,
    /// How many of them.
    pub records: Figure,
    /// Bytes of the value.
    pub bytes: Figure,
    /// Changes of one key are written as one a transaction of a task, and so many keys change at once at most.
    pub most_per_transaction: Option<Figure>,
}

/// Records on the changelogs of a stage, all its stores together.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changelog {
    /// Records for each record that is read.
    pub records: Figure,
    /// Bytes of the value.
    pub bytes: Figure,
}

/// What there is state of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Of {
    /// Each person.
    Person,
    /// Each identifier.
    Identifier,
    /// Each touch that is kept.
    Touch,
    /// Each account.
    Account,
    /// Each scorecard.
    Scorecard,
    /// Each raw event of the last `days`.
    Event,
}

impl Of {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Identifier => "identifier",
            Self::Touch => "touch",
            Self::Account => "account",
            Self::Scorecard => "scorecard",
            Self::Event => "event",
        }
    }
}

/// What a stage remembers of one kind of thing.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Of what.
    pub of: Of,
    /// Entries for each.
    pub entries: Figure,
    /// Memory of an entry, with all that finds it.
    pub memory_bytes: Figure,
    /// The entry's latest record on the changelog.
    pub changelog_bytes: Figure,
    /// For how many days events are remembered.
    pub days: Option<Figure>,
    /// Entries of one partition of one input topic, at most.
    pub most_per_partition: Option<Figure>,
}

impl Costs {
    /// From YAML.
    ///
    /// # Errors
    /// [`Problems`] with everything that is wrong.
    pub fn read(text: &str) -> Result<Self, Problems> {
        let costs: Self = serde_saphyr::from_str(text).map_err(|error| {
            let mut check = Check::default();
            check.note("costs", "the file", &error.to_string(), "see tests/capacity/src/costs.rs for what is needed");
            Problems(check.done().err().map(|problems| problems.0).unwrap_or_default())
        })?;
        costs.validate()?;
        Ok(costs)
    }

    /// Every figure with its full name.
    #[must_use]
    pub fn figures(&self) -> Vec<(String, Figure)> {
        let mut copy = self.clone();
        copy.figures_mut().into_iter().map(|(name, figure)| (name, figure.clone())).collect()
    }

    /// Writes a figure down under its full name.
    ///
    /// # Errors
    /// [`Problems`] when there is no figure of this name, or it cannot have this value.
    pub fn set(&mut self, name: &str, figure: Figure) -> Result<(), Problems> {
        let Some((_, place)) = self.figures_mut().into_iter().find(|(other, _)| other == name) else {
            let remedy = "take a name of the tables of docs/capacity.md, or see `capacity figures`";
            return Err(Problems(vec![Problem::new(name, figure.value, "is no figure of the costs", remedy)]));
        };
        let before = std::mem::replace(place, figure);
        let checked = self.validate();
        if let (Err(_), Some((_, place))) = (&checked, self.figures_mut().into_iter().find(|(other, _)| other == name))
        {
            *place = before;
        }
        checked
    }

    fn figures_mut(&mut self) -> Vec<(String, &mut Figure)> {
        let common = self.runtime.figures_mut().into_iter();
        let common = common.map(|(name, figure)| (format!("runtime.{name}"), figure));
        common.chain(self.stages.iter_mut().flat_map(Stage::figures_mut)).collect()
    }

    fn validate(&self) -> Result<(), Problems> {
        let mut check = Check::default();
        for (key, figure) in self.figures() {
            let most = if key.ends_with("bytes") { 1e12 } else { 1e9 };
            check.within(key, figure.value, 0.0, most, "give what was measured, in the unit that the name ends in");
        }
        let runtime = &self.runtime;
        for (name, figure) in [
            ("commit_interval_ms", &runtime.commit_interval_ms),
            ("commit_records", &runtime.commit_records),
            ("restore_checkpoint_per_s", &runtime.restore_checkpoint_per_s),
            ("restore_changelog_per_s", &runtime.restore_changelog_per_s),
        ] {
            check.within(format!("runtime.{name}"), figure.value, 1.0, 1e9, "give at least 1");
        }
        check.within("runtime.skew", runtime.skew.value, 1.0, 100.0, "1 is no skew at all");
        check.within("runtime.compaction", runtime.compaction.value, 1.0, 100.0, "1 is compacted at once");
        let written: Vec<&str> =
            self.stages.iter().flat_map(|stage| &stage.writes).map(|write| write.topic.as_str()).collect();
        for stage in &self.stages {
            stage.validate(&mut check, &written);
            if self.stages.iter().filter(|other| other.name == stage.name).count() > 1 {
                check.note("stages", &stage.name, "stands there twice", "leave one of them out");
            }
        }
        if !self.stages.iter().any(|stage| stage.reads.is_empty()) {
            check.note("stages", self.stages.len(), "none takes raw events in", "give the gateway, with `reads: []`");
        }
        check.done()
    }
}

impl Runtime {
    pub(crate) fn figures_mut(&mut self) -> Vec<(&'static str, &mut Figure)> {
        vec![
            ("record_overhead_bytes", &mut self.record_overhead_bytes),
            ("marker_bytes", &mut self.marker_bytes),
            ("commit_interval_ms", &mut self.commit_interval_ms),
            ("commit_records", &mut self.commit_records),
            ("session_timeout_ms", &mut self.session_timeout_ms),
            ("transaction_timeout_ms", &mut self.transaction_timeout_ms),
            ("transaction_check_ms", &mut self.transaction_check_ms),
            ("commit_ms", &mut self.commit_ms),
            ("commit_spread", &mut self.commit_spread),
            ("commit_ms_per_partition", &mut self.commit_ms_per_partition),
            ("commit_cpu_us", &mut self.commit_cpu_us),
            ("hop_ms", &mut self.hop_ms),
            ("rebalance_ms", &mut self.rebalance_ms),
            ("restart_ms", &mut self.restart_ms),
            ("standby_behind_ms", &mut self.standby_behind_ms),
            ("checkpoint_behind_ms", &mut self.checkpoint_behind_ms),
            ("restore_checkpoint_per_s", &mut self.restore_checkpoint_per_s),
            ("restore_changelog_per_s", &mut self.restore_changelog_per_s),
            ("skew", &mut self.skew),
            ("spread", &mut self.spread),
            ("compaction", &mut self.compaction),
            ("process_mbytes", &mut self.process_mbytes),
        ]
    }
}

impl Stage {
    /// Every figure with its full name.
    fn figures_mut(&mut self) -> Vec<(String, &mut Figure)> {
        let name = &self.name;
        let mut all =
            vec![(format!("{name}.cpu_us"), &mut self.cpu_us), (format!("{name}.thread_us"), &mut self.thread_us)];
        for Write { topic, records, bytes, most_per_transaction, .. } in &mut self.writes {
            all.push((format!("{name}.{topic}.records"), records));
            all.push((format!("{name}.{topic}.bytes"), bytes));
            let most = most_per_transaction.iter_mut();
            all.extend(most.map(|figure| (format!("{name}.{topic}.most_per_transaction"), figure)));
        }
        if let Some(Changelog { records, bytes }) = &mut self.changelog {
            all.push((format!("{name}.changelog.records"), records));
            all.push((format!("{name}.changelog.bytes"), bytes));
        }
        for state in &mut self.state {
            let of = format!("{name}.{}", state.of.name());
            all.push((format!("{of}.entries"), &mut state.entries));
            all.push((format!("{of}.memory_bytes"), &mut state.memory_bytes));
            all.push((format!("{of}.changelog_bytes"), &mut state.changelog_bytes));
            all.extend(state.days.iter_mut().map(|figure| (format!("{of}.days"), figure)));
            let most = state.most_per_partition.iter_mut();
            all.extend(most.map(|figure| (format!("{of}.most_per_partition"), figure)));
        }
        all
    }

    fn validate(&self, check: &mut Check, written: &[&str]) {
        let name = &self.name;
        check.within(format!("{name}.thread_us"), self.thread_us.value, 0.01, 1e6, "give at least 0.01");
        for topic in self.reads.iter().filter(|topic| !written.contains(&topic.as_str())) {
            check.note(
                format!("{name}.reads"),
                topic,
                "no stage writes it",
                "give the stage that writes it, or leave it out",
            );
        }
        for write in &self.writes {
            let is_known = ["record", "link"].contains(&write.per.as_str()) || self.reads.contains(&write.per);
            if !is_known {
                let remedy = "give `record`, `link`, or a topic that the stage reads";
                check.note(format!("{name}.{}.per", write.topic), &write.per, "is nothing to count by", remedy);
            }
        }
        for state in self.state.iter().filter(|state| state.of == Of::Event && state.days.is_none()) {
            let key = format!("{name}.event.days");
            check.note(key, format!("{:?}", state.days), "is missing", "say for how many days events are remembered");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Source;

    const TEXT: &str = include_str!("../costs.yaml");

    #[test]
    fn what_is_wrong_is_told_at_once_with_its_remedy() {
        let broken = TEXT
            .replace("skew: { value: 1.2", "skew: { value: 0.5")
            .replace("reads: [tributary.deliveries]", "reads: [tributary.nothing]")
            .replace("per: tributary.triggers.<team>", "per: tributary.journeys")
            .replace("commit_records: { value: 5000", "commit_records: { value: 0");
        let told = Costs::read(&broken).unwrap_err().to_string();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(
            lines,
            [
                "runtime.commit_records = 0: must be from 1 to 1000000000; give at least 1",
                "runtime.skew = 0.5: must be from 1 to 100; 1 is no skew at all",
                "delivery-intake.tributary.deliveries.per = tributary.journeys: is nothing to count by; give `record`, \
                 `link`, or a topic that the stage reads",
                "delivery.reads = tributary.nothing: no stage writes it; give the stage that writes it, or leave it out",
            ]
        );
    }

    #[test]
    fn a_figure_that_is_missing_is_named() {
        let without =
            TEXT.replace("  hop_ms: { value: 1, source: \"assumed: from a commit to the next stage's hands\" }\n", "");
        assert_ne!(without, TEXT);
        let told = Costs::read(&without).unwrap_err().to_string();
        assert!(told.contains("hop_ms") && told.contains("src/costs.rs"), "{told}");
        let negative = TEXT.replace("hop_ms: { value: 1,", "hop_ms: { value: -1,");
        let told = Costs::read(&negative).unwrap_err().to_string();
        assert_eq!(
            told,
            "runtime.hop_ms = -1: must be from 0 to 1000000000; give what was measured, in the unit that the name ends in"
        );
    }

    #[test]
    fn what_is_measured_is_written_down_or_refused() {
        let mut costs = Costs::read(TEXT).unwrap();
        let measured = |value: f64| Figure { value, source: Source::Measured("just bench-costs".to_owned()) };
        costs.set("journey.cpu_us", measured(23.5)).unwrap();
        assert_eq!(costs.stages.iter().find(|stage| stage.name == "journey").unwrap().cpu_us, measured(23.5));
        let told = costs.set("journey.cpu", measured(1.0)).unwrap_err().to_string();
        assert!(told.starts_with("journey.cpu = 1: is no figure of the costs"), "{told}");
        let before = costs.clone();
        assert!(costs.set("runtime.skew", measured(0.1)).is_err());
        assert_eq!(costs, before, "what is refused changes nothing");
    }

    #[test]
    fn each_figure_has_a_name_of_its_own() {
        let costs = Costs::read(TEXT).unwrap();
        let mut names: Vec<String> = costs.figures().into_iter().map(|(name, _)| name).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(names.contains(&"journey.touch.memory_bytes".to_owned()));
    }
}
