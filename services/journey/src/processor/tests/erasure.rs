//! Persons that are erased, while others are merged and taken apart: nothing of them is left, and the others are as if they
//! had never been.

use tributary_model::Erasure;

use super::parting::{IDENTIFIERS, Persons, identifier, named};
use super::*;
use crate::testing::accounts_after;

/// What is erased was received up to here; the test says so of the touches before.
const CUT: i64 = START + 500 * 86_400_000;

#[derive(Debug, Clone)]
enum Input {
    /// A touch by an identifier, sent to any person that its owner ever thought it to have; received before or after.
    Touch(usize, u16, bool, Box<Touchpoint>),
    Merge(u16, u16),
    Split(usize, u8),
    Erase(usize),
}

fn inputs() -> impl Strategy<Value = Vec<Input>> {
    let merges = prop::collection::vec((any::<u16>(), any::<u16>()), 2..8);
    let splits = prop::collection::vec((0..IDENTIFIERS, any::<u8>()), 0..3);
    let erasures = prop::collection::vec(0..IDENTIFIERS, 1..3);
    let homes = prop::collection::vec((0..IDENTIFIERS, any::<u16>(), any::<bool>()), 30);
    (random_touchpoints(30, 40), homes, merges, splits, erasures).prop_flat_map(
        |(made, homes, merges, splits, erasures)| {
            let touch = |(made, (by, at, is_late)): (Touchpoint, (usize, u16, bool))| {
                let received_at = if is_late { CUT + 1 } else { CUT };
                Input::Touch(by, at, is_late, Box::new(Touchpoint { received_at, ..named(made, by) }))
            };
            let mut inputs: Vec<Input> = made.into_iter().zip(homes).map(touch).collect();
            inputs.extend(merges.into_iter().map(|(loser, winner)| Input::Merge(loser, winner)));
            inputs.extend(splits.into_iter().map(|(of, which)| Input::Split(of, which)));
            inputs.extend(erasures.into_iter().map(Input::Erase));
            Just(inputs).prop_shuffle()
        },
    )
}

/// Erases the person that has the identifier now, once for each identifier.
fn erase(
    persons: &mut Persons,
    hub: &mut Hub,
    of: usize,
    (erased, gone): (&mut BTreeMap<usize, i64>, &mut BTreeSet<PersonId>),
) {
    let root = persons.of[of];
    if erased.contains_key(&of) {
        return;
    }
    persons.sequence += 1;
    let own: Vec<usize> = (0..IDENTIFIERS).filter(|index| persons.of[*index] == root).collect();
    // Everybody whose name is that of one of these identifiers.
    let members: BTreeSet<PersonId> = (0..persons.ids.len())
        .filter(|person| *person == root || own.contains(&persons.first[*person]))
        .map(|person| persons.ids[person])
        .collect();
    for person_id in members {
        let erase = command(PersonCommandKind::Erase, person_id, person_id, persons.sequence);
        hub.send(topics::PERSONS, person_id.to_key(), &PersonCommand { occurred_at: CUT, ..erase });
        gone.insert(person_id);
    }
    for index in own {
        erased.insert(index, persons.sequence);
        persons.erased.insert(index, (persons.sequence, CUT));
        persons.past_of_erased.insert(index, persons.past[index].len());
        let new = persons.ids.len();
        let erasure = Erasure { sequence: persons.sequence, at: CUT };
        persons.ids.push(erasure.successor(&identifier(index)));
        persons.first.push(index);
        // Hints of owners still name the persons of before; merges go by the successor.
        persons.of[index] = new;
    }
}

