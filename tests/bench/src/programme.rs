//! The order of events: who runs when, and what it is held against.

mod in_memory;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::de::DeserializeOwned;

use crate::contest::{Contender, Events, Race, Run, directory, peers};
use crate::hub::{HubSettings, Phase, throughput};
use crate::report::{Report, Row, Target};
use crate::{Door, Rate, RestoreFigures, Spread, doors, latency};

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Its name.
    pub name: &'static str,
    /// How often each contender runs.
    pub rounds: usize,
    /// Events of the contest.
    pub events: u32,
    /// Events of the hub that count; half as many come before.
    pub hub_events: u64,
    /// Seconds of each part that goes by the clock.
    pub seconds: u64,
    /// Persons of the small and of the large population. The twenty touches of those that one has more take up whole days, so
    /// that both are measured from four in the afternoon on: decisions that quiet hours hold back come all at once in the
    /// morning.
    pub populations: [u32; 2],
    /// Persons that are restored after a kill.
    pub restored: u64,
    /// Humans of the identity graph.
    pub humans: u64,
}

impl Scale {
    /// For a report.
    #[must_use]
    pub const fn full() -> Self {
        Self {
            name: "full",
            rounds: 5,
            events: 200_000,
            hub_events: 60_000,
            seconds: 10,
            populations: [7_200, 104_400],
            restored: 200_000,
            humans: 400_000,
        }
    }

    /// For a look, in less than five minutes.
    #[must_use]
    pub const fn quick() -> Self {
        Self {
            name: "quick",
            rounds: 1,
            events: 60_000,
            hub_events: 20_000,
            seconds: 4,
            populations: [7_200, 18_000],
            restored: 20_000,
            humans: 100_000,
        }
    }
}

/// A run of the benchmark.
#[derive(Debug)]
pub struct Programme {
    scale: Scale,
    only: Vec<String>,
    contenders: Vec<Contender>,
    binaries: PathBuf,
    output: PathBuf,
    report: Report,
}

