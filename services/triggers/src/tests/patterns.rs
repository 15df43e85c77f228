//! Sequences, counts, windows, absence and re-entry, with touches in and out of order.

use proptest::prelude::*;
use tributary_model::past::{Glimpse, Packed};
use tributary_model::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use tributary_model::{Direction, JourneyEvent, Past, PersonId};

use super::harness::{TouchExt, World, monday, person, touch};
use crate::Definition;
use crate::pattern::Pattern;

fn world(rest: &str) -> World {
    World::of(&[&format!("{{id: t, version: 1, team: x, action: notify, validity: 30d, {rest}}}")])
}

fn evidence(world: &World) -> Vec<Vec<String>> {
    let short = |id: &String| id.trim_start_matches("test:").split('@').next().unwrap().to_owned();
    world.decisions.iter().map(|decision| decision.evidence.iter().map(short).collect()).collect()
}

#[test]
fn a_sequence_completes_in_order_and_within_its_times() {
    let rest = "pattern: [{on: a.a}, {on: b.b, within: 1h}, {on: c.c, within: 1h}]";
    let mut in_time = world(rest);
    in_time.see(touch("a.a", monday())).see(touch("b.b", monday() + HOUR_MS)).see(touch("c.c", monday() + 2 * HOUR_MS));
    assert_eq!(evidence(&in_time), [["a.a", "b.b", "c.c"]]);
    let mut late = world(rest);
    late.see(touch("a.a", monday()))
        .see(touch("b.b", monday() + HOUR_MS + 1))
        .see(touch("c.c", monday() + 2 * HOUR_MS));
    assert!(late.decisions.is_empty());
    let mut backwards = world(rest);
    backwards.see(touch("b.b", monday())).see(touch("a.a", monday() + 1)).see(touch("c.c", monday() + 2));
    assert!(backwards.decisions.is_empty());
}

#[test]
fn an_earlier_touch_may_fit_where_the_latest_does_not() {
    // The newest b has no a in time before it; the older b has one.
    let mut world = world("pattern: [{on: a.a}, {on: b.b, within: 10m}, {on: c.c, within: 1h}]");
    world.see(touch("a.a", monday())).see(touch("b.b", monday() + 5 * MINUTE_MS));
    world.see(touch("b.b", monday() + 30 * MINUTE_MS)).see(touch("c.c", monday() + 40 * MINUTE_MS));
    assert_eq!(evidence(&world), [["a.a", "b.b", "c.c"]]);
    assert!(world.decisions[0].evidence[1].ends_with(&(monday() + 5 * MINUTE_MS).to_string()));
}

/// A packed touch that nobody may open.
struct Sealed;

impl Packed for Sealed {
    fn open(&self, _: PersonId, glimpse: &Glimpse<'_>) -> JourneyEvent {
        panic!("{} was opened", glimpse.event_type)
    }

    fn property(&self, _: &str) -> Option<&str> {
        None
    }
}

#[test]
fn touches_stay_packed_unless_a_condition_asks_for_more_of_them() {
    let sealed = |event_type, at| {
        let (channel, direction) = ("email", Direction::Outbound);
        let glimpse = Glimpse { occurred_at: at, touchpoint_id: "", event_type, channel, direction };
        Past::packed(person(1), glimpse, &Sealed)
    };
    let history = [sealed("a.a", 1), sealed("b.b", 2), sealed("b.b", 3), sealed("c.c", 4)];
    let completes = |pattern: &str| {
        let text = format!("id: t\nversion: 1\nteam: x\naction: notify\nvalidity: 1d\npattern: {pattern}");
        Definition::parse("test.yaml", &text).unwrap().pattern.completes_at(&history, 3)
    };
    assert_eq!(completes("[{on: a.a}, {on: b.b, count: 2}, {on: c.c, direction: outbound}]"), Some(vec![0, 1, 2, 3]));
    let opens = || completes("[{on: b.b, where: .touchpoint.partner == null}, {on: c.c}]");
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(opens)).is_err());
}

#[test]
fn filters_narrow_by_direction_channel_and_condition() {
    let mut world = world(
        "reentry: {per: touchpoint}, pattern: [{on: 'email.*', direction: inbound, channels: [email], \
         where: '.touchpoint.properties.kind == \"hot\"'}]",
    );
    let hot = |at| touch("email.clicked", at).property("kind", "hot").change(|e| e.touchpoint.channel = "email".into());
    world.see(hot(monday()));
    world.see(hot(monday() + 1).outbound("email", "email"));
    world.see(hot(monday() + 2).change(|event| event.touchpoint.channel = "sms".to_owned()));
    world.see(hot(monday() + 3).property("kind", "cold"));
    world.see(hot(monday() + 4).change(|event| event.touchpoint.event_type = "sms.clicked".to_owned()));
    assert_eq!(world.decisions.len(), 1);
}

