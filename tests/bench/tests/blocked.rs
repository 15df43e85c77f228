//! A value that the rules block links nobody: the persons are those of the same events without it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tributary_bench::{Identity, touchpoint};
use tributary_identity::Rules;
use tributary_model::ids::realm_uuid;
use tributary_model::{Identifier, PersonId, Pseudonymizer, RefusedIdentifier, Touchpoint};
use tributary_normalizer::{Config, Rulebook};

/// What stands for nobody, or is none, as it comes from forms, tills and exports.
const NOBODYS: [(&str, &str); 14] = [
    ("email", "null"),
    ("email", " NULL "),
    ("email", "test@example.org"),
    ("email", "no-reply@retailer.example"),
    ("email", "ada@"),
    ("phone", "0000000"),
    ("phone", "12"),
    ("phone", "555-555-5555"),
    ("phone", "+1 555 555 5555"),
    ("loyalty_id", "0"),
    ("customer_id", "-1"),
    ("customer_id", "undefined"),
    ("anonymous_id", "00000000-0000-0000-0000-000000000000"),
    ("device_id", "N/A"),
];

type Persons = BTreeMap<PersonId, BTreeSet<Identifier>>;

struct Hub<'a> {
    rules: Arc<Rules>,
    rulebook: &'a Rulebook,
    pseudonymizer: Pseudonymizer,
}

impl Hub<'_> {
    fn event(&self, number: usize, named: &[(&str, String)]) -> Touchpoint {
        let (mut identifiers, mut refused) = (Vec::new(), Vec::new());
        for (namespace, raw) in named {
            match self.rulebook.normalise(namespace, raw) {
                Ok(value) => identifiers.push(self.pseudonym(namespace, &value)),
                Err(reason) => {
                    refused.push(RefusedIdentifier { namespace: (*namespace).to_owned(), reason: reason.to_owned() })
                }
            }
        }
        touchpoint(format!("t-{number}"), number as i64, identifiers, refused)
    }

    fn pseudonym(&self, namespace: &str, value: &str) -> Identifier {
        Identifier::new(namespace, self.pseudonymizer.pseudonym(namespace, value))
    }

    /// The persons that these events make, `partitions` of owners and `piece` events at a time.
    fn persons(&self, events: &[Touchpoint], partitions: usize, piece: usize) -> (Persons, Identity) {
        let mut identity = Identity::new(realm_uuid("blocked"), &self.rules, partitions, 64);
        events.chunks(piece).for_each(|some| identity.take(some.to_vec()));
        let mut persons = Persons::new();
        for identifier in events.iter().flat_map(|event| &event.identifiers) {
            persons.entry(identity.person_of(identifier)).or_default().insert(identifier.clone());
        }
        (persons, identity)
    }
}

/// Of one event: the human, whether it tells the card, and the value of nobody's that it carries.
type Event = (usize, bool, Option<usize>);

fn named((human, card, nobodys): &Event, with_nobodys: bool) -> Vec<(&'static str, String)> {
    let second = if *card { ("loyalty_id", format!("C{human}")) } else { ("anonymous_id", format!("a-{human}")) };
    // By priority: the card is before the address, and the cookie after it.
    let mut named = vec![("email", format!("p{human}@mail.example")), second];
    named.sort_by_key(|(namespace, _)| *namespace != "loyalty_id");
    named.sort_by_key(|(namespace, _)| *namespace == "anonymous_id");
    let nobodys = nobodys.filter(|_| with_nobodys).map(|index| NOBODYS[index]);
    named.extend(nobodys.map(|(namespace, value)| (namespace, value.to_owned())));
    named
}

#[test]
fn a_blocked_value_never_links_anybody() {
    let rulebook = Rulebook::load(&Config::default()).unwrap();
    let hub = Hub {
        rules: Arc::new(Rules::built_in().unwrap()),
        rulebook: &rulebook,
        pseudonymizer: Pseudonymizer::new(b"0123456789abcdef").unwrap(),
    };
    let event = (0..8_usize, any::<bool>(), prop::option::weighted(0.8, 0..NOBODYS.len()));
    let runs = (prop::collection::vec(event, 1..40), 1..5_usize, 1..8_usize);
    let outcome = TestRunner::default().run(&runs, |(events, partitions, piece)| {
        let made = |with: bool| {
            let one = |(number, event): (usize, &Event)| hub.event(number, &named(event, with));
            events.iter().enumerate().map(one).collect::<Vec<_>>()
        };
        let (with, identity) = hub.persons(&made(true), partitions, piece);
        let (without, _) = hub.persons(&made(false), partitions, piece);
        prop_assert_eq!(with, without);
        for (namespace, value) in NOBODYS {
            prop_assert!(!identity.knows(&hub.pseudonym(namespace, value.trim())), "{namespace} {value}");
        }
        let told = events.iter().filter(|(_, _, nobodys)| nobodys.is_some()).count();
        prop_assert_eq!(identity.tally().refusals.is_empty(), told == 0, "each is reported");
        Ok(())
    });
    assert_eq!(outcome, Ok(()));
}
