//! The data set "The Complete Journey" of dunnhumby: two years of households' store baskets with the mail campaigns,
//! coupons, redemptions and in-store promotions around them, as one stream in order of event time.
//!
//! | event (`kind`) | one for each | made of |
//! |---|---|---|
//! | `household` | household | its row of `demographics.csv`, at the start of the first week |
//! | `placements` | store and week | its rows of `promotions_top300_products.csv`, at the start of the week |
//! | `mailing` | campaign and household | its row of `campaigns.csv`, the campaign's description and the number of its coupons, at the campaign's first day |
//! | `redemption` | redeemed coupon | its row of `coupon_redemptions.csv`, at the start of the day |
//! | `basket` | basket | its rows of `transactions.csv` with each product's brand and category, at the till's time |
//!
//! The columns keep their names and their texts, so that amounts stay exact. The stores are in New York: a date without
//! a time is that day there; `transaction_timestamp` is UTC. Small tables are held in memory, the long ones stream.

mod baskets;
mod calendar;
mod campaigns;
mod households;
mod placements;
mod products;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use tributary_model::Domain;

use super::clock;
use super::error::LoadError;
use super::event::{EventReader, LoadedEvent, Merged, Timed};
use super::input::ByteCounter;
use super::sorted::Opening;
use super::tally::Tally;

/// The source these events belong to, and the name of the data set.
pub(super) const NAME: &str = "complete-journey";

const TABLES: [&str; 7] = [
    "products",
    "demographics",
    "campaign_descriptions",
    "coupons",
    "campaigns",
    "coupon_redemptions",
    "promotions_top300_products",
];
const TRANSACTIONS: &str = "transactions";

/// The files of the data set in `directory`, each plain, `.gz` or `.zst`.
pub(super) fn files(directory: &Path) -> Result<Vec<PathBuf>, LoadError> {
    TABLES.into_iter().chain([TRANSACTIONS]).map(|table| file(directory, table)).collect()
}

fn file(directory: &Path, table: &str) -> Result<PathBuf, LoadError> {
    let names = ["csv", "csv.zst", "csv.gz"].map(|end| directory.join(format!("{table}.{end}")));
    let found = names.iter().find(|path| path.is_file());
    found.cloned().ok_or_else(|| LoadError::Missing {
        path: names[0].clone(),
        remedy: "give the directory that holds all eight tables of the data set, as .csv, .csv.zst or .csv.gz"
            .to_owned(),
    })
}

/// The stream of all events of the data set in `directory`.
pub(super) fn open(directory: &Path, counter: ByteCounter) -> Box<dyn EventReader> {
    let directory = directory.to_owned();
    Box::new(Opening::new(move |tally: &mut Tally| {
        let table = |name: &str| file(&directory, name);
        let products = Arc::new(products::Products::read(&table("products")?, &counter, tally)?);
        let plans = campaigns::Plans::read(&table("campaign_descriptions")?, &table("coupons")?, &counter, tally)?;
        Ok(Box::new(Merged::new(vec![
            Box::new(households::read(&table("demographics")?, &counter, tally)?),
            Box::new(placements::Placements::open(
                &table("promotions_top300_products")?,
                Arc::clone(&products),
                &counter,
            )?),
            Box::new(campaigns::mailings(&table("campaigns")?, &plans, &counter, tally)?),
            Box::new(campaigns::redemptions(&table("coupon_redemptions")?, &counter, tally)?),
            Box::new(baskets::Baskets::open(&table(TRANSACTIONS)?, products, &counter)?),
        ])) as Box<dyn EventReader>)
    }))
}

/// What every event of this source begins with.
#[derive(Serialize)]
struct Envelope<'a, Body> {
    id: &'a str,
    kind: &'static str,
    occurred_at: String,
    #[serde(flatten)]
    body: &'a Body,
}

/// One event of this source: `id` is the kind and what tells it from others of its kind.
fn event(
    kind: &'static str,
    at: i64,
    key: impl Display,
    body: &impl Serialize,
    (file, line): (&Arc<Path>, u64),
) -> Result<Timed, LoadError> {
    let id = format!("{kind}-{key}");
    let bad =
        |error: serde_json::Error| LoadError::BadRow { path: file.to_path_buf(), line, detail: error.to_string() };
    let envelope = Envelope { id: &id, kind, occurred_at: clock::text(at), body };
    let body = serde_json::to_vec(&envelope).map_err(bad)?;
    let (source, file, event_id) = (NAME.into(), Arc::clone(file), Some(id));
    Ok(Timed { at, event: LoadedEvent { source, domain: Domain::Store, event_id, body, file, line } })
}