#[test]
fn a_late_touch_completes_a_pattern_at_the_later_touch() {
    let mut world = world("pattern: [{on: a.a, count: 2, within: 1d}, {on: b.b, within: 1d}]");
    world.see(touch("a.a", monday() + HOUR_MS)).see(touch("b.b", monday() + 2 * HOUR_MS));
    assert!(world.decisions.is_empty());
    world.see(touch("a.a", monday()));
    assert_eq!(evidence(&world), [["a.a", "a.a", "b.b"]]);
    assert_eq!(world.decisions[0].decided_at, monday() + 2 * HOUR_MS);
}

#[test]
fn a_late_touch_breaks_an_absence_that_has_not_been_decided() {
    let mut world = world("pattern: [{on: a.a}], absent: {on: b.b, for: 1h}");
    world.see(touch("a.a", monday())).see(touch("b.b", monday() + 10 * MINUTE_MS));
    world.pass_to(monday() + DAY_MS);
    assert!(world.decisions.is_empty());
    assert!(world.state.facts().is_none(), "nothing is left to wait for: {:?}", world.state);
}

#[test]
fn absence_is_waited_for_at_every_anchor_with_one_timer() {
    let mut world = world("pattern: [{on: a.a}], absent: {on: b.b, for: 1h}, reentry: {per: touchpoint}");
    for minute in [0, 20, 40] {
        world.see(touch("a.a", monday() + minute * MINUTE_MS));
        assert_eq!(world.timers.len(), 1);
    }
    world.pass_to(monday() + 70 * MINUTE_MS);
    world.see(touch("b.b", monday() + 80 * MINUTE_MS)).pass_to(monday() + DAY_MS);
    let decided: Vec<i64> = world.decisions.iter().map(|decision| decision.decided_at - monday()).collect();
    assert_eq!(
        decided,
        [60 * MINUTE_MS, 80 * MINUTE_MS],
        "the touch at 80 minutes comes after the timer of 80 minutes"
    );
}

#[test]
fn re_entry_limits_how_often() {
    let counts = |reentry: &str| {
        let mut world = world(&format!("pattern: [{{on: a.a}}], reentry: {reentry}"));
        for (minute, order) in [(0, "A"), (10, "A"), (50, "B"), (13 * 60, "B"), (15 * 60, "C")] {
            world.see(touch("a.a", monday() + minute * MINUTE_MS).order(order));
        }
        world.decisions.len()
    };
    assert_eq!(counts("once"), 1);
    assert_eq!(counts("{per: touchpoint}"), 5);
    assert_eq!(counts("{per: session}"), 4);
    assert_eq!(counts("{per: order}"), 3);
    assert_eq!(counts("{per: day}"), 2);
    assert_eq!(counts("{per: 50m}"), 4);
    assert_eq!(counts("{per: 51m}"), 3);
}

#[test]
fn a_day_is_the_persons_day() {
    let count = |zone: &str| {
        let mut world = world("pattern: [{on: a.a}], reentry: {per: day}");
        world.see(touch("a.a", monday()).property("time_zone", zone));
        world.see(touch("a.a", monday() + 12 * HOUR_MS).property("time_zone", zone));
        world.decisions.len()
    };
    assert_eq!(count("UTC"), 1);
    assert_eq!(count("Asia/Tokyo"), 2);
    assert_eq!(count("nowhere"), 1);
}

/// A decision's id names the day by its date: the dates of two days are the same where the zone changes in between.
#[test]
fn whoever_changes_the_time_zone_gets_no_second_decision_under_one_id() {
    let mut world = world("pattern: [{on: a.a}], reentry: {per: day}");
    world.see(touch("a.a", monday() + HOUR_MS));
    // In New York the touch before was on Sunday, and this one is on Monday too.
    world.see(touch("a.a", monday() + 10 * HOUR_MS).property("time_zone", "America/New_York"));
    assert_eq!(world.decisions.len(), 1, "{:?}", world.decisions);
    world.see(touch("a.a", monday() + 30 * HOUR_MS));
    assert_eq!(world.decisions.len(), 2, "{:?}", world.decisions);
}

