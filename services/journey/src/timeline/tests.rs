use proptest::prelude::*;
use tributary_model::journey::ExposureContext;
use tributary_model::time::MINUTE_MS;
use tributary_model::{Money, Touchpoint};
use tributary_stream::OrderedStore;

use super::*;
use crate::config::Config;
use crate::read::JourneyFold;
use crate::testing::{START, days, message, person, random_touchpoints, rules, sale, touch, touchpoint};

/// A journey with the stream it has written.
struct Journey {
    rules: Rules,
    touches: Touches,
    base: Base,
    stream: JourneyFold,
    record_count: usize,
}

impl Journey {
    fn new(config: &Config) -> Self {
        Self {
            rules: rules(config),
            touches: OrderedStore::new("touches", 1),
            base: Base::default(),
            stream: JourneyFold::default(),
            record_count: 0,
        }
    }

    fn insert_all(&mut self, touchpoints: Vec<Touchpoint>) -> Outcome {
        let incoming: Vec<Touch> = touchpoints.into_iter().map(|made| touch(person("p"), made)).collect();
        let mut timeline = Timeline { rules: &self.rules, person_id: person("p"), touches: &mut self.touches };
        let outcome = match <[Touch; 1]>::try_from(incoming) {
            Ok([one]) => timeline.insert(one, &self.base),
            Err(many) => timeline.insert_all(many, &self.base, None),
        };
        for change in &outcome.changes {
            self.stream.apply(change.clone()).unwrap();
        }
        self.record_count += outcome.changes.len();
        if let Some(base) = outcome.base.clone() {
            self.base = base;
        }
        outcome
    }

    fn insert(&mut self, touchpoint: Touchpoint) -> Outcome {
        self.insert_all(vec![touchpoint])
    }

    /// What the stream says now, revisions aside.
    fn told(&self) -> Vec<JourneyEvent> {
        self.stream.events().map(|event| JourneyEvent { revision: 0, ..event.clone() }).collect()
    }

    fn last(&self) -> &JourneyEvent {
        self.stream.events().last().unwrap()
    }
}

fn told_after(touchpoints: &[Touchpoint]) -> Vec<JourneyEvent> {
    let mut journey = Journey::new(&Config::default());
    for made in touchpoints {
        journey.insert(made.clone());
    }
    journey.told()
}

fn in_order(touchpoints: &[Touchpoint]) -> Vec<Touchpoint> {
    let mut sorted = touchpoints.to_vec();
    sorted.sort_by(|a, b| (a.occurred_at, &a.touchpoint_id).cmp(&(b.occurred_at, &b.touchpoint_id)));
    sorted
}

#[test]
fn touches_less_than_the_gap_apart_are_one_session() {
    let mut journey = Journey::new(&Config::default());
    for (id, minutes) in [("a", 0), ("b", 29), ("c", 59), ("d", 88)] {
        journey.insert(touchpoint(id, "page.viewed", START + minutes * MINUTE_MS));
    }
    let sessions: Vec<(i64, i32)> =
        journey.told().iter().map(|event| (event.session.started_at - START, event.session.position)).collect();
    assert_eq!(sessions, [(0, 1), (0, 2), (59 * MINUTE_MS, 1), (59 * MINUTE_MS, 2)]);
    assert_eq!(journey.last().session.session_id, format!("{}:{}", person("p"), START + 59 * MINUTE_MS));
}

#[test]
fn a_late_touch_joins_two_sessions_and_the_correction_repeats_what_it_takes_back() {
    let mut journey = Journey::new(&Config::default());
    let first = journey.insert(touchpoint("a", "page.viewed", START)).changes;
    let second = journey.insert(touchpoint("c", "page.viewed", START + 40 * MINUTE_MS)).changes;
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_eq!(second[0].session.position, 1);

    let outcome = journey.insert(touchpoint("b", "page.viewed", START + 20 * MINUTE_MS));
    assert_eq!(outcome.late_count, 1);
    let [new, retracted, restated] = outcome.changes.as_slice() else { panic!("{:?}", outcome.changes) };
    assert_eq!((new.touchpoint.touchpoint_id.as_str(), new.revision, new.retracted), ("b", 1, false));
    assert_eq!(*retracted, JourneyEvent { retracted: true, ..second[0].clone() });
    assert_eq!((restated.revision, restated.session.position, restated.session.started_at), (2, 3, START));
}

