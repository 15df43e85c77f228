//! What came out: a table of contenders, the targets with their verdicts, the cost of the stages; as Markdown, JSON and plots.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::Spread;
use crate::inline::StageCost;
use crate::plot::{Bar, bars, figure};

/// One who took part.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// What it promises.
    pub guarantee: String,
    /// True for one of ours.
    pub is_ours: bool,
    /// Events that it was given.
    pub events: u32,
    /// Microseconds of CPU for one event.
    pub cpu_us: Spread,
    /// Events a second of the clock.
    pub per_second: Spread,
    /// Resident memory at the end, in MiB.
    pub rss_mib: Spread,
}

/// What became of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The median is within the target.
    Met,
    /// It is not.
    Missed,
    /// Nothing was measured.
    NotMeasured,
}

/// One target.
#[derive(Debug, Clone, Serialize)]
pub struct Target {
    /// `P1` and so on.
    pub id: &'static str,
    /// What is measured.
    pub what: String,
    /// What it must reach.
    pub target: String,
    /// What was found, with its spread.
    pub found: String,
    /// Whether that is enough.
    pub verdict: Verdict,
    /// True when every measurement says the same as the median: another run will hardly say otherwise.
    pub is_certain: bool,
}

impl Target {
    /// A target whose median has to be at most `limit`.
    #[must_use]
    pub fn at_most(id: &'static str, what: &str, limit: f64, unit: &str, found: Option<Spread>) -> Self {
        Self::judged(id, what, format!("≤ {} {unit}", figure(limit)), unit, found, |found| found <= limit)
    }

    /// A target whose median has to be at least `limit`.
    #[must_use]
    pub fn at_least(id: &'static str, what: &str, limit: f64, unit: &str, found: Option<Spread>) -> Self {
        Self::judged(id, what, format!("≥ {} {unit}", figure(limit)), unit, found, |found| found >= limit)
    }

    fn judged(
        id: &'static str,
        what: &str,
        target: String,
        unit: &str,
        found: Option<Spread>,
        is_enough: impl Fn(f64) -> bool,
    ) -> Self {
        let verdict = match found {
            None => Verdict::NotMeasured,
            Some(found) if is_enough(found.median) => Verdict::Met,
            Some(_) => Verdict::Missed,
        };
        let is_certain = found.is_some_and(|found| is_enough(found.min) == is_enough(found.max));
        let found = found.map_or_else(|| "–".to_owned(), |found| format!("{} {unit}", spread(found)));
        Self { id, what: what.to_owned(), target, found, verdict, is_certain }
    }
}

/// A median with the least and the largest measurement.
#[must_use]
pub fn spread(found: Spread) -> String {
    let Spread { median, min, max } = found;
    if min == max { figure(median) } else { format!("{} ({} – {})", figure(median), figure(min), figure(max)) }
}

/// All that came out.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// `full` or `quick`.
    pub mode: String,
    /// What it was measured on.
    pub machine: String,
    /// How long it took, in seconds.
    pub took_s: f64,
    /// The same work by all.
    pub rows: Vec<Row>,
    /// Peers that could not take part, and why.
    pub absent: Vec<(String, String)>,
    /// The targets.
    pub targets: Vec<Target>,
    /// What the stages used for one event, in memory, by stage.
    pub stages: BTreeMap<String, StageCost>,
    /// Of so many events.
    pub stage_events: u64,
    /// What the shipped triggers take of the journey's step, in microseconds for one event.
    pub rules_us: Option<f64>,
    /// What the whole hub uses with the client, in microseconds for one event.
    pub hub_us: Option<f64>,
    /// Further things that were found, a line each.
    pub notes: Vec<String>,
}

