use uuid::Uuid;

use super::*;
use crate::identifier::Identifier;
use crate::touchpoint::Touchpoint;

fn person(number: u128) -> PersonId {
    PersonId(Uuid::from_u128(number))
}

fn command(kind: PersonCommandKind, at: PersonId, other: PersonId, sequence: i64) -> PersonCommand {
    PersonCommand {
        kind,
        person_id: at,
        other_person_id: other,
        sequence,
        occurred_at: 7,
        state: Vec::new(),
        pending: Vec::new(),
        done: Vec::new(),
        identifiers: Vec::new(),
    }
}

fn identifier(value: &str) -> Identifier {
    Identifier::new("email", value)
}

fn split(at: PersonId, new: PersonId, sequence: i64, identifiers: &[&str]) -> PersonCommand {
    let identifiers = identifiers.iter().map(|value| identifier(value)).collect();
    PersonCommand { identifiers, ..command(PersonCommandKind::Split, at, new, sequence) }
}

fn out(loser: PersonId, winner: PersonId, sequence: i64) -> PersonCommand {
    command(PersonCommandKind::Out, loser, winner, sequence)
}

fn announce(winner: PersonId, loser: PersonId, sequence: i64) -> PersonCommand {
    command(PersonCommandKind::In, winner, loser, sequence)
}

fn transfer(winner: PersonId, loser: PersonId, sequence: i64, state: &[u8]) -> PersonCommand {
    PersonCommand { state: state.to_vec(), ..command(PersonCommandKind::Transfer, winner, loser, sequence) }
}

fn touchpoint() -> Touchpoint {
    let json = serde_json::json!({
        "touchpoint_id": "shop:1", "source": "shop", "domain": "ecommerce", "type": "page.viewed", "occurred_at": 3,
        "received_at": 4, "identifiers": [], "refused_identifiers": [], "account_identifiers": [], "channel": "direct",
        "direction": "inbound", "items": [], "consents": [], "properties": {},
    });
    serde_json::from_value(json).expect("a touchpoint")
}

fn handed_over(action: MergeAction) -> PersonCommand {
    match action {
        MergeAction::HandOver(command) => command,
        other => panic!("expected a hand-over, got {other:?}"),
    }
}

#[test]
fn a_merged_person_hands_over_once_and_forwards_for_ever() {
    let (loser, winner) = (person(1), person(2));
    let mut state = MergeState::default();
    let sent = handed_over(state.on_command(out(loser, winner, 5)));
    assert_eq!(sent, transfer(winner, loser, 5, b""));
    assert_eq!(state.forward(loser), Some(winner));
    assert_eq!(state.on_command(out(loser, winner, 5)), MergeAction::None);
    assert_eq!(state.forward(loser), Some(winner));
}

#[test]
fn a_merge_is_pending_from_its_announcement_until_its_state_arrives() {
    let (loser, winner) = (person(1), person(2));
    let mut state = MergeState::default();
    assert_eq!(state.on_command(announce(winner, loser, 5)), MergeAction::None);
    assert!(state.is_pending());
    let absorbed = state.on_command(transfer(winner, loser, 5, b"state"));
    assert_eq!(absorbed, MergeAction::Absorb { loser, state: b"state".to_vec() });
    assert!(!state.is_pending());
}

#[test]
fn a_state_that_arrives_before_its_announcement_leaves_nothing_pending() {
    let (loser, winner) = (person(1), person(2));
    let mut state = MergeState::default();
    assert_ne!(state.on_command(transfer(winner, loser, 5, b"state")), MergeAction::None);
    assert_eq!(state.on_command(announce(winner, loser, 5)), MergeAction::None);
    assert!(!state.is_pending());
}