#[test]
fn late_touches_and_corrections_never_fire_a_key_twice() {
    let mut world = world("pattern: [{on: a.a}], reentry: {per: session}, condition: .person.totals.touch_count >= 1");
    world.see(touch("a.a", monday() + 20 * MINUTE_MS));
    // The session now begins earlier, under another id, and every touch of it is stated anew.
    world.see(touch("a.a", monday())).see(touch("b.b", monday() + MINUTE_MS)).see(touch("a.a", monday() + 2));
    assert_eq!(world.decisions.len(), 1);
    let changes = world.history.clone();
    world.step(|engine, person, state, effects| {
        tributary_model::step::PersonStep::on_journey(engine, person, &changes, state, effects);
    });
    assert_eq!(world.decisions.len(), 1, "a replay says nothing again");
}

#[test]
fn a_correction_can_make_a_condition_true() {
    let mut world =
        world("pattern: [{on: a.a}], condition: .person.totals.order_count >= 1, reentry: {per: touchpoint}");
    world.see(touch("a.a", monday()));
    assert!(world.decisions.is_empty());
    world.see(touch("order.placed", monday() - HOUR_MS).worth(100));
    assert_eq!(evidence(&world), [["a.a"]]);
}

#[test]
fn a_condition_that_fails_on_its_input_does_not_hold() {
    let mut world = world("pattern: [{on: a.a}], condition: 'int!(.touchpoint.value_minor) > 5'");
    world.see(touch("a.a", monday()));
    assert!(world.decisions.is_empty());
    world.see(touch("a.a", monday() + 1).worth(6));
    assert_eq!(world.decisions.len(), 1);
}

/// Whether the steps complete at `end`, by trying every way to pick touches.
fn completes_by_trying(pattern: &Pattern, history: &[Past<'_>], step: usize, end: usize) -> bool {
    let at = |index: usize| history[index].at();
    let this = &pattern.steps[step];
    // All picks of `count` matching touches that end at `end`.
    fn picks(matching: &[usize], count: usize) -> Vec<Vec<usize>> {
        if count == 0 {
            return vec![Vec::new()];
        }
        (0..matching.len())
            .flat_map(|last| {
                picks(&matching[..last], count - 1).into_iter().map(move |mut pick| {
                    pick.push(matching[last]);
                    pick
                })
            })
            .collect()
    }
    let matching: Vec<usize> = (0..=end).filter(|index| this.filter.matches(&history[*index])).collect();
    picks(&matching, this.count).into_iter().filter(|pick| *pick.last().unwrap() == end).any(|pick| {
        let begins = |from: i64| this.within.is_none_or(|within| at(end) - from <= within.as_ms());
        if step == 0 {
            return begins(at(pick[0]));
        }
        (0..pick[0]).any(|before| begins(at(before)) && completes_by_trying(pattern, history, step - 1, before))
    })
}

proptest! {
    #[test]
    fn matching_agrees_with_trying_every_way(
        kinds in prop::collection::vec((0_usize..3, 0_i64..40), 1..9),
        steps in prop::collection::vec((0_usize..3, 1_usize..3, prop::option::of(1_i64..40)), 1..4),
    ) {
        const TYPES: [&str; 3] = ["a.a", "b.b", "c.c"];
        let yaml: Vec<String> = steps.iter().enumerate().map(|(position, (kind, count, within))| {
            let within = within.filter(|_| position > 0 || *count > 1).map_or(String::new(), |m| format!(", within: {m}m"));
            format!("{{on: {}, count: {count}{within}}}", TYPES[*kind])
        }).collect();
        let text = format!("{{id: t, version: 1, team: x, action: notify, pattern: [{}]}}", yaml.join(", "));
        let pattern = Definition::parse("test.yaml", &text).unwrap().pattern;
        let mut minutes = 0;
        let events: Vec<JourneyEvent> = kinds.iter().map(|(kind, gap)| {
            minutes += gap;
            touch(TYPES[*kind], monday() + minutes * MINUTE_MS)
        }).collect();
        let history: Vec<Past<'_>> = events.iter().map(Past::of).collect();
        for end in 0..history.len() {
            let found = pattern.completes_at(&history, end);
            let expected = completes_by_trying(&pattern, &history, pattern.steps.len() - 1, end);
            prop_assert_eq!(found.is_some(), expected);
            if let Some(evidence) = found {
                prop_assert!(evidence.is_sorted() && evidence.last() == Some(&end));
                prop_assert_eq!(evidence.len(), pattern.steps.iter().map(|step| step.count).sum::<usize>());
            }
        }
    }
}
