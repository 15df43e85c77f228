//! The command line of `tributary dlq`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::filter::{Filter, Origin, parse_instant};
use super::letter::Place;

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub enum DlqCommand {
    /// Count the dead letters by stage, source and reason, or list each
    #[command(after_help = "Examples:
  tributary dlq list
  tributary dlq list --reason mapping_failed --source shopify --since 2h
  tributary dlq list --each --origin tributary.raw.store/3 --output json")]
    List(ListArgs),
    /// Explain one dead letter: why, what to do, where it came from
    #[command(after_help = "Examples:
  tributary dlq show 3/17
  tributary dlq show 3/17 --raw

Key and value of a raw event are personal data in clear text, which nothing else in the hub shows; so --raw has to be asked for.")]
    Show(ShowArgs),
    /// Write dead letters back to where they came from, each once however often this is run
    #[command(after_help = "Examples:
  tributary dlq replay --reason mapping_failed --source shopify --dry-run
  tributary dlq replay --reason mapping_failed --source shopify --yes
  tributary dlq replay 3/17 --with corrected.json --yes
  tributary dlq replay --reason invalid_field --map fix.vrl --yes

Letters that were replayed are left out; `tributary dlq list` tells. A program for --map sees the event's body as `.` and
changes it: .timestamp = .at")]
    Replay(ReplayArgs),
}

/// Which letters.
#[derive(Debug, Clone, Default, Args)]
pub struct FilterArgs {
    /// Reason code; may be repeated
    #[arg(long, value_name = "CODE")]
    pub reason: Vec<String>,
    /// Source; may be repeated
    #[arg(long)]
    pub source: Vec<String>,
    /// Stage that refused it; may be repeated
    #[arg(long)]
    pub stage: Vec<String>,
    /// Where it was read: TOPIC, TOPIC/PARTITION or TOPIC/PARTITION/OFFSET; may be repeated
    #[arg(long, value_name = "ORIGIN")]
    pub origin: Vec<Origin>,
    /// Dead-lettered at or after: an instant, a day, or a span back from now as 2h or 3d
    #[arg(long, value_name = "TIME", value_parser = parse_instant)]
    pub since: Option<i64>,
    /// Dead-lettered before: as --since
    #[arg(long, value_name = "TIME", value_parser = parse_instant)]
    pub until: Option<i64>,
}

impl FilterArgs {
    /// The filter for letters at `places`, or anywhere when there are none.
    #[must_use]
    pub fn filter(&self, places: &[Place]) -> Filter {
        Filter {
            codes: self.reason.clone(),
            sources: self.source.clone(),
            stages: self.stage.clone(),
            origins: self.origin.clone(),
            places: places.to_vec(),
            since_at: self.since,
            until_at: self.until,
        }
    }
}

/// Arguments of `dlq list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Which letters
    #[command(flatten)]
    pub filter: FilterArgs,
    /// List each letter instead of counts
    #[arg(long)]
    pub each: bool,
    /// With --each: so many at most, the latest
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
}

/// Arguments of `dlq show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The letter's place, as `dlq list --each` shows it
    pub place: Place,
    /// Show key, value and all headers as they are: personal data in clear text
    #[arg(long)]
    pub raw: bool,
}

/// Arguments of `dlq replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Places of letters; without any, all that the filters take
    pub places: Vec<Place>,
    /// Which letters
    #[command(flatten)]
    pub filter: FilterArgs,
    /// So many at most, the earliest
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
    /// Say what would be done, and what the definitions here would make of each event; write nothing
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Do it
    #[arg(long)]
    pub yes: bool,
    /// Write this JSON in place of the event's body; for one letter
    #[arg(long, value_name = "FILE", conflicts_with = "map")]
    pub with: Option<PathBuf>,
    /// Change each event's body by this program (VRL) before it is written back
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,
}