#[test]
fn a_repeated_transfer_is_not_absorbed_again_and_an_empty_one_only_resolves_the_pending_merge() {
    let (loser, winner) = (person(1), person(2));
    let mut state = MergeState::default();
    assert_ne!(state.on_command(transfer(winner, loser, 5, b"state")), MergeAction::None);
    assert_eq!(state.on_command(transfer(winner, loser, 5, b"state")), MergeAction::None);
    assert_eq!(state.on_command(announce(winner, person(3), 6)), MergeAction::None);
    assert!(state.is_pending());
    assert_eq!(state.on_command(transfer(winner, person(3), 6, b"")), MergeAction::None);
    assert!(!state.is_pending());
}

#[test]
fn what_arrives_at_a_tombstone_moves_on_unchanged_but_for_the_address() {
    let (lost, loser, winner) = (person(1), person(2), person(3));
    let mut tombstone = MergeState::default();
    handed_over(tombstone.on_command(out(loser, winner, 9)));
    let moved = tombstone.on_command(announce(loser, lost, 5));
    assert_eq!(moved, MergeAction::Send(announce(winner, lost, 5)));
    let moved = tombstone.on_command(transfer(loser, lost, 5, b"state"));
    assert_eq!(moved, MergeAction::Send(transfer(winner, lost, 5, b"state")));
    assert!(!tombstone.is_pending());
}

#[test]
fn pending_merges_travel_with_the_state_and_resolve_at_the_survivor() {
    let (lost, loser, winner) = (person(1), person(2), person(3));
    let (mut middle, mut last) = (MergeState::default(), MergeState::default());
    assert_eq!(middle.on_command(announce(loser, lost, 5)), MergeAction::None);
    assert_ne!(middle.on_command(transfer(loser, person(4), 4, b"old")), MergeAction::None);
    let sent = handed_over(middle.on_command(out(loser, winner, 9)));
    assert_eq!((sent.pending.as_slice(), sent.done.as_slice()), ([5].as_slice(), [4].as_slice()));
    assert_eq!(last.on_command(announce(winner, loser, 9)), MergeAction::None);
    let absorbed = last.on_command(PersonCommand { state: b"s".to_vec(), ..sent });
    assert_eq!(absorbed, MergeAction::Absorb { loser, state: b"s".to_vec() });
    assert!(last.is_pending(), "the state of merge 5 is still on its way");
    assert_ne!(last.on_command(transfer(winner, lost, 5, b"late")), MergeAction::None);
    assert!(!last.is_pending());
}

#[test]
fn an_event_at_a_tombstone_goes_to_the_survivor_with_a_hint_for_its_owner() {
    let (loser, winner) = (person(1), person(2));
    let event = Resolved { person_id: loser, via: identifier("e"), hops: 0, touchpoint: touchpoint() };
    let mut state = MergeState::default();
    assert_eq!(state.redirect(&event), None);
    handed_over(state.on_command(out(loser, winner, 1)));
    let (forwarded, hint) = state.redirect(&event).expect("a tombstone redirects");
    assert_eq!(forwarded, Resolved { person_id: winner, hops: 1, ..event.clone() });
    assert_eq!(hint.kind, IdentifierCommandKind::Label);
    assert_eq!((hint.identifier, hint.previous_person_id, hint.person_id), (event.via, Some(loser), winner));
}

#[test]
fn a_state_in_parts_is_absorbed_whole_and_stays_pending_until_the_last() {
    let (loser, middle, last) = (person(1), person(2), person(3));
    let sent = handed_over(MergeState::default().on_command(out(loser, middle, 5)));
    let mut state = MergeState::default();
    assert_eq!(state.on_command(announce(middle, loser, 5)), MergeAction::None);
    let part = |bytes: &[u8]| part_of(&sent, bytes.to_vec());
    assert_eq!(state.on_command(part(b"a")), MergeAction::Absorb { loser, state: b"a".to_vec() });
    assert!(state.is_pending());
    // The middle one is merged away between two parts: what is left follows.
    let moved = handed_over(state.on_command(out(middle, last, 6)));
    let mut survivor = MergeState::default();
    assert_eq!(survivor.on_command(moved), MergeAction::None);
    assert!(survivor.is_pending());
    for (bytes, still_pending) in [(b"b", true), (b"c", false)] {
        let command = if still_pending { part(bytes) } else { PersonCommand { state: bytes.to_vec(), ..sent.clone() } };
        let MergeAction::Send(command) = state.on_command(command) else { panic!("a tombstone sends on") };
        assert_eq!(survivor.on_command(command), MergeAction::Absorb { loser, state: bytes.to_vec() });
        assert_eq!(survivor.is_pending(), still_pending);
    }
}

