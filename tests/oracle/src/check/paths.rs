//! `path-changes` and `paths`: every path with its counts, each the sum of the changes that were written for it.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::path::{PathCounts, PathDelta, PathKey, PathStatistics};

use crate::check::read::{Reader, position, text};
use crate::check::report::Report;
use crate::outputs::Outputs;
use crate::truth::World;
use crate::truth::paths::paths;

const CHANGES: &str = "tributary.path-changes";
const MEASURES: &str = "tributary.measures";
const PATHS: &str = "tributary.paths";

type Counted = BTreeMap<PathKey, PathCounts>;

pub(super) fn check(world: &World, outputs: &Outputs, reader: &Reader<'_>, report: &mut Report) {
    let latest = latest(outputs, reader, report);
    compare(PATHS, &paths(&world.people), &latest, report);
    // The internal topics may have been left out, all of them or none.
    if outputs.records(CHANGES).chain(outputs.records(MEASURES)).next().is_some() {
        compare(CHANGES, &latest, &sums(reader, report), report);
    }
}

fn compare(topic: &str, expected: &Counted, found: &Counted, report: &mut Report) {
    let nothing = PathCounts::default();
    let keys: BTreeSet<&PathKey> = expected.keys().chain(found.keys()).collect();
    for key in keys {
        let of = |counted: &Counted| counted.get(key).cloned().unwrap_or_else(|| nothing.clone());
        report.fields(topic, record_key(key), &of(expected), &of(found));
    }
}

fn record_key(key: &PathKey) -> String {
    let names = key.waypoints.iter().flat_map(|waypoint| [waypoint.team_id.clone(), waypoint.channel.clone()]);
    let names: String = names.map(|name| format!(",{}", serde_json::Value::String(name))).collect();
    let who = if key.is_account { "\"account\"," } else { "" };
    format!("[{who}{}{names}]", key.month_start_at)
}

/// The newest counts of each path; a tombstone says that nobody has gone it any more.
fn latest(outputs: &Outputs, reader: &Reader<'_>, report: &mut Report) -> Counted {
    let mut latest: BTreeMap<String, (PathKey, PathCounts)> = BTreeMap::new();
    for record in outputs.records(PATHS) {
        let key = text(&record.key);
        if record.value.is_none() {
            latest.remove(&key);
            continue;
        }
        let Some(PathStatistics { key: path, counts }) = reader.one(record, report) else { continue };
        if key != record_key(&path) {
            report.add(PATHS, &key, "the path as key", format!("{path:?}"));
        }
        if latest.get(&key).is_some_and(|(_, before)| *before == counts) {
            report.add(PATHS, position(record), "counts that have changed", &key);
        }
        latest.insert(key, (path, counts));
    }
    latest.into_values().collect()
}

/// What the changes add up to.
fn sums(reader: &Reader<'_>, report: &mut Report) -> Counted {
    let mut sums = Counted::new();
    for record in reader.all::<PathDelta>(CHANGES, report) {
        let PathDelta { key, delta } = record.value;
        if record.key != record_key(&key) {
            report.add(CHANGES, &record.key, "the path as key", format!("{key:?}"));
        }
        let sum = sums.entry(key).or_default();
        sum.conversions += delta.conversions;
        sum.nulls += delta.nulls;
        for (currency, value_minor) in delta.value_minor {
            *sum.value_minor.entry(currency).or_default() += value_minor;
        }
        sum.value_minor.retain(|_, value_minor| *value_minor != 0);
    }
    sums.retain(|_, sum| *sum != PathCounts::default());
    sums
}