/// A part of the programme with its name.
type Part = (&'static str, fn(&mut Programme) -> Result<()>);

/// Persons of the contest.
const PERSONS: u32 = 200_000;
/// A contender may take so long before its first output: some compile themselves first.
const PATIENCE: Duration = Duration::from_secs(90);
/// Who is a hundred times slower gets so much less to do.
const FAUST_SHARE: u32 = 20;

impl Programme {
    /// Installs the peers below `target`, where the binaries are too.
    ///
    /// # Errors
    /// When the folder of peers is not as it has to be.
    pub fn new(scale: Scale, only: Vec<String>, wanted: Vec<String>, folder: &Path, target: &Path) -> Result<Self> {
        let output = directory(&target.join("bench"))?;
        let mut report = Report { mode: scale.name.to_owned(), machine: machine(), ..Report::default() };
        let own = [false, true].map(|transactional| Contender::Copy { transactional });
        let mut contenders: Vec<Contender> = own.into_iter().chain([Contender::Ours]).collect();
        if wanted != ["none"] {
            say("installing the peers");
            for peer in peers(folder, &directory(&output.join("peers"))?, &wanted)? {
                match peer {
                    Ok(peer) => contenders.push(Contender::Peer(peer)),
                    Err(absent) => report.absent.push(absent),
                }
            }
        }
        let binaries = std::env::current_exe()?.parent().map(PathBuf::from).context("this program is nowhere")?;
        Ok(Self { scale, only, contenders, binaries, output, report })
    }

    /// Runs all parts that are wanted, and writes the report.
    ///
    /// # Errors
    /// When a part fails.
    pub fn run(mut self) -> Result<()> {
        let started = Instant::now();
        let (copy, ours) = self.contest()?;
        self.enrichment(ours);
        let parts: [Part; 6] = [
            ("latency", Self::latency),
            ("memory and populations", Self::populations),
            ("restarts", Self::restores),
            ("the gateway", Self::gateway),
            ("the steps", Self::steps),
            ("identity", Self::identity),
        ];
        let mut failed = Vec::new();
        let hub = self.hub(copy);
        for (name, result) in
            [("the whole hub", hub)].into_iter().chain(parts.map(|(name, part)| (name, part(&mut self))))
        {
            // What was measured before is worth a report all the same.
            if let Err(error) = result {
                say(&format!("{name}: {error:#}"));
                self.report.notes.push(format!("**{name} could not be measured**: {error:#}"));
                failed.push(name);
            }
        }
        self.report.targets.sort_by_key(|target| target.id);
        self.report.took_s = started.elapsed().as_secs_f64();
        self.report.write(&self.output)?;
        say(&self.report.markdown()?);
        say(&format!("written to {}", self.output.display()));
        ensure!(failed.is_empty(), "could not be measured: {}", failed.join(", "));
        Ok(())
    }

    fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }

    /// All contenders in turn, round by round, so that what the machine does meanwhile meets all of them.
    fn contest(&mut self) -> Result<(Option<Spread>, Option<Spread>)> {
        if !["contest", "p1", "p2"].iter().any(|part| self.wants(part)) {
            return Ok((None, None));
        }
        let logs = directory(&self.output.join("logs"))?;
        let mut runs: Vec<Vec<Run>> = vec![Vec::new(); self.contenders.len()];
        for round in 0..self.scale.rounds {
            for (place, contender) in self.contenders.clone().iter().enumerate() {
                if self.report.absent.iter().any(|(name, _)| *name == contender.name()) {
                    continue;
                }
                let race = Race { events: self.events_of(contender), logs: logs.clone(), patience: PATIENCE };
                let run = match race.run(contender) {
                    Ok(run) => run,
                    // A peer that fails, or whose output is wrong, is out, and the report says why.
                    Err(error) if matches!(contender, Contender::Peer(_)) => {
                        say(&format!("{}: {error:#}", contender.name()));
                        self.report.absent.push((contender.name(), format!("{error:#}")));
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                let (name, of) = (contender.name(), self.scale.rounds);
                say(&format!(
                    "round {} of {of}: {name}: {:.2} µs of CPU an event, {:.0} events/s",
                    round + 1,
                    run.cpu_us(),
                    run.per_second()
                ));
                runs[place].push(run);
            }
        }
        let (mut copy, mut ours) = (None, None);
        for (contender, runs) in self.contenders.iter().zip(runs) {
            if self.report.absent.iter().any(|(name, _)| *name == contender.name()) {
                continue;
            }
            let of = |value: fn(&Run) -> f64| Spread::of(runs.iter().map(value).collect());
            let row = Row {
                name: contender.name(),
                guarantee: contender.guarantee(),
                is_ours: matches!(contender, Contender::Ours),
                events: self.events_of(contender).count,
                cpu_us: of(Run::cpu_us),
                per_second: of(Run::per_second),
                rss_mib: of(|run| run.rss_mib),
            };
            match contender {
                Contender::Copy { transactional: true } => copy = Some(row.cpu_us),
                Contender::Ours => ours = Some(row.cpu_us),
                _ => {}
            }
            self.report.rows.push(row);
        }
        Ok((copy, ours))
    }

    fn events_of(&self, contender: &Contender) -> Events {
        let is_slow = matches!(contender, Contender::Peer(peer) if peer.id == "faust");
        let count = if is_slow { self.scale.events / FAUST_SHARE } else { self.scale.events };
        Events { count, persons: PERSONS }
    }

    fn enrichment(&mut self, ours: Option<Spread>) {
        if !self.wants("p2") {
            return;
        }
        self.report.targets.push(Target::at_most(
            "P2",
            "keyed enrichment, exactly-once, CPU an event",
            7.0,
            "µs",
            ours,
        ));
        let Some(ours) = ours else { return };
        for (begin, times) in [("Flink", 5.0), ("Quix", 8.0), ("Pathway", 8.0), ("Bytewax", 8.0), ("Faust", 70.0)] {
            let row = self.report.rows.iter().find(|row| row.name.starts_with(begin));
            let ratio = row.map(|row| ours.times_in(row.cpu_us));
            self.report.targets.push(Target::at_least("P2", &format!("… {begin}'s CPU by ours"), times, "×", ratio));
        }
    }

    /// The whole hub, and how little the number of partitions changes.
    fn hub(&mut self, copy: Option<Spread>) -> Result<()> {
        if !["p1", "p6"].iter().any(|part| self.wants(part)) {
            return Ok(());
        }
        let events = self.scale.hub_events;
        let phase = Phase { persons: (events / 3) as u32, warm_up: events / 2, events };
        let partitions: &[u32] = if self.wants("p6") { &[4, 1, 16] } else { &[4] };
        let mut costs: Vec<Vec<f64>> = vec![Vec::new(); partitions.len()];
        for round in 0..self.scale.rounds.min(3) {
            for (place, count) in partitions.iter().enumerate() {
                let run = throughput(&HubSettings { partitions: *count, ..HubSettings::default() }, phase)?;
                say(&format!(
                    "round {}: whole hub, {count} partitions: {:.1} µs of CPU an event, {:.0} events/s, {:.0} MiB",
                    round + 1,
                    run.cpu_us,
                    run.per_second,
                    run.rss_mib
                ));
                costs[place].push(run.cpu_us);
            }
        }
        let costs: Vec<Spread> = costs.into_iter().map(Spread::of).collect();
        let (Some(hub), of) = (costs.first().copied(), costs.get(1..).unwrap_or_default()) else { return Ok(()) };
        if self.wants("p1") {
            let ratio = copy.map(|copy| copy.times_in(hub));
            let what = "whole hub, raw → journeys, triggers, metrics, exactly-once: CPU an event by that of the \
                        transactional copy";
            self.report.targets.push(Target::at_most("P1", what, 8.0, "×", ratio));
            self.report.notes.push(format!("The whole hub uses {} µs of CPU an event.", crate::report::spread(hub)));
            self.report.hub_us = Some(hub.median);
        }
        if let [one, sixteen] = of {
            let ratio = one.times_in(*sixteen);
            let what = "CPU an event of the whole hub with 16 partitions by that with 1";
            self.report.targets.push(Target::at_most("P6", what, 1.15, "×", Some(ratio)));
        }
        Ok(())
    }

    fn latency(&mut self) -> Result<()> {
        if !self.wants("p3") {
            return Ok(());
        }
        let rate = Rate { rate: 1_000, seconds: self.scale.seconds, rounds: self.scale.rounds, persons: 20_000 };
        say("raw event → trigger at 1,000 events/s");
        let run = latency(&HubSettings::default(), rate)?;
        let [p50, p99] = [run.p50, run.p99].map(|round| Some(Spread::of(round)));
        let what = "raw event → trigger on its topic, 1,000 events/s, exactly-once, p";
        self.report.targets.push(Target::at_most("P3", &format!("{what}50"), 25.0, "ms", p50));
        self.report.targets.push(Target::at_most("P3", &format!("{what}99"), 75.0, "ms", p99));
        Ok(())
    }

    fn restores(&mut self) -> Result<()> {
        if !self.wants("p5") {
            return Ok(());
        }
        let (few, many) = (self.scale.restored / 20, self.scale.restored);
        let (little, much) = (self.restart(few)?, self.restart(many)?);
        // To join the group takes the same time whatever the state; the rest grows with it, and is reckoned up to a million.
        let factor = (1e6 - many as f64) / (many - few) as f64;
        let reckoned = |little: Spread, much: Spread| {
            let on = |value: fn(Spread) -> f64| value(much) + (value(much) - little.median).max(0.0) * factor;
            Some(Spread { median: on(|s| s.median), min: on(|s| s.min), max: on(|s| s.max) })
        };
        let what = format!("back in service with one million persons, reckoned from {few} and {many}, from");
        let file = reckoned(little.checkpoint_s, much.checkpoint_s);
        let log = reckoned(little.changelog_s, much.changelog_s);
        self.report.targets.push(Target::at_most("P5", &format!("{what} checkpoints"), 5.0, "s", file));
        self.report.targets.push(Target::at_most("P5", &format!("{what} changelogs"), 15.0, "s", log));
        Ok(())
    }

    fn restart(&self, persons: u64) -> Result<RestoreFigures> {
        let json = self.output.join("restore.json");
        let (count, rounds) = (persons.to_string(), self.scale.rounds.min(3).to_string());
        let words = ["--persons", &count, "--touches", "3", "--rounds", &rounds, "--restarts-only"];
        let figures: RestoreFigures = self.program("restore", &words, &json)?;
        let (file, log) = (figures.checkpoint_s.median, figures.changelog_s.median);
        say(&format!(
            "back in service with {persons} persons: {file:.2} s from checkpoints, {log:.2} s from changelogs"
        ));
        Ok(figures)
    }

    fn gateway(&mut self) -> Result<()> {
        if !self.wants("p7") {
            return Ok(());
        }
        let [mut rates, mut late, mut straight] = [const { Vec::new() }; 3];
        for _ in 0..self.scale.rounds {
            let door = Door { seconds: self.scale.seconds / 2, calm_seconds: self.scale.seconds, calm: 10_000.0 };
            let run = doors(&self.binaries.join("tributary"), door)?;
            say(&format!(
                "gateway: {:.0} events a CPU second, {:.0} events/s; at 10,000/s p50 {:.1} ms, p99 {:.1} ms, the broker \
                 alone p99 {:.1} ms",
                run.per_cpu_second, run.per_second, run.p50_ms, run.p99_ms, run.broker_p99_ms
            ));
            rates.push(run.per_cpu_second);
            late.push(run.p99_ms);
            straight.push(run.broker_p99_ms);
        }
        let what = "gateway, batches of 50, acknowledged by the broker: events a CPU second";
        self.report.targets.push(Target::at_least("P7", what, 20_000.0, "", Some(Spread::of(rates))));
        let what = "gateway at 10,000 events/s, p99";
        self.report.targets.push(Target::at_most("P7", what, 50.0, "ms", Some(Spread::of(late))));
        self.report.notes.push(format!(
            "While the gateway got 10,000 events/s, the broker acknowledged single records that came to it straight within \
             {} ms (p99).",
            crate::report::spread(Spread::of(straight))
        ));
        Ok(())
    }

    /// Another bench, which leaves its figures in a file.
    fn program<T: DeserializeOwned>(&self, name: &str, words: &[&str], json: &Path) -> Result<T> {
        let log = std::fs::File::create(json.with_extension("log"))?;
        let status = Command::new(self.binaries.join(name))
            .args(words)
            .arg("--json")
            .arg(json)
            .stdin(Stdio::null())
            .stdout(log)
            .status()
            .with_context(|| format!("running {name}"))?;
        ensure!(status.success(), "{name} ended with {status}: see {}", json.with_extension("log").display());
        Ok(serde_json::from_slice(&std::fs::read(json)?)?)
    }
}

/// Tells how far it is.
#[allow(clippy::print_stdout, reason = "a program that reports on its standard output")]
fn say(line: &str) {
    println!("{line}");
}

/// Processor, cores and memory.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let after = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).map(str::to_owned);
        line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned())).unwrap_or_else(|| "unknown".to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let processor = after(&read("/proc/cpuinfo"), "model name");
    let memory: f64 = after(&read("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0.0);
    format!("{processor}, {cores} cores with the broker on them, {:.0} GiB", memory / 1_048_576.0)
}