/// Where texts or ids stand in what the journeys and the accounts keep.
fn needles(hub: &mut Hub, texts: &[String], persons: &BTreeSet<PersonId>) -> Vec<String> {
    let mut needles: Vec<(String, Vec<u8>)> =
        texts.iter().map(|text| (text.clone(), text.clone().into_bytes())).collect();
    for id in persons {
        needles.extend([(id.to_string(), id.to_key()), (id.to_string(), id.0.as_bytes().to_vec())]);
    }
    let mut accounts = rollups(1_000);
    accounts_after(&mut accounts, hub.account_inputs.clone(), std::iter::empty());
    let journeys = hub.partitions.iter_mut().flat_map(|processor| processor.stores());
    let mut found = Vec::new();
    for store in journeys.chain(accounts.stores()) {
        let name = store.name();
        store.begin_walk();
        while !store.walk(64, &mut |key, value| {
            let bytes = [key, value].concat();
            let is_in = |needle: &&(String, Vec<u8>)| bytes.windows(needle.1.len()).any(|window| window == needle.1);
            found.extend(needles.iter().filter(is_in).map(|(text, _)| format!("{text} in {name}")));
        }) {}
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn who_is_erased_is_gone_and_the_others_keep_their_journeys(
        inputs in inputs(),
        schedule in prop::collection::vec(any::<u16>(), 64),
    ) {
        let mut persons = Persons::new();
        let mut hub = Hub::new(3, &small_transfers());
        let mut choices = schedule.iter().cycle().copied();
        let mut erased: BTreeMap<usize, i64> = BTreeMap::new();
        let mut gone: BTreeSet<PersonId> = BTreeSet::new();
        for input in &inputs {
            match input {
                Input::Touch(by, at, _, made) => {
                    // From the erasure on its owner passes over what was received before: it names no person of after for it.
                    let known = persons.past_of_erased.get(by).filter(|_| made.received_at <= CUT);
                    let past = &persons.past[*by][..known.copied().unwrap_or(persons.past[*by].len())];
                    let to = persons.ids[past[usize::from(*at) % past.len()]];
                    let via = identifier(*by);
                    let resolved = Resolved { person_id: to, via, hops: 0, touchpoint: Touchpoint::clone(made) };
                    hub.send(topics::RESOLVED, to.to_key(), &resolved);
                }
                Input::Merge(loser, winner) => persons.merge(&mut hub, *loser, *winner),
                Input::Split(of, which) => persons.split(&mut hub, *of, *which),
                Input::Erase(of) => erase(&mut persons, &mut hub, *of, (&mut erased, &mut gone)),
            }
            for _ in 0..choices.next().unwrap() % 3 {
                let choice = choices.next().unwrap();
                hub.step(choice, choice % 7 == 0);
            }
        }
        while hub.step(choices.next().unwrap(), choices.next().unwrap() % 7 == 0) {}

        let mut all_told = Vec::new();
        for (index, person_id) in persons.ids.iter().enumerate() {
            let union: Vec<Touchpoint> = inputs.iter().filter_map(|input| match input {
                Input::Touch(by, _, is_late, made)
                    if persons.of[*by] == index && (*is_late || !erased.contains_key(by)) =>
                {
                    Some(Touchpoint::clone(made))
                }
                _ => None,
            }).collect();
            let told = hub.told(*person_id);
            prop_assert_eq!(&told, &journey_of_union(*person_id, &union), "person {}", index);
            all_told.extend(told);
        }
        let stored: usize = hub.partitions.iter().map(|processor| processor.touches.len()).sum();
        prop_assert_eq!(stored, all_told.len());
        for processor in &hub.partitions {
            let mut waiting = 0;
            processor.persons.for_each(|_, header| waiting += usize::from(header.merge.is_pending()));
            prop_assert_eq!(waiting, 0);
        }
        let is_back = |index: &usize| inputs.iter().any(|input| {
            matches!(input, Input::Touch(by, _, true, _) if by == index)
        });
        let texts: Vec<String> =
            erased.keys().filter(|index| !is_back(index)).map(|index| identifier(*index).value.into()).collect();
        prop_assert_eq!(needles(&mut hub, &texts, &gone), Vec::<String>::new());
        // Accounts are as if they had never been: a touch within the horizon is taken back wherever it was told.
        check_accounts(&hub, &all_told, choices)?;
    }
}

#[test]
fn an_account_forgets_a_person_also_of_touches_beyond_the_horizon_and_timers_are_taken_back() {
    let config = Config { horizon_touches: 2, ..Config::default() };
    let (ada, bob) = (person("ada"), person("bob"));
    let mut hub = Hub::new(1, &config);
    for index in 0..5 {
        let mut made = sale(&format!("s{index}"), START + index, 10);
        made.account_identifiers = vec![Identifier::new("crm_account_id", if index < 2 { "old" } else { "new" })];
        hub.touch(bob, made);
    }
    hub.merge(bob, ada, 1);
    hub.run();
    assert!(!hub.timers.is_empty());
    for person_id in [ada, bob] {
        let erase = command(PersonCommandKind::Erase, person_id, person_id, 2);
        hub.send(topics::PERSONS, person_id.to_key(), &PersonCommand { occurred_at: CUT, ..erase });
    }
    hub.run();
    let accounts = hub.accounts(std::iter::empty());
    assert_eq!(accounts.len(), 2);
    for account in accounts.values() {
        assert_eq!((account.members.len(), account.person_count), (0, 0), "{account:?}");
    }
    let left: i64 = accounts.values().map(|account| account.order_count).sum();
    assert_eq!(left, 3, "of touches beyond the horizon the sums are the account's, and nobody's");
    assert_eq!(needles(&mut hub, &[], &BTreeSet::from([ada, bob])), Vec::<String>::new());
    assert!(hub.timers.is_empty() && hub.told(ada).is_empty() && hub.seen(ada).is_none());
    hub.touch(ada, sale("s9", START + 9, 10));
    hub.run();
    assert_eq!((hub.erased_count, hub.told(ada).len()), (1, 0), "it was received before");
}

#[test]
fn what_names_somebody_who_was_erased_is_told_without() {
    let ada = person("ada");
    let mut hub = Hub::new(1, &Config::default());
    let both =
        Touchpoint { identifiers: vec![identifier(0), identifier(1)], ..touchpoint("both", "page.viewed", START) };
    let late = Touchpoint { touchpoint_id: "late".to_owned(), ..both.clone() };
    let via = |made: &Touchpoint| Resolved { via: identifier(0), ..resolved(ada, made.clone()) };
    hub.send(topics::RESOLVED, ada.to_key(), &via(&both));
    hub.run();
    let unsee = command(PersonCommandKind::Unsee, ada, ada, 3);
    let identifiers = vec![identifier(0), identifier(1)];
    hub.send(topics::PERSONS, ada.to_key(), &PersonCommand { occurred_at: CUT, identifiers, ..unsee });
    hub.run();
    hub.send(topics::RESOLVED, ada.to_key(), &via(&late));
    hub.run();
    let told = hub.told(ada);
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|event| event.touchpoint.identifiers == [identifier(0)]), "{told:?}");
    assert_eq!(needles(&mut hub, &[identifier(1).value.into()], &BTreeSet::new()), Vec::<String>::new());
}

