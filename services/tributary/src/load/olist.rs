//! Olist's seller funnel: marketing qualified leads and the deals won from them, in order of event time.
//!
//! Every row is one event: a JSON object of the row's texts. Dates without a time are days in UTC; `won_date` is UTC
//! (deals dated by the day stand at midnight in São Paulo).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use tributary_model::Domain;

use super::clock;
use super::error::LoadError;
use super::event::{EventReader, LoadedEvent, Merged, Timed};
use super::generic::row_object;
use super::input::ByteCounter;
use super::rows::Rows;
use super::sorted::{Opening, Sorted};
use super::tally::Tally;

/// The source's name.
pub(super) const NAME: &str = "olist";

/// The two tables in `directory`.
pub(super) fn files(directory: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let remedy = "give the directory that holds leads.csv and closed_deals.csv";
    ["leads.csv", "closed_deals.csv"]
        .into_iter()
        .map(|name| {
            let path = directory.join(name);
            let missing = LoadError::Missing { path: path.clone(), remedy: remedy.to_owned() };
            if path.is_file() { Ok(path) } else { Err(missing) }
        })
        .collect()
}

/// The stream of both tables.
pub(super) fn open(directory: &Path, counter: ByteCounter) -> Box<dyn EventReader> {
    let directory = directory.to_owned();
    Box::new(Opening::new(move |tally: &mut Tally| {
        let leads = Rows::open(&directory.join("leads.csv"), &counter)?;
        let [lead, contacted] = leads.columns(["mql_id", "first_contact_date"])?;
        let deals = Rows::open(&directory.join("closed_deals.csv"), &counter)?;
        let [deal, won] = deals.columns(["mql_id", "won_date"])?;
        let leads = Sorted::read(leads, "lead", "one lead event a row", tally, |rows| {
            let text = &rows.row()[contacted];
            let at = clock::day_start(text, &TimeZone::UTC)
                .ok_or_else(|| rows.bad_value("first_contact_date", text, "a date such as 2018-02-01"))?;
            event(rows, at, format!("lead-{}", &rows.row()[lead]))
        })?;
        let deals = Sorted::read(deals, "deal", "one deal event a row", tally, |rows| {
            let text = &rows.row()[won];
            let at = clock::instant(text)
                .ok_or_else(|| rows.bad_value("won_date", text, "an instant such as 2018-02-26 19:58:54"))?;
            event(rows, at, format!("deal-{}", &rows.row()[deal]))
        })?;
        Ok(Box::new(Merged::new(vec![Box::new(leads), Box::new(deals)])) as Box<dyn EventReader>)
    }))
}

fn event(rows: &Rows, at: i64, id: String) -> Result<Timed, LoadError> {
    let body = row_object(rows)?;
    let (file, line) = (Arc::clone(rows.path()), rows.line());
    let event = LoadedEvent { source: NAME.into(), domain: Domain::Crm, event_id: Some(id), body, file, line };
    Ok(Timed { at, event })
}
