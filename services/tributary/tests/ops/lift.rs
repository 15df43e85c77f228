//! A published e-mail experiment, streamed through the hub as touches: what `tributary lift` says of it is what was published.

use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use tributary_lift::{Design, Moments, Person, lift};
use tributary_model::experiment::BUCKETS;
use tributary_model::time::{DAY_MS, HOUR_MS, from_rfc3339, to_rfc3339};
use tributary_stream::OutRecord;
use tributary_testkit::data_file;

use crate::bed::{Bed, account, bare, said};

const HELD_OUT: &str = "No E-Mail";
/// The two e-mails that were tried, each against none, under the names they have here.
const TRIED: [(&str, &str); 2] = [("Mens E-Mail", "mens-e-mail"), ("Womens E-Mail", "womens-e-mail")];

/// One customer of the file.
struct Row {
    segment: String,
    visit: bool,
    spend_minor: i64,
    /// Spent in the year before.
    history_minor: i64,
}

fn rows() -> Vec<Row> {
    let mut reader = csv::Reader::from_path(data_file("hillstrom/first_32000.csv").unwrap()).unwrap();
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|found| found == name).unwrap();
    let [segment, visit, spend, history] = ["segment", "visit", "spend", "history"].map(column);
    let minor = |text: &str| (text.parse::<f64>().unwrap() * 100.0).round() as i64;
    let row = |columns: csv::StringRecord| Row {
        segment: columns[segment].to_owned(),
        visit: &columns[visit] == "1",
        spend_minor: minor(&columns[spend]),
        history_minor: minor(&columns[history]),
    };
    reader.records().map(|columns| row(columns.unwrap())).collect()
}

/// What the customers did, in order of time: bought before, were sent an e-mail or held out of one or both, came and bought.
fn events(rows: &[Row]) -> Vec<(i64, Value)> {
    let sent_at = from_rfc3339("2026-03-20T08:00:00Z").unwrap();
    let mut events = Vec::new();
    for (person, row) in rows.iter().enumerate() {
        let mut add = |what: &str, at: i64, kind: &str, more: Value| {
            let mut event = json!({
                "id": format!("{person}-{what}"), "type": kind, "occurred_at": to_rfc3339(at), "channel": "in_store",
                "identifiers": { "loyalty_id": format!("P-{person}") },
            });
            event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            events.push((at, event));
        };
        let at = sent_at + person as i64;
        let money = |minor: i64| json!({ "value": { "currency": "USD", "amount": format!("{}.{:02}", minor / 100, minor % 100) } });
        add("before", at - 10 * DAY_MS, "store.purchased", money(row.history_minor));
        for (segment, experiment) in TRIED {
            let arm = if row.segment == HELD_OUT { "held_out" } else { "treated" };
            if row.segment == segment || row.segment == HELD_OUT {
                let told =
                    json!({ "properties": { "experiment_id": experiment, "arm": arm, "holdout_percent": "50" } });
                add(experiment, at, "experiment.viewed", told);
            }
        }
        if row.visit {
            add("visit", at + DAY_MS, "store.visited", json!({}));
        }
        if row.spend_minor > 0 {
            add("sale", at + DAY_MS + HOUR_MS, "store.purchased", money(row.spend_minor));
        }
    }
    events.sort_by_key(|(at, _)| *at);
    events
}

fn load(bed: &Bed, events: &[(i64, Value)]) {
    let file = bed.dir.path().join("customers.ndjson");
    let mut out = std::io::BufWriter::new(std::fs::File::create(&file).unwrap());
    events.iter().for_each(|(_, event)| writeln!(out, "{event}").unwrap());
    out.flush().unwrap();
    let load = bed.command(&["load", "events-store", "--max-lag", "4000"]).arg(&file).output().unwrap();
    assert!(load.status.success(), "{}", said(&load));
}

fn estimate<'a>(answer: &'a Value, experiment: &str, metric: &str, is_adjusted: bool) -> &'a Value {
    let experiments = answer["experiments"].as_array().unwrap();
    let name = format!("external:{experiment}");
    let found = experiments.iter().find(|one| one["key"]["experiment"] == name.as_str()).unwrap();
    let estimates = found["estimates"].as_array().unwrap();
    let is_meant = |one: &&Value| one["metric"] == metric && one["is_adjusted"] == is_adjusted;
    estimates.iter().find(is_meant).unwrap_or_else(|| panic!("no {metric} of {experiment} in {found:#}"))
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or_else(|| panic!("no {name} in {value:#}"))
}

