//! Real people, who is who known: FEBRL's records with errors and the historical figures, as contacts of a CRM through
//! the production mapping and rules. What is linked is measured against the truth, in pairs of records of one human.
//!
//! Which columns are identifiers:
//! - the record's number is the contact's (`crm_contact_id`): it names the record, and links nothing by itself;
//! - `soc_sec_id` is one: an authority gives each human a number of their own;
//! - name, date of birth and postcode *together* are one (`name_birth_postcode`): who shares a name with somebody in the
//!   same place was hardly born on the same day, for parents and children differ in the day and twins in the name. The
//!   same holds for name, day and place of birth (`name_birth_place`);
//! - a name, and a name with a date of birth, are none: the last test shows whom they would make one.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests fail loudly and state figures")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value as Json, json};
use tributary_bench::Identity;
use tributary_identity::Rules;
use tributary_model::ids::realm_uuid;
use tributary_model::{Identifier, PersonId, Pseudonymizer, Touchpoint, topics};
use tributary_normalizer::{Config, HEADER_SOURCE, stage};
use tributary_schema::Contracts;
use tributary_stream::{Effects, Record, TaskInfo};
use tributary_testkit::data_file;

/// 2026-03-01T09:00:00Z.
const RECEIVED_AT: i64 = 1_772_355_600_000;
const KEY: &[u8] = b"0123456789abcdef";

/// One record of a data set.
struct Contact {
    /// The same for all records of one human: the truth.
    human: String,
    /// By namespace; raw.
    identifiers: BTreeMap<&'static str, String>,
}

type Row = BTreeMap<String, String>;

/// A key made of these columns. One that lacks a part is none: two empty fields say nothing about each other.
fn key(row: &Row, columns: &[&str]) -> Option<String> {
    let parts: Vec<&str> = columns.iter().map(|column| row[*column].as_str()).collect();
    parts.iter().all(|part| !part.is_empty()).then(|| parts.join("|"))
}

fn rows(bytes: &[u8]) -> Vec<Row> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let columns = reader.headers().unwrap().clone();
    let named = |row: csv::StringRecord| columns.iter().map(str::to_owned).zip(row.iter().map(str::to_owned)).collect();
    reader.records().map(|row| named(row.unwrap())).collect()
}

