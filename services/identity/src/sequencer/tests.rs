use uuid::Uuid;

use super::*;
use crate::testing::{changes, id, ids};

const REALM: Uuid = Uuid::from_u128(1);
const DAY_MS: i64 = tributary_model::time::DAY_MS;
const RULES: &str = "
version: '3'
default_limit: 2
namespaces:
  - {name: customer_id, priority: 90, limit: 1, unique: true, normalise: trim}
  - {name: loyalty_id, priority: 80, limit: 2, normalise: trim}
  - {name: email, priority: 70, normalise: email}
  - {name: phone, priority: 60, limit: 1, window_days: 10, normalise: phone}
  - {name: anonymous_id, priority: 10, limit: 0, normalise: trim}
quarantine: {max_persons: 3}
";

fn sequencer() -> Sequencer {
    Sequencer::new(REALM, Arc::new(Rules::from_yaml(RULES).expect("rules")))
}

fn person(text: &str) -> PersonId {
    PersonId::of(&REALM, &id(text))
}

fn side((text, first_seen_at): (&str, i64)) -> MergeSide {
    MergeSide { identifier: id(text), person_id: person(text), first_seen_at }
}

fn request(left: (&str, i64), right: (&str, i64)) -> MergeRequest {
    MergeRequest {
        kind: MergeRequestKind::Merge,
        left: side(left),
        right: side(right),
        touchpoint_id: "t".to_owned(),
        occurred_at: 100,
        by_hand: None,
        from: None,
        received_at: 100,
    }
}

fn decide(sequencer: &mut Sequencer, left: (&str, i64), right: (&str, i64)) -> Vec<Output> {
    let mut out = Vec::new();
    sequencer.on_request(&request(left, right), &mut out);
    out
}

/// Links two identifiers, both first seen at 1.
fn link(sequencer: &mut Sequencer, left: &str, right: &str) -> Vec<Output> {
    decide(sequencer, (left, 1), (right, 1))
}

fn is_merge(outputs: &[Output]) -> bool {
    changes(outputs, IdentityChangeKind::Merged).len() == 1
}

fn refusal(outputs: &[Output]) -> Option<&str> {
    changes(outputs, IdentityChangeKind::Refused).first().and_then(|change| change.reason.as_deref())
}

#[test]
fn one_decision_tells_aliases_persons_owners_and_the_public() {
    let mut sequencer = sequencer();
    let out = decide(&mut sequencer, ("customer_id:c", 9), ("email:e", 4));
    let (winner, loser) = (person("email:e"), person("customer_id:c"));
    assert_eq!(out[0], Output::Alias(Alias { loser, winner, sequence: 1 }));
    let Output::Person(to_loser) = &out[1] else { panic!("{out:?}") };
    assert_eq!((to_loser.kind, to_loser.person_id, to_loser.other_person_id), (PersonCommandKind::Out, loser, winner));
    let Output::Person(to_winner) = &out[2] else { panic!("{out:?}") };
    assert_eq!((to_winner.kind, to_winner.person_id, to_winner.sequence), (PersonCommandKind::In, winner, 1));
    let Output::Identifier(label) = &out[3] else { panic!("{out:?}") };
    assert_eq!((&label.identifier, label.previous_person_id), (&id("customer_id:c"), Some(loser)));
    let merged = changes(&out, IdentityChangeKind::Merged)[0];
    assert_eq!((merged.person_id, merged.other_person_id), (winner, Some(loser)));
    assert_eq!((merged.sequence, merged.rule_version.as_str()), (Some(1), "3"));
    let linked = changes(&out, IdentityChangeKind::Linked)[0];
    assert_eq!((linked.person_id, &linked.identifiers), (winner, &ids(&["customer_id:c", "email:e"])));
    assert_eq!(out.len(), 6);
}

