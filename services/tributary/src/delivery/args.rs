//! The command line of `tributary delivery`.

use clap::{Args, Subcommand};

/// What to do with deliveries.
#[derive(Debug, Subcommand)]
pub enum DeliveryCommand {
    /// Show how each destination stands, or each delivery that waits for one
    #[command(after_help = "Examples:
  tributary delivery list
  tributary delivery list --destination crm
  tributary delivery list --output json")]
    List(ListArgs),
    /// Send deliveries again at once, with their whole schedule before them
    #[command(after_help = "Examples:
  tributary delivery retry crm 7d1f8e0a-3f3c-5d3e-9a55-3f0f8f1f4f2c
  tributary delivery retry crm --given-up")]
    Retry(RetryArgs),
    /// Send nothing to a destination until it is enabled; what comes meanwhile waits as long as it is valid
    #[command(after_help = "Examples:
  tributary delivery disable crm --reason 'moves to another machine tonight'")]
    Disable(DisableArgs),
    /// Send to a destination again, at once, whatever was held against it
    #[command(after_help = "Examples:
  tributary delivery enable crm")]
    Enable(EnableArgs),
}

/// Arguments of `delivery list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// List each delivery that waits for this destination
    #[arg(long)]
    pub destination: Option<String>,
    /// With --destination: so many at most, those that are due first
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
}

/// A destination, and how long to wait for the answer.
#[derive(Debug, Args)]
pub struct DestinationArgs {
    /// The destination's name in the configuration
    pub destination: String,
    /// How long to wait for the answer, in seconds
    #[arg(long, default_value_t = 30)]
    pub wait: u64,
}

/// Arguments of `delivery retry`.
#[derive(Debug, Args)]
pub struct RetryArgs {
    /// The destination
    #[command(flatten)]
    pub of: DestinationArgs,
    /// The decision, as the list and the header `webhook-id` have it
    #[arg(required_unless_present = "given_up")]
    pub decision_id: Option<String>,
    /// All whose schedule is used up
    #[arg(long, conflicts_with = "decision_id")]
    pub given_up: bool,
}

/// Arguments of `delivery disable`.
#[derive(Debug, Args)]
pub struct DisableArgs {
    /// The destination
    #[command(flatten)]
    pub of: DestinationArgs,
    /// Why; stands in the list and in the delivery log
    #[arg(long)]
    pub reason: String,
}

/// Arguments of `delivery enable`.
#[derive(Debug, Args)]
pub struct EnableArgs {
    /// The destination
    #[command(flatten)]
    pub of: DestinationArgs,
}
