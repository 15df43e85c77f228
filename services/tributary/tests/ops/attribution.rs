//! Published paths, streamed through the hub as messages to persons and purchases by them: what `tributary attribution`
//! says of them is what was published.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use tributary_attribution::{Model, Paths, attribute};
use tributary_model::time::{from_rfc3339, to_rfc3339};
use tributary_testkit::data_file;

use crate::bed::{Bed, account, said};

/// The file's values are means of many digits: so many minor units are one of its units.
const MINOR_UNITS: f64 = 1e12;
/// A currency without decimals.
const CURRENCY: &str = "JPY";
const MINUTE_MS: i64 = 60_000;
/// The file's channels, and those of ours that stand for them.
const CHANNELS: [(&str, &str); 12] = [
    ("alpha", "email"),
    ("beta", "paid_search"),
    ("delta", "display"),
    ("epsilon", "paid_social"),
    ("eta", "affiliates"),
    ("gamma", "sms"),
    ("iota", "push"),
    ("kappa", "paid_video"),
    ("lambda", "audio"),
    ("mi", "retail_media"),
    ("theta", "trade"),
    ("zeta", "direct_mail"),
];

fn channel(published: &str) -> String {
    CHANNELS.iter().find(|(name, _)| *name == published).unwrap().1.to_owned()
}

/// One row of the file.
struct Row {
    path: Vec<String>,
    conversions: i64,
    value_minor: i64,
    nulls: i64,
}

fn rows() -> Vec<Row> {
    let text = std::fs::read_to_string(data_file("attribution/paths.csv").unwrap()).unwrap();
    let row = |line: &str| {
        let columns: Vec<&str> = line.split(';').collect();
        let number = |column: usize| columns[column].parse::<f64>().unwrap();
        Row {
            path: columns[0].split(" > ").map(channel).collect(),
            conversions: number(1) as i64,
            value_minor: (number(2) * MINOR_UNITS).round() as i64,
            nulls: number(3) as i64,
        }
    };
    text.lines().skip(1).map(row).collect()
}

/// What happens to all persons of the rows, in order of time: each has been shown what is on the path, and those of a
/// conversion have bought.
fn events(rows: &[Row]) -> Vec<(i64, Value)> {
    let begin = from_rfc3339("2026-03-02T08:00:00Z").unwrap();
    let (mut events, mut person) = (Vec::new(), 0_i64);
    for row in rows {
        for number in 0..row.conversions + row.nulls {
            person += 1;
            let at = |minute: usize| begin + person * 10 + minute as i64 * MINUTE_MS;
            let mut add = |minute: usize, more: Value| {
                let mut event = json!({
                    "id": format!("{person}-{minute}"), "occurred_at": to_rfc3339(at(minute)),
                    "identifiers": { "loyalty_id": format!("P-{person}") },
                });
                event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                events.push((at(minute), event));
            };
            for (minute, channel) in row.path.iter().enumerate() {
                add(minute, json!({ "type": "display.shown", "channel": channel, "direction": "outbound" }));
            }
            if number < row.conversions {
                // The first gets what cannot be shared.
                let rest = if number == 0 { row.value_minor % row.conversions } else { 0 };
                let amount = (row.value_minor / row.conversions + rest).to_string();
                let value = json!({ "currency": CURRENCY, "amount": amount });
                add(row.path.len(), json!({ "type": "store.purchased", "channel": "in_store", "value": value }));
            }
        }
    }
    events.sort_by_key(|(at, _)| *at);
    events
}

/// Loads the rows into a hub, and gives the answer of `tributary attribution`.
fn streamed(bed: &Bed, rows: &[Row], patience: Duration) -> Value {
    let events = events(rows);
    let file = bed.dir.path().join("paths.ndjson");
    let mut out = std::io::BufWriter::new(std::fs::File::create(&file).unwrap());
    events.iter().for_each(|(_, event)| writeln!(out, "{event}").unwrap());
    out.flush().unwrap();
    let load = bed.command(&["load", "events-store", "--max-lag", "4000"]).arg(&file).output().unwrap();
    assert!(load.status.success(), "{}", said(&load));
    let audit = bed.until_settled_within(events.len() as i64, patience);
    assert_eq!(account(&audit, "normalizer")["dead_lettered"], 0, "{:#}", bed.json(&["dlq", "list"]));
    bed.json(&["attribution"])
}

/// Conversions and value of each channel, by a model of the answer.
fn credits(answer: &Value, model: &str) -> BTreeMap<String, (f64, f64)> {
    let models = answer["models"].as_array().unwrap();
    let found = models.iter().find(|found| found["model"] == model).unwrap();
    let credit = |credit: &Value| {
        let number = |name: &str| credit[name].as_f64().unwrap();
        (credit["subject"].as_str().unwrap().to_owned(), (number("conversions"), number("value_minor")))
    };
    found["credits"].as_array().unwrap().iter().map(credit).collect()
}

fn assert_near(found: f64, expected: f64, tolerance: f64, what: &str) {
    let error = (found - expected).abs() / expected.abs().max(1.0);
    assert!(error <= tolerance, "{what}: {found} and not {expected}");
}