/// Effect and standard error of both e-mails, and what the confidence sequence says of them.
fn check_published(answer: &Value) {
    let file = data_file("hillstrom/expected_first_32000.json").unwrap();
    let expected: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    for (segment, experiment) in TRIED {
        for (metric, published) in [("visit", "visit"), ("conversion", "conversion"), ("revenue", "spend")] {
            let found = estimate(answer, experiment, metric, false);
            let unit = if metric == "revenue" { 100.0 } else { 1.0 };
            let expected = &expected[segment][published];
            for (ours, theirs) in [("effect", "ate"), ("standard_error", "welch_se")] {
                let (ours, theirs) = (number(found, ours) / unit, number(expected, theirs));
                assert!((ours - theirs).abs() < 1e-6, "{metric} of {segment}: {ours} and not {theirs}");
            }
            let published = number(expected, "ate") * unit;
            let (low, high) = (number(found, "anytime_low"), number(found, "anytime_high"));
            assert!(low < published && published < high, "{metric} of {segment}: {low} to {high}");
            assert!(
                low < number(found, "fixed_low") && high > number(found, "fixed_high"),
                "it costs to look at any time"
            );
        }
    }
}

/// What they had spent before takes as much of the noise out as it does of the file's own rows.
fn check_adjusted(answer: &Value, rows: &[Row]) {
    for (segment, experiment) in TRIED {
        let arm = |segment: &str| {
            let mut moments = Moments::default();
            for row in rows.iter().filter(|row| row.segment == segment) {
                moments.add(Person::new(row.spend_minor, row.history_minor).unwrap());
            }
            moments
        };
        let whole = lift(&arm(segment), &arm(HELD_OUT), &Design::new(0.5, 10_000).unwrap()).unwrap();
        let expected = whole.adjusted.unwrap().comparison;
        let found = estimate(answer, experiment, "revenue", true);
        assert_eq!(number(found, "effect"), expected.effect, "{segment}");
        assert_eq!(number(found, "standard_error"), expected.standard_error, "{segment}");
        let plain = number(estimate(answer, experiment, "revenue", false), "standard_error");
        assert!(expected.standard_error < plain, "{segment}: {} and {plain}", expected.standard_error);
    }
}

#[test]
fn a_published_experiment_that_is_streamed_comes_to_what_was_published() {
    let rows = rows();
    let bed = Bed::new();
    bed.set("insight", json!({ "lift": { "visits": true } }));
    let _hub = bed.hub();
    let events = events(&rows);
    load(&bed, &events);
    let audit = bed.until_settled_within(events.len() as i64, Duration::from_secs(1_200));
    assert_eq!(account(&audit, "normalizer")["dead_lettered"], 0, "{:#}", bed.json(&["dlq", "list"]));

    let answer = bed.json(&["lift"]);
    // The shipped triggers have hold-outs of their own.
    let is_tried = |one: &&Value| one["key"]["experiment"].as_str().unwrap().starts_with("external:");
    let tried: Vec<&Value> = answer["experiments"].as_array().unwrap().iter().filter(is_tried).collect();
    assert_eq!(tried.len(), 2);
    for one in &tried {
        assert_eq!((&one["is_trusted"], &one["sums"]["late"]), (&json!(true), &json!(0)));
        assert_eq!(one["key"]["holdout_buckets"], i64::from(BUCKETS) / 2);
        assert_eq!(one["sums"]["held_out"]["persons"], 10_678);
    }
    check_published(&answer);
    check_adjusted(&answer, &rows);
    // Both e-mails are of one team, which is told what they caused together.
    let teams = answer["teams"].as_array().unwrap();
    let team = &tried[0]["key"]["team_id"];
    let revenue = teams.iter().find(|one| one["subject"] == *team && one["metric"] == "revenue").unwrap();
    assert_eq!((&revenue["experiments"], revenue["treated"].as_f64()), (&json!(2), Some(21_322.0)));
    // People see the same, and what they mistype is told with what there is.
    let table = said(&bed.run(&["lift", "--experiment", "external:mens-e-mail"]));
    assert!(table.contains("10582 treated, 10678 held out (50 % wanted)"), "{table}");
    assert!(table.contains("0.0770") && !table.contains("womens"), "{table}");
    let refused = said(&bed.run(&["lift", "--experiment", "mens-e-mail"]));
    assert!(refused.contains("external:mens-e-mail"), "{refused}");
    // What does not say its arm is a dead letter that tells what to write.
    let unsaid = json!({
        "id": "bad", "type": "experiment.viewed", "occurred_at": "2026-03-20T09:00:00Z",
        "identifiers": { "loyalty_id": "P-1" }, "properties": { "experiment_id": "mens-e-mail" },
    });
    let (value, headers) =
        (unsaid.to_string().into_bytes(), vec![("tributary.source".to_owned(), b"events-store".to_vec())]);
    bed.publish(&[OutRecord { value: Some(value), headers, ..bare("bad", "fine") }]);
    bed.until_settled(events.len() as i64 + 1);
    let letters = bed.json(&["dlq", "list", "--each"]);
    let shown = said(&bed.run(&["dlq", "show", letters["each"][0]["place"].as_str().unwrap()]));
    assert!(shown.contains("properties.arm: is missing; write treated or held_out"), "{shown}");
}