impl Report {
    /// Writes `report.md`, `report.json` and the plots.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self, directory: &Path) -> Result<()> {
        let put = |name: &str, text: &str| {
            let path = directory.join(name);
            std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
        };
        put("report.md", &self.markdown()?)?;
        put("report.json", &serde_json::to_string_pretty(self)?)?;
        let bar = |row: &Row, spread| Bar { label: row.name.clone(), spread, is_ours: row.is_ours };
        let of = |value: fn(&Row) -> Spread| self.rows.iter().map(|row| bar(row, value(row))).collect::<Vec<_>>();
        put("cpu.svg", &bars("CPU of the contender for one event", "µs", &of(|row| row.cpu_us)))?;
        put("rate.svg", &bars("Events a second of the clock", "two cores with the broker", &of(|row| row.per_second)))?;
        put("memory.svg", &bars("Resident memory at the end", "MiB", &of(|row| row.rss_mib)))?;
        let stages: Vec<Bar> = self
            .stages
            .iter()
            .map(|(name, cost)| {
                let each = cost.total_us() / self.stage_events.max(1) as f64;
                Bar { label: name.clone(), spread: Spread { median: each, min: each, max: each }, is_ours: true }
            })
            .collect();
        put("stages.svg", &bars("CPU of each stage for one event, without the client", "µs", &stages))
    }

    /// The report as Markdown.
    ///
    /// # Errors
    /// When a string cannot be written to.
    pub fn markdown(&self) -> Result<String> {
        let mut text =
            format!("# Benchmark, {}\n\n{}, {:.0} s.\n\n## Targets\n\n", self.mode, self.machine, self.took_s);
        text += "| # | what | target | found: median (least – largest) | verdict |\n|---|---|---|---|---|\n";
        for target in &self.targets {
            let verdict = match target.verdict {
                Verdict::Met => "met",
                Verdict::Missed => "**missed**",
                Verdict::NotMeasured => "not measured",
            };
            let doubt = if target.is_certain || target.verdict == Verdict::NotMeasured { "" } else { ", in doubt" };
            let Target { id, what, target, found, .. } = target;
            writeln!(text, "| {id} | {what} | {target} | {found} | {verdict}{doubt} |")?;
        }
        text += "\nThe median decides. Where some rounds say otherwise the verdict is in doubt, and another run may have another.\n";
        text += "\n## The same work by all\n\nKeyed enrichment of JSON events of about 415 bytes; each output was read back and \
                 compared, value by value, before its figures counted. CPU is user and system time of the contender's own \
                 processes; memory is what is resident at the end.\n\n\
                 | who | guarantee | events | CPU µs an event | events/s | MiB |\n|---|---|---|---|---|---|\n";
        for row in &self.rows {
            let Row { name, guarantee, events, cpu_us, per_second, rss_mib, .. } = row;
            let (cpu, rate, rss) = (spread(*cpu_us), spread(*per_second), spread(*rss_mib));
            writeln!(text, "| {name} | {guarantee} | {} | {cpu} | {rate} | {rss} |", figure(f64::from(*events)))?;
        }
        for (name, why) in &self.absent {
            writeln!(text, "\n{name} did not take part: {why}")?;
        }
        text += "\n![CPU](cpu.svg)\n\n![Rate](rate.svg)\n\n![Memory](memory.svg)\n";
        self.stage_table(&mut text)?;
        if !self.notes.is_empty() {
            text += "\n## Further\n\n";
            self.notes.iter().for_each(|note| text += &format!("- {note}\n"));
        }
        Ok(text)
    }

    fn stage_table(&self, text: &mut String) -> Result<()> {
        if self.stages.is_empty() {
            return Ok(());
        }
        let events = self.stage_events.max(1) as f64;
        text.push_str(
            "\n## Where the time goes\n\nMicroseconds of CPU for one raw event, all stages on one thread without the \
             client.\n\n| stage | records | decoding | step | encoding | changelog | all | records out | bytes out | \
             changelog bytes |\n|---|---|---|---|---|---|---|---|---|---|\n",
        );
        let mut all = StageCost::default();
        for (name, cost) in &self.stages {
            stage_row(text, name, cost, events)?;
            all += *cost;
        }
        stage_row(text, "all", &all, events)?;
        self.step_table(text, &all)?;
        text.push_str("\n![Stages](stages.svg)\n");
        Ok(())
    }

    /// The same by what is done.
    fn step_table(&self, text: &mut String, all: &StageCost) -> Result<()> {
        let events = self.stage_events.max(1) as f64;
        let of = |stages: &[&str]| -> f64 {
            let costs = stages.iter().filter_map(|stage| self.stages.get(*stage));
            costs.map(StageCost::step_us).sum::<f64>() / events
        };
        let rules = self.rules_us.unwrap_or(0.0).min(of(&["journey"]));
        let named = [
            ("decode: envelopes and records, at every hop", all.decoding_us / events),
            ("map: parsing JSON, the mapping, checks, pseudonyms, duplicates", of(&["normalizer"])),
            ("resolve: whose it is", of(&["identity", "identity-sequencer"])),
            ("journey: its place, session, exposure, totals, path", of(&["journey"]) - rules),
            ("rules: the shipped triggers", rules),
            ("credit and scorecards", of(&["insight", "scorecards"])),
            ("accounts", of(&["accounts"])),
            ("encode: what is written for others", all.encoding_us / events),
            ("changelog: encoding changes, committing state", all.changelog_us / events),
        ];
        text.push_str("\nThe same by what is done; `rules` is what an event costs less without triggers.\n\n");
        text.push_str("| step | µs an event | share |\n|---|---|---|\n");
        let client = self.hub_us.map(|hub| (hub - all.total_us() / events).max(0.0));
        let client = client.map(|client| ("produce, fetch and commit: the client and the worker around it", client));
        let whole: f64 = named.iter().chain(&client).map(|(_, us)| us).sum();
        for (name, us) in named.iter().chain(&client) {
            writeln!(text, "| {name} | {} | {:.0} % |", figure(*us), 100.0 * us / whole.max(1e-9))?;
        }
        writeln!(text, "| all | {} | |", figure(whole))?;
        Ok(())
    }
}

