//! Arguments of the commands that report.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Text with tables, as people and wikis read it
    Markdown,
    /// For programs
    Json,
    /// One page with pictures that needs nothing else
    Html,
}

/// Arguments of `silo-report`.
#[derive(Debug, Args)]
pub struct SiloReportArgs {
    /// How to write it; markdown when neither this nor `--output json` is given
    #[arg(long, value_enum)]
    pub format: Option<ReportFormat>,
    /// Write it into this file, in place of what is there, instead of to standard output
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Count only what occurred or was decided on this day (UTC) or later
    #[arg(long, value_name = "DATE")]
    pub since: Option<jiff::civil::Date>,
    /// Since which day (UTC) the hub is live: what occurred before is loaded history, and counts for neither hand-over,
    /// leakage nor loops. When left out, since the hub first received anything
    #[arg(long, value_name = "DATE")]
    pub live_since: Option<jiff::civil::Date>,
}

/// Arguments of `story`.
#[derive(Debug, Args)]
pub struct StoryArgs {
    /// Tell of this team's messages only
    #[arg(long)]
    pub team: Option<String>,
    /// How many examples of each kind
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(0..=1_000))]
    pub examples: u16,
    /// Count only messages of this day (UTC) or later
    #[arg(long, value_name = "DATE")]
    pub since: Option<jiff::civil::Date>,
}

/// Arguments of `lift`.
#[derive(Debug, Args)]
pub struct LiftArgs {
    /// The experiment: a trigger's id and seed, such as cart-abandoned:cart-abandoned; `global:` and the seed of the global
    /// control group; or `external:` and the name of one that is run elsewhere
    #[arg(long)]
    pub experiment: Option<String>,
    /// The team whose experiments they are
    #[arg(long)]
    pub team: Option<String>,
}

/// Arguments of `scorecard`.
#[derive(Debug, Args)]
pub struct ScorecardArgs {
    /// The team; all teams when it is left out
    pub team: Option<String>,
    /// What the scorecards are about
    #[arg(long, default_value = "team", value_parser = ["team", "channel", "campaign", "agency", "partner", "tentpole", "store", "category", "product", "creative"])]
    pub dimension: String,
    /// Over which time
    #[arg(long, default_value = "total", value_parser = ["total", "campaign", "week", "day", "hour", "minute"])]
    pub window: String,
}