#[test]
fn the_older_person_wins_and_the_smaller_id_among_equals() {
    let mut first = sequencer();
    decide(&mut first, ("loyalty_id:l", 3), ("email:e", 7));
    assert_eq!(first.resolve(person("email:e")), person("loyalty_id:l"));
    decide(&mut first, ("customer_id:c", 2), ("email:e", 7));
    assert_eq!(first.resolve(person("email:e")), person("customer_id:c"));
    let mut second = sequencer();
    link(&mut second, "loyalty_id:l", "email:e");
    let smaller = person("loyalty_id:l").min(person("email:e"));
    assert_eq!(second.resolve(person("email:e")), smaller);
    assert_eq!(second.resolve(person("loyalty_id:l")), smaller);
}

#[test]
fn an_identifier_is_linked_once_and_asking_again_changes_nothing() {
    let mut sequencer = sequencer();
    link(&mut sequencer, "customer_id:c", "email:e");
    assert_eq!(link(&mut sequencer, "customer_id:c", "email:e"), []);
    let out = link(&mut sequencer, "loyalty_id:l", "email:e");
    assert_eq!(changes(&out, IdentityChangeKind::Linked)[0].identifiers, ids(&["loyalty_id:l"]));
    let out = link(&mut sequencer, "loyalty_id:l", "customer_id:c");
    assert_eq!(out, []);
}

#[test]
fn two_customers_never_become_one() {
    let mut sequencer = sequencer();
    link(&mut sequencer, "customer_id:1", "email:e");
    link(&mut sequencer, "customer_id:2", "loyalty_id:l");
    let out = link(&mut sequencer, "loyalty_id:l", "email:e");
    assert_eq!(refusal(&out), Some("unique:customer_id"));
    assert_eq!(out.len(), 1);
    assert_ne!(sequencer.resolve(person("email:e")), sequencer.resolve(person("loyalty_id:l")));
    // What would break two rules names the one of higher priority.
    link(&mut sequencer, "customer_id:1", "email:f");
    link(&mut sequencer, "customer_id:2", "email:g");
    assert_eq!(refusal(&link(&mut sequencer, "email:f", "email:g")), Some("unique:customer_id"));
}

#[test]
fn a_limit_counts_values_of_the_union_and_leaves_the_rest_of_the_event_to_be_tried() {
    let mut sequencer = sequencer();
    for email in ["email:1", "email:2"] {
        assert!(is_merge(&link(&mut sequencer, "customer_id:c", email)));
    }
    assert_eq!(refusal(&link(&mut sequencer, "customer_id:c", "email:3")), Some("limit:email"));
    assert!(is_merge(&link(&mut sequencer, "customer_id:c", "phone:p")));
    // A namespace that the rules do not name has the default limit, one without limit none.
    for value in ["x:1", "x:2"] {
        assert!(is_merge(&link(&mut sequencer, "customer_id:c", value)));
    }
    assert_eq!(refusal(&link(&mut sequencer, "customer_id:c", "x:3")), Some("limit:x"));
    for number in 0..20 {
        assert!(is_merge(&link(&mut sequencer, "customer_id:c", &format!("anonymous_id:{number}"))));
    }
}

#[test]
fn a_limit_with_a_window_counts_within_any_such_window() {
    let mut sequencer = sequencer();
    let customer = ("customer_id:c", 0);
    assert!(is_merge(&decide(&mut sequencer, customer, ("phone:1", 20 * DAY_MS))));
    assert_eq!(refusal(&decide(&mut sequencer, customer, ("phone:2", 29 * DAY_MS))), Some("limit:phone"));
    assert_eq!(refusal(&decide(&mut sequencer, customer, ("phone:3", 11 * DAY_MS))), Some("limit:phone"));
    assert!(is_merge(&decide(&mut sequencer, customer, ("phone:4", 30 * DAY_MS))));
    assert!(is_merge(&decide(&mut sequencer, customer, ("phone:5", 10 * DAY_MS))));
}

