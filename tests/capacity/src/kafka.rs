//! What a realm asks of Kafka: traffic, disk, partitions, brokers.

use tributary_model::topics::{self, Cleanup, Partitions, TopicDefinition};
use tributary_model::{Domain, time::DAY_MS};

use crate::costs::Costs;
use crate::flow::Flow;
use crate::plan::StagePlan;
use crate::scenario::Scenario;

/// Stands for any domain or team in the name of a topic.
const ANY_DOMAIN: &str = "<domain>";
/// As above.
pub(crate) const ANY_TEAM: &str = "<team>";

/// What Kafka has to do for a realm.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KafkaPlan {
    /// Records written in a second, changelogs included.
    pub records_per_s: f64,
    /// Bytes written to leaders in a second: records and markers.
    pub written_bytes_per_s: f64,
    /// Of these, those of changelogs.
    pub changelog_bytes_per_s: f64,
    /// Bytes that followers copy in a second.
    pub copied_bytes_per_s: f64,
    /// Bytes that consumers read in a second, standbys aside.
    pub read_bytes_per_s: f64,
    /// Markers of transactions in a second, one copy.
    pub markers_per_s: f64,
    /// Bytes on disk, all copies.
    pub stored_bytes: f64,
    /// The same if no topic were kept for longer than a week.
    pub stored_week_bytes: f64,
    /// Copies of partitions.
    pub partition_copies: f64,
    /// Brokers.
    pub brokers: f64,
    /// What needs so many.
    pub brokers_for: &'static str,
    /// The topics that take most of the disk: name, bytes of all copies, days that they are kept; the largest first.
    pub largest: Vec<(String, f64, f64)>,
}

/// True for topics with one partition, whatever the others have.
pub(crate) fn is_single(topic: &str) -> bool {
    definition(topic).is_some_and(|definition| matches!(definition.partitions, Partitions::Fixed(1)))
}

fn definitions() -> Vec<TopicDefinition> {
    topics::definitions(&[ANY_TEAM.to_owned()])
}

fn definition(topic: &str) -> Option<TopicDefinition> {
    let name = Domain::ALL
        .first()
        .filter(|domain| topics::raw(**domain).replace(domain.name(), ANY_DOMAIN) == topic)
        .map_or_else(|| topic.to_owned(), |domain| topics::raw(*domain));
    definitions().into_iter().find(|definition| definition.name == name)
}

/// For how many days a topic is kept; `None` for one that is compacted.
pub(crate) fn days_kept(topic: &str, scenario: &Scenario) -> Option<f64> {
    match definition(topic).map(|definition| definition.cleanup) {
        Some(Cleanup::Compact) => None,
        Some(Cleanup::DeleteAfterMs(ms)) => Some((ms as f64 / DAY_MS as f64).min(scenario.longest_retention_days)),
        None => Some(scenario.longest_retention_days.min(7.0)),
    }
}

/// Keys of a compacted topic.
fn keys(topic: &str, scenario: &Scenario) -> f64 {
    match topic {
        topics::ALIASES => scenario.persons * (scenario.identifiers_per_person - 1.0),
        topics::ACCOUNTS => scenario.accounts,
        _ => scenario.scorecards,
    }
}

