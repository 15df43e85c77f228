//! Back in service after kill -9, from checkpoints and from the changelogs alone; and the latency of steady traffic while
//! checkpoints are written and while they are not. All in one run, on one broker, turn by turn.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use tributary_bench::{Keeping, Load, Process, RestoreFigures, Spread, percentile, stage, work_until_killed};
use tributary_model::topics::{Cleanup, Partitions, TopicDefinition};
use tributary_model::{JourneyEvent, topics};
use tributary_stream::{KafkaSettings, Next, Recovery, TopicReader, apply_topics, changelog_definitions};
use tributary_testkit::Broker;

const PARTITIONS: u32 = 4;
const LONG: Duration = Duration::from_secs(600);
/// The test broker answers a fetch with all it has: so much at a time.
const AT_A_TIME: u64 = 20_000;
/// Records that come while no process is there.
const WHILE_AWAY: u64 = 100;
/// No checkpoint is written a second time within this time.
const NEVER_S: u64 = 36_000;

/// Time to be back in service after kill -9, and latency while checkpoints are written.
#[derive(Debug, Parser)]
struct Args {
    /// Persons with state
    #[arg(long, default_value_t = 200_000)]
    persons: u64,
    /// Touches of each person
    #[arg(long, default_value_t = 3)]
    touches: u64,
    /// Kills for each way to come back
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Events a second of the steady traffic
    #[arg(long, default_value_t = 500)]
    rate: u64,
    /// Seconds of steady traffic in a round
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Leaves the latencies out
    #[arg(long)]
    restarts_only: bool,
    /// Writes the seconds back to service here, too, as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// Internal: work on this broker until killed
    #[arg(long)]
    work: Option<String>,
    /// Internal: where the checkpoints are
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Internal: seconds between checkpoints
    #[arg(long, default_value_t = NEVER_S)]
    interval: u64,
    /// Internal: age of a checkpoint in seconds
    #[arg(long, default_value_t = NEVER_S * 2)]
    max_age: u64,
}

/// As in the hub.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .init();
    match &args.work {
        Some(bootstrap) => {
            let keeping = args.directory.clone().map(|directory| Keeping {
                directory,
                interval_s: args.interval,
                max_age_s: args.max_age,
            });
            work_until_killed(settings(bootstrap), keeping)
        }
        None => measure(&args),
    }
}

