//! The command line of `attribution`.

use clap::{Args, ValueEnum};

/// Arguments of `attribution`.
#[derive(Debug, Args)]
pub struct AttributionArgs {
    /// Who is credited
    #[arg(long, default_value = "channel", value_parser = ["channel", "team"])]
    pub by: String,
    /// Over whose paths: those of persons, those of accounts (what all members of an account heard, to the sales that name
    /// it), or both side by side
    #[arg(long, value_enum, default_value_t = PathsOf::Persons)]
    pub paths: PathsOf,
    /// What is credited
    #[arg(long, default_value = "value", value_parser = ["value", "conversions"])]
    pub measure: String,
    /// The month of the sales, as 2026-11; all time when it is left out
    #[arg(long)]
    pub month: Option<String>,
    /// The currency of the value; may be left out when there is only one
    #[arg(long)]
    pub currency: Option<String>,
}

/// Whose paths are credited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PathsOf {
    /// Those of persons
    Persons,
    /// Those of accounts
    Accounts,
    /// Both, side by side
    Both,
}