#[test]
fn totals_run_in_one_currency_and_returns_are_taken_off() {
    let mut journey = Journey::new(&Config::default());
    journey.insert(sale("a", START, 1_000));
    let euros = Some(Money::new("EUR", 5_000));
    journey.insert(Touchpoint { value: euros, ..sale("b", START + 1, 0) });
    let back = Some(Money::new("USD", -400));
    journey.insert(Touchpoint { value: back.clone(), ..touchpoint("c", "store.returned", START + 2) });
    let totals = &journey.last().totals;
    assert_eq!((totals.order_count, totals.value_minor, totals.margin_minor), (2, 600, 500));
    assert_eq!((totals.currency.as_deref(), totals.other_currency_count), (Some("USD"), 1));
    assert_eq!((totals.first_at, totals.last_order_at), (START, Some(START + 1)));
    journey.insert(Touchpoint { value: back, ..touchpoint("d", "order.cancelled", START + 3) });
    assert_eq!((journey.last().totals.order_count, journey.last().totals.value_minor), (1, 200));
}

#[test]
fn exposure_counts_the_window_before_and_the_path_of_a_sale_its_look_back() {
    let mut journey = Journey::new(&Config::default());
    journey.insert(message("old", START, "brand", "ten"));
    journey.insert(message("a", START + days(20), "brand", "ten"));
    journey.insert(message("b", START + days(25), "demand", "ten"));
    journey.insert(touchpoint("view", "page.viewed", START + days(26)));
    journey.insert(sale("sale", START + days(31), 900));
    let sale = journey.last();
    let expected = ExposureContext {
        count_30d: 2,
        brand_count_30d: 1,
        last_at: Some(START + days(25)),
        last_channel: Some("email".to_owned()),
    };
    assert_eq!(sale.exposure, expected);
    let path: Vec<(&str, &str)> =
        sale.path.iter().map(|step| (step.touchpoint_id.as_str(), step.team_id.as_str())).collect();
    assert_eq!(path, [("a", "brand-team"), ("b", "demand-team")]);
    assert_eq!((sale.stage.as_str(), sale.previous_stage.as_deref()), ("customer", Some("engaged")));
}

#[test]
fn the_path_keeps_the_newest_exposures_and_survives_the_horizon() {
    let config = Config { max_path_steps: 3, horizon_touches: 4, ..Config::default() };
    let mut journey = Journey::new(&config);
    for index in 0..8 {
        journey.insert(message(&format!("m{index}"), START + index, "brand", "ten"));
    }
    journey.insert(sale("sale", START + 100, 900));
    let steps = |journey: &Journey| -> Vec<String> {
        journey.last().path.iter().map(|step| step.touchpoint_id.clone()).collect()
    };
    assert_eq!(steps(&journey), ["m5", "m6", "m7"]);
    for index in 0..3 {
        journey.insert(touchpoint(&format!("v{index}"), "page.viewed", START + 200 + index));
    }
    let outcome = journey.insert(touchpoint("late", "page.viewed", START + 50));
    assert_eq!(outcome.beyond_horizon_count, 1);
    let restated = outcome.changes.iter().rfind(|change| change.touchpoint.touchpoint_id == "sale").unwrap();
    assert_eq!(restated.path.len(), 3, "the exposures are beyond the horizon and still on the path");
}

#[test]
fn a_path_is_taken_back_as_it_was_stated_after_the_limits_have_changed() {
    let mut journey = Journey::new(&Config::default());
    for index in 0..6 {
        journey.insert(message(&format!("m{index}"), START + days(2 * index), "brand", "ten"));
    }
    journey.insert(sale("sale", START + days(12), 900));
    assert_eq!(journey.last().path.len(), 6);
    journey.rules = rules(&Config { lookback_days: 5, max_path_steps: 1, ..Config::default() });
    let changes = journey.insert(touchpoint("late", "page.viewed", START + days(11))).changes;
    let paths: Vec<usize> = changes.iter().skip(1).map(|change| change.path.len()).collect();
    assert_eq!(paths, [6, 1]);
}

#[test]
fn what_lies_beyond_the_horizon_is_summed_up() {
    let config = Config { horizon_touches: 3, ..Config::default() };
    let mut journey = Journey::new(&config);
    for index in 0..10 {
        journey.insert(sale(&format!("s{index}"), START + days(index), 100));
    }
    assert_eq!(journey.touches.list_len(&person("p")), 3);
    assert_eq!((journey.base.touch_count, journey.base.totals().value_minor), (7, 700));
    assert_eq!(journey.last().totals.value_minor, 1_000);
    journey.insert(sale("late", START + days(2) + 1, 50));
    assert_eq!((journey.last().totals.value_minor, journey.last().totals.order_count), (1_050, 11));
    assert_eq!(journey.told().len(), 11, "statements beyond the horizon stand");
    let old = journey.insert(sale("new", START + days(1_000), 1));
    assert_eq!(old.folded.len(), 3, "all others are more than 400 days older");
    assert_eq!(journey.last().totals.value_minor, 1_051);
}

#[test]
fn a_touch_in_order_writes_one_record() {
    let mut journey = Journey::new(&Config::default());
    for index in 0..200 {
        journey.insert(touchpoint(&format!("t{index:03}"), "page.viewed", START + index));
    }
    assert_eq!(journey.record_count, 200);
    assert!(journey.told().iter().all(|event| !event.retracted));
}

