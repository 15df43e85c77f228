//! Poison: bytes that no stage can read, on the input of every stage, become dead letters, and the partition goes on.

use std::collections::BTreeMap;

use tributary_model::{Domain, topics};
use tributary_stream::OutRecord;

use crate::bed::{Bed, GOOD_MAPPING, account, bare};

/// Each input of each stage.
const INPUTS: [(&str, &str); 16] = [
    ("normalizer", "tributary.raw.store"),
    ("identity", topics::TOUCHPOINTS),
    ("identity", topics::IDENTIFIERS),
    ("identity-sequencer", topics::MERGES),
    ("journey", topics::RESOLVED),
    ("journey", topics::PERSONS),
    ("journey", topics::RECHECKS),
    ("accounts", topics::ACCOUNT_TOUCHES),
    ("accounts", topics::ACCOUNT_COMMANDS),
    ("insight", topics::JOURNEYS),
    ("insight", topics::DECISIONS),
    ("insight", topics::ENROLMENTS),
    ("scorecards", topics::MEASURES),
    ("scorecards", topics::PATH_CHANGES),
    ("scorecards", topics::EXPERIMENT_CHANGES),
    ("normalizer", "tributary.raw.crm"),
];

/// Bytes in no encoding, of a schema that nobody knows, of a registry that is not there, and nearly none.
const POISONS: [(&[u8], &str); 4] = [
    (b"neither Avro nor JSON", "undecodable"),
    (&[0xC3, 0x01, 1, 2, 3, 4, 5, 6, 7, 8, 9], "undecodable"),
    (&[0, 0, 0, 0, 9, 1, 2], "no_registry"),
    (&[0xC3], "undecodable"),
];

#[test]
fn undecodable_bytes_on_any_input_become_dead_letters_and_the_partition_goes_on() {
    assert_eq!(topics::raw(Domain::Store), INPUTS[0].1);
    let bed = Bed::new();
    bed.map(GOOD_MAPPING);
    let _hub = bed.hub();
    let record = |topic: &str, key: &str, value: &[u8]| OutRecord {
        topic: topic.to_owned(),
        key: key.as_bytes().to_vec(),
        value: Some(value.to_vec()),
        headers: Vec::new(),
    };
    let mut poison = Vec::new();
    for (_, topic) in INPUTS {
        // A key that an account may have, so that it is the value that is refused; two, to meet both partitions.
        for key in ["7d444840-9dc0-11d1-b245-5ffdce74fad2", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "x", "y", "z"] {
            poison.extend(POISONS.map(|(bytes, _)| record(topic, key, bytes)));
        }
    }
    bed.publish(&poison);
    bed.publish(&(0..10).map(|number| bare(&format!("good-{number}"), "fine")).collect::<Vec<_>>());
    let letters = tributary_testkit::eventually_every(
        std::time::Duration::from_millis(500),
        std::time::Duration::from_secs(120),
        || {
            let listed = bed.json(&["dlq", "list", "--each", "--limit", "1000"]);
            (listed["letters"].as_u64().unwrap() >= poison.len() as u64).then_some(listed)
        },
    );
    let letters = letters.unwrap_or_else(|| panic!("{:#}\n{}", bed.json(&["reconcile"]), bed.log_tail()));
    let mut found: BTreeMap<(String, String), u64> = BTreeMap::new();
    for letter in letters["each"].as_array().unwrap() {
        let topic = letter["origin"].as_str().unwrap().split('/').next().unwrap().to_owned();
        *found.entry((letter["stage"].as_str().unwrap().to_owned(), topic)).or_insert(0) += 1;
    }
    let expected = INPUTS.map(|(stage, topic)| ((stage.to_owned(), topic.to_owned()), 20)).into_iter().collect();
    assert_eq!(found, expected);
    let codes: BTreeMap<_, _> =
        letters["groups"].as_array().unwrap().iter().fold(BTreeMap::new(), |mut codes, group| {
            *codes.entry(group["code"].as_str().unwrap()).or_insert(0) += group["letters"].as_u64().unwrap();
            codes
        });
    assert!(codes["no_registry"] >= 50 && codes["undecodable"] >= 150, "{codes:?}");

    // The good went through all of it, to the scorecards.
    let good = tributary_testkit::eventually_every(
        std::time::Duration::from_millis(500),
        std::time::Duration::from_secs(60),
        || {
            let audit = bed.json(&["reconcile"]);
            let journeys = account(&audit, "journey")["emitted_to"][topics::JOURNEYS].as_u64();
            let cards = account(&audit, "scorecards")["processed"].as_u64();
            (journeys == Some(10) && cards > Some(0) && audit["in_flight"] == 0).then_some(())
        },
    );
    assert!(good.is_some(), "{:#}\n{}", bed.json(&["reconcile"]), bed.log_tail());
}
