use super::*;
use crate::testing::{changes, id, ids, touchpoint};

const REALM: Uuid = Uuid::from_u128(1);

fn owners() -> Owners {
    Owners::new(REALM, "1", 3)
}

fn person(text: &str) -> PersonId {
    PersonId::of(&REALM, &id(text))
}

fn seen(owners: &mut Owners, occurred_at: i64, identifiers: &[&str]) -> Vec<Output> {
    let mut out = Vec::new();
    owners.on_touchpoint(touchpoint(occurred_at, identifiers), &mut out);
    out
}

fn told(owners: &mut Owners, command: IdentifierCommand) -> Vec<Output> {
    let mut out = Vec::new();
    owners.on_command(command, &mut out);
    out
}

fn resolved(outputs: &[Output]) -> Vec<(PersonId, String)> {
    let of = |output: &Output| match output {
        Output::Resolved(resolved) => Some((resolved.person_id, resolved.via.to_string())),
        _ => None,
    };
    outputs.iter().filter_map(of).collect()
}

fn commands(outputs: &[Output]) -> Vec<&IdentifierCommand> {
    let of_kind = outputs.iter().filter_map(|output| match output {
        Output::Identifier(command) => Some(command),
        _ => None,
    });
    of_kind.collect()
}

fn requests(outputs: &[Output]) -> Vec<&MergeRequest> {
    let of_kind = outputs.iter().filter_map(|output| match output {
        Output::Merge(request) => Some(request),
        _ => None,
    });
    of_kind.collect()
}

fn command(kind: IdentifierCommandKind, identifier: &str) -> IdentifierCommand {
    IdentifierCommand {
        kind,
        identifier: id(identifier),
        person_id: person(identifier),
        first_seen_at: 5,
        with: None,
        then: Vec::new(),
        previous_person_id: None,
        touchpoint_id: "t-9".to_owned(),
        occurred_at: 9,
        by_hand: None,
        from: None,
        received_at: 9,
        sequence: 0,
    }
}

fn claim(identifier: &str, with: &str, then: &[&str]) -> IdentifierCommand {
    let command = command(IdentifierCommandKind::Claim, identifier);
    IdentifierCommand { person_id: person(with), with: Some(id(with)), then: ids(then), ..command }
}

fn label(identifier: &str, previous: PersonId, now: PersonId) -> IdentifierCommand {
    let command = command(IdentifierCommandKind::Label, identifier);
    IdentifierCommand { person_id: now, previous_person_id: Some(previous), ..command }
}

#[test]
fn a_touchpoint_leaves_at_once_for_the_person_of_its_first_identifier() {
    let mut owners = owners();
    let out = seen(&mut owners, 5, &["customer_id:c", "email:e"]);
    assert_eq!(resolved(&out), [(person("customer_id:c"), "customer_id:c".to_owned())]);
    let created = changes(&out, IdentityChangeKind::Created);
    assert_eq!(created.len(), 1);
    assert_eq!((created[0].person_id, &created[0].identifiers), (person("customer_id:c"), &ids(&["customer_id:c"])));
}

#[test]
fn an_edge_is_claimed_once_and_the_claims_of_one_event_follow_each_other() {
    let mut owners = owners();
    let out = seen(&mut owners, 5, &["customer_id:c", "email:e", "phone:p"]);
    assert_eq!(
        commands(&out),
        [&IdentifierCommand {
            touchpoint_id: "t-5".to_owned(),
            occurred_at: 5,
            received_at: 5,
            ..claim("email:e", "customer_id:c", &["phone:p"])
        }]
    );
    let again = seen(&mut owners, 6, &["customer_id:c", "phone:p", "email:e"]);
    assert_eq!(commands(&again), Vec::<&IdentifierCommand>::new());
    let more = seen(&mut owners, 7, &["customer_id:c", "email:e", "email:f"]);
    assert_eq!(commands(&more).iter().map(|command| &command.identifier).collect::<Vec<_>>(), [&id("email:f")]);
}

