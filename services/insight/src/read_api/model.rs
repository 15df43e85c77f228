//! What the topics of insight say now, kept up to date record by record.

use std::sync::Arc;

use tributary_model::experiment::ExperimentLift;
use tributary_model::path::PathStatistics;
use tributary_model::{Scorecard, topics};
use tributary_schema::Contracts;
use tributary_stream::Record;

use crate::read::Scorecards;
use crate::read_lift::Experiments;
use crate::read_paths::CountedPaths;

/// Scorecards, experiments and counted paths, each the latest that was read.
#[derive(Debug)]
pub struct ReadModel {
    contracts: Arc<Contracts>,
    /// Scorecards, those of products and creatives among them.
    pub scorecards: Scorecards,
    /// What messages caused.
    pub experiments: Experiments,
    /// Who went which way.
    pub paths: CountedPaths,
    /// Records that could not be read.
    pub unreadable: u64,
}

impl ReadModel {
    /// Nothing was read.
    #[must_use]
    pub fn new(contracts: Arc<Contracts>) -> Self {
        Self {
            contracts,
            scorecards: Scorecards::default(),
            experiments: Experiments::default(),
            paths: CountedPaths::default(),
            unreadable: 0,
        }
    }

    /// The topics that make it up, of all there are.
    #[must_use]
    pub fn topics(existing: impl Iterator<Item = String>) -> Vec<String> {
        let prefix = topics::metrics("");
        let is_read = |name: &String| {
            name.starts_with(&prefix) || [topics::PRODUCTS, topics::LIFT, topics::PATHS].contains(&name.as_str())
        };
        existing.filter(is_read).collect()
    }

    /// Takes over a record of one of these topics; one that cannot be read is counted.
    pub fn apply(&mut self, record: Record) {
        let position = record.position();
        let Record { topic, key, value, .. } = record;
        let read = match (topic.as_str(), value) {
            (topics::LIFT, value) => value
                .map(|value| self.contracts.decode::<ExperimentLift>(&value))
                .transpose()
                .map(|lift| self.experiments.apply(key, lift)),
            (topics::PATHS, value) => value
                .map(|value| self.contracts.decode::<PathStatistics>(&value))
                .transpose()
                .map(|statistics| self.paths.apply(key, statistics)),
            (_, Some(value)) => self.contracts.decode::<Scorecard>(&value).map(|card| self.scorecards.apply(card)),
            (_, None) => {
                self.scorecards.remove(&key);
                Ok(())
            }
        };
        if let Err(error) = read {
            self.unreadable += 1;
            if self.unreadable == 1 {
                tracing::warn!(position, %error, "a record is left out, and so will others be: is the schema registry set?");
            }
        }
    }
}