proptest! {
    #[test]
    fn any_order_of_arrival_tells_the_same_journey(
        (sorted, shuffled) in random_touchpoints(40, 50).prop_flat_map(|made| (Just(in_order(&made)), Just(made).prop_shuffle()))
    ) {
        prop_assert_eq!(told_after(&shuffled), told_after(&sorted));
    }

    #[test]
    fn one_by_one_is_the_same_as_all_at_once(touchpoints in random_touchpoints(40, 50)) {
        let mut at_once = Journey::new(&Config::default());
        at_once.insert_all(touchpoints.clone());
        prop_assert_eq!(told_after(&touchpoints), at_once.told());
    }

    #[test]
    fn duplicates_change_nothing(touchpoints in random_touchpoints(30, 50)) {
        let mut journey = Journey::new(&Config::default());
        for made in &touchpoints {
            journey.insert(made.clone());
        }
        let told = journey.told();
        for made in &touchpoints {
            let outcome = journey.insert(made.clone());
            prop_assert_eq!((outcome.duplicate_count, outcome.changes.len()), (1, 0));
            let moved = Touchpoint { occurred_at: made.occurred_at + days(100), ..made.clone() };
            prop_assert_eq!(journey.insert(moved).duplicate_count, 1);
        }
        prop_assert_eq!(journey.told(), told);
    }

    #[test]
    fn taking_a_journey_away_takes_every_statement_back(touchpoints in random_touchpoints(30, 50).prop_shuffle()) {
        let mut journey = Journey::new(&Config::default());
        for made in &touchpoints {
            journey.insert(made.clone());
        }
        let mut timeline = Timeline { rules: &journey.rules, person_id: person("p"), touches: &mut journey.touches };
        let (retractions, touches) = timeline.take(&journey.base);
        prop_assert_eq!(touches.len(), touchpoints.len());
        for retraction in retractions {
            journey.stream.apply(retraction).unwrap();
        }
        prop_assert_eq!(journey.stream.events().count(), 0);
    }

    #[test]
    fn the_journey_is_what_plain_counting_says(touchpoints in random_touchpoints(30, 50).prop_shuffle()) {
        let told = told_after(&touchpoints);
        let sorted = in_order(&touchpoints);
        for (index, event) in told.iter().enumerate() {
            let so_far = &sorted[..=index];
            let at = event.touchpoint.occurred_at;
            let recent: Vec<&Touchpoint> =
                sorted[..index].iter().filter(|t| t.is_exposure() && t.occurred_at >= at - days(30)).collect();
            prop_assert_eq!(&event.touchpoint, &sorted[index]);
            prop_assert_eq!(event.totals.touch_count, so_far.len() as i64);
            let currency = so_far.iter().find_map(|t| t.value.as_ref()).map(|value| value.currency.clone());
            let values = so_far.iter().filter_map(|t| t.value.as_ref());
            let value_minor: i64 = values.filter(|v| Some(&v.currency) == currency.as_ref()).map(|v| v.amount_minor).sum();
            prop_assert_eq!(event.totals.value_minor, value_minor);
            prop_assert_eq!(event.exposure.count_30d as usize, recent.len());
            prop_assert_eq!(event.exposure.last_at, recent.last().map(|t| t.occurred_at));
            let path: Vec<&str> = event.path.iter().map(|step| step.touchpoint_id.as_str()).collect();
            let expected: Vec<&str> = recent.iter().map(|t| t.touchpoint_id.as_str()).collect();
            prop_assert_eq!(path, if event.touchpoint.is_conversion() { expected } else { Vec::new() });
            let gap = index.checked_sub(1).map(|previous| at - sorted[previous].occurred_at);
            prop_assert_eq!(event.session.position == 1, gap.is_none_or(|gap| gap >= 30 * MINUTE_MS));
        }
    }

    #[test]
    fn a_short_horizon_keeps_the_same_touches_and_sums_for_any_order(
        (sorted, shuffled) in random_touchpoints(40, 50).prop_flat_map(|made| (Just(in_order(&made)), Just(made).prop_shuffle()))
    ) {
        let config = Config { horizon_touches: 7, horizon_days: 30, ..Config::default() };
        let after = |touchpoints: &[Touchpoint]| {
            let mut journey = Journey::new(&config);
            for made in touchpoints {
                journey.insert(made.clone());
            }
            let kept: Vec<_> = journey.touches.list(&person("p")).map(|(key, touch)| (key.clone(), touch.running().totals)).collect();
            let stated = journey.told().len();
            (kept, journey.base.totals(), journey.base.counts, journey.base.exposures, stated)
        };
        prop_assert_eq!(after(&shuffled), after(&sorted));
    }
}