#[test]
fn a_forgotten_edge_is_claimed_again() {
    let mut owners = owners();
    for partner in ["email:1", "email:2", "email:3", "email:4"] {
        assert_eq!(commands(&seen(&mut owners, 5, &["customer_id:c", partner])).len(), 1);
    }
    assert_eq!(commands(&seen(&mut owners, 6, &["customer_id:c", "email:4"])).len(), 0);
    assert_eq!(commands(&seen(&mut owners, 6, &["customer_id:c", "email:1"])).len(), 1);
    assert_eq!(owners.get(&id("customer_id:c")).expect("known").edges.len(), 3);
}

#[test]
fn a_claim_asks_the_sequencer_when_the_persons_differ_and_hands_the_rest_on() {
    let mut owners = owners();
    let out = told(&mut owners, claim("email:e", "customer_id:c", &["phone:p", "phone:q"]));
    let request = requests(&out)[0];
    assert_eq!((&request.left.identifier, &request.right.identifier), (&id("customer_id:c"), &id("email:e")));
    assert_eq!((request.left.person_id, request.right.person_id), (person("customer_id:c"), person("email:e")));
    assert_eq!((request.left.first_seen_at, request.right.first_seen_at), (5, 9));
    assert_eq!(commands(&out), [&claim("phone:p", "customer_id:c", &["phone:q"])]);
    assert_eq!(changes(&out, IdentityChangeKind::Created)[0].person_id, person("email:e"));
    // The edge is known from both ends now.
    assert_eq!(commands(&seen(&mut owners, 10, &["email:e", "customer_id:c"])).len(), 0);
}

#[test]
fn a_claim_between_identifiers_of_one_person_asks_nobody() {
    let mut owners = owners();
    seen(&mut owners, 5, &["email:e"]);
    told(&mut owners, label("email:e", person("email:e"), person("customer_id:c")));
    let out = told(&mut owners, claim("email:e", "customer_id:c", &[]));
    assert_eq!(out, []);
}

#[test]
fn a_label_counts_only_while_it_says_more_than_is_known() {
    let mut owners = owners();
    let [born, middle, last] = [person("email:e"), person("a:1"), person("a:2")];
    seen(&mut owners, 5, &["email:e"]);
    told(&mut owners, label("email:e", middle, last));
    assert_eq!(owners.get(&id("email:e")).expect("known").person_id, born);
    told(&mut owners, label("email:e", born, middle));
    told(&mut owners, label("email:e", middle, last));
    told(&mut owners, label("email:e", born, middle));
    assert_eq!(resolved(&seen(&mut owners, 6, &["email:e"]))[0].0, last);
    assert_eq!(told(&mut owners, label("email:unknown", born, middle)), []);
    assert_eq!(owners.get(&id("email:unknown")), None);
}

#[test]
fn first_sight_is_the_oldest_event_time_whatever_arrives_first() {
    let mut owners = owners();
    seen(&mut owners, 50, &["customer_id:c"]);
    seen(&mut owners, 20, &["customer_id:c"]);
    let out = seen(&mut owners, 70, &["customer_id:c", "email:e"]);
    assert_eq!(commands(&out)[0].first_seen_at, 20);
}

#[test]
fn a_quarantined_identifier_lets_the_next_one_lead() {
    let mut owners = owners();
    seen(&mut owners, 5, &["email:till"]);
    told(&mut owners, command(IdentifierCommandKind::Quarantine, "email:till"));
    let out = seen(&mut owners, 6, &["email:till", "phone:p", "device_id:d"]);
    assert_eq!(resolved(&out), [(person("phone:p"), "phone:p".to_owned())]);
    let lead = commands(&out)[0];
    assert_eq!((&lead.identifier, &lead.with, &lead.then), (&id("phone:p"), &None, &ids(&["device_id:d"])));
    // The next one claims the others as if the event had begun with it.
    let out = told(&mut owners, lead.clone());
    assert_eq!(commands(&out)[0].with, Some(id("phone:p")));
    assert_eq!(commands(&out)[0].identifier, id("device_id:d"));
    assert_eq!(changes(&out, IdentityChangeKind::Created).len(), 1);
    assert_eq!(requests(&out).len(), 0);
    // Alone it still has its own person.
    assert_eq!(resolved(&seen(&mut owners, 7, &["email:till"]))[0].0, person("email:till"));
}

