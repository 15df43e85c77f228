//! Names and settings of all topics, in one place.

use crate::touchpoint::Domain;

/// Touchpoints, keyed by their identifier of highest priority.
pub const TOUCHPOINTS: &str = "tributary.touchpoints";
/// Records that could not be processed, with their reason in the headers.
pub const DEAD_LETTERS: &str = "tributary.dead-letters";
/// Which dead letters were replayed, keyed by their place on [`DEAD_LETTERS`].
pub const REPLAYS: &str = "tributary.dead-letters.replays";
/// Claims and labels to identifier owners (internal), keyed by identifier.
pub const IDENTIFIERS: &str = "tributary.identifiers";
/// Merge requests to the sequencer (internal), one partition per realm.
pub const MERGES: &str = "tributary.merges";
/// What people ask of the owners of identifiers: that two are one, or are not; keyed by identifier, written from outside.
pub const IDENTITY_REQUESTS: &str = "tributary.identity.requests";
/// Commands to persons (internal), keyed by person.
pub const PERSONS: &str = "tributary.persons";
/// The alias table, keyed by the merged person.
pub const ALIASES: &str = "tributary.aliases";
/// What happened to persons.
pub const IDENTITY_CHANGES: &str = "tributary.identity.changes";
/// Touchpoints with their person, keyed by person.
pub const RESOLVED: &str = "tributary.resolved";
/// The journey stream, keyed by person.
pub const JOURNEYS: &str = "tributary.journeys";
/// Journey events on their way to account roll-ups (internal), keyed by account.
pub const ACCOUNT_TOUCHES: &str = "tributary.account-touches";
/// What persons and accounts tell accounts (internal), keyed by account.
pub const ACCOUNT_COMMANDS: &str = "tributary.account-commands";
/// Account roll-ups, keyed by account.
pub const ACCOUNTS: &str = "tributary.accounts";
/// The decision ledger, keyed by person.
pub const DECISIONS: &str = "tributary.decisions";
/// What happened after decisions, keyed by person.
pub const OUTCOMES: &str = "tributary.outcomes";
/// Who takes part in which experiment, keyed by person.
pub const ENROLMENTS: &str = "tributary.enrolments";
/// What destinations of webhooks are to get (internal), keyed by destination.
pub const DELIVERIES: &str = "tributary.deliveries";
/// What people ask of deliveries: to retry, to disable, to enable; keyed by destination, written from outside.
pub const DELIVERY_REQUESTS: &str = "tributary.delivery.requests";
/// What became of deliveries, step by step, keyed by destination.
pub const DELIVERY_LOG: &str = "tributary.delivery-log";
/// Questions about sent decisions that leave the hub late (internal), keyed by person.
pub const RECHECKS: &str = "tributary.rechecks";
/// Changes to scorecards (internal), keyed by scorecard.
pub const MEASURES: &str = "tributary.measures";
/// Changes to the counts of paths (internal), keyed by path.
pub const PATH_CHANGES: &str = "tributary.path-changes";
/// How many went which path, and to which end, keyed by path.
pub const PATHS: &str = "tributary.paths";
/// Changes to the sums of experiments (internal), keyed by experiment.
pub const EXPERIMENT_CHANGES: &str = "tributary.experiment-changes";
/// What experiments come to, keyed by experiment.
pub const LIFT: &str = "tributary.lift";
/// How demand campaigns do with and without brand messages before them, keyed by campaign and stratum.
pub const BRAND_DEMAND: &str = "tributary.brand-demand";
/// What products and creatives come to, keyed by scorecard.
pub const PRODUCTS: &str = "tributary.products";
/// The canvas.
pub const CANVAS: &str = "tributary.canvas";
/// Trigger definitions that were applied to the hub while it ran, keyed by trigger.
pub const TRIGGER_DEFINITIONS: &str = "tributary.trigger-definitions";

/// The raw topic of a domain.
#[must_use]
pub fn raw(domain: Domain) -> String {
    format!("tributary.raw.{}", domain.name())
}

