//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tributary_service::config::parse_override;

mod attribution;
mod reports;

pub use attribution::{AttributionArgs, PathsOf};
pub use reports::{LiftArgs, ReportFormat, ScorecardArgs, SiloReportArgs, StoryArgs};

use crate::canvas::args::CanvasCommand;
use crate::delivery::args::DeliveryCommand;
use crate::dlq::args::DlqCommand;
use crate::output::Format;
use crate::trigger::args::TriggerCommand;

const EXIT_CODES: &str = "Exit codes:
  0  done
  1  failed while working: the message says what to do
  2  the command line, the configuration or a definition is wrong
  3  what was checked does not add up, or differs (check, reconcile, demo, canvas diff)
  4  no Kafka broker answers";

/// From four silos to one journey stream, triggers and scorecards.
#[derive(Debug, Parser)]
#[command(name = "tributary", version, about, after_help = EXIT_CODES, propagate_version = true)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of all commands.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Configuration file (YAML)
    #[arg(long, short, global = true, value_name = "FILE", env = "TRIBUTARY_CONFIG")]
    pub config: Option<PathBuf>,
    /// Set one key of the configuration, as kafka.bootstrap=localhost:9092; may be repeated
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = parse_override)]
    pub overrides: Vec<(String, String)>,
    /// How to answer
    #[arg(long, short, global = true, value_enum, default_value_t)]
    pub output: Format,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run one service, or all in one process, until SIGTERM or Ctrl-C
    #[command(after_help = "Examples:
  tributary run all
  tributary run gateway --config tributary.yaml
  tributary run journey --set kafka.bootstrap=kafka-1:9092,kafka-2:9092 --set kafka.instance=2")]
    Run(RunArgs),
    /// Show the whole hub at work on a simulated retailer, without Kafka and without settings
    #[command(after_help = "Examples:
  tributary demo
  tributary demo --persons 500 --days 14 --seed 7 --exit --report report.json
  tributary demo --complete-journey ../data/complete-journey")]
    Demo(DemoArgs),
    /// Check configuration, sources with their samples, identity rules, stages, accounts, triggers, canvas and destinations of
    /// webhooks; all problems at once
    #[command(after_help = "Examples:
  tributary check
  tributary check --config tributary.yaml --output json")]
    Check,
    /// Make or list the hub's topics
    #[command(
        subcommand,
        after_help = "Examples:
  tributary topics apply
  tributary topics list --output json"
    )]
    Topics(TopicsCommand),
    /// Try triggers on events without a broker; apply them to a hub that runs; list them and take them away
    #[command(
        subcommand,
        after_help = "Examples:
  tributary trigger test cart.yaml --events shoppers.json
  tributary trigger apply cart.yaml
  tributary trigger decisions cart-abandoned
  tributary trigger list
  tributary trigger remove cart-abandoned"
    )]
    Trigger(TriggerCommand),
    /// Apply the plan (teams, tentpoles, narratives, campaigns, messages, budgets), compare it, show it, and see what came of it
    #[command(subcommand)]
    Canvas(CanvasCommand),
    /// Load files of a data set or source into its raw topic; goes on where it stopped
    #[command(after_help = "Examples:
  tributary load complete-journey ../data/complete-journey
  tributary load complete-journey ../data/complete-journey --max-lag 50000
  tributary load shopify orders-2026-03.ndjson.zst orders-2026-04.ndjson.zst")]
    Load(LoadArgs),
    /// Tell one person's story as the hub knows it
    #[command(after_help = "Examples:
  tributary journey email:ada@example.org
  tributary journey loyalty_id:1228 --output json")]
    Journey(JourneyArgs),
    /// Tell one account's story: its buying group, how engaged it is, and what is open
    #[command(after_help = "Examples:
  tributary account crm_account_id:0017
  tributary account company_domain:engines.example --output json
  tributary account 6ba7b811-9dad-51d1-80b4-00c04fd430c8")]
    Account(AccountArgs),
    /// Show every decision about a person, sent or withheld and why, with what happened afterwards
    #[command(after_help = "Examples:
  tributary decisions email:ada@example.org
  tributary decisions email:ada@example.org --trigger cart-abandoned --output json
  tributary decisions 7d1f8e0a-3f3c-5d3e-9a55-3f0f8f1f4f2c")]
    Decisions(DecisionsArgs),
    /// Explain who is who, and say so where the hub is wrong
    #[command(
        subcommand,
        after_help = "Examples:
  tributary identity explain email:ada@example.org
  tributary identity explain email:ada@example.org loyalty_id:1228
  tributary identity unmerge email:ada@example.org email:bob@example.org --reason 'a shared tablet' --yes
  tributary identity merge email:ada@example.org phone:+15550100 --reason 'told us so in store 12' --yes
  tributary identity reassign loyalty_id:1228 --from email:ada@example.org --to email:bob@example.org \\
    --reason 'a card that changed hands' --yes"
    )]
    Identity(IdentityCommand),
    /// Show what the hub knows of one person and what it may do, erase a person, and verify that nothing is left of one
    #[command(
        subcommand,
        after_help = "Examples:
  tributary privacy consent email:ada@example.org
  tributary privacy consent 6ba7b811-9dad-51d1-80b4-00c04fd430c8 --output json
  tributary privacy export email:ada@example.org --file ada.json
  tributary privacy rotation
  tributary privacy erase email:ada@example.org --reason 'asked us to, case 4711' --yes
  tributary privacy verify email:ada@example.org"
    )]
    Privacy(PrivacyCommand),
    /// Show the scorecards of one team, or of all
    #[command(after_help = "Examples:
  tributary scorecard
  tributary scorecard email --dimension campaign
  tributary scorecard store --window day --output json")]
    Scorecard(ScorecardArgs),
    /// Show who is credited for the sales, by every model side by side
    #[command(after_help = "Examples:
  tributary attribution
  tributary attribution --by team --month 2026-11
  tributary attribution --paths both --by team
  tributary attribution --measure conversions --output json")]
    Attribution(AttributionArgs),
    /// Show how far apart the silos are: match rates, hand-over, identity, consistency, leakage, loops; graded, with
    /// the one repair that affects most
    #[command(after_help = "Examples:
  tributary silo-report
  tributary silo-report --since 2026-11-01
  tributary silo-report --format html --file silo-report.html
  tributary silo-report --format json | jq '.repairs[0]'")]
    SiloReport(SiloReportArgs),
    /// Tell whether persons and accounts hear one story: who made it two, who contradicts whom, with examples
    #[command(after_help = "Examples:
  tributary story
  tributary story --team media --examples 10
  tributary story --output json | jq '.contradictions[0]'")]
    Story(StoryArgs),
    /// Show the campaigns between brand and demand: what they cost, and what demand messages do with and without brand messages
    /// before them
    #[command(after_help = "Examples:
  tributary brand-demand
  tributary brand-demand --output json | jq '.responses[0]'")]
    BrandDemand,
    /// Show what messages caused: treated against held-out persons, experiment by experiment and for each team
    #[command(after_help = "Examples:
  tributary lift
  tributary lift --team crm
  tributary lift --experiment cart-abandoned:2026 --output json")]
    Lift(LiftArgs),
    /// List the webhooks that wait, have them sent again, and disable or enable their destinations
    #[command(
        subcommand,
        after_help = "Examples:
  tributary delivery list
  tributary delivery list --destination crm
  tributary delivery retry crm 7d1f8e0a-3f3c-5d3e-9a55-3f0f8f1f4f2c
  tributary delivery retry crm --given-up
  tributary delivery disable crm --reason 'moves to another machine tonight'
  tributary delivery enable crm"
    )]
    Delivery(DeliveryCommand),
    /// List, explain and replay dead letters
    #[command(
        subcommand,
        after_help = "Examples:
  tributary dlq list
  tributary dlq show 3/17
  tributary dlq replay --reason mapping_failed --source shopify --yes"
    )]
    Dlq(DlqCommand),
    /// Account for every record, from stage to stage: written = read + on its way + deleted, accepted = processed +
    /// dead-lettered + dropped
    #[command(after_help = "Examples:
  tributary reconcile
  tributary reconcile --scan
  tributary reconcile --output json

