//! `measures` and `metrics.<team>`: scorecards to the last cent, each the sum of the changes that were written for it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tributary_model::scorecard::{MeasureDelta, Measures, Scorecard, ScorecardKey};
use tributary_model::{Decision, scorecard};

use crate::check::read::{Reader, text};
use crate::check::report::Report;
use crate::outputs::Outputs;
use crate::truth::World;
use crate::truth::cards::scorecards;

const MEASURES: &str = "tributary.measures";
const METRICS: &str = "tributary.metrics.";

pub(super) fn check(world: &World, decided: &[Decision], outputs: &Outputs, reader: &Reader<'_>, report: &mut Report) {
    let latest = latest(outputs, reader, report);
    let expected = scorecards(&world.people, decided);
    let keys: BTreeSet<&ScorecardKey> = expected.keys().chain(latest.keys()).collect();
    let nothing = Measures::default();
    for key in keys {
        let found = latest.get(key).map_or(&nothing, |card| &card.measures);
        let topic = format!("{METRICS}{}", key.team_id);
        report.fields(&topic, text(&record_key(key)), expected.get(key).unwrap_or(&nothing), found);
    }
    check_sums(&latest, reader, report);
    check_credit(&latest, report);
}

fn record_key(key: &ScorecardKey) -> Vec<u8> {
    let ScorecardKey { team_id, dimension, subject, window, window_start_at, currency } = key;
    format!("{team_id}|{dimension}|{subject}|{window}|{window_start_at}|{currency}").into_bytes()
}

/// The newest scorecard of each key; revisions have to rise.
fn latest(outputs: &Outputs, reader: &Reader<'_>, report: &mut Report) -> BTreeMap<ScorecardKey, Scorecard> {
    let mut latest: BTreeMap<ScorecardKey, Scorecard> = BTreeMap::new();
    for topic in outputs.topics(METRICS) {
        for record in reader.all::<Scorecard>(topic, report) {
            let card = record.value;
            if record.key != text(&record_key(&card.key)) || topic != format!("{METRICS}{}", card.key.team_id) {
                report.add(topic, &record.key, "the scorecard's own key and topic", format!("{:?}", card.key));
            }
            let before = latest.get(&card.key).map_or(0, |before| before.revision);
            if card.revision <= before {
                let found = format!("revision {}", card.revision);
                report.add(topic, &record.key, format!("a revision above {before}"), found);
            }
            latest.insert(card.key.clone(), card);
        }
    }
    latest
}

/// Each scorecard is the sum of its changes, and its revision their number.
fn check_sums(latest: &BTreeMap<ScorecardKey, Scorecard>, reader: &Reader<'_>, report: &mut Report) {
    let mut sums: BTreeMap<ScorecardKey, (Value, i64)> = BTreeMap::new();
    for record in reader.all::<MeasureDelta>(MEASURES, report) {
        let MeasureDelta { key, delta, change_count, .. } = record.value;
        let sum = sums.entry(key).or_default();
        let delta = serde_json::to_value(&delta).expect("records are plain data");
        add(&mut sum.0, &delta);
        sum.1 += change_count;
    }
    for (key, (sum, changes)) in &mut sums {
        let name = text(&record_key(key));
        let found = latest.get(key).map_or(0, |card| card.revision);
        report.count(MEASURES, &name, "changes by the scorecard's revision", found, *changes);
        drop_zeros(sum);
        let mut card = serde_json::to_value(latest.get(key).map(|card| &card.measures)).expect("plain data");
        drop_zeros(&mut card);
        report.fields(MEASURES, &name, &card, sum);
    }
    for key in latest.keys().filter(|key| !sums.contains_key(*key)) {
        report.add(MEASURES, text(&record_key(key)), "changes", "none");
    }
}

/// Adds numbers, and those of the maps in it.
fn add(sum: &mut Value, more: &Value) {
    match more {
        Value::Object(more) => {
            if !sum.is_object() {
                *sum = Value::Object(serde_json::Map::new());
            }
            for (name, amount) in more {
                add(&mut sum[name.as_str()], amount);
            }
        }
        amount => *sum = Value::from(sum.as_i64().unwrap_or(0) + amount.as_i64().unwrap_or(0)),
    }
}

fn drop_zeros(value: &mut Value) {
    if let Value::Object(map) = value {
        map.values_mut().for_each(drop_zeros);
        map.retain(|_, value| *value != Value::from(0) && !value.as_object().is_some_and(serde_json::Map::is_empty));
    }
}

/// For each model, window and currency the teams' credit is the revenue over all teams.
fn check_credit(latest: &BTreeMap<ScorecardKey, Scorecard>, report: &mut Report) {
    let mut sums: BTreeMap<(String, i64, String), (i64, BTreeMap<String, i64>)> = BTreeMap::new();
    for Scorecard { key, measures, .. } in latest.values() {
        if key.dimension != scorecard::DIMENSION_TEAM || key.currency.is_empty() {
            continue;
        }
        let sum = sums.entry((key.window.clone(), key.window_start_at, key.currency.clone())).or_default();
        if key.team_id == scorecard::ALL_TEAMS {
            sum.0 += measures.revenue_minor;
        } else {
            for model in ["first", "last", "linear"] {
                let amount = measures.credit_minor.get(model).copied().unwrap_or(0);
                *sum.1.entry(model.to_owned()).or_default() += amount;
            }
        }
    }
    for ((window, start, currency), (revenue, credit)) in sums {
        for (model, amount) in credit.into_iter().filter(|(_, amount)| *amount != revenue) {
            let key = format!("{window} {start} {currency}");
            report.add(METRICS, key, format!("credit by {model} of {revenue}, the revenue"), amount);
        }
    }
}