#[test]
fn what_somebody_said_after_the_erasure_goes_with_them_and_what_they_said_before_is_gone() {
    let ada = person("ada");
    let mut hub = Hub::new(1, &Config::default());
    for (id, received_at) in [("before", CUT), ("after", CUT + 1)] {
        let made = Touchpoint { received_at, ..named(touchpoint(id, "page.viewed", START), 0) };
        hub.send(topics::RESOLVED, ada.to_key(), &Resolved { via: identifier(0), ..resolved(ada, made) });
    }
    hub.run();
    let erase = command(PersonCommandKind::Erase, ada, ada, 7);
    hub.send(topics::PERSONS, ada.to_key(), &PersonCommand { occurred_at: CUT, ..erase });
    hub.run();
    let back = Erasure { sequence: 7, at: CUT }.successor(&identifier(0));
    let told: Vec<String> = hub.told(back).into_iter().map(|event| event.touchpoint.touchpoint_id).collect();
    assert_eq!(told, ["after"]);
    let known: Vec<String> = hub.seen(back).expect("what came with it").by.keys().cloned().collect();
    assert_eq!(known, ["after"]);
    let hints: Vec<IdentifierCommand> = hub.output(topics::IDENTIFIERS);
    assert_eq!(hints.iter().map(|hint| (hint.person_id, hint.sequence)).collect::<Vec<_>>(), [(back, 7)]);
}