Ends with 0 when every record is explained, though some may be on their way (in JSON: unexplained is 0, adds_up says that
nothing is on its way), and with 3 when some are not. It reads the broker only, and may run while the hub works.")]
    Reconcile(ReconcileArgs),
    /// Print the configuration as it is in force; secrets stay hidden
    #[command(after_help = "Examples:
  tributary dump-config --config tributary.yaml
  tributary dump-config > tributary.yaml")]
    DumpConfig,
}

/// A service that can run by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Service {
    /// All of them in one process
    All,
    /// Takes events in over HTTP
    Gateway,
    /// Makes touchpoints of raw events
    Normalizer,
    /// Finds out who is whom
    Identity,
    /// Keeps the journeys, and decides the triggers
    Journey,
    /// Keeps the scorecards
    Insight,
    /// Delivers intents as webhooks
    Delivery,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The service
    #[arg(value_enum)]
    pub service: Service,
    /// Make missing topics first
    #[arg(long)]
    pub apply_topics: bool,
}

/// Arguments of `demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Shoppers to simulate
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub persons: u32,
    /// Days to simulate
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=365))]
    pub days: u32,
    /// Seed of all chance: the same seed gives the same shoppers
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// First day of the simulation
    #[arg(long, default_value = "2026-03-01", value_name = "DATE")]
    pub start: jiff::civil::Date,
    /// Events a second at most; 0 is as fast as the hub can
    #[arg(long, default_value_t = 0)]
    pub rate: u64,
    /// Write the report to this file (JSON)
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// End after the report instead of keeping the APIs up
    #[arg(long)]
    pub exit: bool,
    /// Run on the real data of dunnhumby's Complete Journey in this directory instead of a simulation
    #[arg(long, value_name = "DIR")]
    pub complete_journey: Option<PathBuf>,
}

/// What to do with topics.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum TopicsCommand {
    /// Make the topics that are missing; report those that differ; change none
    Apply,
    /// List the topics with what they are for
    List,
}