/// By each step's own part, added up one conversion after the other.
fn by_hand(rows: &[Row], part: impl Fn(usize, usize) -> f64) -> BTreeMap<String, (f64, f64)> {
    let mut credits = BTreeMap::<String, (f64, f64)>::new();
    for row in rows {
        for (place, channel) in row.path.iter().enumerate() {
            let (conversions, value) = credits.entry(channel.clone()).or_default();
            *conversions += part(place, row.path.len()) * row.conversions as f64;
            *value += part(place, row.path.len()) * row.value_minor as f64;
        }
    }
    credits
}

fn check(rows: &[Row], answer: &Value) {
    let sum = |of: fn(&Row) -> i64| rows.iter().map(of).sum::<i64>();
    assert_eq!(answer["conversions"].as_i64(), Some(sum(|row| row.conversions)));
    assert_eq!(answer["nulls"].as_i64(), Some(sum(|row| row.nulls)));
    assert_eq!(answer["value_minor"].as_i64(), Some(sum(|row| row.value_minor)));
    let mut paths = Paths::new();
    rows.iter().for_each(|row| paths.add(&row.path, row.conversions, row.value_minor, row.nulls).unwrap());
    assert_eq!(answer["distinct_paths"].as_u64(), Some(paths.len() as u64));
    for (name, expected) in [
        ("first", by_hand(rows, |place, _| f64::from(u8::from(place == 0)))),
        ("last", by_hand(rows, |place, length| f64::from(u8::from(place + 1 == length)))),
        ("linear", by_hand(rows, |_, length| 1.0 / length as f64)),
    ] {
        let found = credits(answer, name);
        assert_eq!(found.len(), expected.len(), "{name}");
        for (channel, (conversions, value)) in expected {
            assert_near(found[&channel].0, conversions, 1e-12, &format!("{name} of {channel}"));
            assert_near(found[&channel].1, value, 1e-12, &format!("value by {name} of {channel}"));
        }
    }
    for model in Model::ALL {
        let found = credits(answer, model.name());
        for credit in attribute(&paths, model).unwrap().credits {
            let (conversions, value) = found[&*credit.channel];
            assert_eq!((conversions, value), (credit.conversions, credit.value_minor), "{model} of {}", credit.channel);
        }
    }
    let decayed = answer["time_decay_value_minor"].as_object().unwrap().values();
    assert_eq!(decayed.map(|value| value.as_i64().unwrap()).sum::<i64>(), sum(|row| row.value_minor));
}

/// What the package that the paths come with makes of all of them, and the closed form of the chain.
fn check_published(answer: &Value) {
    let file = std::fs::read_to_string(data_file("attribution/expected.json").unwrap()).unwrap();
    let expected: Value = serde_json::from_str(&file).unwrap();
    for row in expected["heuristics"]["heuristic_models"].as_array().unwrap() {
        let channel = channel(row["channel_name"].as_str().unwrap());
        for (model, name) in [("first", "first_touch"), ("last", "last_touch"), ("linear", "linear_touch")] {
            let (conversions, value) = credits(answer, model)[&channel];
            let number = |of: &str| row[format!("{name}_{of}")].as_f64().unwrap();
            assert_near(conversions, number("conversions"), 1e-12, &format!("{model} of {channel}"));
            assert_near(value / MINOR_UNITS, number("value"), 1e-12, &format!("value by {model} of {channel}"));
        }
    }
    for (model, name) in [("markov_1", "markov_order1_with_null"), ("markov_1_no_null", "markov_order1_no_null")] {
        let attributed = expected["closed_form"][name]["attributed_conversions"].as_object().unwrap();
        assert_eq!(attributed.len(), 12);
        for (published, conversions) in attributed {
            let found = credits(answer, model)[&channel(published)].0;
            assert_near(found, conversions.as_f64().unwrap(), 1e-9, &format!("{model} of {published}"));
        }
    }
}

/// 10,000 rows: 19,785 sales, and 68,602 persons without one.
#[test]
fn published_paths_that_are_streamed_are_credited_as_published() {
    let rows = rows();
    let bed = Bed::new();
    // The longest path has 89 steps.
    bed.set("journey", json!({ "max_path_steps": 100 }));
    let _hub = bed.hub();
    let answer = streamed(&bed, &rows, Duration::from_secs(1_800));
    check(&rows, &answer);
    check_published(&answer);
    // People see the same, and what they mistype is told with what there is.
    let table = said(&bed.run(&["attribution", "--measure", "conversions"]));
    assert!(table.contains("markov_1") && table.contains("affiliates"), "{table}");
    let refused = said(&bed.run(&["attribution", "--month", "2026-04"]));
    assert!(refused.contains("2026-04") && refused.contains("2026-03"), "{refused}");
    let refused = said(&bed.run(&["attribution", "--currency", "USD"]));
    assert!(refused.contains("USD") && refused.contains(CURRENCY), "{refused}");
    let teams = bed.json(&["attribution", "--by", "team", "--month", "2026-03"]);
    assert_eq!(teams["conversions"], answer["conversions"]);
    let (of_teams, of_channels) = (credits(&teams, "linear"), credits(&answer, "linear"));
    let conversions = ["email", "sms", "push"].iter().map(|channel| of_channels[*channel].0);
    assert_near(of_teams["email"].0, conversions.sum(), 1e-9, "the team of e-mail, texts and pushes");
}