#[test]
fn an_identifier_that_is_refused_by_too_many_persons_is_quarantined_once() {
    let mut sequencer = sequencer();
    let mut quarantines = Vec::new();
    for customer in 1..=6 {
        let out = link(&mut sequencer, &format!("customer_id:{customer}"), "email:till");
        let expected = match customer {
            1 => None,
            2..=4 => Some("unique:customer_id"),
            _ => Some("shared:email"),
        };
        assert_eq!(refusal(&out), expected, "customer {customer}");
        quarantines.extend(changes(&out, IdentityChangeKind::Quarantined).into_iter().cloned());
        if customer == 4 {
            let Some(Output::Identifier(command)) = out.iter().find(|output| matches!(output, Output::Identifier(_)))
            else {
                panic!("the owner is not told: {out:?}")
            };
            assert_eq!((command.kind, &command.identifier), (IdentifierCommandKind::Quarantine, &id("email:till")));
        }
    }
    assert_eq!(quarantines.len(), 1);
    assert_eq!(quarantines[0].reason.as_deref(), Some("shared:email"));
    assert_eq!(quarantines[0].identifiers, ids(&["email:till"]));
    // Others go on, and the partners of the shared one are not to blame.
    assert!(is_merge(&link(&mut sequencer, "customer_id:2", "email:own")));
}

#[test]
fn a_namespace_may_have_a_quarantine_of_its_own() {
    let strict = RULES.replace("{name: email, priority: 70,", "{name: email, priority: 70, max_persons: 1,");
    let mut sequencer = Sequencer::new(REALM, Arc::new(Rules::from_yaml(&strict).expect("rules")));
    for (namespace, expected) in [("email", 1), ("loyalty_id", 0)] {
        let shared = format!("{namespace}:shared");
        link(&mut sequencer, "customer_id:1", &shared);
        let out = link(&mut sequencer, "customer_id:2", &shared);
        assert_eq!(refusal(&out), Some("unique:customer_id"));
        assert_eq!(changes(&out, IdentityChangeKind::Quarantined).len(), expected, "{namespace}");
    }
}

#[test]
fn one_person_refusing_again_and_again_is_one_person() {
    let mut sequencer = sequencer();
    link(&mut sequencer, "customer_id:1", "email:e");
    for partner in ["loyalty_id:l", "phone:p", "anonymous_id:a", "anonymous_id:b"] {
        link(&mut sequencer, "customer_id:2", partner);
        let out = link(&mut sequencer, partner, "email:e");
        assert_eq!(refusal(&out), Some("unique:customer_id"));
        assert_eq!(changes(&out, IdentityChangeKind::Quarantined).len(), 0);
    }
    // Two strangers that become one in the meantime count as one, too.
    link(&mut sequencer, "customer_id:3", "loyalty_id:3");
    assert!(changes(&link(&mut sequencer, "loyalty_id:3", "email:e"), IdentityChangeKind::Quarantined).is_empty());
}

#[test]
fn an_identifier_that_joins_too_many_persons_is_quarantined_and_what_it_joined_stays() {
    let mut sequencer = sequencer();
    let mut quarantined = 0;
    for number in 1..=5 {
        let lead = format!("anonymous_id:{number}");
        link(&mut sequencer, &lead, &format!("y{number}:v"));
        let out = link(&mut sequencer, &lead, "device_id:d");
        quarantined += changes(&out, IdentityChangeKind::Quarantined).len();
        // The first is its own person's, then 3 are allowed at all.
        assert_eq!(is_merge(&out), number <= 4, "{number}");
    }
    assert_eq!(quarantined, 1);
    assert_eq!(sequencer.resolve(person("y4:v")), sequencer.resolve(person("device_id:d")));
    assert_ne!(sequencer.resolve(person("y5:v")), sequencer.resolve(person("device_id:d")));
}

#[test]
fn a_leading_identifier_with_many_partners_and_a_unique_one_are_never_quarantined() {
    let mut sequencer = sequencer();
    for number in 0..20 {
        let out = link(&mut sequencer, "loyalty_id:l", &format!("anonymous_id:{number}"));
        assert!(is_merge(&out) && changes(&out, IdentityChangeKind::Quarantined).is_empty());
        let out = link(&mut sequencer, "customer_id:c", &format!("email:{number}"));
        let quarantined = changes(&out, IdentityChangeKind::Quarantined);
        assert!(quarantined.is_empty(), "{quarantined:?}");
    }
}

