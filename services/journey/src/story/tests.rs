use tributary_model::{JourneyEvent, Touchpoint};
use tributary_stream::OrderedStore;

use crate::base::Base;
use crate::config::Config;
use crate::testing::{START, days, item, message, person, rules, sale, touch, touchpoint};
use crate::timeline::Timeline;

/// The last statement of the journey of these touchpoints.
fn last_of(touchpoints: Vec<Touchpoint>) -> JourneyEvent {
    let mut touches = OrderedStore::new("touches", 1);
    let rules = rules(&Config::default());
    let mut timeline = Timeline { rules: &rules, person_id: person("p"), touches: &mut touches };
    let incoming = touchpoints.into_iter().map(|made| touch(person("p"), made)).collect();
    timeline.insert_all(incoming, &Base::default(), None).changes.pop().unwrap()
}

#[test]
fn narratives_and_approved_messages_are_counted_over_the_window() {
    let last = last_of(vec![
        message("gone", START - days(31), "brand", "welcome"),
        message("a", START, "brand", "ten"),
        message("b", START + 1, "brand", "twenty"),
        message("c", START + 2, "demand", "ten"),
        touchpoint("unplanned", "ad.shown", START + 3),
        touchpoint("view", "page.viewed", START + 4),
    ]);
    let story = (last.story.narrative_count, last.story.exposure_count, last.story.approved_count);
    assert_eq!(story, (2, 3, 2));
    assert_eq!((last.exposure.count_30d, last.story.conflicts.len()), (4, 0));
}

#[test]
fn two_claims_for_one_subject_are_a_conflict_of_the_second() {
    let last = last_of(vec![message("a", START, "brand", "ten"), message("b", START + 1, "brand", "twenty")]);
    assert_eq!(last.story.conflicts, ["offer"]);
    let last = last_of(vec![message("a", START, "brand", "ten"), message("b", START + 1, "brand", "ten")]);
    assert!(last.story.conflicts.is_empty());
}

#[test]
fn an_acquisition_message_to_a_customer_is_a_conflict() {
    let welcome = || message("b", START + 9, "brand", "welcome");
    assert!(last_of(vec![welcome()]).story.conflicts.is_empty());
    assert_eq!(last_of(vec![sale("a", START, 500), welcome()]).story.conflicts, ["stage"]);
}

#[test]
fn pushing_what_was_bought_is_a_conflict_until_it_is_returned() {
    let push = || message("z", START + days(3), "demand", "ten");
    assert_eq!(last_of(vec![sale("a", START, 500), push()]).story.conflicts, ["already_bought"]);
    let other = Touchpoint { items: vec![item("plate", 1)], ..sale("a", START, 500) };
    assert!(last_of(vec![other, push()]).story.conflicts.is_empty());
    let returned = Touchpoint { event_type: "store.returned".to_owned(), ..sale("b", START + 1, -500) };
    assert!(last_of(vec![sale("a", START, 500), returned, push()]).story.conflicts.is_empty());
    let reminder = message("z", START + days(3), "brand", "ten");
    assert!(last_of(vec![sale("a", START, 500), reminder]).story.conflicts.is_empty(), "brand does not push");
}

#[test]
fn pushing_while_a_case_about_it_is_open_is_a_conflict() {
    let case = |id: &str, kind: &str, at: i64, case_id: &str| {
        let mut made = touchpoint(id, kind, START + at);
        made.properties.insert("case_id".to_owned(), case_id.to_owned());
        made
    };
    let push = || message("z", START + days(3), "demand", "ten");
    let opened = || case("a", "case.opened", 0, "c1");
    assert_eq!(last_of(vec![opened(), push()]).story.conflicts, ["open_case"]);
    assert!(last_of(vec![opened(), case("b", "case.closed", 1, "c1"), push()]).story.conflicts.is_empty());
    assert_eq!(last_of(vec![opened(), case("b", "case.closed", 1, "c2"), push()]).story.conflicts, ["open_case"]);
    let about_plates = Touchpoint { items: vec![item("plate", 1)], ..opened() };
    assert!(last_of(vec![about_plates, push()]).story.conflicts.is_empty());
}