/// Arguments of `load`.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// The data set (`complete-journey`, `olist`, `snowplow`) or source
    pub source: String,
    /// Files, or the data set's directory
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Events a second at most; 0 is as fast as the broker takes them
    #[arg(long, default_value_t = 0)]
    pub rate: u64,
    /// Wait while a stage of the hub has more records than this before it
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    pub max_lag: Option<u64>,
}

/// Arguments of `reconcile`.
#[derive(Debug, Clone, Copy, Args)]
pub struct ReconcileArgs {
    /// Count every record on the topics too, and match decisions with intents; reads as much as there is
    #[arg(long)]
    pub scan: bool,
}

/// Arguments of `journey`.
#[derive(Debug, Args)]
pub struct JourneyArgs {
    /// An identifier as namespace:value in clear text, or any id that the person ever had
    #[arg(value_name = "PERSON|IDENTIFIER")]
    pub person: String,
}

/// Arguments of `decisions`.
#[derive(Debug, Args)]
pub struct DecisionsArgs {
    /// An identifier as namespace:value in clear text, a person's id, or the id of one decision
    #[arg(value_name = "PERSON|IDENTIFIER|DECISION")]
    pub subject: String,
    /// Only those of this trigger
    #[arg(long)]
    pub trigger: Option<String>,
}

/// Arguments of `account`.
#[derive(Debug, Args)]
pub struct AccountArgs {
    /// The account's id, or an identifier of it as namespace:value, in clear text
    pub account: String,
}

/// The commands of `identity`.
#[derive(Debug, Subcommand)]
pub enum IdentityCommand {
    /// Show what makes an identifier's person, or why two identifiers are one person or two
    Explain {
        /// The identifier, as namespace:value, in clear text
        identifier: String,
        /// Another
        other: Option<String>,
    },
    /// Declare two identifiers to be one person's, within the rules
    Merge(PairArgs),
    /// Declare two identifiers to be two persons': a person that has both is taken apart, and stays so
    Unmerge(PairArgs),
    /// Declare an identifier to be not one person's but another's: taken out of the one and given to the other, or neither
    Reassign(ReassignArgs),
}

/// An identifier that changes hands.
#[derive(Debug, Args)]
pub struct ReassignArgs {
    /// The identifier, as namespace:value, in clear text
    pub identifier: String,
    /// An identifier of the person whose it is not
    #[arg(long, value_name = "IDENTIFIER")]
    pub from: String,
    /// An identifier of the person whose it is
    #[arg(long, value_name = "IDENTIFIER")]
    pub to: String,
    /// Why, whether to do it, and how long to wait
    #[command(flatten)]
    pub by_hand: ByHandArgs,
}

/// The commands of `privacy`.
#[derive(Debug, Subcommand)]
pub enum PrivacyCommand {
    /// Show the last word about each channel and purpose: given or withdrawn, when, to which source, with its touchpoint
    Consent(PersonArgs),
    /// Write everything that the hub's topics hold about one person as JSON
    Export(ExportArgs),
    /// Show how many identifiers are known under newer keys too: who is not yet, begins anew when the old key is dropped
    Rotation,
    /// Erase a person, for good: everything received so far by any identifier that it is known by
    Erase(EraseArgs),
    /// Look for persons in all topics and state, and say what is left and until when; ends with 3 when state names them
    Verify(VerifyArgs),
}

/// Arguments of `privacy export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The person
    #[command(flatten)]
    pub person: PersonArgs,
    /// Write it into this file, which must not be there yet, instead of to standard output
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// A person that is asked for.
#[derive(Debug, Args)]
pub struct PersonArgs {
    /// An identifier as namespace:value in clear text, or any id that the person ever had
    #[arg(value_name = "PERSON|IDENTIFIER")]
    pub person: String,
}

/// Arguments of `privacy erase`.
#[derive(Debug, Args)]
pub struct EraseArgs {
    /// An identifier as namespace:value in clear text, or a person's id
    #[arg(value_name = "PERSON|IDENTIFIER")]
    pub person: String,
    /// Why, whether to do it, and how long to wait
    #[command(flatten)]
    pub by_hand: ByHandArgs,
}

/// Arguments of `privacy verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Identifiers as namespace:value in clear text, or persons' ids
    #[arg(value_name = "PERSON|IDENTIFIER", required = true)]
    pub persons: Vec<String>,
}

/// What everything has that is asked of identity by hand.
#[derive(Debug, Args)]
pub struct ByHandArgs {
    /// Why; stands on the identity changes for everybody to read, so name no person
    #[arg(long)]
    pub reason: String,
    /// Do it, instead of only showing what is known
    #[arg(long)]
    pub yes: bool,
    /// How long to wait for the answer, in seconds
    #[arg(long, default_value_t = 30)]
    pub wait: u64,
}

/// Two identifiers that somebody decides about.
#[derive(Debug, Args)]
pub struct PairArgs {
    /// One identifier, as namespace:value, in clear text
    pub identifier: String,
    /// The other
    pub other: String,
    /// Why, whether to do it, and how long to wait
    #[command(flatten)]
    pub by_hand: ByHandArgs,
}
