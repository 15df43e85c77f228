//! Telling `/readyz` and the log which inputs stand still although there is something to read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tributary_service::{Component, Health};
use tributary_stream::{InputWatch, Partition, Pulses, StalledInput};

use super::{Watched, tell, wait_until};
use crate::error::CliError;
use crate::reconcile::Finding;

/// Topics and stages between which the last audit missed records. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub(super) struct Missing {
    found: Arc<Mutex<BTreeSet<(String, String)>>>,
}

impl Missing {
    /// Takes over what an audit has found.
    pub(super) fn note(&self, findings: &[Finding]) {
        let missing = findings.iter().filter_map(|finding| match finding {
            Finding::Missing { topic, stage, .. } => Some((topic.clone(), stage.clone())),
            _ => None,
        });
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = missing.collect();
    }

    fn get(&self) -> BTreeSet<(String, String)> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The inputs of the stages of this process.
pub(super) struct Inputs {
    watch: InputWatch,
    pulses: Pulses,
    missing: Missing,
    components: BTreeMap<&'static str, Component>,
    /// Those that the log knows of.
    known: BTreeSet<(&'static str, Partition)>,
}

impl Inputs {
    /// In order until something else is found.
    ///
    /// # Errors
    /// [`CliError`] when a client cannot be made from the settings.
    pub(super) fn new(watched: &Watched, missing: Missing, health: &Health) -> Result<Self, CliError> {
        let component = |name: &'static str| {
            let component = health.component(format!("{name} input"));
            component.ready();
            (name, component)
        };
        Ok(Self {
            watch: InputWatch::new(&watched.settings, &watched.stages)?,
            pulses: watched.pulses.clone(),
            missing,
            components: watched.stages.iter().map(|stage| component(stage.name)).collect(),
            known: BTreeSet::new(),
        })
    }

    /// Looks until told to stop. While the broker is gone that fails; the watch says so already.
    pub(super) fn run(mut self, stop: &AtomicBool) {
        let started = Instant::now();
        while !stop.load(Ordering::Acquire) {
            match self.watch.look(started.elapsed(), &self.pulses, &self.missing.get()) {
                Ok(found) => self.report(&found),
                Err(error) => tracing::debug!(%error, "the inputs could not be looked at"),
            }
            wait_until(Instant::now() + self.watch.cadence(), stop);
        }
    }

    fn report(&mut self, found: &BTreeMap<&'static str, Vec<StalledInput>>) {
        for (stage, stalled) in found {
            if let Some(component) = self.components.get(stage) {
                tell(component, reason(stalled));
            }
        }
        let all = || found.values().flatten();
        for one in all().filter(|one| !self.known.contains(&(one.stage, one.input.clone()))) {
            tracing::warn!(
                stage = one.stage,
                topic = one.input.0,
                partition = one.input.1,
                position = one.next,
                end = one.end,
                standing_s = one.standing.as_secs(),
                remedy = one.remedy(),
                "input stalled"
            );
        }
        let known = all().map(|one| (one.stage, one.input.clone())).collect();
        for (stage, (topic, partition)) in self.known.difference(&known) {
            tracing::info!(stage, topic, partition, "input no longer stalled");
        }
        self.known = known;
    }
}

/// The one that has stood for the longest, and how many more there are.
fn reason(stalled: &[StalledInput]) -> Option<String> {
    let longest = stalled.iter().max_by_key(|one| one.standing)?;
    Some(match stalled.len() - 1 {
        0 => longest.to_string(),
        more => format!("{longest}; so do {more} more of its partitions"),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tributary_stream::{Cause, Reader};

    use super::*;

    fn stalled(partition: i32, seconds: u64) -> StalledInput {
        StalledInput {
            stage: "accounts",
            input: ("tributary.account-touches".to_owned(), partition),
            next: 7,
            end: 9,
            standing: Duration::from_secs(seconds),
            reader: Reader::Worker(0),
            cause: Cause::Unread,
        }
    }

    #[test]
    fn the_reason_names_the_partition_that_has_stood_for_the_longest() {
        assert_eq!(reason(&[]), None);
        let one = reason(&[stalled(0, 61)]).unwrap();
        assert!(one.contains("tributary.account-touches-0 has stood at 7 of 9 for 61 s"), "{one}");
        let several = reason(&[stalled(0, 61), stalled(1, 90), stalled(2, 70)]).unwrap();
        assert!(
            several.contains("touches-1 has stood") && several.ends_with("so do 2 more of its partitions"),
            "{several}"
        );
    }

    #[test]
    fn what_an_audit_misses_is_known_until_the_next() {
        let missing = Missing::default();
        let finding = Finding::Missing { topic: "t".to_owned(), stage: "s".to_owned(), missing: 3 };
        missing.note(&[finding, Finding::Intents { without_intent: 1, without_decision: 0 }]);
        assert_eq!(missing.get(), BTreeSet::from([("t".to_owned(), "s".to_owned())]));
        missing.note(&[]);
        assert_eq!(missing.get(), BTreeSet::new());
    }
}