fn stage_row(text: &mut String, name: &str, cost: &StageCost, events: f64) -> Result<()> {
    let each = |value: f64| figure(value / events);
    writeln!(
        text,
        "| {name} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        each(cost.records as f64),
        each(cost.decoding_us),
        each(cost.step_us()),
        each(cost.encoding_us),
        each(cost.changelog_us),
        each(cost.total_us()),
        each(cost.written as f64),
        each(cost.written_bytes as f64),
        each(cost.change_bytes as f64)
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_go_by_the_median() {
        let found = |median| Some(Spread { median, min: 0.0, max: 100.0 });
        let at_most = |median| Target::at_most("P2", "enrichment", 7.0, "µs", found(median)).verdict;
        assert_eq!((at_most(7.0), at_most(7.1)), (Verdict::Met, Verdict::Missed));
        let at_least = |median| Target::at_least("P7", "gateway", 20_000.0, "events", found(median)).verdict;
        assert_eq!((at_least(19_999.0), at_least(20_000.0)), (Verdict::Missed, Verdict::Met));
        assert_eq!(Target::at_most("P2", "", 1.0, "", None).verdict, Verdict::NotMeasured);
    }

    #[test]
    fn a_verdict_that_some_rounds_contradict_is_in_doubt() {
        let of = |rounds: [f64; 3]| Target::at_most("P3", "trigger", 75.0, "ms", Some(Spread::of(rounds.to_vec())));
        let targets = vec![of([70.0, 71.0, 72.0]), of([70.0, 74.0, 76.0]), of([74.0, 76.0, 77.0])];
        let text = Report { targets, ..Report::default() }.markdown().unwrap();
        assert!(text.contains("71.0 (70.0 – 72.0) ms | met |"), "{text}");
        assert!(text.contains("74.0 (70.0 – 76.0) ms | met, in doubt |"), "{text}");
        assert!(text.contains("76.0 (74.0 – 77.0) ms | **missed**, in doubt |"), "{text}");
    }

    #[test]
    fn what_is_missed_or_absent_is_said() {
        let target = Target::at_most("P2", "enrichment", 7.0, "µs", Some(Spread::of(vec![9.0, 8.0, 10.0])));
        let absent = vec![("Flink".to_owned(), "there is no JDK".to_owned())];
        let report = Report { targets: vec![target], absent, ..Report::default() };
        let text = report.markdown().unwrap();
        assert!(text.contains("| P2 | enrichment | ≤ 7.00 µs | 9.00 (8.00 – 10.0) µs | **missed** |"), "{text}");
        assert!(text.contains("Flink did not take part: there is no JDK"));
    }

    #[test]
    fn an_event_is_told_by_what_is_done_with_it() {
        let cost = |handling_us, decoding_us, encoding_us| StageCost {
            handling_us,
            decoding_us,
            encoding_us,
            changelog_us: 10.0,
            ..StageCost::default()
        };
        let stages = [("normalizer", cost(80.0, 10.0, 20.0)), ("journey", cost(200.0, 30.0, 50.0))];
        let stages = stages.map(|(name, cost)| (name.to_owned(), cost)).into();
        let report = Report { stages, stage_events: 10, rules_us: Some(4.0), hub_us: Some(50.0), ..Report::default() };
        let text = report.markdown().unwrap();
        for row in ["| rules: the shipped triggers | 4.00 | 8 % |", "| all | 50.0 | |"] {
            assert!(text.contains(row), "{row} is not in {text}");
        }
        for (begin, us) in
            [("decode", "4.00"), ("map", "5.00"), ("journey:", "8.00"), ("encode", "7.00"), ("produce", "20.0")]
        {
            let row = text.lines().find(|line| line.starts_with(&format!("| {begin}"))).unwrap();
            assert!(row.contains(&format!("| {us} |")), "{row}");
        }
    }
}