fn event(at: PersonId, via: &str) -> Resolved {
    Resolved { person_id: at, via: identifier(via), hops: 0, touchpoint: touchpoint() }
}

#[test]
fn what_was_taken_out_goes_to_the_new_person_also_when_the_old_one_is_merged_away() {
    let (old, new, winner) = (person(1), person(2), person(3));
    let mut state = MergeState::default();
    let MergeAction::TakeOut(transfer) = state.on_command(split(old, new, 5, &["b", "c"])) else { panic!("a split") };
    assert_eq!((transfer.kind, transfer.person_id, transfer.other_person_id), (PersonCommandKind::Transfer, new, old));
    assert_eq!((transfer.sequence, transfer.identifiers.len()), (5, 0));
    assert!(state.is_split() && !state.is_pending() && !state.is_empty());
    assert_eq!(state.redirect(&event(old, "a")), None);
    let (forwarded, hint) = state.redirect(&event(old, "b")).unwrap();
    assert_eq!((forwarded.person_id, hint.person_id, hint.previous_person_id), (new, new, Some(old)));

    handed_over(state.on_command(out(old, winner, 6)));
    assert_eq!(state.redirect(&event(old, "c")).unwrap().0.person_id, new);
    assert_eq!(state.redirect(&event(old, "a")).unwrap().0.person_id, winner);
    assert_eq!(state.on_command(split(old, new, 5, &["b", "c"])), MergeAction::None, "a repeat");
}

#[test]
fn what_comes_back_is_the_old_persons_own_again_and_may_be_taken_out_once_more() {
    let (old, new, newer) = (person(1), person(2), person(3));
    let mut state = MergeState::default();
    assert!(matches!(state.on_command(split(old, new, 5, &["b"])), MergeAction::TakeOut(_)));
    let back = PersonCommand { identifiers: vec![identifier("b")], ..announce(old, new, 6) };
    assert_eq!(state.on_command(back.clone()), MergeAction::None);
    assert!(!state.is_split() && state.is_pending());
    assert_eq!(state.redirect(&event(old, "b")), None);
    assert_eq!(state.on_command(split(old, new, 5, &["b"])), MergeAction::None, "a repeat");
    assert!(matches!(state.on_command(split(old, newer, 7, &["b"])), MergeAction::TakeOut(_)));
    assert_eq!(state.on_command(back), MergeAction::None, "a repeat");
    assert_eq!(state.redirect(&event(old, "b")).unwrap().0.person_id, newer);
}

#[test]
fn what_comes_back_by_another_way_goes_round_in_no_circle() {
    let (old, new, newer) = (person(1), person(2), person(3));
    let [mut one, mut two, mut three] = [MergeState::default(), MergeState::default(), MergeState::default()];
    assert!(matches!(one.on_command(split(old, new, 5, &["b", "c"])), MergeAction::TakeOut(_)));
    assert!(matches!(two.on_command(split(new, newer, 6, &["c"])), MergeAction::TakeOut(_)));
    handed_over(three.on_command(out(newer, old, 7)));
    let back = PersonCommand { identifiers: vec![identifier("c")], ..announce(old, newer, 7) };
    assert_eq!(one.on_command(back), MergeAction::None);
    let goes_to =
        |state: &MergeState, person, via| state.redirect(&event(person, via)).map(|(event, _)| event.person_id);
    assert_eq!(goes_to(&two, new, "c"), Some(newer));
    assert_eq!(goes_to(&three, newer, "c"), Some(old));
    assert_eq!(goes_to(&one, old, "c"), None, "it is here to stay");
    assert_eq!(goes_to(&one, old, "b"), Some(new), "what was taken out with it is not back");
}