#[test]
fn a_claim_passes_a_quarantined_identifier_without_linking_it() {
    let mut owners = owners();
    seen(&mut owners, 5, &["email:till"]);
    told(&mut owners, command(IdentifierCommandKind::Quarantine, "email:till"));
    let out = told(&mut owners, claim("email:till", "customer_id:c", &["phone:p"]));
    assert_eq!(requests(&out).len(), 0);
    assert_eq!(commands(&out), [&claim("phone:p", "customer_id:c", &[])]);
    let lead = IdentifierCommand { with: None, ..claim("email:till", "email:till", &["phone:p", "phone:q"]) };
    let out = told(&mut owners, lead);
    let next = commands(&out)[0];
    assert_eq!((&next.identifier, &next.with, &next.then), (&id("phone:p"), &None, &ids(&["phone:q"])));
}

#[test]
fn what_was_left_out_is_reported_once_for_each_identifier_and_namespace() {
    let mut owners = owners();
    let refused = RefusedIdentifier { namespace: "email".to_owned(), reason: "blocked_value".to_owned() };
    for (round, expected) in [(5, 1), (6, 0)] {
        let input = Touchpoint { refused_identifiers: vec![refused.clone()], ..touchpoint(round, &["phone:p"]) };
        let mut out = Vec::new();
        owners.on_touchpoint(input, &mut out);
        let reported = changes(&out, IdentityChangeKind::Refused);
        assert_eq!(reported.len(), expected);
        assert!(reported.iter().all(|change| change.reason.as_deref() == Some("blocked_value:email")));
    }
}

#[test]
fn a_touchpoint_that_names_nobody_has_a_stand_in_and_leaves_no_state() {
    let mut owners = owners();
    let out = seen(&mut owners, 5, &[]);
    assert_eq!(resolved(&out), [(person("touchpoint:t-5"), "touchpoint:t-5".to_owned())]);
    assert_eq!(out.len(), 1);
    assert!(owners.stores().into_iter().all(|store| store.is_empty()));
}

#[test]
fn an_aborted_transaction_is_forgotten() {
    let mut owners = owners();
    seen(&mut owners, 5, &["customer_id:c", "email:e"]);
    owners.stores().into_iter().for_each(StateStore::abort);
    assert_eq!(owners.get(&id("customer_id:c")), None);
    assert_eq!(seen(&mut owners, 5, &["customer_id:c", "email:e"]).len(), 3);
}

fn erased(kind: IdentifierCommandKind, identifier: &str, with: Option<&str>, until: i64) -> IdentifierCommand {
    IdentifierCommand { with: with.map(id), received_at: until, sequence: until, ..command(kind, identifier) }
}

