//! The hub under as much as it can take: CPU for an event, from the raw topic to journeys, triggers and scorecards.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tributary_model::scorecard::ALL_TEAMS;
use tributary_model::topics;
use tributary_stream::{BulkPublisher, KafkaSettings};
use tributary_testkit::Broker;

use super::{Hub, HubSettings, Traffic, judge};
use crate::contest::Usage;
use crate::ends::Ends;

const LONG: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(50);
/// Outputs that have not grown for so long are whole.
const QUIET: Duration = Duration::from_secs(4);

/// How much of what.
#[derive(Debug, Clone, Copy)]
pub struct Phase {
    /// Persons.
    pub persons: u32,
    /// Events that come first and are not counted: most persons are seen then for the first time.
    pub warm_up: u64,
    /// Events that are counted.
    pub events: u64,
}

/// What the hub did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HubRun {
    /// Microseconds of CPU for one event.
    pub cpu_us: f64,
    /// Events a second of the clock.
    pub per_second: f64,
    /// Resident memory before the first event, in MiB.
    pub empty_mib: f64,
    /// Resident memory at the end, in MiB.
    pub rss_mib: f64,
    /// Persons that it knows.
    pub persons: usize,
}

/// Lets a hub of its own work on a broker of its own, and checks what it wrote.
///
/// # Errors
/// When it ends, stands still, or its output is wrong.
pub fn throughput(settings: &HubSettings, phase: Phase) -> Result<HubRun> {
    let mut stand = Stand::new(settings, phase.persons)?;
    let empty_mib = Usage::of(stand.hub.id()).rss_mib;
    stand.feed(phase.warm_up).context("warming up")?;
    let (begun_at, begun) = (Instant::now(), Usage::of(stand.hub.id()));
    let (ended_at, ended) = stand.feed(phase.events)?;
    judge(&stand.kafka, stand.traffic.truth()).context("the hub's output is wrong")?;
    Ok(HubRun {
        cpu_us: (ended.cpu_s - begun.cpu_s) * 1e6 / phase.events as f64,
        per_second: phase.events as f64 / ended_at.duration_since(begun_at).as_secs_f64(),
        empty_mib,
        rss_mib: ended.rss_mib,
        persons: stand.traffic.truth().persons.len(),
    })
}

/// A hub with its broker and its traffic.
struct Stand {
    hub: Hub,
    kafka: KafkaSettings,
    ends: Ends,
    traffic: Traffic,
    _directory: TempDir,
    _broker: Broker,
}

impl Stand {
    fn new(settings: &HubSettings, persons: u32) -> Result<Self> {
        let broker = Broker::start()?;
        let directory = tempfile::tempdir()?;
        let kafka = KafkaSettings { bootstrap: broker.bootstrap().to_owned(), ..KafkaSettings::default() };
        let hub = Hub::start(settings, broker.bootstrap(), directory.path())?;
        let ends = Ends::new(broker.bootstrap())?;
        Ok(Self { hub, kafka, ends, traffic: Traffic::new(persons), _directory: directory, _broker: broker })
    }

    /// Sends the next events and waits until the hub has written all that comes of them; gives the moment of its last output
    /// and what it had used by then.
    fn feed(&mut self, count: u64) -> Result<(Instant, Usage)> {
        let contracts = self.kafka.contracts()?;
        let publisher = BulkPublisher::new(&self.kafka, LONG)?;
        for _ in 0..count {
            publisher.send(&self.traffic.record(&contracts)?)?;
        }
        publisher.flush(LONG)?;
        let all_teams = topics::metrics(ALL_TEAMS);
        let (mut seen, mut last) = (0, (Instant::now(), Usage::default()));
        loop {
            let records = self.ends.read(&[topics::RESOLVED, topics::JOURNEYS, topics::DECISIONS, &all_teams])?;
            let now = (Instant::now(), Usage::of(self.hub.id()));
            if records > seen {
                (seen, last) = (records, now);
            } else if now.0.duration_since(last.0) > QUIET && seen as u64 > 2 * self.traffic.truth().events {
                return Ok(last);
            }
            self.hub.check()?;
            ensure!(now.0.duration_since(last.0) < LONG, "the hub stands still with {seen} records on its outputs");
            std::thread::park_timeout(LOOK);
        }
    }
}