#[test]
fn the_oldest_person_of_a_long_chain_is_found_from_every_link_and_an_abort_takes_merges_back() {
    let mut sequencer = sequencer();
    for number in 0..50 {
        // Each is older than the one before and so takes over.
        let (left, right) = (format!("anonymous_id:{}", number + 1), format!("anonymous_id:{number}"));
        decide(&mut sequencer, (&left, 100 - number - 1), (&right, 100 - number));
    }
    let last = person("anonymous_id:50");
    assert!((0..=50).all(|number| sequencer.resolve(person(&format!("anonymous_id:{number}"))) == last));
    sequencer.stores().into_iter().for_each(StateStore::commit);
    let out = decide(&mut sequencer, ("customer_id:c", 0), ("anonymous_id:7", 93));
    assert!(is_merge(&out));
    sequencer.stores().into_iter().for_each(StateStore::abort);
    assert_eq!(sequencer.resolve(person("anonymous_id:7")), last);
    assert_eq!(decide(&mut sequencer, ("customer_id:c", 0), ("anonymous_id:7", 93)), out);
}

#[test]
fn state_restored_from_its_changelogs_decides_alike() {
    let mut first = sequencer();
    link(&mut first, "customer_id:1", "email:e");
    link(&mut first, "customer_id:2", "email:e");
    link(&mut first, "customer_id:1", "loyalty_id:l");
    let mut second = sequencer();
    for (from, to) in first.stores().into_iter().zip(second.stores()) {
        for (key, value) in from.changes() {
            to.restore(&key, value.as_deref()).expect("what the same version wrote");
        }
    }
    for (left, right) in [("customer_id:3", "email:e"), ("customer_id:4", "email:e"), ("phone:p", "email:e")] {
        assert_eq!(link(&mut first, left, right), link(&mut second, left, right));
    }
}

fn unmerge(sequencer: &mut Sequencer, left: &str, right: &str) -> Vec<Output> {
    let mut out = Vec::new();
    let by_hand = Some("a borrowed card".to_owned());
    let request = MergeRequest { kind: MergeRequestKind::Unmerge, by_hand, ..request((left, 1), (right, 1)) };
    sequencer.on_request(&request, &mut out);
    out
}

fn link_by_hand(sequencer: &mut Sequencer, left: &str, right: &str) -> Vec<Output> {
    let mut out = Vec::new();
    let by_hand = Some("they are one after all".to_owned());
    sequencer.on_request(&MergeRequest { by_hand, ..request((left, 1), (right, 1)) }, &mut out);
    out
}

fn told(outputs: &[Output]) -> Vec<&PersonCommand> {
    let told = outputs.iter().filter_map(|output| match output {
        Output::Person(command) => Some(command),
        _ => None,
    });
    told.collect()
}

#[test]
fn an_unmerge_undoes_the_last_merge_on_the_way_and_tells_everybody() {
    let mut sequencer = sequencer();
    decide(&mut sequencer, ("email:a", 1), ("loyalty_id:1", 2));
    decide(&mut sequencer, ("loyalty_id:2", 3), ("email:b", 4));
    decide(&mut sequencer, ("loyalty_id:1", 2), ("email:b", 4));
    decide(&mut sequencer, ("email:a", 1), ("anonymous_id:x", 5));
    let old = person("email:a");
    assert_eq!(sequencer.resolve(person("email:b")), old);
    let out = unmerge(&mut sequencer, "email:a", "email:b");

    let [change] = changes(&out, IdentityChangeKind::Unmerged)[..] else { panic!("{out:?}") };
    assert_eq!((change.person_id, change.sequence, change.undoes), (old, Some(5), Some(3)));
    assert_eq!(change.reason.as_deref(), Some("a borrowed card"));
    let new = change.other_person_id.expect("a new person");
    let [split, arrival] = told(&out)[..] else { panic!("{out:?}") };
    assert_eq!((split.kind, split.person_id, split.other_person_id), (PersonCommandKind::Split, old, new));
    assert_eq!((arrival.kind, arrival.person_id, arrival.other_person_id), (PersonCommandKind::In, new, old));
    assert_eq!(split.identifiers, ids(&["email:b", "loyalty_id:2"]));
    for text in ["email:b", "loyalty_id:2"] {
        assert_eq!(sequencer.resolve(person(text)), new);
    }
    for text in ["loyalty_id:1", "email:a", "anonymous_id:x"] {
        assert_eq!(sequencer.resolve(person(text)), old);
    }
    let moved = out.iter().filter_map(|output| match output {
        Output::Identifier(command) if command.kind == IdentifierCommandKind::Move => Some(command.person_id),
        _ => None,
    });
    assert_eq!(moved.collect::<Vec<_>>(), [new, new]);
}

