//! Compares what the hub has written with what has to be there.

mod accounts;
mod cards;
mod changes;
mod counts;
mod dead_letters;
mod decisions;
mod demanded;
#[cfg(test)]
mod ideal;
mod identity;
mod journeys;
mod lift;
mod paths;
mod raw;
mod read;
mod report;
mod touchpoints;
mod triggers;

use std::collections::BTreeMap;

use crate::outputs::Outputs;
use crate::truth::World;
use crate::truth::ledger::Ledger;
use crate::workload::Workload;
use read::Reader;
pub use report::Difference;
use report::Report;

/// Knows what has to become of a workload.
#[derive(Debug)]
pub struct Oracle<'a> {
    workload: &'a Workload,
    world: World,
}

impl<'a> Oracle<'a> {
    /// Works out what has to become of a workload whose events arrive in its order.
    #[must_use]
    pub fn new(workload: &'a Workload) -> Self {
        Self { workload, world: World::of(Ledger::of(workload.events.iter())) }
    }

    /// Every difference between `outputs` and what has to be there once everything has been processed; empty is good.
    ///
    /// When the raw topics are among the outputs, they say what really came in and in which order. Checked are: the raw
    /// records (nothing that was produced is missing); dead letters by reason; `touchpoints` and `resolved` (each once,
    /// forwarded step by step); aliases and `identity.changes` (persons are the components of the evidence); `journeys`
    /// (each touch stands once, at its person, with its whole context; revisions rise; each correction repeats what it
    /// takes back); `accounts`; `decisions` and `triggers.<team>` (each once, each sent one with its intent, no cap exceeded,
    /// and those are there that follow from the final journeys); `measures` and `metrics.<team>` (to the last cent);
    /// `path-changes` and `paths`; `enrolments`, `experiment-changes` and `lift` (as they follow from the decisions that were made
    /// and the final journeys); and the accounts of the stages.
    ///
    /// Decisions are judged by what holds in every order of arrival: `check/decisions.rs` and `check/demanded.rs` say what.
    #[must_use]
    pub fn check(&self, outputs: &Outputs) -> Vec<Difference> {
        let mut report = Report::default();
        let reader = Reader::new(outputs);
        let arrived = raw::arrived(self.workload, outputs, &mut report);
        let of_arrived = arrived.map(|events| World::of(Ledger::of(events.into_iter())));
        let world = of_arrived.as_ref().unwrap_or(&self.world);
        dead_letters::check(&world.ledger, outputs, &mut report);
        let touchpoints = touchpoints::check(&world.ledger, &reader, &mut report);
        let ids = identity::check(world, &reader, &mut report);
        let stated = journeys::check(world, &ids, &reader, &mut report);
        touchpoints::check_resolved(world, &touchpoints, &stated, &reader, &mut report);
        accounts::check(world, &ids, outputs, &reader, &mut report);
        let decided = decisions::check(world, outputs, &reader, &mut report);
        cards::check(world, &decided, outputs, &reader, &mut report);
        paths::check(world, outputs, &reader, &mut report);
        lift::check(world, &ids, &decided, outputs, &reader, &mut report);
        counts::check(&world.ledger, outputs, &mut report);
        report.differences
    }

    /// How many touchpoints and persons have to come out, and how many raw events become neither.
    #[must_use]
    pub fn summary(&self) -> BTreeMap<&'static str, usize> {
        let persons = self.world.people.all.iter().filter(|person| !person.identifiers.is_empty()).count();
        let dead_letters: i64 = self.world.ledger.dead_letters.values().sum();
        let drops: i64 = self.world.ledger.sources.values().flat_map(|source| source.drops.values()).sum();
        BTreeMap::from([
            ("dead_letters", usize::try_from(dead_letters).unwrap_or(0)),
            ("drops", usize::try_from(drops).unwrap_or(0)),
            ("events", self.workload.events.len()),
            ("persons", persons),
            ("touchpoints", self.world.ledger.touches.len()),
        ])
    }
}

#[cfg(test)]
mod tests;
