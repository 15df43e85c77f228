//! The command line of `tributary trigger`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tributary_model::time::from_rfc3339;

/// What to do with triggers.
#[derive(Debug, Subcommand)]
pub enum TriggerCommand {
    /// Show what triggers would make of events, step by step, without a broker
    #[command(after_help = "Examples:
  tributary trigger test cart.yaml --events shoppers.json
  tributary trigger test cart.yaml --events shoppers.json --expect cart.expected.yaml
  tributary trigger test cart.yaml --with-shipped --events orders.json --source shopify --output json

Events are touchpoints as docs/adding-a-source.md describes them, one JSON object a line or a list, or with --source events as
that source sends them. With --output json each line is one JSON document. Ends with 3 when --expect is not met.")]
    Test(TestArgs),
    /// Apply definitions to a hub that runs, all or none: a changed one needs a higher version
    #[command(after_help = "Examples:
  tributary trigger apply cart.yaml
  tributary trigger apply triggers/ --dry-run

The hub takes them over within a moment and without a restart. Topics of a team that are missing are made.")]
    Apply(ApplyArgs),
    /// Show what a trigger has decided, sent or withheld and why, the newest last
    #[command(after_help = "Examples:
  tributary trigger decisions cart-abandoned
  tributary trigger decisions cart-abandoned --last 100 --output json")]
    Decisions(DecisionsArgs),
    /// List the triggers that are known: of files, and applied
    #[command(after_help = "Examples:
  tributary trigger list
  tributary trigger list --output json")]
    List,
    /// Show one trigger with its text
    #[command(after_help = "Examples:
  tributary trigger show cart-abandoned")]
    Show {
        /// The trigger's id
        trigger: String,
    },
    /// Take a trigger away; its version is remembered, and applying its file again brings it back
    #[command(after_help = "Examples:
  tributary trigger remove cart-abandoned")]
    Remove {
        /// The trigger's id
        trigger: String,
    },
    /// Switch a trigger off
    #[command(after_help = "Examples:
  tributary trigger disable cart-abandoned")]
    Disable {
        /// The trigger's id
        trigger: String,
    },
    /// Switch a trigger on again
    #[command(after_help = "Examples:
  tributary trigger enable cart-abandoned")]
    Enable {
        /// The trigger's id
        trigger: String,
    },
}

/// Arguments of `trigger decisions`.
#[derive(Debug, Args)]
pub struct DecisionsArgs {
    /// The trigger's id
    pub trigger: String,
    /// So many at most, the newest
    #[arg(long, default_value_t = 10, value_name = "COUNT")]
    pub last: usize,
}

/// Arguments of `trigger apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Files or directories of trigger definitions
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Only say what would change
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `trigger test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Files or directories of trigger definitions
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Events, as JSON; may be repeated
    #[arg(long, required = true, value_name = "FILE")]
    pub events: Vec<PathBuf>,
    /// The source whose mapping the events need; without it they are touchpoints
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Rehearse with the triggers that the configuration runs beside these
    #[arg(long)]
    pub with_shipped: bool,
    /// Let time pass until then after the last event; without it until nothing waits any more
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub until: Option<i64>,
    /// Decisions that have to come out, and no others: a YAML list of {trigger, at, fate}, perhaps channel and payload
    #[arg(long, value_name = "FILE")]
    pub expect: Option<PathBuf>,
}

fn instant(text: &str) -> Result<i64, String> {
    from_rfc3339(text).ok_or_else(|| "write an instant such as 2026-03-02T11:00:00Z".to_owned())
}
