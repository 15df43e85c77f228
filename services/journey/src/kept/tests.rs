use proptest::prelude::*;
use tributary_model::{Identifier, Item, Money};

use super::*;
use crate::testing::{START, canvas, message, person, random_touchpoints, rules, sale, touch, touchpoint};
use crate::{Config, Touch};

/// A touch is kept when it is stated, and then it is in a session.
fn packed(mut touch: Touch) -> (Touch, Kept) {
    let SessionContext { started_at, position, .. } = touch.event.session;
    touch.event.session = SessionContext::of(touch.event.person_id, started_at, position);
    let kept = Kept::of(&mut touch);
    (touch, kept)
}

fn opened(touch: &Touch, kept: &Kept) -> Touch {
    kept.open(touch.event.person_id, touch.place())
}

/// A touch that says something in every place.
fn full() -> Touch {
    let mut made = message("m", START, "brand", "ten");
    made.properties.insert("city".to_owned(), "Köln".to_owned());
    made.identifiers = vec![Identifier::new("email", "a"), Identifier::new("cookie", "b")];
    made.value = Some(Money::new("EUR", 1_234));
    made.items = vec![Item {
        sku: "s".to_owned(),
        quantity: 2,
        unit_price_minor: Some(617),
        unit_cost_minor: None,
        line_value_minor: Some(1_234),
        discounts: Vec::new(),
        category: Some("c".to_owned()),
        brand: None,
    }];
    let mut touch =
        Touch::new(&rules(&Config::default()), person("p"), &canvas(), made).by(Identifier::new("cookie", "b"));
    touch.event.revision = 3;
    touch.event.session = SessionContext::of(person("p"), START - 5, 2);
    touch.event.stage = "customer".to_owned();
    touch.event.previous_stage = Some("lead".to_owned());
    touch.event.totals = Totals { touch_count: 7, currency: Some("EUR".to_owned()), ..Totals::default() };
    touch.event.story.conflicts = vec!["offer".to_owned()];
    touch.event.exposure.last_channel = Some("email".to_owned());
    touch.counts = Counts { inbound: 3, exposures: 4 };
    touch.path_limits = PathLimits { lookback_ms: 9, max_steps: 8 };
    touch
}

#[test]
fn what_was_packed_is_opened_again_and_packing_changes_nothing() {
    let before = full();
    let (after, kept) = packed(before.clone());
    assert_eq!(after, before);
    assert_eq!(opened(&before, &kept), before);
    assert_eq!((kept.event_type(), kept.channel()), ("email.sent", "email"));
    assert_eq!((kept.is_exposure(), kept.is_conversion(), kept.is_sale()), (true, false, false));
    assert_eq!(kept.told(), before.told.as_deref().map(Told::heard));
    assert!(kept.told().is_some_and(|told| told.offer.is_some() && told.narrative_id.is_some()));
    let running = kept.running();
    assert_eq!((running.started_at, running.position, running.stage), (START - 5, 2, "customer"));
    assert_eq!((running.totals, running.counts), (before.event.totals, before.counts));
}

#[test]
fn a_sale_is_seen_to_be_one_without_opening_it() {
    let (touch, kept) = packed(touch(person("p"), sale("s", START, 500)));
    assert!(kept.is_conversion() && kept.is_sale() && !kept.is_exposure());
    assert_eq!(opened(&touch, &kept), touch);
}

#[test]
fn a_step_sees_the_same_packed_and_open() {
    let (touch, kept) = packed(full());
    let key = touch.key();
    let (past, open) = (kept.past(person("p"), &key), Past::of(&touch.event));
    assert_eq!(past.glimpse, open.glimpse);
    assert_eq!(*past, *open);
}

#[test]
fn bytes_that_are_cut_short_anywhere_are_refused() {
    let (_, kept) = packed(full());
    let whole = rmp_serde::to_vec(&kept).unwrap();
    assert_eq!(rmp_serde::from_slice::<Kept>(&whole).unwrap(), kept);
    for length in 0..kept.0.len() {
        let cut = rmp_serde::to_vec(serde_bytes::Bytes::new(&kept.0[..length])).unwrap();
        assert!(rmp_serde::from_slice::<Kept>(&cut).is_err(), "the first {length} bytes");
    }
}

#[test]
fn a_long_text_is_kept_whole() {
    let made = touchpoint("long", &format!("page.{}", "v".repeat(70_000)), START);
    let (touch, kept) = packed(touch(person("p"), made));
    assert_eq!(opened(&touch, &kept), touch);
    assert_eq!(kept.type_length(), 70_005);
}

proptest! {
    #[test]
    fn every_touch_is_opened_as_it_was(made in random_touchpoints(20, 30)) {
        for made in made {
            let (touch, kept) = packed(touch(person("p"), made));
            prop_assert_eq!(opened(&touch, &kept), touch.clone());
            let read: Kept = rmp_serde::from_slice(&rmp_serde::to_vec(&kept).unwrap()).unwrap();
            prop_assert_eq!((&read, read.type_length()), (&kept, touch.event.touchpoint.event_type.len()));
        }
    }
}