impl KafkaPlan {
    pub(crate) fn new(costs: &Costs, scenario: &Scenario, partitions: f64, flow: &Flow, stages: &[StagePlan]) -> Self {
        let overhead = costs.runtime.record_overhead_bytes.value;
        let mut plan = Self::default();
        let mut stored: Vec<(String, f64, f64)> = Vec::new();
        for (stage, rates) in costs.stages.iter().zip(&flow.writes) {
            for (write, rate) in stage.writes.iter().zip(rates) {
                let bytes = write.bytes.value + overhead;
                let readers = costs.stages.iter().filter(|stage| stage.reads.contains(&write.topic)).count() as f64;
                plan.records_per_s += rate;
                plan.written_bytes_per_s += rate * bytes;
                plan.read_bytes_per_s += rate * bytes * readers;
                let (days, kept) = match days_kept(&write.topic, scenario) {
                    Some(days) => (days, rate * scenario.mean_share * 86_400.0 * days),
                    None => (0.0, keys(&write.topic, scenario) * costs.runtime.compaction.value),
                };
                let size = kept * bytes * scenario.replication;
                match stored.iter_mut().find(|(topic, ..)| *topic == write.topic) {
                    Some((_, sum, _)) if days > 0.0 => *sum += size,
                    Some(_) => {}
                    None => stored.push((write.topic.clone(), size, days)),
                }
            }
        }
        for stage in stages {
            plan.records_per_s += stage.changelog_per_s;
            plan.changelog_bytes_per_s += stage.changelog_bytes_per_s;
            plan.markers_per_s += stage.markers_per_s;
        }
        let markers = plan.markers_per_s * costs.runtime.marker_bytes.value;
        plan.written_bytes_per_s += plan.changelog_bytes_per_s + markers;
        plan.copied_bytes_per_s = plan.written_bytes_per_s * (scenario.replication - 1.0);
        let changelogs: f64 = stages.iter().map(|stage| stage.changelog_stored_bytes).sum();
        let total = |most_days: f64| {
            let kept = |(_, bytes, days): &(String, f64, f64)| {
                if *days > most_days { bytes / days * most_days } else { *bytes }
            };
            stored.iter().map(kept).sum::<f64>() + changelogs * scenario.replication
        };
        (plan.stored_bytes, plan.stored_week_bytes) = (total(f64::INFINITY), total(7.0));
        stored.sort_by(|left, right| right.1.total_cmp(&left.1));
        plan.largest = stored;
        plan.partition_copies = partition_count(costs, scenario, partitions) * scenario.replication;
        plan.choose_brokers(scenario);
        plan
    }

    fn choose_brokers(&mut self, scenario: &Scenario) {
        let traffic = (self.written_bytes_per_s + self.copied_bytes_per_s) / (scenario.broker_mbytes_per_s * 1e6);
        let needs = [
            (scenario.replication, "copies"),
            (traffic, "traffic"),
            (self.markers_per_s * scenario.replication / scenario.broker_markers_per_s, "markers"),
            (self.partition_copies / scenario.broker_partitions, "partitions"),
            (self.stored_bytes / (scenario.broker_tbytes * 1e12), "disk"),
        ];
        for (count, why) in needs {
            if count.ceil() > self.brokers {
                (self.brokers, self.brokers_for) = (count.ceil(), why);
            }
        }
    }
}

/// Partitions of all topics of a realm, changelogs included.
fn partition_count(costs: &Costs, scenario: &Scenario, partitions: f64) -> f64 {
    let of_topic = |definition: &TopicDefinition| {
        let copies = if definition.name.ends_with(ANY_TEAM) { f64::from(scenario.teams) } else { 1.0 };
        copies
            * match definition.partitions {
                Partitions::Configured => partitions,
                Partitions::ConfiguredTimes(times) => partitions * f64::from(times),
                Partitions::Fixed(count) => f64::from(count),
            }
    };
    let raw = format!("{}{ANY_DOMAIN}", topics::raw(Domain::ALL[0]).trim_end_matches(Domain::ALL[0].name()));
    let changelogs = costs.stages.iter().map(|stage| {
        let tasks = if stage.reads.contains(&raw) { Domain::ALL.len() as f64 } else { 1.0 };
        stage.state.len() as f64 * if stage.alone { 1.0 } else { partitions * tasks }
    });
    definitions().iter().map(of_topic).sum::<f64>() + changelogs.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_kept_as_the_hub_makes_them() {
        let scenario = Scenario { longest_retention_days: 30.0, ..Scenario::default() };
        let raw = "tributary.raw.<domain>";
        assert_eq!(days_kept(raw, &Scenario::default()), Some(7.0));
        assert_eq!(days_kept(topics::JOURNEYS, &Scenario::default()), Some(392.0));
        assert_eq!(days_kept(topics::JOURNEYS, &scenario), Some(30.0));
        assert_eq!(days_kept(topics::ALIASES, &scenario), None);
        assert_eq!(days_kept(&topics::metrics(ANY_TEAM), &scenario), None);
        assert!(is_single(topics::MERGES) && !is_single(topics::RESOLVED) && !is_single(raw));
    }

    #[test]
    fn every_topic_of_the_costs_is_one_of_the_hub() {
        let costs = Costs::read(include_str!("../costs.yaml")).unwrap();
        let topics: Vec<&String> =
            costs.stages.iter().flat_map(|stage| stage.writes.iter().map(|write| &write.topic)).collect();
        let unknown: Vec<_> = topics.iter().filter(|topic| definition(topic).is_none()).collect();
        assert!(unknown.is_empty() && topics.len() > 20, "{unknown:?}");
    }
}