#[test]
fn who_is_held_apart_is_not_joined_by_anything_until_somebody_says_so() {
    let mut sequencer = sequencer();
    let out = unmerge(&mut sequencer, "email:a", "email:b");
    assert_eq!(changes(&out, IdentityChangeKind::Unmerged)[0].undoes, None, "they were two");
    link(&mut sequencer, "loyalty_id:1", "email:a");
    assert_eq!(refusal(&link(&mut sequencer, "loyalty_id:1", "email:b")), Some("hold:email"));
    assert_eq!(refusal(&unmerge(&mut sequencer, "email:a", "email:a")), Some("same:email"));
    let out = link_by_hand(&mut sequencer, "email:a", "email:b");
    assert_eq!(changes(&out, IdentityChangeKind::Merged)[0].reason.as_deref(), Some("they are one after all"));
}

#[test]
fn each_part_has_the_room_of_its_own_identifiers_and_hears_of_what_comes_back() {
    let mut sequencer = sequencer();
    for (left, right) in [("customer_id:c", "email:a"), ("customer_id:c", "email:b")] {
        assert!(is_merge(&link(&mut sequencer, left, right)));
    }
    assert_eq!(refusal(&link(&mut sequencer, "customer_id:c", "email:d")), Some("limit:email"));
    let out = unmerge(&mut sequencer, "customer_id:c", "email:b");
    let taken_out_of = told(&out)[0].person_id;
    assert!(is_merge(&link(&mut sequencer, "customer_id:c", "email:d")), "there is room for it now");
    assert_eq!(refusal(&link_by_hand(&mut sequencer, "customer_id:c", "email:b")), Some("limit:email"));
    unmerge(&mut sequencer, "customer_id:c", "email:d");
    let out = link_by_hand(&mut sequencer, "customer_id:c", "email:b");
    let returned: Vec<(PersonId, Vec<Identifier>)> = told(&out)
        .into_iter()
        .filter(|command| command.kind == PersonCommandKind::In)
        .map(|command| (command.person_id, command.identifiers.clone()))
        .collect();
    assert_eq!(returned, [(taken_out_of, vec![id("email:b")])]);
}

#[test]
fn what_was_taken_out_twice_comes_back_without_what_was_taken_out_with_it() {
    let mut sequencer = sequencer();
    for (left, right) in [(("customer_id:c", 1), ("anonymous_id:y", 2)), (("anonymous_id:y", 2), ("anonymous_id:z", 3))]
    {
        assert!(is_merge(&decide(&mut sequencer, left, right)));
    }
    let out = unmerge(&mut sequencer, "customer_id:c", "anonymous_id:y");
    let split = told(&out)[0].clone();
    assert_eq!(split.identifiers, [id("anonymous_id:y"), id("anonymous_id:z")]);
    unmerge(&mut sequencer, "anonymous_id:y", "anonymous_id:z");
    let out = decide(&mut sequencer, ("customer_id:c", 1), ("anonymous_id:z", 3));
    let back = told(&out).into_iter().find(|command| command.kind == PersonCommandKind::In).expect("an arrival");
    assert_eq!((back.person_id, back.identifiers.as_slice()), (split.person_id, [id("anonymous_id:z")].as_slice()));
    assert_eq!(sequencer.resolve(person("anonymous_id:y")), split.other_person_id, "it stays away");
}

fn erase(sequencer: &mut Sequencer, identifier: &str) -> Vec<Output> {
    let mut out = Vec::new();
    let by_hand = Some("asked us to".to_owned());
    let request = MergeRequest {
        kind: MergeRequestKind::Erase,
        by_hand,
        received_at: 500,
        ..request((identifier, 1), (identifier, 1))
    };
    sequencer.on_request(&request, &mut out);
    out
}

