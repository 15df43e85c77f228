//! The configuration of the whole hub: one section a service, and what they share.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tributary_model::Pseudonymizer;
use tributary_service::admin::AdminConfig;
use tributary_service::config::{self, ConfigErrors, Duration, Problem, Secret, Validate};
use tributary_service::logging::LogConfig;
use tributary_stream::{KafkaSettings, StateSettings, StoreKind};
use tributary_triggers::TriggersConfig;

use crate::cli::Global;
use crate::error::CliError;
use crate::keys::{self, PseudonymKey};

/// Prefix of the environment variables that set keys: `TRIBUTARY__KAFKA__BOOTSTRAP`.
pub const ENVIRONMENT_PREFIX: &str = "TRIBUTARY";
/// The environment variable with the pseudonym key, when the configuration names no other place.
pub const PSEUDONYM_KEY_VARIABLE: &str = "TRIBUTARY_PSEUDONYM_KEY";
/// The realm that nothing was said about.
const DEFAULT_REALM: &str = "default";

/// The configuration of the hub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HubConfig {
    /// The realm: persons of one realm never mix with those of another.
    pub realm: String,
    /// A directory laid out as `schemas/`: its `sources/`, `identity.yaml`, `channels.yaml`, `bots.yaml`, `stages.yaml`,
    /// `accounts.yaml`, `triggers/` and `canvas/` extend or replace what is built in, where no section names another place.
    pub definitions: Option<PathBuf>,
    /// Where the key of all pseudonyms is kept; the same for every instance.
    pub pseudonym_key: Option<Secret>,
    /// Instead of it, several, the newest first: while keys are rotated.
    pub pseudonym_keys: Vec<PseudonymKey>,
    /// Kafka, and how the runtime uses it.
    pub kafka: KafkaSettings,
    /// Checkpoints of what the stages remember.
    pub state: StateSettings,
    /// Logs.
    pub log: LogConfig,
    /// Health and metrics.
    pub admin: AdminConfig,
    /// Holding the accounts of the hub against each other.
    pub audit: AuditConfig,
    /// The canvas.
    pub canvas: CanvasConfig,
    /// Threads of each stage in this process.
    pub workers: Workers,
    /// The gateway.
    pub gateway: tributary_gateway::Config,
    /// The normalizer.
    pub normalizer: tributary_normalizer::Config,
    /// Identity.
    pub identity: tributary_identity::Config,
    /// Journeys and accounts.
    pub journey: tributary_journey::Config,
    /// The triggers.
    pub triggers: TriggersConfig,
    /// The scorecards.
    pub insight: tributary_insight::Config,
    /// Webhooks.
    pub delivery: tributary_delivery::Config,
}

/// Holding the accounts of the whole hub against each other, in every process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditConfig {
    /// How often; `0s` is never. The result is on the metrics, and what nothing explains in the log.
    pub interval: Duration,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { interval: Duration::from_secs(300) }
    }
}

/// Where the canvas comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CanvasConfig {
    /// A directory of `*.yaml` files that extend or replace the built-in teams.
    pub directory: Option<PathBuf>,
    /// Whether `tributary run` puts these files on the canvas topic when it starts; say no when another system plans.
    pub publish: Option<bool>,
}

impl CanvasConfig {
    /// Whether the files are put on the topic: yes unless told otherwise.
    #[must_use]
    pub fn publishes(&self) -> bool {
        self.publish.unwrap_or(true)
    }
}

/// Threads of each stage in this process; more than the topics have partitions do nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Workers {
    /// From raw events to touchpoints.
    pub normalizer: u32,
    /// Owners of identifiers.
    pub identity: u32,
    /// Journeys with their triggers.
    pub journey: u32,
    /// Roll-ups of accounts.
    pub accounts: u32,
    /// Contributions to scorecards.
    pub insight: u32,
    /// Scorecards.
    pub scorecards: u32,
    /// Webhooks: taking intents in, and sending.
    pub delivery: u32,
}

