//! One contender on a broker of its own, watched from outside.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tributary_model::topics::{Cleanup, Partitions, TopicDefinition};
use tributary_stream::{BulkPublisher, KafkaSettings, OutRecord, apply_topics};
use tributary_testkit::Broker;

use super::contender::log_of;
use super::{Contender, Event, Events, INPUT, OUTPUT, PARTITIONS, Usage, check};
use crate::ends::Ends;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(25);
/// An output that has not grown for so long is whole.
const QUIET: Duration = Duration::from_millis(2_500);
/// One of so many events warms up and is not counted: compilers at run time, first fetches, empty stores.
const WARM_UP: u32 = 4;
const LONG: Duration = Duration::from_secs(120);

/// What a contender did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    /// Events behind those of the warm-up.
    pub events: f64,
    /// Seconds of the clock that they took.
    pub seconds: f64,
    /// Seconds of CPU of the contender's own processes.
    pub cpu_s: f64,
    /// Resident memory at the end, in MiB.
    pub rss_mib: f64,
}

impl Run {
    /// Microseconds of CPU for one event.
    #[must_use]
    pub fn cpu_us(&self) -> f64 {
        self.cpu_s * 1e6 / self.events
    }

    /// Events a second of the clock.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.events / self.seconds
    }
}

/// A moment, and what had been used by then.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Instant,
    usage: Usage,
}

impl Look {
    fn at(usage: Usage) -> Self {
        Self { at: Instant::now(), usage }
    }
}

/// The conditions of a race.
#[derive(Debug, Clone)]
pub struct Race {
    /// The events.
    pub events: Events,
    /// Where the logs of contenders go.
    pub logs: PathBuf,
    /// A contender that writes nothing for so long has failed.
    pub patience: Duration,
}

/// A process with its children; killed when it goes out of sight.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let ended = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        if ended.is_ok() {
            drop(self.0.wait());
        }
    }
}

impl Race {
    /// Lets one contender do its work, and checks what it wrote.
    ///
    /// The first part of the events is on the topic when it starts. What it used is looked at when the output of that part is
    /// whole, and again when that of all events is: so nothing that it does ahead of its output is left out.
    ///
    /// # Errors
    /// When it ends, stands still, or its output is wrong.
    pub fn run(&self, contender: &Contender) -> Result<Run> {
        let broker = Broker::start()?;
        let settings = KafkaSettings { bootstrap: broker.bootstrap().to_owned(), ..KafkaSettings::default() };
        apply_topics(&settings, &[INPUT, OUTPUT].map(topic))?;
        let warm_up = self.events.count / WARM_UP;
        let mut events = self.events.iter();
        publish(&settings, events.by_ref().take(warm_up as usize).map(record))?;
        let scratch = tempfile::tempdir()?;
        let name = contender.name();
        let log = log_of(&name, &self.logs);
        let mut command = contender.command(broker.bootstrap(), scratch.path())?;
        command.stderr(File::create(&log)?).process_group(0);
        let child = command.spawn().with_context(|| format!("starting {name}"))?;
        let mut process = Killed(child);
        let ends = Ends::new(broker.bootstrap())?;
        let where_to_look = || format!("{name}: its log is {}", log.display());
        // Made before the clock runs: making them takes longer than sending them.
        let rest: Vec<OutRecord> = events.map(record).collect();
        self.until_whole(&mut process.0, &ends, warm_up).with_context(where_to_look)?;
        let begin = Look::at(Usage::of(process.0.id()));
        publish(&settings, rest.into_iter())?;
        let end = self.until_whole(&mut process.0, &ends, self.events.count).with_context(where_to_look)?;
        drop(process);
        check(&settings, contender.work(), self.events).with_context(|| format!("{name}: its output is wrong"))?;
        run_between(begin, end, self.events.count - warm_up).with_context(|| format!("{name} was too quick"))
    }

    /// Waits until the output has `count` records and has not grown for a while; gives the moment of its last growth.
    fn until_whole(&self, child: &mut Child, ends: &Ends, count: u32) -> Result<Look> {
        let (mut seen, mut last) = (-1, Look::at(Usage::default()));
        loop {
            let records = ends.read(&[OUTPUT])?;
            // After the records, so that no CPU is left out that went into them.
            let look = Look::at(Usage::of(child.id()));
            if records > seen {
                (seen, last) = (records, look);
            }
            if records >= i64::from(count) && last.at.elapsed() > QUIET {
                return Ok(last);
            }
            if let Some(status) = child.try_wait()? {
                bail!("it ended with {status} and {records} records on its output");
            }
            let is_late = last.at.elapsed() > self.patience;
            ensure!(!is_late, "it stands still with {records} of {count} records on its output");
            std::thread::park_timeout(LOOK);
        }
    }
}

fn record(event: Event) -> OutRecord {
    let value = Some(event.json().into_bytes());
    OutRecord { topic: INPUT.to_owned(), key: event.person.into_bytes(), value, headers: Vec::new() }
}

fn publish(settings: &KafkaSettings, mut records: impl Iterator<Item = OutRecord>) -> Result<()> {
    let publisher = BulkPublisher::new(settings, LONG)?;
    records.try_for_each(|record| publisher.send(&record))?;
    Ok(publisher.flush(LONG)?)
}

fn run_between(begin: Look, end: Look, count: u32) -> Option<Run> {
    let seconds = end.at.checked_duration_since(begin.at)?.as_secs_f64();
    let cpu_s = end.usage.cpu_s - begin.usage.cpu_s;
    let run = Run { events: f64::from(count), seconds, cpu_s, rss_mib: end.usage.rss_mib };
    (seconds > 0.0 && cpu_s > 0.0).then_some(run)
}

/// A topic of the contest.
fn topic(name: &str) -> TopicDefinition {
    TopicDefinition {
        name: name.to_owned(),
        partitions: Partitions::Fixed(PARTITIONS),
        cleanup: Cleanup::DeleteAfterMs(86_400_000),
    }
}

/// Makes sure that there is a directory of this name.
///
/// # Errors
/// When the system refuses.
pub fn directory(path: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(path).with_context(|| format!("making {}", path.display()))?;
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_lies_between_the_two_looks() {
        let start = Instant::now();
        let look = |ms: u64, cpu_s: f64| Look {
            at: start + Duration::from_millis(ms),
            usage: Usage { cpu_s, rss_mib: cpu_s },
        };
        let run = run_between(look(100, 6.0), look(300, 7.0), 800).unwrap();
        assert_eq!((run.events, run.cpu_s, run.rss_mib), (800.0, 1.0, 7.0));
        assert!((run.seconds - 0.2).abs() < 1e-9 && (run.cpu_us() - 1_250.0).abs() < 1e-6);
        assert_eq!(run_between(look(100, 6.0), look(300, 6.0), 800), None, "no CPU is none that was measured");
        assert_eq!(run_between(look(100, 6.0), look(50, 7.0), 800), None);
    }
}
