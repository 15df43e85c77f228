//! The stand on which the demo happens: embedded broker, hub, readers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tributary_insight::accounting::StageAccount;
use tributary_insight::{CREDIT_STAGE, SCORECARD_STAGE};
use tributary_journey::ACCOUNTS_STAGE;
use tributary_model::scorecard::ALL_TEAMS;
use tributary_schema::Contracts;
use tributary_service::Health;
use tributary_service::config::Secret;
use tributary_service::logging::{self, LogConfig};
use tributary_service::metrics::{PrometheusHandle, install_prometheus};
use tributary_stream::{BulkPublisher, EmbeddedBroker, KafkaSettings, OutRecord, StateSettings, changelog_definitions};

use super::read_model::ReadModel;
use super::readers::Readers;
use crate::accounting::Flow;
use crate::canvas;
use crate::cli::{DemoArgs, Service};
use crate::compose::Definition;
use crate::config::{HubConfig, Workers};
use crate::error::CliError;
use crate::hub::Hub;
use crate::server::describe_metrics;
use crate::topics::partition_count;

/// Partitions of the demo's topics: enough for records of one person to meet on one, and of two not to.
const PARTITIONS: u32 = 2;
/// How long the broker may take for a record.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long nothing may move before the demo gives up.
const STALLED: Duration = Duration::from_secs(60);
/// How long the parts of the hub may take to find together.
const READY: Duration = Duration::from_secs(60);
/// Pause between two looks at the accounts.
const LOOK: Duration = Duration::from_millis(2);
/// Not a secret: the demo's shoppers are made up.
const PSEUDONYM_KEY: &str = "the demo's shoppers are made up";
/// The reader of the topics that the demo shows.
const READER: &str = "demo";
/// The write key that the demo prints.
pub(super) const WRITE_KEY: &str = "demo";

/// Broker, hub and readers.
pub(super) struct Stand {
    pub(super) config: HubConfig,
    pub(super) settings: KafkaSettings,
    pub(super) contracts: Arc<Contracts>,
    pub(super) health: Health,
    pub(super) metrics: PrometheusHandle,
    publisher: BulkPublisher,
    published: Mutex<BTreeMap<String, i64>>,
    readers: Readers,
    hub: Hub,
    /// Last, so that it goes when everybody else has gone.
    broker: EmbeddedBroker,
}

impl Stand {
    /// Starts everything and returns when every part is ready.
    pub(super) fn start(args: &DemoArgs, configured: HubConfig) -> Result<Self, CliError> {
        let config = own(args, configured);
        logging::init(&config.log)?;
        let metrics = install_prometheus()?;
        describe_metrics();
        let broker = EmbeddedBroker::start()?;
        let settings = KafkaSettings { bootstrap: broker.bootstrap(), ..config.kafka.clone() };
        let contracts = settings.contracts()?;
        let mut definition = Definition::read(&config)?;
        if args.complete_journey.is_none() {
            definition.canvas = canvas::demo()?;
        }
        let entries = definition.canvas.clone();
        let mut teams = definition.teams();
        teams.push(ALL_TEAMS.to_owned());
        let mut topics = definition.open_topics();
        let tables = definition.tables(&config)?;
        let staffed = definition.staffed(&config, Service::All, &tables, config.pseudonymizer()?)?;
        topics.extend(staffed.iter().flat_map(|staffed| changelog_definitions(&staffed.stage)));
        for topic in &topics {
            broker.create_topic(&topic.name, partition_count(topic.partitions, settings.partitions))?;
        }
        canvas::publish(&settings, &entries)?;
        let health = Health::new();
        let hub = Hub::start(&settings, &contracts, &staffed, &tables, &health)?;
        let readers = Readers::start(&settings, &contracts, ReadModel::topics(&teams))?;
        let publisher = BulkPublisher::new(&settings, TIMEOUT)?;
        let published = Mutex::default();
        let stand = Self { config, settings, contracts, health, metrics, publisher, published, readers, hub, broker };
        stand.wait_until_ready()?;
        Ok(stand)
    }

    fn wait_until_ready(&self) -> Result<(), CliError> {
        let deadline = Instant::now() + READY;
        while !(self.health.is_ready() && self.hub.stages().all(|(_, stats)| stats.task_count() > 0)) {
            self.hub.wait(Duration::from_millis(20))?;
            if Instant::now() > deadline {
                let waiting = self.health.report().components.into_iter().filter(|(_, part)| !part.ready);
                let waiting: Vec<String> = waiting.map(|(name, _)| name).collect();
                let detail = format!("the hub did not get ready: waiting for {}", waiting.join(", "));
                return Err(CliError::Stalled(detail));
            }
        }
        Ok(())
    }

