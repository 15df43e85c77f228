//! Dead letters: byte for byte what could not be processed, each as often as it came, with the reason that it has.

use std::collections::BTreeMap;

use crate::check::read::{position, text};
use crate::check::report::Report;
use crate::outputs::{Outputs, Record};
use crate::truth::ledger::{Dead, Ledger};

const TOPIC: &str = "tributary.dead-letters";

/// Topic, key and value of a record that was refused.
type Original = (String, Vec<u8>, Vec<u8>);

fn header(record: &Record, name: &str) -> String {
    let found = record.headers.iter().rev().find(|(key, _)| key == &format!("__connect.errors.{name}"));
    found.map(|(_, value)| text(value)).unwrap_or_default()
}

pub(super) fn check(ledger: &Ledger, outputs: &Outputs, report: &mut Report) {
    let mut found: BTreeMap<Original, Vec<&Record>> = BTreeMap::new();
    for record in outputs.records(TOPIC) {
        let value = record.value.clone().unwrap_or_default();
        found.entry((header(record, "topic"), record.key.clone(), value)).or_default().push(record);
    }
    for (Dead { topic, key, value, code }, count) in &ledger.dead_letters {
        let letters = found.remove(&(topic.clone(), key.clone(), value.clone())).unwrap_or_default();
        report.count(TOPIC, text(key), &format!("letters with code {code}"), *count, letters.len() as i64);
        for letter in letters {
            let says = header(letter, "exception.class.name");
            if says != *code {
                report.add(TOPIC, text(key), format!("code {code}"), format!("code {says}"));
            }
        }
    }
    for letter in found.values().flatten() {
        let says = format!(
            "{} of {} by {}: {}",
            header(letter, "exception.class.name"),
            text(&letter.key),
            header(letter, "stage"),
            header(letter, "exception.message")
        );
        report.add(TOPIC, position(letter), "no dead letter", says);
    }
}