impl Default for Workers {
    fn default() -> Self {
        Self { normalizer: 1, identity: 1, journey: 1, accounts: 1, insight: 1, scorecards: 1, delivery: 1 }
    }
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            realm: DEFAULT_REALM.to_owned(),
            definitions: None,
            pseudonym_key: None,
            pseudonym_keys: Vec::new(),
            kafka: KafkaSettings::default(),
            state: StateSettings::default(),
            log: LogConfig::default(),
            admin: AdminConfig::default(),
            audit: AuditConfig::default(),
            canvas: CanvasConfig::default(),
            workers: Workers::default(),
            gateway: tributary_gateway::Config::default(),
            normalizer: tributary_normalizer::Config::default(),
            identity: tributary_identity::Config::default(),
            journey: tributary_journey::Config::default(),
            triggers: TriggersConfig::default(),
            insight: tributary_insight::Config::default(),
            delivery: tributary_delivery::Config::default(),
        }
    }
}

impl Validate for HubConfig {
    fn validate(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.realm.trim().is_empty() {
            problems.push(Problem::new("realm", "", "is empty", "give it a name; `default` will do for one realm"));
        }
        for (key, realm) in [("identity.realm", &self.identity.realm), ("journey.realm", &self.journey.realm)] {
            if *realm != self.realm && realm != DEFAULT_REALM {
                let why = format!("is not the hub's realm `{}`", self.realm);
                problems.push(Problem::new(key, realm, why, "set `realm` alone"));
            }
        }
        if self.kafka.bootstrap.trim().is_empty() {
            problems.push(Problem::new("kafka.bootstrap", "", "is empty", "give host:port of a broker"));
        }
        if self.kafka.partitions == 0 {
            problems.push(Problem::new("kafka.partitions", 0, "leaves no partition", "give 1 or more"));
        }
        problems.extend(self.kafka.gather_ms.iter().filter_map(gather_problem));
        if let Some(directory) = self.definitions.as_ref().filter(|directory| !directory.is_dir()) {
            let remedy = "give a directory laid out as schemas/, or leave it out";
            problems.push(Problem::new("definitions", directory.display(), "is no directory", remedy));
        }
        problems.extend(keys::problems(self));
        problems.extend(self.log.validate().into_iter().map(|problem| problem.under("log")));
        problems.extend(self.workers.problems());
        problems.extend(state_problems(&self.state));
        problems.extend(self.gateway.validate().into_iter().map(|problem| problem.under("gateway")));
        problems.extend(self.identity.validate());
        problems.extend(self.journey.validate().iter().map(|p| Problem::new(&p.key, &p.value, &p.why, &p.remedy)));
        problems.extend(self.insight.validate().into_iter().map(|problem| problem.under("insight")));
        problems.extend(self.delivery.validate().into_iter().map(|problem| problem.under("delivery")));
        problems
    }
}

/// The longest that a stage may gather: a transaction that is open for longer than the broker allows is lost.
const LONGEST_GATHER_MS: u64 = 5_000;

fn gather_problem((stage, gather_ms): (&String, &u64)) -> Option<Problem> {
    let key = || format!("kafka.gather_ms.{stage}");
    let stages: Vec<&str> = Workers::default().all().into_iter().map(|(stage, _)| stage).collect();
    if !stages.contains(&stage.as_str()) {
        return Some(Problem::new(key(), gather_ms, "names no stage", format!("give one of {}", stages.join(", "))));
    }
    let why = "is longer than a transaction should be open";
    (*gather_ms > LONGEST_GATHER_MS)
        .then(|| Problem::new(key(), gather_ms, why, format!("give at most {LONGEST_GATHER_MS}")))
}

fn state_problems(state: &StateSettings) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(directory) = state.directory.as_ref().filter(|path| path.exists() && !path.is_dir()) {
        let remedy = "give a directory on a local disk, or leave it out";
        problems.push(Problem::new("state.directory", directory.display(), "is no directory", remedy));
    }
    if state.store == StoreKind::Disk && state.directory.is_none() {
        let remedy = "set state.directory to a directory on a local disk, or state.store to memory";
        problems.push(Problem::new("state.store", "disk", "needs a place for it", remedy));
    }
    if state.store == StoreKind::Disk && state.standby {
        let why = "keeps copies in memory of what does not fit there";
        problems.push(Problem::new("state.standby", true, why, "leave it out, or set state.store to memory"));
    }
    if !StateSettings::CACHE_MBYTES.contains(&state.cache_mbytes) {
        let (least, most) = (StateSettings::CACHE_MBYTES.start(), StateSettings::CACHE_MBYTES.end());
        let why = format!("is not between {least} and {most}");
        problems.push(Problem::new("state.cache_mbytes", state.cache_mbytes, why, "give 64"));
    }
    let (interval, age) = (state.checkpoint_interval_s, state.checkpoint_max_age_s);
    if interval == 0 {
        problems.push(Problem::new("state.checkpoint_interval_s", 0, "would write without a pause", "give 60"));
    }
    if age > StateSettings::MAX_AGE_LIMIT_S {
        let why = "is longer than the changelogs tell of deleted keys for sure";
        let remedy = format!("give at most {}", StateSettings::MAX_AGE_LIMIT_S);
        problems.push(Problem::new("state.checkpoint_max_age_s", age, why, remedy));
    }
    if age < interval.saturating_mul(2) {
        let why = format!("is less than twice state.checkpoint_interval_s ({interval})");
        problems.push(Problem::new("state.checkpoint_max_age_s", age, why, "give 43200"));
    }
    problems
}

