//! `measures` and `metrics.<team>`: scorecards to the last cent, each the sum of the changes that were written for it.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::scorecard::{MeasureDelta, Measures, Scorecard, ScorecardKey};
use tributary_model::{Decision, DecisionOutcome, scorecard};

use crate::check::read::{Reader, text};
use crate::check::report::Report;
use crate::outputs::Outputs;
use crate::truth::World;
use crate::truth::cards::scorecards;
use crate::truth::shares::MODELS;

const MEASURES: &str = "tributary.measures";
const METRICS: &str = "tributary.metrics.";
const PRODUCTS: &str = "tributary.products";
const OUTCOMES: &str = "tributary.outcomes";

pub(super) fn check(world: &World, decided: &[Decision], outputs: &Outputs, reader: &Reader<'_>, report: &mut Report) {
    let latest = latest(outputs, reader, report);
    let heard: Vec<DecisionOutcome> =
        reader.all::<DecisionOutcome>(OUTCOMES, report).into_iter().map(|record| record.value).collect();
    let expected = scorecards(&world.people, decided, &heard);
    let keys: BTreeSet<&ScorecardKey> = expected.keys().chain(latest.keys()).collect();
    let nothing = Measures::default();
    for key in keys {
        let found = latest.get(key).map_or(&nothing, |card| &card.measures);
        let topic = topic_of(key);
        report.fields(&topic, text(&record_key(key)), expected.get(key).unwrap_or(&nothing), found);
    }
    check_sums(&latest, reader, report);
    check_credit(&latest, report);
}

/// Where a scorecard is told.
fn topic_of(key: &ScorecardKey) -> String {
    if ["product", "creative"].contains(&key.dimension.as_str()) {
        return PRODUCTS.to_owned();
    }
    format!("{METRICS}{}", key.team_id)
}

fn record_key(key: &ScorecardKey) -> Vec<u8> {
    let ScorecardKey { team_id, dimension, subject, window, window_start_at, currency } = key;
    format!("{team_id}|{dimension}|{subject}|{window}|{window_start_at}|{currency}").into_bytes()
}

/// The newest scorecard of each key; revisions have to rise.
fn latest(outputs: &Outputs, reader: &Reader<'_>, report: &mut Report) -> BTreeMap<ScorecardKey, Scorecard> {
    let mut latest: BTreeMap<ScorecardKey, Scorecard> = BTreeMap::new();
    for topic in outputs.topics(METRICS).chain(outputs.topics(PRODUCTS)) {
        for record in reader.all::<Scorecard>(topic, report) {
            let card = record.value;
            if record.key != text(&record_key(&card.key)) || topic != topic_of(&card.key) {
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
    let mut sums: BTreeMap<ScorecardKey, (Measures, i64)> = BTreeMap::new();
    for record in reader.all::<MeasureDelta>(MEASURES, report) {
        let MeasureDelta { key, delta, change_count, .. } = record.value;
        if record.key != text(&record_key(&key)) {
            report.add(MEASURES, &record.key, "the scorecard as key", format!("{key:?}"));
        }
        let sum = sums.entry(key).or_default();
        add(&mut sum.0, &delta);
        sum.1 += change_count;
    }
    // The topic is internal and may have been left out.
    if sums.is_empty() {
        return;
    }
    let nothing = Measures::default();
    for (key, (sum, changes)) in &sums {
        let name = text(&record_key(key));
        let found = latest.get(key);
        report.count(MEASURES, &name, "changes by the scorecard's revision", found.map_or(0, |c| c.revision), *changes);
        report.fields(MEASURES, &name, found.map_or(&nothing, |card| &card.measures), sum);
    }
    for key in latest.keys().filter(|key| !sums.contains_key(*key)) {
        report.add(MEASURES, text(&record_key(key)), "changes", "none");
    }
}

/// Adds a change to a sum; a name whose amount comes back to zero is forgotten.
fn add(sum: &mut Measures, more: &Measures) {
    sum.touches += more.touches;
    sum.exposures += more.exposures;
    sum.persons += more.persons;
    sum.reach += more.reach;
    sum.buyers += more.buyers;
    sum.cost_minor += more.cost_minor;
    sum.conversions += more.conversions;
    sum.returns += more.returns;
    sum.lines += more.lines;
    sum.revenue_minor += more.revenue_minor;
    sum.margin_minor += more.margin_minor;
    sum.decisions_sent += more.decisions_sent;
    sum.planned_exposures += more.planned_exposures;
    sum.approved_exposures += more.approved_exposures;
    sum.second_stories += more.second_stories;
    sum.several_stories += more.several_stories;
    sum.brand_conversions += more.brand_conversions;
    sum.leaks += more.leaks;
    sum.loops += more.loops;
    sum.loop_ms += more.loop_ms;
    sum.suppressions += more.suppressions;
    sum.pieces += more.pieces;
    sum.ratings += more.ratings;
    sum.rating_centi += more.rating_centi;
    let named = [
        (&mut sum.conflicts, &more.conflicts),
        (&mut sum.outcomes, &more.outcomes),
        (&mut sum.handover, &more.handover),
        (&mut sum.events, &more.events),
        (&mut sum.discounts_minor, &more.discounts_minor),
        (&mut sum.credit_minor, &more.credit_minor),
        (&mut sum.locations, &more.locations),
        (&mut sum.decisions_withheld, &more.decisions_withheld),
    ];
    for (amounts, more) in named {
        for (name, amount) in more {
            *amounts.entry(name.clone()).or_default() += amount;
        }
        amounts.retain(|_, amount| *amount != 0);
    }
}

/// Revenue over all teams, and what the teams were credited with.
#[derive(Default)]
struct Credit {
    revenue_minor: i64,
    by_model: BTreeMap<String, i64>,
}

/// For each model, window and currency the teams' credit is the revenue over all teams.
fn check_credit(latest: &BTreeMap<ScorecardKey, Scorecard>, report: &mut Report) {
    let mut sums: BTreeMap<(String, i64, String), Credit> = BTreeMap::new();
    for Scorecard { key, measures, .. } in latest.values() {
        if key.dimension != scorecard::DIMENSION_TEAM || key.currency.is_empty() {
            continue;
        }
        let sum = sums.entry((key.window.clone(), key.window_start_at, key.currency.clone())).or_default();
        if key.team_id == scorecard::ALL_TEAMS {
            sum.revenue_minor += measures.revenue_minor;
        } else {
            for model in MODELS {
                let amount = measures.credit_minor.get(model).copied().unwrap_or(0);
                *sum.by_model.entry(model.to_owned()).or_default() += amount;
            }
        }
    }
    for ((window, start, currency), Credit { revenue_minor: revenue, by_model }) in sums {
        for (model, amount) in by_model.into_iter().filter(|(_, amount)| *amount != revenue) {
            let key = format!("{window} {start} {currency}");
            report.add(METRICS, key, format!("credit by {model} of {revenue}, the revenue"), amount);
        }
    }
}
