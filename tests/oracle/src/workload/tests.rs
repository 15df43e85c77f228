use std::collections::BTreeSet;

use super::*;

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let one = Workload::generate(7, Size::SMALL);
    assert_eq!(one.events, Workload::generate(7, Size::SMALL).events);
    assert_ne!(one.events, Workload::generate(8, Size::SMALL).events);
    assert!((80..260).contains(&one.events.len()), "{}", one.events.len());
}

#[test]
fn shuffling_keeps_the_events_and_the_order_within_a_key() {
    let sorted = Workload::generate(3, Size::SMALL);
    let shuffled = sorted.shuffled(1);
    assert_ne!(sorted.events, shuffled.events);
    let keys: BTreeSet<&[u8]> = sorted.events.iter().map(|event| event.key.as_slice()).collect();
    for key in keys {
        let of_key = |workload: &Workload| -> Vec<Event> {
            workload.events.iter().filter(|event| event.key == key).cloned().collect()
        };
        assert_eq!(of_key(&sorted), of_key(&shuffled));
    }
}

#[test]
fn a_few_seeds_hold_every_kind_of_event() {
    let mut kinds = BTreeSet::new();
    let mut sources = BTreeSet::new();
    for seed in 0..12 {
        let workload = Workload::generate(seed, Size::SMALL);
        for event in &workload.events {
            sources.insert(event.source.clone());
            match &event.truth {
                Truth::DeadLetter(reason) | Truth::Dropped(reason) => drop(kinds.insert((*reason).to_owned())),
                Truth::Touches(touches) => {
                    kinds.extend(touches.iter().map(|touch| touch.touchpoint.event_type.clone()));
                    kinds.extend(touches.iter().any(|touch| !touch.shared.is_empty()).then(|| "shared".to_owned()));
                }
            }
        }
    }
    assert_eq!(sources.len(), 9, "{sources:?}");
    for kind in ["shared", "store.returned", "order.refunded", "order.cancelled", "cart.updated", "bot", "too_precise"]
    {
        assert!(kinds.contains(kind), "{kind}: {kinds:?}");
    }
}