fn settings(bootstrap: &str) -> KafkaSettings {
    KafkaSettings {
        bootstrap: bootstrap.to_owned(),
        partitions: PARTITIONS,
        // The test broker answers nobody while it puts a whole changelog into one answer.
        session_timeout_ms: 45_000,
        ..KafkaSettings::default()
    }
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

fn measure(args: &Args) -> Result<()> {
    let broker = Broker::start()?;
    let settings = settings(broker.bootstrap());
    let mut definitions = changelog_definitions(&stage()?);
    for name in [
        topics::RESOLVED,
        topics::PERSONS,
        topics::RECHECKS,
        topics::JOURNEYS,
        topics::ACCOUNT_TOUCHES,
        topics::ACCOUNT_COMMANDS,
        topics::DEAD_LETTERS,
    ] {
        let cleanup = Cleanup::DeleteAfterMs(86_400_000);
        definitions.push(TopicDefinition { name: name.to_owned(), partitions: Partitions::Configured, cleanup });
    }
    apply_topics(&settings, &definitions)?;
    let directory = tempfile::tempdir()?;
    let mut load = Load::new(&settings, args.persons)?;
    fill(args, &settings, directory.path(), &mut load)?;
    restarts(args, &settings, directory.path(), &mut load)?;
    if args.restarts_only { Ok(()) } else { latencies(args, &settings, directory.path(), &mut load) }
}

fn kept(directory: &Path) -> Keeping {
    Keeping { directory: directory.join("kept"), interval_s: NEVER_S, max_age_s: NEVER_S * 2 }
}

/// Builds the state, and one checkpoint of each partition.
fn fill(args: &Args, settings: &KafkaSettings, directory: &Path, load: &mut Load) -> Result<()> {
    let started = Instant::now();
    let mut process = Process::start(&settings.bootstrap, None)?;
    while load.sent() < args.persons * args.touches {
        (0..AT_A_TIME).try_for_each(|_| load.send())?;
        load.flush()?;
        process.until_accepted(load.sent(), u64::from(PARTITIONS), LONG)?;
    }
    let filled = started.elapsed();
    drop(process);
    let mut process = Process::start(&settings.bootstrap, Some(&kept(directory)))?;
    process.until_accepted(load.sent(), u64::from(PARTITIONS), LONG)?;
    let began = Instant::now();
    process.until_checkpoints(u64::from(PARTITIONS), LONG)?;
    let bytes = bytes_in(&directory.join("kept"))?;
    say(&format!(
        "{} persons with {} touches each in {:.0} s; checkpoints of {PARTITIONS} partitions: {:.0} MB in {:.1} s",
        args.persons,
        args.touches,
        filled.as_secs_f64(),
        bytes as f64 / 1e6,
        began.elapsed().as_secs_f64()
    ))
}

fn bytes_in(directory: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        bytes += if entry.path().is_dir() { bytes_in(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}

/// Kills and starts again, by turns from checkpoints and from changelogs.
fn restarts(args: &Args, settings: &KafkaSettings, directory: &Path, load: &mut Load) -> Result<()> {
    let ways = [("checkpoint", Some(kept(directory))), ("changelog", None)];
    let [mut took, mut from_files, mut from_logs]: [[Vec<f64>; 2]; 3] = Default::default();
    let mut sources = [Recovery::default(); 2];
    let mut process = Process::start(&settings.bootstrap, None)?;
    for _ in 0..args.rounds {
        for (place, (_, keeping)) in ways.iter().enumerate() {
            process.until_accepted(load.sent(), u64::from(PARTITIONS), LONG)?;
            let killed = Instant::now();
            drop(process);
            // Its successor is in service when these have been handled.
            (0..WHILE_AWAY).try_for_each(|_| load.send())?;
            load.flush()?;
            process = Process::start(&settings.bootstrap, keeping.as_ref())?;
            process.until_accepted(load.sent(), u64::from(PARTITIONS), LONG)?;
            took[place].push(killed.elapsed().as_secs_f64());
            sources[place] = process.recovery();
            from_files[place].push(sources[place].checkpoints_took.as_secs_f64());
            from_logs[place].push(sources[place].changelogs_took.as_secs_f64());
        }
    }
    say(
        "\n| after kill -9, from | back in service, s | reading checkpoints, s (entries) | reading changelogs, s (records) |",
    )?;
    say("|---|---|---|---|")?;
    let [took, from_files, from_logs] = [took, from_files, from_logs].map(|ways| ways.map(Spread::of));
    for (place, (name, _)) in ways.iter().enumerate() {
        let Recovery { checkpoint_entries, changelog_records, .. } = sources[place];
        let (took, files, logs) = (took[place], from_files[place], from_logs[place]);
        say(&format!("| {name} | {took} | {files} ({checkpoint_entries}) | {logs} ({changelog_records}) |"))?;
    }
    if let Some(path) = &args.json {
        let [checkpoint_s, changelog_s] = took;
        let figures = RestoreFigures { persons: args.persons, touches: args.touches, checkpoint_s, changelog_s };
        std::fs::write(path, serde_json::to_string(&figures)?)?;
    }
    say(&format!("\nchangelog : checkpoint = {:.1}", took[1].median / took[0].median))
}

/// Steady traffic, by turns with checkpoints being written all the time and with none.
fn latencies(args: &Args, settings: &KafkaSettings, directory: &Path, load: &mut Load) -> Result<()> {
    let mut reader = TopicReader::new(settings, topics::JOURNEYS)?;
    while reader.next(Duration::from_secs(1))? != Next::CaughtUp {}
    // A file is old at half its age, and an old one is written again: so there is always one on its way.
    let busy = Keeping { directory: directory.join("busy"), interval_s: 1, max_age_s: 2 };
    let ways = [("none", kept(directory)), ("all the time", busy)];
    let mut figures: [[Vec<f64>; 2]; 2] = Default::default();
    let mut written = [0; 2];
    for _ in 0..args.rounds {
        for (place, (_, keeping)) in ways.iter().enumerate() {
            let mut process = Process::start(&settings.bootstrap, Some(keeping))?;
            process.until_accepted(load.sent(), u64::from(PARTITIONS), LONG)?;
            let before = process.recovery().checkpoints_written;
            let mut latencies = traffic(args, load, &mut reader)?;
            written[place] += process.recovery().checkpoints_written - before;
            figures[place][0].push(percentile(&mut latencies, 50));
            figures[place][1].push(percentile(&mut latencies, 99));
        }
    }
    say(&format!("\n| checkpoints while {} events/s pass | p50 ms | p99 ms | checkpoints |", args.rate))?;
    say("|---|---|---|---|")?;
    for (place, ((name, _), [p50, p99])) in ways.iter().zip(figures).enumerate() {
        say(&format!("| {name} | {} | {} | {} |", Spread::of(p50), Spread::of(p99), written[place]))?;
    }
    Ok(())
}

/// Sends at the rate asked for; gives the milliseconds from sending a touchpoint to reading its journey event, committed.
fn traffic(args: &Args, load: &mut Load, reader: &mut TopicReader) -> Result<Vec<f64>> {
    let contracts = settings("").contracts()?;
    let count = args.rate * args.seconds;
    let (sender, sent): (_, Receiver<(String, Instant)>) = channel();
    std::thread::scope(|scope| {
        let sending = scope.spawn(move || -> Result<()> {
            let started = Instant::now();
            for number in 0..count {
                let due = started + Duration::from_secs_f64(number as f64 / args.rate as f64);
                while let Some(rest) = due.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero()) {
                    std::thread::park_timeout(rest);
                }
                sender.send((load.next_id(), Instant::now()))?;
                load.send()?;
            }
            load.flush()
        });
        let (mut begun, mut latencies) = (HashMap::new(), Vec::new());
        let deadline = Instant::now() + LONG;
        while (latencies.len() as u64) < count {
            anyhow::ensure!(Instant::now() < deadline, "{} of {count} events came back", latencies.len());
            let Next::Record(record) = reader.next(Duration::from_millis(20))? else { continue };
            let read = Instant::now();
            begun.extend(sent.try_iter());
            let event: JourneyEvent = contracts.decode(&record.value.context("a journey event has a value")?)?;
            if let Some(at) = begun.remove(&event.touchpoint.touchpoint_id) {
                latencies.push(read.duration_since(at).as_secs_f64() * 1_000.0);
            }
        }
        sending.join().map_err(|_| anyhow::anyhow!("sending panicked"))??;
        Ok(latencies)
    })
}