impl Workers {
    /// The stages, each with its threads.
    fn all(&self) -> [(&'static str, u32); 7] {
        [
            ("normalizer", self.normalizer),
            ("identity", self.identity),
            ("journey", self.journey),
            ("accounts", self.accounts),
            ("insight", self.insight),
            ("scorecards", self.scorecards),
            ("delivery", self.delivery),
        ]
    }

    fn problems(&self) -> Vec<Problem> {
        let none = self.all().into_iter().filter(|(_, count)| !(1..=256).contains(count));
        none.map(|(stage, count)| {
            Problem::new(format!("workers.{stage}"), count, "a stage needs from 1 to 256 threads", "give 1")
        })
        .collect()
    }
}

impl HubConfig {
    /// Reads the configuration that the command line asks for, and says everything that is wrong with it.
    ///
    /// # Errors
    /// [`ConfigErrors`] with all problems.
    pub fn load(global: &Global) -> Result<Self, ConfigErrors> {
        let mut hub: Self = config::load_validated(global.config.as_deref(), ENVIRONMENT_PREFIX, &global.overrides)?;
        hub.share();
        if hub.pseudonym_key.is_none() && hub.pseudonym_keys.is_empty() {
            // As if the file said so; without the variable there is no key, which commands that need one will say.
            let reference = serde_json::json!({ "env": PSEUDONYM_KEY_VARIABLE });
            hub.pseudonym_key = serde_json::from_value(reference).ok();
        }
        Ok(hub)
    }

    /// Gives the sections what they share: the realm, and the places under `definitions` that exist.
    fn share(&mut self) {
        self.identity.realm.clone_from(&self.realm);
        self.journey.realm.clone_from(&self.realm);
        let Some(directory) = &self.definitions else { return };
        let place = |name: &str| Some(directory.join(name)).filter(|path| path.exists());
        let add = |directories: &mut Vec<PathBuf>, name: &str| {
            let found = place(name).filter(|found| !directories.contains(found));
            directories.extend(found);
        };
        add(&mut self.normalizer.source_dirs, "sources");
        add(&mut self.triggers.directories, "triggers");
        let rules = place("identity.yaml");
        self.identity.rules = self.identity.rules.take().or_else(|| rules.clone());
        self.normalizer.identity_file = self.normalizer.identity_file.take().or(rules);
        self.normalizer.channels_file = self.normalizer.channels_file.take().or_else(|| place("channels.yaml"));
        self.normalizer.bots_file = self.normalizer.bots_file.take().or_else(|| place("bots.yaml"));
        self.canvas.directory = self.canvas.directory.take().or_else(|| place("canvas"));
    }

    /// The maker of pseudonyms.
    ///
    /// # Errors
    /// [`CliError::NoPseudonymKey`] when there is no key; [`CliError::Config`] when it is too short.
    pub fn pseudonymizer(&self) -> Result<Pseudonymizer, CliError> {
        keys::pseudonymizer(self)
    }

    /// The channels that touchpoints may carry.
    ///
    /// # Errors
    /// [`CliError::Definition`] with everything that is wrong with the channels file.
    pub fn channels(&self) -> Result<BTreeSet<String>, CliError> {
        tributary_normalizer::channel_names(&self.normalizer)
            .map_err(|error| CliError::Definition { what: "channels", detail: error.to_string() })
    }

    /// The Kafka settings with the secrets of their file.
    ///
    /// # Errors
    /// [`CliError::Properties`] when the file is of no use.
    pub fn kafka(&self) -> Result<KafkaSettings, CliError> {
        let mut settings = self.kafka.clone();
        settings.read_properties_file()?;
        Ok(settings)
    }
}
