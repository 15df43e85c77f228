//! The command line of `tributary canvas`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::file::read_instant;

/// What to do with the canvas.
#[derive(Debug, Subcommand)]
pub enum CanvasCommand {
    /// Apply files to a hub that runs, all or nothing: what changes holds from now on, or from a date
    #[command(after_help = "Examples:
  tributary canvas apply canvas.yaml
  tributary canvas apply canvas.yaml --effective-from 2026-09-01
  tributary canvas apply plan/ --prune --dry-run

What is new and has no date holds since always; what changes something holds from the moment of
applying. Touches are judged by the canvas of their own time. The hub takes it over within a moment and without a restart.")]
    Apply(ApplyArgs),
    /// Say what `apply` would change, field by field; ends with 3 when there is a difference
    #[command(after_help = "Examples:
  tributary canvas diff canvas.yaml
  tributary canvas diff plan/ --prune --output json")]
    Diff(TermsArgs),
    /// Print the canvas, or a part of it, as YAML that `apply` takes again
    #[command(after_help = "Examples:
  tributary canvas show > canvas.yaml
  tributary canvas show campaign
  tributary canvas show campaign:brand-film --history
  tributary canvas show --at 2026-09-01 --format json")]
    Show(ShowArgs),
    /// Hold the budgets of each tentpole against what was spent and what came of it
    #[command(after_help = "Examples:
  tributary canvas budget
  tributary canvas budget made-to-last
  tributary canvas budget made-to-last --partner marketplace-one --format csv")]
    Budget(BudgetArgs),
}

/// Files, and how they are applied.
#[derive(Debug, Args)]
pub struct TermsArgs {
    /// Canvas files, or directories of them
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// From when on it holds what has no date of its own: a day (UTC) or an instant; back-dating is allowed
    #[arg(long, value_name = "DATE", value_parser = instant)]
    pub effective_from: Option<i64>,
    /// Retire what was applied before and the files do not name
    #[arg(long)]
    pub prune: bool,
}

/// Arguments of `canvas apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Files, and how they are applied
    #[command(flatten)]
    pub terms: TermsArgs,
    /// Only say what would change
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `canvas show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// team, tentpole, narrative, campaign, message or budget, perhaps with an id, as campaign:brand-film
    #[arg(value_name = "KIND[:ID]")]
    pub what: Option<String>,
    /// As it is in force then: a day (UTC) or an instant; now when it is left out
    #[arg(long, value_name = "DATE", value_parser = instant, conflicts_with = "history")]
    pub at: Option<i64>,
    /// All versions with their dates, those to come and what was retired included
    #[arg(long)]
    pub history: bool,
    /// How to write it; yaml when neither this nor `--output json` is given
    #[arg(long, value_enum)]
    pub format: Option<ShowFormat>,
}

/// How the canvas is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShowFormat {
    /// As files have it
    Yaml,
    /// For programs, with version and time of applying
    Json,
}

/// Arguments of `canvas budget`.
#[derive(Debug, Args)]
pub struct BudgetArgs {
    /// The tentpole; all when it is left out
    pub tentpole: Option<String>,
    /// Only the budgets and campaigns of this partner, for it to see
    #[arg(long)]
    pub partner: Option<String>,
    /// By the canvas of then: a day (UTC) or an instant; now when it is left out
    #[arg(long, value_name = "DATE", value_parser = instant)]
    pub at: Option<i64>,
    /// How to write it; text when neither this nor `--output json` is given
    #[arg(long, value_enum)]
    pub format: Option<SheetFormat>,
}

/// How sheets are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SheetFormat {
    /// A table for people
    Text,
    /// For programs
    Json,
    /// For spreadsheets: one line for each subject and currency
    Csv,
}

fn instant(text: &str) -> Result<i64, String> {
    read_instant(text)
        .ok_or_else(|| "write a day such as 2026-09-01 or an instant such as 2026-09-01T08:00:00Z".to_owned())
}