fn contact(row: &Row, record: &str, human: &str, keys: &[(&'static str, &[&str])]) -> Contact {
    let mut identifiers = BTreeMap::from([("crm_contact_id", row[record].clone())]);
    identifiers.extend(keys.iter().filter_map(|(namespace, columns)| Some((*namespace, key(row, columns)?))));
    Contact { human: human.to_owned(), identifiers }
}

const FEBRL_KEYS: [(&str, &[&str]); 2] =
    [("soc_sec_id", &["soc_sec_id"]), ("name_birth_postcode", &["given_name", "surname", "date_of_birth", "postcode"])];

fn febrl(files: &[&str]) -> Vec<Contact> {
    let read = |file: &&str| rows(&std::fs::read(data_file(&format!("identity/febrl/{file}.csv")).unwrap()).unwrap());
    let human = |row: &Row| row["rec_id"].split('-').nth(1).unwrap().to_owned();
    files.iter().flat_map(read).map(|row| contact(&row, "rec_id", &human(&row), &FEBRL_KEYS)).collect()
}

fn historical(keys: &[(&'static str, &[&str])]) -> Vec<Contact> {
    let packed = std::fs::read(data_file("identity/historical/people.csv.zst").unwrap()).unwrap();
    let rows = rows(&zstd::decode_all(packed.as_slice()).unwrap());
    rows.iter().map(|row| contact(row, "unique_id", &row["cluster"], keys)).collect()
}

/// The touchpoints that the production normaliser makes of the contacts, each in the shape of `events-crm`.
fn normalised(contacts: &[Contact]) -> Vec<Touchpoint> {
    let stage = stage(&Config::default(), Pseudonymizer::new(KEY).unwrap()).unwrap();
    let mut processor = (stage.factory)(TaskInfo { topic_index: 0, partition: 0 });
    let contracts = Contracts::single_object().unwrap();
    let mut touchpoints = Vec::new();
    for (offset, contact) in contacts.iter().enumerate() {
        let body: Json = json!({
            "id": offset.to_string(), "type": "person.identified", "occurred_at": "2026-03-01T08:00:00Z",
            "identifiers": contact.identifiers,
        });
        let record = Record {
            topic: topics::raw(tributary_model::Domain::Crm),
            partition: 0,
            offset: offset as i64,
            timestamp_ms: Some(RECEIVED_AT),
            key: Vec::new(),
            value: Some(body.to_string().into_bytes()),
            headers: vec![(HEADER_SOURCE.to_owned(), b"events-crm".to_vec())],
        };
        let mut effects = Effects::new(Arc::clone(&contracts));
        processor.process(&record, &mut effects).unwrap();
        for out in effects.records() {
            assert_eq!(out.topic, topics::TOUCHPOINTS, "a contact is no dead letter");
            touchpoints.push(contracts.decode(out.value.as_deref().unwrap()).unwrap());
        }
    }
    assert_eq!(touchpoints.len(), contacts.len());
    touchpoints
}

/// Pairs of records that are in one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pairs {
    /// Of one human.
    right: usize,
    /// Of two humans.
    wrong: usize,
    /// Of one human, in one person or not.
    all: usize,
}

fn pairs<P: Ord>(contacts: &[Contact], person_of: impl Fn(usize) -> P) -> Pairs {
    let pairs = |count: &usize| count * (count - 1) / 2;
    let (mut persons, mut together, mut humans) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (index, contact) in contacts.iter().enumerate() {
        *persons.entry(person_of(index)).or_insert(0) += 1;
        *together.entry((person_of(index), &contact.human)).or_insert(0) += 1;
        *humans.entry(&contact.human).or_insert(0) += 1;
    }
    let right = together.values().map(pairs).sum();
    let linked: usize = persons.values().map(pairs).sum();
    Pairs { right, wrong: linked - right, all: humans.values().map(pairs).sum() }
}

/// What could be reached at best: the components of the records by the raw values they share, by union-find.
fn bound(contacts: &[Contact]) -> Pairs {
    let mut parents: Vec<usize> = (0..contacts.len()).collect();
    fn root(parents: &mut [usize], mut of: usize) -> usize {
        while parents[of] != of {
            parents[of] = parents[parents[of]];
            of = parents[of];
        }
        of
    }
    let mut first: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (index, contact) in contacts.iter().enumerate() {
        for (namespace, value) in &contact.identifiers {
            let other = *first.entry((namespace, value)).or_insert(index);
            let (a, b) = (root(&mut parents, index), root(&mut parents, other));
            parents[a] = b;
        }
    }
    let roots: Vec<usize> = (0..contacts.len()).map(|index| root(&mut parents, index)).collect();
    pairs(contacts, |index| roots[index])
}

/// What the hub makes of the contacts, and the persons' humans where they are several.
fn resolve(contacts: &[Contact], rules: &str) -> (Pairs, Vec<BTreeSet<String>>) {
    let rules = Arc::new(Rules::from_yaml(rules).unwrap());
    let mut identity = Identity::new(realm_uuid("people"), &rules, 4, 64);
    let touchpoints = normalised(contacts);
    let contact_ids: Vec<Identifier> = touchpoints.iter().map(|touchpoint| touchpoint.identifiers[0].clone()).collect();
    touchpoints.chunks(50).for_each(|some| identity.take(some.to_vec()));
    let person_of = |index: usize| identity.person_of(&contact_ids[index]);
    assert_eq!(identity.over_limit(&rules), []);
    let mut humans: BTreeMap<PersonId, BTreeSet<String>> = BTreeMap::new();
    for (index, contact) in contacts.iter().enumerate() {
        humans.entry(person_of(index)).or_default().insert(contact.human.clone());
    }
    humans.retain(|_, humans| humans.len() > 1);
    (pairs(contacts, person_of), humans.into_values().collect())
}

/// The production rules with room for a human who has up to 30 contacts, and as many ways to be written.
fn roomy() -> String {
    let mut rules = tributary_identity::BUILT_IN_YAML.to_owned();
    for (from, to) in
        [("\ndefault_limit: 5\n", "\ndefault_limit: 30\n"), ("  max_persons: 10\n", "  max_persons: 30\n")]
    {
        assert!(rules.contains(from), "{from}");
        rules = rules.replace(from, to);
    }
    rules
}

fn state(what: &str, found: Pairs) {
    let share = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
    let Pairs { right, wrong, all } = found;
    println!(
        "{what}: precision {:.2} % ({wrong} wrong), recall {:.2} % ({right} of {all} pairs)",
        share(right, right + wrong),
        share(right, all)
    );
}

#[test]
fn febrl_links_nobody_wrongly_and_finds_what_exact_keys_can() {
    let sets: [(&[&str], usize, usize, usize); 4] = [
        (&["dataset1"], 465, 500, 465),
        (&["dataset2"], 1_797, 1_934, 1_732),
        (&["dataset3"], 5_990, 6_538, 5_326),
        (&["dataset4a", "dataset4b"], 4_741, 5_000, 4_741),
    ];
    for (files, right, all, limited) in sets {
        let contacts = febrl(files);
        let best = bound(&contacts);
        assert_eq!(best, Pairs { right, wrong: 0, all }, "{files:?}");
        let (found, mixed) = resolve(&contacts, &roomy());
        state(&format!("{files:?} with room for 30 contacts"), found);
        assert_eq!(found, best, "{files:?}");
        assert_eq!(mixed, Vec::<BTreeSet<String>>::new());
        let (found, mixed) = resolve(&contacts, tributary_identity::BUILT_IN_YAML);
        state(&format!("{files:?} under the rules that are built in"), found);
        assert_eq!(mixed, Vec::<BTreeSet<String>>::new());
        assert_eq!((found.right, found.wrong), (limited, 0), "{files:?}");
    }
}

#[test]
fn historical_figures_are_linked_by_name_birth_and_place_and_nobody_wrongly() {
    let contacts = historical(&[
        ("name_birth_postcode", &["full_name", "dob", "postcode_fake"]),
        ("name_birth_place", &["full_name", "dob", "birth_place"]),
    ]);
    let best = bound(&contacts);
    assert_eq!(best, Pairs { right: 25_285, wrong: 0, all: 303_961 });
    let (found, mixed) = resolve(&contacts, &roomy());
    state("historical figures with room for 30 contacts", found);
    assert_eq!((found, mixed), (best, Vec::new()));
    let (found, mixed) = resolve(&contacts, tributary_identity::BUILT_IN_YAML);
    state("historical figures under the rules that are built in", found);
    assert_eq!((found.right, found.wrong, mixed), (20_292, 0, Vec::new()));
}

#[test]
fn a_name_with_a_date_of_birth_is_no_key_for_namesakes_share_both() {
    let contacts = historical(&[("name_birth", &["full_name", "dob"])]);
    let best = bound(&contacts);
    assert_eq!(best, Pairs { right: 27_730, wrong: 106, all: 303_961 });
    let (found, mixed) = resolve(&contacts, &roomy());
    state("historical figures by name and date of birth alone", found);
    for humans in &mixed {
        println!("one name and one day of birth: {}", humans.iter().cloned().collect::<Vec<_>>().join(", "));
    }
    // Each printed line is one value that the data truly gives to two humans.
    assert_eq!((found, mixed.len()), (best, 20));
}
