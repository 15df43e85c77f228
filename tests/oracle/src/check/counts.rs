//! What the stages say they did: accepted = processed + dead letters + drops, and what one writes the next has read.

use std::collections::BTreeMap;

use crate::check::report::Report;
use crate::outputs::Outputs;
use crate::truth::ledger::Ledger;

pub(super) fn check(ledger: &Ledger, outputs: &Outputs, report: &mut Report) {
    let mut written: BTreeMap<&str, i64> = BTreeMap::new();
    for account in &outputs.accounts {
        let stage = format!("stage {}", account.stage);
        let explained = account.processed + account.dead_lettered + account.dropped.values().sum::<i64>();
        report.count(&stage, "accepted", "inputs, as its outcomes add up to", explained, account.accepted);
        let read: i64 = account.accepted_from.values().sum();
        report.count(&stage, "accepted", "inputs, as its topics add up to", read, account.accepted);
        for (topic, count) in &account.emitted_to {
            *written.entry(topic).or_default() += count;
        }
    }
    for account in &outputs.accounts {
        let stage = format!("stage {}", account.stage);
        for (topic, read) in &account.accepted_from {
            if let Some(written) = written.get(topic.as_str()) {
                report.count(&stage, topic, "inputs, as were written for it", *written, *read);
            }
        }
    }
    for (topic, written) in written {
        let is_compacted = ["accounts", "aliases", "metrics."].iter().any(|part| topic.contains(part));
        if !is_compacted && outputs.topics(topic).any(|known| known == topic) {
            report.count(
                topic,
                "all",
                "records, as stages say they wrote",
                written,
                outputs.records(topic).count() as i64,
            );
        }
    }
    check_normalizer(ledger, outputs, report);
}

/// The account of the normalizer by reason, and that nobody else dropped or refused anything but a tombstone's repeat.
fn check_normalizer(ledger: &Ledger, outputs: &Outputs, report: &mut Report) {
    for account in &outputs.accounts {
        let stage = format!("stage {}", account.stage);
        if account.stage != "normalizer" {
            report.count(&stage, "dead letters", "dead letters", 0, account.dead_lettered);
            for (reason, count) in &account.dropped {
                report.count(&stage, format!("dropped for {reason}"), "drops", 0, *count);
            }
            continue;
        }
        let sources = || ledger.sources.values();
        report.count(&stage, "accepted", "inputs", sources().map(|source| source.accepted).sum(), account.accepted);
        report.count(&stage, "processed", "inputs", sources().map(|source| source.processed).sum(), account.processed);
        let dead: i64 = ledger.dead_letters.values().sum();
        report.count(&stage, "dead letters", "dead letters", dead, account.dead_lettered);
        let mut drops: BTreeMap<String, i64> = BTreeMap::new();
        for (reason, count) in sources().flat_map(|source| &source.drops) {
            *drops.entry((*reason).to_owned()).or_default() += count;
        }
        report.fields(&stage, "dropped", &drops, &account.dropped);
    }
}