    /// Publishes one raw event.
    pub(super) fn publish(&self, record: &OutRecord) -> Result<(), CliError> {
        self.publisher.send(record)?;
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        *published.entry(record.topic.clone()).or_default() += 1;
        Ok(())
    }

    /// Waits until the hub has no more than `lag` records on their way from one stage to the next, and the readers not
    /// much more; with 0, until everything has arrived.
    pub(super) fn wait_for(&self, lag: i64) -> Result<(), CliError> {
        self.wait_until(|flow| flow.lag() <= lag)
    }

    /// Waits until everything that was published stands in the journeys.
    pub(super) fn wait_for_journeys(&self) -> Result<(), CliError> {
        let behind = [CREDIT_STAGE, SCORECARD_STAGE, ACCOUNTS_STAGE, READER];
        self.wait_until(|flow| flow.lag() == 0 || behind.contains(&flow.reader.as_str()))
    }

    fn wait_until(&self, holds: impl Fn(&Flow) -> bool) -> Result<(), CliError> {
        self.publisher.flush(TIMEOUT)?;
        let (mut last, mut last_move) = (Vec::new(), Instant::now());
        loop {
            let flows = self.flows();
            if flows.iter().all(&holds) {
                return Ok(());
            }
            if flows != last {
                last = flows;
                last_move = Instant::now();
            } else if last_move.elapsed() > STALLED {
                return Err(CliError::Stalled(stalled(&last)));
            }
            self.hub.wait(LOOK)?;
            self.readers.check()?;
        }
    }

    /// What flows from stage to stage, and to the readers.
    pub(super) fn flows(&self) -> Vec<Flow> {
        let published = self.published.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut flows = self.hub.flows(&published);
        let mut written: BTreeMap<String, i64> = BTreeMap::new();
        for (topic, count) in self.hub.stages().flat_map(|(_, stats)| stats.counts().emitted) {
            *written.entry(topic).or_default() += count;
        }
        for (topic, read) in self.readers.read() {
            let written = written.get(&topic).copied().unwrap_or(0);
            flows.push(Flow { topic, written, reader: READER.to_owned(), read });
        }
        flows
    }

    /// The accounts of the stages.
    pub(super) fn accounts(&self) -> Vec<StageAccount> {
        self.hub.stages().map(|(stage, stats)| StageAccount::new(stage.name, &stats.counts())).collect()
    }

    /// What the topics say.
    pub(super) fn model(&self) -> MutexGuard<'_, ReadModel> {
        self.readers.model()
    }

    /// Ends everything.
    pub(super) fn stop(self) -> Result<(), CliError> {
        drop(self.readers);
        self.hub.stop()
    }

    /// Gives up the hub for serving, with what has to live as long as it.
    pub(super) fn into_hub(self) -> (Hub, Readers, EmbeddedBroker) {
        (self.hub, self.readers, self.broker)
    }
}

fn stalled(flows: &[Flow]) -> String {
    let stuck: Vec<String> = flows
        .iter()
        .filter(|flow| flow.lag() != 0)
        .map(|flow| format!("{} read {} of {} records of {}", flow.reader, flow.read, flow.written, flow.topic))
        .collect();
    format!("nothing has moved for {} s: {}", STALLED.as_secs(), stuck.join("; "))
}

/// The configuration with what has to be the demo's own.
fn own(args: &DemoArgs, mut config: HubConfig) -> HubConfig {
    config.realm = "demo".to_owned();
    config.identity.realm.clone_from(&config.realm);
    config.journey.realm.clone_from(&config.realm);
    config.pseudonym_key = Some(Secret::generated(PSEUDONYM_KEY));
    // Its shoppers do answer more to a demand message when a brand message came before.
    config.insight.lift.brand_demand = true;
    if config.log == LogConfig::default() {
        config.log.filter = "error".to_owned();
    }
    config.workers = Workers::default();
    // The embedded broker forgets: a checkpoint would outlive what it is good for.
    config.state = StateSettings::default();
    config.kafka = KafkaSettings {
        partitions: PARTITIONS,
        // Event time moves with the events alone, so that the demo tells the same story on a slow machine.
        idle_after_ms: 3_600_000,
        // The embedded broker lets a consumer that has nothing to read wait to the end, even when something comes.
        properties: BTreeMap::from([("fetch.wait.max.ms".to_owned(), "10".to_owned())]),
        ..KafkaSettings::default()
    };
    config.gateway.write_keys = BTreeMap::from([("segment".to_owned(), vec![Secret::generated(WRITE_KEY)])]);
    if args.complete_journey.is_none() {
        config.journey.allowed_lateness_ms = super::feed::SLICE_MS;
    }
    config
}
