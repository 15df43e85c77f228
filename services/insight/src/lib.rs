//! Scorecards per team, campaign, channel and whatever else is asked for, with credit that adds up to the sale, counted
//! paths, and the lift of experiments.
//!
//! Two stages, because journeys are keyed by person and scorecards by team:
//!
//! - **`insight`** reads `tributary.journeys`, `tributary.decisions`, `tributary.outcomes` and `tributary.enrolments`, keeps
//!   who did what (for distinct persons and experiments, keyed by person), and writes combined changes to `tributary.measures`,
//!   `tributary.path-changes` and `tributary.experiment-changes`, one a transaction and scorecard, path or experiment.
//! - **`scorecards`** reads these, keeps the scorecards, counted paths and sums of experiments, and writes those that have
//!   changed: scorecards to `tributary.metrics.<team>`, the sum of all teams to `tributary.metrics.all`; totals of teams
//!   and channels also go to Prometheus; those of products and creatives to `tributary.products`; paths to `tributary.paths`; experiments to `tributary.lift`.
//!
//! [`read_api`] answers over HTTP from what these topics say.
//!
//! It promises:
//!
//! - **Credit adds up**: for each model, window and currency, the teams' credit is the revenue over all teams
//!   ([`read::Scorecards::credit_differences`] checks it).
//! - **Corrections restate**: a retraction takes back exactly what its statement added, so scorecards, paths and lifts are
//!   those of the statements that stand, in whatever order they came ([`contribution`], [`reach`], [`paths`], [`trials`]).
//! - **Nothing is lost in silence**: what cannot be counted is a dead letter with a reason ([`error`]), and
//!   [`accounting`] explains every record of every stage.

pub mod accounting;
pub mod calibration;
pub mod card;
pub mod config;
pub mod contribution;
pub mod credit;
pub mod credit_model;
mod deeds;
pub mod error;
pub mod estimates;
mod experiment_sums;
pub mod ledger;
pub mod lift_book;
mod lift_gauges;
mod lines;
pub mod metrics;
mod observed;
mod outcomes;
pub mod path_counts;
pub mod paths;
mod processor;
pub mod reach;
pub mod read;
pub mod read_api;
pub mod read_brand;
pub mod read_lift;
pub mod read_paths;
mod scorecard_gauges;
pub mod scorecards;
pub mod trials;
pub mod views;

pub use config::Config;
pub use error::InsightError;
pub use processor::{CREDIT_STAGE, SCORECARD_STAGE, credit_stage, scorecard_stage};
