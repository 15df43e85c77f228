//! What is known about households, stated once at the start of the first week.

use std::path::Path;

use serde_json::{Map, Value};

use super::calendar::Calendar;
use crate::load::error::LoadError;
use crate::load::input::ByteCounter;
use crate::load::rows::Rows;
use crate::load::sorted::Sorted;
use crate::load::tally::Tally;

pub(super) fn read(path: &Path, counter: &ByteCounter, tally: &mut Tally) -> Result<Sorted, LoadError> {
    let rows = Rows::open(path, counter)?;
    let [household] = rows.columns(["household_id"])?;
    let at = Calendar::new().week(1).unwrap_or_default();
    Sorted::read(rows, "household", "one household event a row", tally, |rows| {
        let mut body = Map::new();
        for (name, value) in rows.headers().iter().zip(rows.row()) {
            body.insert(name.to_owned(), Value::String(value.to_owned()));
        }
        super::event("household", at, &rows.row()[household], &body, (rows.path(), rows.line()))
    })
}
