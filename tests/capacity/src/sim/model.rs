//! What is simulated.

use crate::sim::draw::Time;

/// A part of a hub, and what happens to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// The stages that an event passes, one record of each for each event.
    pub stages: Vec<StageModel>,
    /// What comes in.
    pub arrivals: Arrivals,
    /// For how many seconds something comes in; afterwards what is there is done to the end.
    pub seconds: f64,
    /// Records that are handled as one, to save time; times are those of so many.
    pub grain: u32,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Where chance begins.
    pub seed: u64,
}

/// One stage.
#[derive(Debug, Clone, PartialEq)]
pub struct StageModel {
    /// Its name.
    pub name: String,
    /// Weight of each partition.
    pub weights: Vec<f64>,
    /// Its workers at the start.
    pub workers: usize,
    /// For how long a record keeps a worker.
    pub step: Time,
    /// How its workers commit.
    pub commit: Commit,
    /// Microseconds from the end of a transaction until the next stage has its records.
    pub hop_us: f64,
}

/// How workers commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// At the latest so many microseconds after a transaction began.
    pub interval_us: f64,
    /// Or after so many records.
    pub most_records: u64,
    /// How long it takes.
    pub takes: Time,
    /// By how many microseconds longer for each partition that is written to.
    pub per_partition_us: f64,
    /// Records on each topic that it writes, for each that it reads.
    pub outputs: Vec<f64>,
    /// Partitions of each topic of the whole hub, of which this is a part.
    pub partitions: f64,
}

/// Raw events.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrivals {
    /// From a second on, so many a second, until the next entry counts.
    pub per_s: Vec<(f64, f64)>,
}

impl Arrivals {
    /// Always the same rate.
    #[must_use]
    pub fn steady(per_s: f64) -> Self {
        Self { per_s: vec![(0.0, per_s)] }
    }

    /// The rate at a second.
    #[must_use]
    pub fn at(&self, second: f64) -> f64 {
        self.per_s.iter().take_while(|(from, _)| *from <= second).last().map_or(0.0, |(_, rate)| *rate)
    }
}

/// Something goes wrong with a worker, or its number changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    /// When.
    pub at_s: f64,
    /// In which stage.
    pub stage: usize,
    /// What.
    pub kind: FaultKind,
    /// How long the state of one partition takes to be restored.
    pub restore_s: f64,
    /// From a change of members until partitions are assigned anew.
    pub rebalance_s: f64,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FaultKind {
    /// A worker is killed, and its replacement has joined under its name after so many seconds: it ends the transaction
    /// that was left open and has the partitions that it had.
    KillAndBack(f64),
    /// A worker is killed and stays away. Its partitions go to others when the session is over, and its open transaction
    /// ends by the broker's timeout.
    KillForGood {
        /// Seconds until the group gives its partitions away.
        session_s: f64,
        /// Seconds from its begin until the broker ends the transaction.
        transaction_s: f64,
        /// It is killed while it commits: its offsets hang in the transaction, too. Otherwise while it handles records.
        in_commit: bool,
    },
    /// A worker commits and ends. Its partitions go to others when the session is over.
    Leave {
        /// Seconds until the group gives its partitions away.
        session_s: f64,
    },
    /// A worker joins, and gets its share of the partitions.
    Join,
}
