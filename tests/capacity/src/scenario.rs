//! For what a hub is planned.

use serde::Deserialize;

use crate::problem::{Check, Problems};

/// What a hub has to do, and with what.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// Raw events a second at the peak.
    pub events_per_s: f64,
    /// The mean rate over weeks by that of the peak; it decides what is stored.
    pub mean_share: f64,
    /// Persons.
    pub persons: f64,
    /// Identifiers of a person.
    pub identifiers_per_person: f64,
    /// Touches of a person that its journey keeps.
    pub touches_per_person: f64,
    /// How often a day a person is seen with a pair of identifiers that was never seen together.
    pub links_per_person_day: f64,
    /// Accounts.
    pub accounts: f64,
    /// Teams, each with topics of its own.
    pub teams: u32,
    /// Scorecards, all windows included.
    pub scorecards: f64,
    /// How busy the busiest worker may be at the peak.
    pub utilisation: f64,
    /// Seconds in which a process has its state back from checkpoints, the sequencer aside.
    pub restore_s: f64,
    /// Copies of each partition.
    pub replication: f64,
    /// Partitions of each keyed topic, at least.
    pub least_partitions: f64,
    /// No topic is kept longer, whatever the hub asks for.
    pub longest_retention_days: f64,
    /// Worker threads of a process.
    pub workers_per_process: f64,
    /// Memory of a process.
    pub gbytes_per_process: f64,
    /// Realms, at least.
    pub least_realms: f64,
    /// Markers of transactions that a broker takes in a second, copies included.
    pub broker_markers_per_s: f64,
    /// Megabytes a second that a broker takes, copies included.
    pub broker_mbytes_per_s: f64,
    /// Copies of partitions on a broker.
    pub broker_partitions: f64,
    /// Disk of a broker.
    pub broker_tbytes: f64,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            events_per_s: 1_000.0,
            mean_share: 0.4,
            persons: 1e6,
            identifiers_per_person: 3.0,
            touches_per_person: 20.0,
            links_per_person_day: 0.05,
            accounts: 10_000.0,
            teams: 8,
            scorecards: 50_000.0,
            utilisation: 0.6,
            restore_s: 60.0,
            replication: 3.0,
            least_partitions: 4.0,
            longest_retention_days: 400.0,
            workers_per_process: 4.0,
            gbytes_per_process: 64.0,
            least_realms: 1.0,
            broker_markers_per_s: 50_000.0,
            broker_mbytes_per_s: 200.0,
            broker_partitions: 4_000.0,
            broker_tbytes: 20.0,
        }
    }
}

impl Scenario {
    /// The default with this rate and this many persons.
    #[must_use]
    pub fn of(events_per_s: f64, persons: f64) -> Self {
        Self { events_per_s, persons, accounts: persons / 100.0, ..Self::default() }
    }

    /// From YAML; what is left out is the default.
    ///
    /// # Errors
    /// [`Problems`] with everything that is wrong.
    pub fn read(text: &str) -> Result<Self, Problems> {
        let scenario: Self = serde_saphyr::from_str(text).map_err(|error| {
            let mut check = Check::default();
            check.note(
                "scenario",
                "the file",
                &error.to_string(),
                "see tests/capacity/src/scenario.rs for what there is",
            );
            check.done().err().unwrap_or_else(|| Problems(Vec::new()))
        })?;
        scenario.validate()?;
        Ok(scenario)
    }

    /// Looks at every value.
    ///
    /// # Errors
    /// [`Problems`] with everything that is wrong.
    pub fn validate(&self) -> Result<(), Problems> {
        let mut check = Check::default();
        check.within("events_per_s", self.events_per_s, 1.0, 1e9, "give the rate of the peak, in events a second");
        check.within("mean_share", self.mean_share, 0.001, 1.0, "1 is a rate that never changes");
        check.within("persons", self.persons, 1.0, 1e11, "give the number of persons");
        check.within("identifiers_per_person", self.identifiers_per_person, 1.0, 1e3, "3 suits most");
        check.within("touches_per_person", self.touches_per_person, 0.0, 1e3, "a journey keeps at most 1000");
        check.within("links_per_person_day", self.links_per_person_day, 0.0, 1e3, "0.05 is one in twenty days");
        check.within("accounts", self.accounts, 0.0, 1e11, "give the number of accounts; 0 where there are none");
        check.within("scorecards", self.scorecards, 0.0, 1e10, "give teams × dimensions × days");
        check.within("utilisation", self.utilisation, 0.05, 0.95, "0.6 leaves room to catch up after a failure");
        check.within("restore_s", self.restore_s, 0.1, 1e9, "60 is a minute; more workers share a shorter time");
        check.within("replication", self.replication, 1.0, 9.0, "3 outlives one broker");
        check.within("least_partitions", self.least_partitions, 1.0, 1e4, "4 lets a hub grow to four workers");
        check.within(
            "longest_retention_days",
            self.longest_retention_days,
            1.0,
            3_650.0,
            "400 keeps what the hub asks for",
        );
        check.within("workers_per_process", self.workers_per_process, 1.0, 256.0, "give one a core");
        check.within("gbytes_per_process", self.gbytes_per_process, 0.5, 1e4, "give the memory of a process");
        check.within("least_realms", self.least_realms, 1.0, 1e4, "1 unless persons are to be apart");
        check.within("broker_markers_per_s", self.broker_markers_per_s, 1.0, 1e9, "50000 is a guess; measure it");
        check.within("broker_mbytes_per_s", self.broker_mbytes_per_s, 1.0, 1e5, "give what its disk and network take");
        check.within("broker_partitions", self.broker_partitions, 10.0, 1e6, "4000 is usual");
        check.within("broker_tbytes", self.broker_tbytes, 0.001, 1e4, "give the disk of a broker");
        check.done()
    }

    /// New links a second at the peak.
    #[must_use]
    pub fn links_per_s(&self) -> f64 {
        self.persons * self.links_per_person_day / 86_400.0 / self.mean_share
    }

    /// One of `realms` equal parts.
    #[must_use]
    pub fn part(&self, realms: f64) -> Self {
        Self {
            events_per_s: self.events_per_s / realms,
            persons: self.persons / realms,
            accounts: self.accounts / realms,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_values_are_named_with_their_remedy() {
        let told = Scenario::read("{utilisation: 1.2, replication: 0}").unwrap_err().to_string();
        assert_eq!(
            told,
            "utilisation = 1.2: must be from 0.05 to 0.95; 0.6 leaves room to catch up after a failure\n\
             replication = 0: must be from 1 to 9; 3 outlives one broker"
        );
        let told = Scenario::read("{events: 3}").unwrap_err().to_string();
        assert!(told.contains("events") && told.contains("src/scenario.rs"), "{told}");
        assert!(Scenario { persons: f64::NAN, ..Scenario::default() }.validate().is_err());
    }

    #[test]
    fn links_come_with_persons_and_the_hour_of_the_day() {
        // 864,000 persons, a tenth of them with a new link each day: one a second in the mean, four at the peak.
        let scenario =
            Scenario { persons: 864_000.0, links_per_person_day: 0.1, mean_share: 0.25, ..Scenario::default() };
        assert!((scenario.links_per_s() - 4.0).abs() < 1e-9);
        assert!((scenario.part(4.0).links_per_s() - 1.0).abs() < 1e-9);
    }
}
