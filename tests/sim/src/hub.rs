//! The production stages, as `tributary run all` makes them, and the topics they need.

use std::path::Path;
use std::sync::OnceLock;

use anyhow::Context;
use serde_json::json;
use tributary_insight::views::{Dimension, Span};
use tributary_model::topics::{Partitions, TopicDefinition};
use tributary_model::{Canvas, Pseudonymizer};
use tributary_stream::{Stage, changelog_definitions};
use tributary_test_oracle::PSEUDONYM_KEY;
use tributary_tributary::canvas;
use tributary_tributary::cli::Service;
use tributary_tributary::compose::Definition;
use tributary_tributary::config::HubConfig;
use tributary_triggers::TriggersConfig;

/// The hub's stages and topics. Mappings and triggers are compiled once for all runs.
#[derive(Debug, Clone)]
pub struct Hub {
    /// The stages.
    pub stages: Vec<Stage>,
    /// All topics, changelogs included.
    pub topics: Vec<TopicDefinition>,
    /// The canvas that all stages read.
    pub canvas: Canvas,
}

impl Hub {
    /// The hub of this build with its built-in definitions.
    ///
    /// # Errors
    /// What is wrong with the definitions.
    pub fn built_in() -> anyhow::Result<&'static Self> {
        static HUB: OnceLock<Result<Hub, String>> = OnceLock::new();
        Self::once(&HUB, TriggersConfig::default)
    }

    /// The same with more triggers, those in `triggers/` here, and limits on all messages: caps, quiet hours, a window in which
    /// they compete, a global control group.
    ///
    /// Without the shipped trigger about accounts: an account hears of a touch and of who belongs to it on two topics, and
    /// which of the two it reads first, when that decides, is up to chance. Another takes its place, which asks for touches
    /// alone.
    ///
    /// # Errors
    /// As [`Hub::built_in`].
    pub fn with_limits() -> anyhow::Result<&'static Self> {
        static HUB: OnceLock<Result<Hub, String>> = OnceLock::new();
        Self::once(&HUB, || TriggersConfig {
            disabled: vec!["account-hot-to-sales".to_owned()],
            directories: vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("triggers")],
            caps: vec![
                json!({ "scope": "all", "max": 2, "per": "day" }),
                json!({ "scope": "channel", "max": 5, "per": "7d" }),
            ],
            quiet_hours: Some(json!({ "from": "22:00", "to": "07:00" })),
            arbitration: Some(json!({ "window": "30s" })),
            global_control: Some(json!({ "holdout_percent": 5, "seed": "simulation" })),
            ..TriggersConfig::default()
        })
    }

    fn once(
        place: &'static OnceLock<Result<Self, String>>,
        triggers: impl FnOnce() -> TriggersConfig,
    ) -> anyhow::Result<&'static Self> {
        let hub = place.get_or_init(|| Self::compose(triggers()).map_err(|error| format!("{error:#}")));
        hub.as_ref().map_err(|error| anyhow::anyhow!("the hub cannot be made: {error}"))
    }

    fn compose(triggers: TriggersConfig) -> anyhow::Result<Self> {
        let mut config = HubConfig { triggers, ..HubConfig::default() };
        // Everything the oracle computes; minutes would only be more of the same.
        config.insight.dimensions = {
            use Dimension::{Agency, Category, Creative, Partner, Product, Store};
            vec![Agency, Partner, Store, Category, Product, Creative]
        };
        config.insight.windows = vec![Span::Hour, Span::Week, Span::Campaign];
        let definition = Definition::read(&config).context("reading the built-in definitions")?;
        let mut entries = canvas::built_in().context("reading the built-in canvas")?;
        entries.extend(tributary_test_oracle::canvas());
        let canvas = canvas::fold(&entries);
        let definition = Definition { canvas: entries, ..definition };
        let mut topics = definition.open_topics();
        let key = Pseudonymizer::new(PSEUDONYM_KEY).context("making the key of pseudonyms")?;
        let tables = definition.fixed_tables(&config)?;
        let staffed = definition.staffed(&config, Service::All, &tables, key)?;
        let stages: Vec<Stage> = staffed.into_iter().map(|staffed| staffed.stage).collect();
        topics.extend(stages.iter().flat_map(changelog_definitions));
        Ok(Self { stages, topics, canvas })
    }
}

/// How many partitions a topic has when keyed topics have `configured`.
#[must_use]
pub fn partition_number(partitions: Partitions, configured: u32) -> u32 {
    match partitions {
        Partitions::Configured => configured,
        Partitions::ConfiguredTimes(times) => configured * times,
        Partitions::Fixed(count) => count,
    }
}