#[test]
fn an_owner_forgets_an_erased_identifier_and_lets_it_begin_anew() {
    let mut owners = owners();
    seen(&mut owners, 5, &["customer_id:c", "email:e"]);
    let mut out = Vec::new();
    owners.on_command(erased(IdentifierCommandKind::Forget, "customer_id:c", None, 50), &mut out);
    owners.on_command(erased(IdentifierCommandKind::Forget, "customer_id:c", None, 50), &mut out);
    let [unsee] = commands(&out)[..] else { panic!("{out:?}") };
    assert_eq!((unsee.kind, &unsee.identifier), (IdentifierCommandKind::Unsee, &id("email:e")));
    assert_eq!((unsee.with.as_ref(), unsee.received_at), (Some(&id("customer_id:c")), 50));
    assert_eq!(owners.get(&id("customer_id:c")), None);
    assert!(owners.is_of_erased(&touchpoint(50, &["customer_id:c"])));
    assert!(!owners.is_of_erased(&touchpoint(51, &["customer_id:c"])));

    let out = seen(&mut owners, 51, &["customer_id:c", "email:e"]);
    let Some(Output::Alias(alias)) = out.first() else { panic!("{out:?}") };
    assert_eq!(alias.loser, person("customer_id:c"));
    assert_eq!(resolved(&out), [(alias.winner, "customer_id:c".to_owned())]);
    assert_eq!(commands(&out).len(), 1, "whom it is seen with is claimed again");
    let mut out = Vec::new();
    owners.on_command(erased(IdentifierCommandKind::Forget, "customer_id:c", None, 60), &mut out);
    assert!(out.contains(&Output::Unalias(person("customer_id:c"))), "{out:?}");
}

#[test]
fn a_hint_that_overtakes_the_erasure_waits_for_it_and_lets_nothing_of_before_through() {
    let mut owners = owners();
    seen(&mut owners, 5, &["customer_id:c", "email:e"]);
    let back = Erasure { sequence: 50, at: 50 }.successor(&id("customer_id:c"));
    let hint = label("customer_id:c", person("customer_id:elsewhere"), back);
    assert_eq!(told(&mut owners, IdentifierCommand { sequence: 50, ..hint }), []);
    assert_eq!(
        resolved(&seen(&mut owners, 6, &["customer_id:c"]))[0].0,
        person("customer_id:c"),
        "it is dropped there"
    );
    let out = told(&mut owners, erased(IdentifierCommandKind::Forget, "customer_id:c", None, 50));
    let [created] = changes(&out, IdentityChangeKind::Created)[..] else { panic!("{out:?}") };
    assert_eq!(created.person_id, back);
    assert!(out.iter().any(|output| matches!(output, Output::Alias(alias) if alias.winner == back)), "{out:?}");
    assert_eq!(
        owners.get(&id("customer_id:c")).map(|owner| (owner.person_id, owner.seldom().back_after)),
        Some((back, None))
    );
}

#[test]
fn who_was_seen_with_an_erased_identifier_never_was() {
    let mut owners = owners();
    seen(&mut owners, 5, &["customer_id:c", "email:e"]);
    let mut out = Vec::new();
    owners.on_command(erased(IdentifierCommandKind::Unsee, "customer_id:c", Some("email:e"), 50), &mut out);
    let [Output::Person(unsee)] = &out[..] else { panic!("{out:?}") };
    assert_eq!((unsee.person_id, &unsee.identifiers), (person("customer_id:c"), &ids(&["customer_id:c", "email:e"])));
    let late = seen(&mut owners, 9, &["customer_id:c", "email:e"]);
    assert!(commands(&late).is_empty(), "{late:?}");
    let [Output::Resolved(late)] = &late[..] else { panic!("{late:?}") };
    assert_eq!(late.touchpoint.identifiers, ids(&["customer_id:c"]));
    assert_eq!(commands(&seen(&mut owners, 51, &["customer_id:c", "email:e"])).len(), 1);

    let mut out = Vec::new();
    owners.on_command(erased(IdentifierCommandKind::Forget, "phone:p", None, 50), &mut out);
    owners.on_command(claim("phone:p", "email:f", &["phone:q"]), &mut out);
    let told: Vec<_> = commands(&out).into_iter().map(|told| (told.kind, told.identifier.clone())).collect();
    let expected = [(IdentifierCommandKind::Unsee, id("email:f")), (IdentifierCommandKind::Claim, id("phone:q"))];
    assert_eq!(told, expected, "the next one is claimed all the same");
}
