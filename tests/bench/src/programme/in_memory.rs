//! What is measured without a broker: the stages on one thread, their steps, and identity.

use anyhow::Result;

use super::{Programme, say};
use crate::population::Neighbour;
use crate::report::{Target, spread};
use crate::steps::{measure, steps};
use crate::{IdentityFigures, Spread};

/// What takes long without a broker is repeated so often at most.
const ROUNDS: usize = 3;

/// How often populations take turns in a round, so that a machine that gets slower does so for all of them.
const TURNS: usize = 12;

/// Events of a turn.
const TURN: u64 = 2_000;

impl Programme {
    fn rounds_in_memory(&self) -> usize {
        self.scale.rounds.min(ROUNDS)
    }

    /// Memory for a person, and the cost of an event with few and with many persons known. Each round has processes of its own, which take
    /// turns.
    pub(super) fn populations(&mut self) -> Result<()> {
        if !["p4", "p6", "p8"].iter().any(|part| self.wants(part)) {
            return Ok(());
        }
        let [few, many] = self.scale.populations;
        let [mut bytes, mut ratios, mut rules] = [const { Vec::new() }; 3];
        for round in 1..=self.rounds_in_memory() {
            // All settle at once; only then is the clock looked at.
            let start = |persons: u32, others: &[&str]| {
                let [persons, events] = [persons.to_string(), TURN.to_string()];
                let words = ["population", &persons, "20", &events, "--in-turns"];
                Neighbour::start(&words.iter().chain(others).map(|word| (*word).to_owned()).collect::<Vec<_>>())
            };
            let mut hubs = [start(few, &[])?, start(many, &[])?, start(few, &["--without-triggers"])?];
            hubs.iter_mut().try_for_each(Neighbour::settled)?;
            let mut costs = [0.0; 3];
            for turn in 0..TURNS {
                let [small, large, without] = hubs.each_mut().map(Neighbour::measure);
                let (small, large, without) = (small?, large?, without?);
                ratios.push(large.us_per_event() / small.us_per_event());
                rules.push(small.step_us("journey") - without.step_us("journey"));
                for (cost, of) in costs.iter_mut().zip([&small, &large, &without]) {
                    *cost += of.us_per_event() / TURNS as f64;
                }
                if turn == 0 {
                    bytes.push(large.bytes_a_person);
                }
                for (name, cost) in large.stages {
                    *self.report.stages.entry(name).or_default() += cost;
                }
                self.report.stage_events += large.events;
            }
            let [small, large, without] = costs;
            say(&format!(
                "round {round}: {few} persons {small:.1} µs an event in memory, {without:.1} µs without triggers; {many} persons \
                 {large:.1} µs"
            ));
        }
        self.report.rules_us = Some(Spread::of(rules).median.max(0.0));
        let what = format!("memory a person with 20 touches, all services together ({many} persons)");
        self.report.targets.push(Target::at_most("P4", &what, 1_024.0, "bytes", Some(Spread::of(bytes))));
        let what = format!("CPU an event of all stages with {many} persons by that with {few}");
        self.report.targets.push(Target::at_most("P6", &what, 1.15, "×", Some(Spread::of(ratios))));
        Ok(())
    }

    /// The steps of the stages by themselves, in this process.
    pub(super) fn steps(&mut self) -> Result<()> {
        if !self.wants("p8") {
            return Ok(());
        }
        say("the steps by themselves");
        let mut steps = steps()?;
        let found = measure(&mut steps, self.scale.rounds);
        let mut others = Vec::new();
        for (step, found) in steps.iter().zip(found) {
            match step.limit_us {
                Some(limit) => {
                    self.report.targets.push(Target::at_most("P8", step.what, limit, "µs", Some(found)));
                }
                None => others.push(format!("{} {} µs", step.what, spread(found))),
            }
        }
        self.report.notes.push(format!("Beside the steps of P8: {}.", others.join("; ")));
        Ok(())
    }

    pub(super) fn identity(&mut self) -> Result<()> {
        if !self.wants("p9") {
            return Ok(());
        }
        let json = self.output.join("identity.json");
        let [mut lookups, mut merges, mut bytes] = [const { Vec::new() }; 3];
        for round in 1..=self.rounds_in_memory() {
            let figures: IdentityFigures =
                self.program("identity", &["--humans", &self.scale.humans.to_string()], &json)?;
            say(&format!(
                "round {round}: identity of {} humans: {:.0} lookups and {:.0} merges a CPU second, {:.0} bytes an identifier",
                self.scale.humans, figures.lookups_per_cpu_s, figures.merges_per_cpu_s, figures.bytes_an_identifier
            ));
            lookups.push(figures.lookups_per_cpu_s);
            merges.push(figures.merges_per_cpu_s);
            bytes.push(figures.bytes_an_identifier);
        }
        let [lookups, merges, bytes] = [lookups, merges, bytes].map(|found| Some(Spread::of(found)));
        self.report.targets.extend([
            Target::at_least("P9", "known identifiers looked up, a CPU second", 2e6, "", lookups),
            Target::at_least("P9", "persons merged, a CPU second", 2e5, "", merges),
            Target::at_most("P9", "memory an identifier", 90.0, "bytes", bytes),
        ]);
        Ok(())
    }
}
