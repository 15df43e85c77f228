//! Scorecards per team, campaign and channel, with credit that adds up to the sale.
//!
//! Two stages, because journeys are keyed by person and scorecards by team:
//!
//! - **`insight`** reads `tributary.journeys` and `tributary.decisions`, keeps who did what (for distinct persons, keyed
//!   by person), and writes combined changes to `tributary.measures`, one a scorecard and transaction.
//! - **`scorecards`** reads `tributary.measures`, keeps the scorecards, and writes those that have changed to
//!   `tributary.metrics.<team>`, the sum of all teams to `tributary.metrics.all`; totals of teams and channels also go
//!   to Prometheus.
//!
//! It promises:
//!
//! - **Credit adds up**: for each model, window and currency, the teams' credit is the revenue over all teams
//!   ([`read::Scorecards::credit_differences`] checks it).
//! - **Corrections restate**: a retraction takes back exactly what its statement added, so the scorecards are those of
//!   the statements that stand, in whatever order they came ([`contribution`], [`reach`]).
//! - **Nothing is lost in silence**: what cannot be counted is a dead letter with a reason ([`error`]), and
//!   [`accounting`] explains every record of every stage.

pub mod accounting;
pub mod card;
pub mod config;
pub mod contribution;
pub mod credit;
pub mod error;
pub mod ledger;
pub mod metrics;
mod processor;
pub mod reach;
pub mod read;
pub mod scorecards;

pub use config::Config;
pub use error::InsightError;
pub use processor::{CREDIT_STAGE, SCORECARD_STAGE, credit_stage, scorecard_stage};
