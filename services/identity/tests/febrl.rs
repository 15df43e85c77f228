//! FEBRL's dataset 4: 5,000 people, each with two records of which the second has errors, and who is who is known.
//! Every record comes in as one touchpoint with exact keys; what is linked is measured against the truth.

#![allow(clippy::expect_used)]

mod network;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use network::{Mutation, Network, Schedule, touchpoint};
use tributary_identity::Rules;
use tributary_model::{Identifier, PersonId, Touchpoint};

const RULES: &str = "
version: febrl
default_limit: 5
namespaces:
  - {name: crm_contact_id, priority: 90, normalise: trim}
  - {name: soc_sec_id, priority: 80, normalise: digits}
  - {name: name_birth, priority: 70, normalise: trim}
  - {name: address_birth, priority: 60, normalise: trim}
  - {name: email, priority: 50, normalise: email}
quarantine: {max_persons: 10}
";

/// One record of the data set.
struct Contact {
    /// The same for the records of one human: the truth.
    human: String,
    identifiers: Vec<Identifier>,
}

/// The records of both halves; `None` where the data is not at hand. Where it is said to be, it has to be.
fn contacts() -> Option<Vec<Contact>> {
    let said = std::env::var_os("TRIBUTARY_DATA").map(PathBuf::from);
    let usual = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = said.as_ref().unwrap_or(&usual).join("identity/febrl");
    if said.is_none() && !folder.exists() {
        eprintln!("no FEBRL data: set TRIBUTARY_DATA to the folder that holds identity/febrl");
        return None;
    }
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a file of the data set");
    let texts = [read("dataset4a.csv"), read("dataset4b.csv")];
    Some(texts.iter().flat_map(|text| text.lines().skip(1)).filter_map(contact).collect())
}

/// Keys are made of fields that are there: two that are empty say nothing about each other.
fn contact(line: &str) -> Option<Contact> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let [record, given, surname, number, street, _, _, _, _, birth, social] = fields.as_slice() else { return None };
    let key = |namespace: &str, parts: &[&str]| {
        let is_whole = parts.iter().all(|part| !part.is_empty());
        is_whole.then(|| Identifier::new(namespace, parts.join("|")))
    };
    let identifiers = [
        key("crm_contact_id", &[record]),
        key("soc_sec_id", &[social]),
        key("name_birth", &[given, surname, birth]),
        key("address_birth", &[number, street, birth]),
    ];
    let human = record.split('-').nth(1)?.to_owned();
    Some(Contact { human, identifiers: identifiers.into_iter().flatten().collect() })
}

/// What came of the contacts: persons, and pairs of contacts in one person, right and wrong.
#[derive(Debug, PartialEq, Eq)]
struct Result {
    persons: usize,
    right_pairs: usize,
    wrong_pairs: usize,
}

fn resolve(contacts: &[Contact], seed: u64) -> (Result, BTreeSet<Identifier>) {
    let rules = Arc::new(Rules::from_yaml(RULES).expect("rules of the test"));
    let disturbed =
        Schedule { seed, identifier_partitions: 4, person_partitions: 4, abort: 0.05, repeat: 0.01, repeat_input: 0.0 };
    let mut network = Network::new(&rules, disturbed, Mutation::None);
    network.watch.every_person = false;
    let one = |(number, contact): (usize, &Contact)| touchpoint(&format!("t-{number}"), 0, &contact.identifiers);
    let input: Vec<Touchpoint> = contacts.iter().enumerate().map(one).collect();
    network.run(&input);
    assert_eq!(network.violations(&input), Vec::<String>::new());
    let mut by_person: BTreeMap<PersonId, Vec<&str>> = BTreeMap::new();
    for contact in contacts {
        by_person.entry(network.person_of(&contact.identifiers[0])).or_default().push(&contact.human);
    }
    let mut result = Result { persons: by_person.len(), right_pairs: 0, wrong_pairs: 0 };
    for humans in by_person.values() {
        for (index, human) in humans.iter().enumerate() {
            let right = humans[..index].iter().filter(|other| *other == human).count();
            result.right_pairs += right;
            result.wrong_pairs += index - right;
        }
    }
    (result, network.watch.quarantined)
}

#[test]
fn exact_keys_find_most_of_the_pairs_and_link_nobody_wrongly() {
    let Some(mut contacts) = contacts() else { return };
    assert_eq!(contacts.len(), 10_000);
    let (all_keys, quarantined) = resolve(&contacts, 1);
    assert_eq!(all_keys, Result { persons: 5_128, right_pairs: 4_872, wrong_pairs: 0 });
    assert_eq!(quarantined, BTreeSet::new());
    for contact in &mut contacts {
        contact.identifiers.retain(|identifier| ["crm_contact_id", "soc_sec_id"].contains(&&*identifier.namespace));
    }
    let (one_key, _) = resolve(&contacts, 2);
    assert_eq!(one_key, Result { persons: 5_439, right_pairs: 4_561, wrong_pairs: 0 });
}

#[test]
fn an_address_that_all_contacts_share_is_quarantined_before_it_does_harm() {
    let Some(mut contacts) = contacts() else { return };
    let till = Identifier::new("email", "till");
    contacts.iter_mut().for_each(|contact| contact.identifiers.push(till.clone()));
    let (result, quarantined) = resolve(&contacts, 3);
    assert_eq!(quarantined, BTreeSet::from([till]));
    // Five contacts is what one person may have: the first five became one before it was noticed, and the second records
    // of these five found no room any more.
    assert_eq!(result, Result { persons: 5_129, right_pairs: 4_867, wrong_pairs: 10 });
}
