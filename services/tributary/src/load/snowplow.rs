//! Snowplow's enriched events from a warehouse table, in order of event time.
//!
//! A row becomes the JSON that Snowplow's own analytics SDKs make of an enriched event: atomic columns by name where
//! they have a value, self-describing entities under `contexts_<vendor>_<name>_<model>` and the self-describing event
//! under `unstruct_event_<vendor>_<name>_<model>`, so that one mapping reads both.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};
use tributary_model::Domain;

use super::clock;
use super::error::LoadError;
use super::event::{EventReader, LoadedEvent, Merged, Timed, TimedReader};
use super::input::ByteCounter;
use super::rows::Rows;
use super::sorted::{Opening, Sorted};
use super::tally::Tally;

/// The source's name.
pub(super) const NAME: &str = "snowplow";

/// The event tables in `directory`: `*events.csv`, also packed. Tables of entities beside them are not read; the events
/// carry their entities.
pub(super) fn files(directory: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let ends = ["events.csv", "events.csv.zst", "events.csv.gz"];
    let entries = std::fs::read_dir(directory).map_err(|_| LoadError::missing(directory))?;
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut files: Vec<PathBuf> =
        paths.filter(|path| ends.iter().any(|end| path.to_string_lossy().ends_with(end))).collect();
    files.sort_unstable();
    if files.is_empty() {
        let remedy = "give a directory with an export of the atomic events table, or the files themselves".to_owned();
        return Err(LoadError::Missing { path: directory.join("events.csv"), remedy });
    }
    Ok(files)
}

/// The stream of these event tables, each with the columns of Snowplow's `events` table.
pub(super) fn open(paths: Vec<PathBuf>, counter: ByteCounter) -> Box<dyn EventReader> {
    Box::new(Opening::new(move |tally: &mut Tally| {
        let mut tables: Vec<Box<dyn TimedReader>> = Vec::new();
        for path in &paths {
            let rows = Rows::open(path, &counter)?;
            let places = rows.columns(["event_id", "derived_tstamp", "collector_tstamp"])?;
            let names: Vec<Column> = rows.headers().iter().map(Column::named).collect();
            let table = Sorted::read(rows, "event", "one event a row", tally, |rows| event(rows, &names, places))?;
            tables.push(Box::new(table));
        }
        Ok(Box::new(Merged::new(tables)) as Box<dyn EventReader>)
    }))
}

/// What a column holds.
enum Column {
    /// A text of its own.
    Atomic(String),
    /// JSON text: the entities or the event of one schema.
    SelfDescribing(String),
}

impl Column {
    fn named(header: &str) -> Self {
        if header.starts_with("contexts_") || header.starts_with("unstruct_event_") {
            Self::SelfDescribing(by_model(header).to_owned())
        } else {
            Self::Atomic(header.to_owned())
        }
    }
}

/// A column's name with the schema's model alone: `…_cart_1_0_0` becomes `…_cart_1`.
fn by_model(header: &str) -> &str {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let short = header.rsplit_once('_').filter(|(_, patch)| digits(patch));
    let short = short.and_then(|(rest, _)| rest.rsplit_once('_')).filter(|(_, minor)| digits(minor));
    match short {
        Some((rest, _)) if rest.rsplit_once('_').is_some_and(|(_, model)| digits(model)) => rest,
        _ => header,
    }
}

fn event(rows: &Rows, names: &[Column], [id, derived, collected]: [usize; 3]) -> Result<Timed, LoadError> {
    let row = rows.row();
    let mut object = Map::new();
    for (column, text) in names.iter().zip(row).filter(|(_, text)| !text.is_empty()) {
        let (name, value) = match column {
            Column::Atomic(name) => (name, Value::String(text.to_owned())),
            Column::SelfDescribing(name) => {
                let value: Value = serde_json::from_str(text)
                    .map_err(|error| rows.bad_row(format!("column {name} is not valid JSON: {error}")))?;
                (name, value)
            }
        };
        let empty = value.as_array().is_some_and(Vec::is_empty);
        if !empty {
            object.insert(name.clone(), value);
        }
    }
    let text = if row[derived].is_empty() { &row[collected] } else { &row[derived] };
    let expected = "an instant such as 2022-12-22 13:25:47.677";
    let at = clock::instant(text).ok_or_else(|| rows.bad_value("derived_tstamp", text, expected))?;
    if row[id].is_empty() {
        return Err(rows.bad_value("event_id", "", "the event's UUID"));
    }
    let body = serde_json::to_vec(&object).map_err(|error| rows.bad_row(error.to_string()))?;
    let (file, line, event_id) = (Arc::clone(rows.path()), rows.line(), Some(row[id].to_owned()));
    Ok(Timed { at, event: LoadedEvent { source: NAME.into(), domain: Domain::Ecommerce, event_id, body, file, line } })
}

#[cfg(test)]
mod tests {
    use super::by_model;

    #[test]
    fn schema_versions_are_cut_to_the_model() {
        assert_eq!(by_model("contexts_com_acme_cart_1_0_0"), "contexts_com_acme_cart_1");
        assert_eq!(by_model("contexts_com_acme_cart_2_0_13"), "contexts_com_acme_cart_2");
        assert_eq!(by_model("contexts_com_acme_cart_1"), "contexts_com_acme_cart_1");
        assert_eq!(by_model("contexts_com_acme_cart"), "contexts_com_acme_cart");
    }
}