/// The topic of a team's trigger intents.
#[must_use]
pub fn triggers(team_id: &str) -> String {
    format!("tributary.triggers.{team_id}")
}

/// The topic of a team's scorecards.
#[must_use]
pub fn metrics(team_id: &str) -> String {
    format!("tributary.metrics.{team_id}")
}

/// The changelog of a stage's store.
#[must_use]
pub fn changelog(stage: &str, store: &str) -> String {
    format!("tributary.{stage}.{store}.changelog")
}

/// How many partitions a topic has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partitions {
    /// The configured number, the same for all keyed topics so that they are co-partitioned.
    Configured,
    /// The configured number times this: the changelog of a stage that reads several topics.
    ConfiguredTimes(u32),
    /// Exactly this many.
    Fixed(u32),
}

/// What happens to old records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleanup {
    /// The latest record of each key stays.
    Compact,
    /// Records go after this many milliseconds.
    DeleteAfterMs(i64),
}

/// One topic as `tributary topics apply` makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicDefinition {
    /// Its name.
    pub name: String,
    /// Its partitions.
    pub partitions: Partitions,
    /// Its retention.
    pub cleanup: Cleanup,
}

const DAY_MS: i64 = crate::time::DAY_MS;

/// True for topics that are written from outside of the hub.
#[must_use]
pub fn is_open(topic: &str) -> bool {
    [IDENTITY_REQUESTS, DELIVERY_REQUESTS].contains(&topic)
        || Domain::ALL.into_iter().any(|domain| raw(domain) == topic)
}

/// The topics of the hub for these teams, changelogs aside (each stage names its own).
#[must_use]
pub fn definitions(teams: &[String]) -> Vec<TopicDefinition> {
    let topic = |name: String, partitions, cleanup| TopicDefinition { name, partitions, cleanup };
    let weeks = |count: i64| Cleanup::DeleteAfterMs(count * 7 * DAY_MS);
    let mut all = Vec::new();
    for domain in Domain::ALL {
        all.push(topic(raw(domain), Partitions::Configured, weeks(1)));
    }
    for (name, cleanup) in [
        (TOUCHPOINTS, weeks(4)),
        (DEAD_LETTERS, weeks(4)),
        (IDENTIFIERS, weeks(1)),
        (IDENTITY_REQUESTS, weeks(52)),
        (PERSONS, weeks(1)),
        (IDENTITY_CHANGES, weeks(52)),
        (RESOLVED, weeks(1)),
        (JOURNEYS, weeks(56)),
        (ACCOUNT_TOUCHES, weeks(1)),
        (ACCOUNT_COMMANDS, weeks(1)),
        (ACCOUNTS, Cleanup::Compact),
        (REPLAYS, Cleanup::Compact),
        (DECISIONS, weeks(56)),
        (OUTCOMES, weeks(56)),
        (ENROLMENTS, weeks(56)),
        (RECHECKS, weeks(1)),
        (DELIVERIES, weeks(1)),
        (DELIVERY_REQUESTS, weeks(4)),
        (DELIVERY_LOG, weeks(4)),
        (MEASURES, weeks(1)),
        (PATH_CHANGES, weeks(1)),
        (PATHS, Cleanup::Compact),
        (EXPERIMENT_CHANGES, weeks(1)),
        (LIFT, Cleanup::Compact),
        (BRAND_DEMAND, Cleanup::Compact),
        (PRODUCTS, Cleanup::Compact),
    ] {
        all.push(topic(name.to_owned(), Partitions::Configured, cleanup));
    }
    all.push(topic(MERGES.to_owned(), Partitions::Fixed(1), weeks(52)));
    for name in [ALIASES, CANVAS, TRIGGER_DEFINITIONS] {
        all.push(topic(name.to_owned(), Partitions::Fixed(1), Cleanup::Compact));
    }
    for team in teams {
        all.push(topic(triggers(team), Partitions::Configured, weeks(1)));
        all.push(topic(metrics(team), Partitions::Configured, Cleanup::Compact));
    }
    all
}
