//! What stands is counted, who contradicts whom is told, and every example can be opened.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tributary_model::journey::{ExposureContext, PlanContext, SessionContext, StoryContext, Totals};
use tributary_model::{Direction, Domain, JourneyEvent, Money, PersonId, Touchpoint};
use tributary_story::{StoryFold, markdown};
use uuid::Uuid;

fn person(number: u128) -> PersonId {
    PersonId(Uuid::from_u128(number))
}

fn touch(id: u32, who: u128, team: &str, event_type: &str) -> JourneyEvent {
    let outbound = event_type.ends_with(".sent");
    JourneyEvent {
        person_id: person(who),
        account_ids: Vec::new(),
        revision: 1,
        retracted: false,
        team_id: team.to_owned(),
        touchpoint: Touchpoint {
            touchpoint_id: format!("test:{id}"),
            source: "test".to_owned(),
            domain: Domain::Channel,
            event_type: event_type.to_owned(),
            occurred_at: i64::from(id) * 1_000,
            received_at: 0,
            identifiers: Vec::new(),
            refused_identifiers: Vec::new(),
            account_identifiers: Vec::new(),
            channel: "email".to_owned(),
            direction: if outbound { Direction::Outbound } else { Direction::Inbound },
            campaign_id: outbound.then(|| format!("{team}-campaign")),
            message_id: None,
            decision_id: None,
            agency: (team == "media").then(|| "north|light".to_owned()),
            partner: None,
            cost: None,
            value: (event_type == "store.purchased").then(|| Money::new("USD", 100)),
            items: Vec::new(),
            order_id: None,
            location: None,
            consents: Vec::new(),
            duplicate_of: None,
            properties: BTreeMap::new(),
        },
        session: SessionContext { session_id: String::new(), started_at: 0, position: 1 },
        stage: "aware".to_owned(),
        previous_stage: None,
        exposure: ExposureContext::default(),
        totals: Totals::default(),
        story: StoryContext { narrative_count: 1, exposure_count: 1, ..StoryContext::default() },
        path: Vec::new(),
        plan: None,
    }
}

fn approved(mut event: JourneyEvent) -> JourneyEvent {
    event.plan = Some(Box::new(PlanContext { is_approved: true, ..PlanContext::default() }));
    event
}

fn conflicting(mut event: JourneyEvent, kind: &str, with: &str) -> JourneyEvent {
    event.story.conflicts = vec![kind.to_owned()];
    event.story.conflicts_with = vec![with.to_owned()];
    event
}

fn retracted(event: &JourneyEvent) -> JourneyEvent {
    JourneyEvent { retracted: true, ..event.clone() }
}

#[test]
fn who_contradicts_whom_is_told_with_an_example_that_can_be_opened() {
    let mut fold = StoryFold::new(None);
    let first = approved(touch(1, 7, "email", "email.sent"));
    let bought = touch(2, 7, "store", "store.purchased");
    let mut other = conflicting(touch(3, 7, "media", "ad.sent"), "offer", "test:1");
    other.story.narrative_count = 2;
    other.story.is_second_story = true;
    let pushed = conflicting(touch(4, 8, "media", "ad.sent"), "already_bought", "test:99");
    for event in [&first, &bought, &other, &pushed] {
        fold.journey(event);
    }
    let report = fold.report(None, 5);
    assert_eq!((report.total.messages, report.total.approved, report.total.second_stories), (3, 1, 1));
    assert_eq!((report.persons.one, report.persons.two, report.persons.sum()), (1, 1, 2));
    assert_eq!(report.agencies["north|light"].conflicts.values().sum::<i64>(), 2);
    let offer = report.contradictions.iter().find(|one| one.kind == "offer").unwrap();
    assert_eq!((offer.by.team_id.as_str(), offer.with.team_id.as_str()), ("media", "email"));
    let lost = report.contradictions.iter().find(|one| one.kind == "already_bought").unwrap();
    assert_eq!(lost.with.team_id, "", "the sale is not kept any more");
    let kinds: Vec<&str> = report.examples.iter().map(|one| one.kind.as_str()).collect();
    assert_eq!(kinds, ["already_bought", "offer", "second_story"]);
    let text = markdown(&report);
    assert!(text.contains(&format!("tributary journey {}", person(7))), "{text}");
    assert!(text.contains("north\\|light"), "no name breaks the table: {text}");
    assert_eq!(fold.report(Some("email"), 5).total.messages, 1);
    assert!(fold.report(None, 0).examples.is_empty());
}

#[test]
fn whoever_is_erased_is_counted_no_more() {
    let mut fold = StoryFold::new(None);
    fold.journey(&touch(1, 7, "email", "email.sent"));
    fold.erase(person(7));
    assert_eq!(fold.report(None, 5), StoryFold::new(None).report(None, 5));
}

#[test]
fn what_was_before_is_not_counted_and_may_still_be_contradicted() {
    let mut fold = StoryFold::new(Some(2_000));
    fold.journey(&touch(1, 7, "email", "email.sent"));
    fold.journey(&conflicting(touch(3, 7, "media", "ad.sent"), "offer", "test:1"));
    let report = fold.report(None, 5);
    assert_eq!((report.total.messages, report.contradictions[0].with.team_id.as_str()), (1, "email"));
}

/// A touch of somebody, and how often it is corrected.
fn history() -> impl Strategy<Value = Vec<(u32, u128, usize, u32, bool)>> {
    prop::collection::vec((0_u32..50, 0_u128..4, 0_usize..3, 0_u32..3, any::<bool>()), 0..40)
}

proptest! {
    /// The report after any corrections, persons' streams interleaved in any way, is that of what stands.
    #[test]
    fn corrections_leave_what_stands(history in history(), turn in any::<u64>()) {
        let (mut streams, mut standing): (BTreeMap<u128, Vec<JourneyEvent>>, BTreeMap<u32, JourneyEvent>) = Default::default();
        for (id, who, team, corrections, goes) in history {
            if standing.contains_key(&id) || streams.values().flatten().any(|one| one.touchpoint.touchpoint_id == format!("test:{id}")) {
                continue;
            }
            let stream = streams.entry(who).or_default();
            let mut event = touch(id, who, ["email", "media", "brand"][team], "mail.sent");
            stream.push(event.clone());
            for revision in 2..2 + corrections as i32 {
                stream.push(retracted(&event));
                event.revision = revision;
                event.story.is_second_story = revision % 2 == 0;
                stream.push(event.clone());
            }
            if goes {
                stream.push(retracted(&event));
            } else {
                standing.insert(id, event);
            }
        }
        let mut all = StoryFold::new(None);
        let mut places: Vec<(u128, usize)> = streams.keys().map(|who| (*who, 0)).collect();
        let mut turn = turn;
        while !places.is_empty() {
            let chosen = (turn % places.len() as u64) as usize;
            turn = turn.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let (who, next) = &mut places[chosen];
            match streams[who].get(*next) {
                Some(event) => {
                    all.journey(event);
                    *next += 1;
                }
                None => drop(places.remove(chosen)),
            }
        }
        let mut plain = StoryFold::new(None);
        standing.values().for_each(|event| plain.journey(event));
        prop_assert_eq!(all.report(None, 3), plain.report(None, 3));
        prop_assert_eq!(plain.report(None, 3).total.messages, standing.len() as i64);
    }
}