#[test]
fn an_erasure_reaches_everybody_who_ever_was_the_person_and_nobody_else() {
    let mut sequencer = sequencer();
    decide(&mut sequencer, ("email:a", 1), ("loyalty_id:1", 2));
    decide(&mut sequencer, ("loyalty_id:2", 3), ("email:b", 4));
    decide(&mut sequencer, ("loyalty_id:1", 2), ("email:b", 4));
    unmerge(&mut sequencer, "email:a", "email:b");
    link(&mut sequencer, "phone:other", "email:other");
    let out = erase(&mut sequencer, "loyalty_id:2");
    let own = [person("email:b"), person("loyalty_id:2")];
    let [change] = changes(&out, IdentityChangeKind::Erased)[..] else { panic!("{out:?}") };
    assert_eq!((change.reason.as_deref(), change.identifiers.len()), (Some("asked us to"), 0));
    let told: Vec<PersonId> = told(&out).into_iter().map(|command| command.person_id).collect();
    assert_eq!(told.len(), 3);
    assert!(own.iter().chain([&change.person_id]).all(|person| told.contains(person)));
    let forgotten = out.iter().filter_map(|output| match output {
        Output::Identifier(command) if command.kind == IdentifierCommandKind::Forget => Some(&command.identifier),
        _ => None,
    });
    assert_eq!(forgotten.cloned().collect::<Vec<_>>(), ids(&["email:b", "loyalty_id:2"]));
    for gone in own {
        assert!(out.contains(&Output::Unalias(gone)), "{out:?}");
    }
    let again = erase(&mut sequencer, "email:b");
    assert_eq!((again.len(), refusal(&again)), (1, Some("erased")), "it is done");
    assert!(changes(&again, IdentityChangeKind::Refused).iter().all(|change| change.identifiers.is_empty()));
}

#[test]
fn an_erasure_reaches_every_name_of_a_value_and_no_name_is_left() {
    let mut sequencer = sequencer();
    link(&mut sequencer, "email:a", "anonymous_id:1");
    let rekey = MergeRequest { kind: MergeRequestKind::Rekey, ..request(("email:a", 1), ("email:a-newer", 1)) };
    sequencer.on_request(&rekey, &mut Vec::new());
    let out = erase(&mut sequencer, "email:a-newer");
    let forgotten = out.iter().filter_map(|output| match output {
        Output::Identifier(command) if command.kind == IdentifierCommandKind::Forget => {
            Some(command.identifier.clone())
        }
        _ => None,
    });
    assert_eq!(forgotten.collect::<Vec<_>>(), ids(&["anonymous_id:1", "email:a", "email:a-newer"]));
    for store in sequencer.stores() {
        let is_empty = store.is_empty();
        assert!(is_empty || ["sequence", "erased"].contains(&store.name()), "{}", store.name());
    }
    // Whoever comes back has the names that are told from then on.
    let mut out = Vec::new();
    sequencer.on_request(&MergeRequest { received_at: 501, ..rekey.clone() }, &mut out);
    let [change] = changes(&out, IdentityChangeKind::Rekeyed)[..] else { panic!("{out:?}") };
    assert!(![person("email:a"), person("email:a-newer")].contains(&change.person_id), "{change:?}");
    assert_eq!(change.other_person_id.map(|person| sequencer.resolve(person)), Some(change.person_id));
}

#[test]
fn late_evidence_of_the_erased_counts_for_nobody_and_new_evidence_for_somebody_new() {
    let mut sequencer = sequencer();
    link(&mut sequencer, "email:a", "loyalty_id:1");
    erase(&mut sequencer, "email:a");
    assert_eq!(link(&mut sequencer, "email:a", "phone:p"), [], "it was received before");
    let mut out = Vec::new();
    sequencer.on_request(&MergeRequest { received_at: 501, ..request(("email:a", 1), ("phone:p", 2)) }, &mut out);
    let [change] = changes(&out, IdentityChangeKind::Merged)[..] else { panic!("{out:?}") };
    assert!(![person("email:a"), person("loyalty_id:1")].contains(&change.person_id), "{change:?}");
    assert_eq!(sequencer.resolve(person("phone:p")), change.person_id);
}
