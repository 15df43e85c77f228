//! What a touch costs with sixty triggers: a measurement to be read, not a limit that fails.

use std::time::Instant;

use tributary_model::step::{PersonStep, PersonView, StepEffects};
use tributary_model::time::MINUTE_MS;
use tributary_model::{JourneyEvent, Past};

use super::harness::{TouchExt, monday, person, touch};
use crate::{Definitions, TriggerEngine, TriggerState, TriggersConfig};

/// The shipped triggers three times over.
fn sixty() -> TriggerEngine {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas/triggers");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for copy in 0..3 {
            files.push(text.replacen("\nid: ", &format!("\nid: copy-{copy}-"), 1));
        }
    }
    let definitions = Definitions::parse(files.iter().map(|text| ("copy.yaml", text.as_str()))).unwrap();
    assert_eq!(definitions.iter().count(), 60);
    TriggerEngine::new(definitions, &TriggersConfig::default()).unwrap()
}

#[test]
#[ignore = "a measurement: run it with --release -- --ignored --nocapture cost"]
fn cost_of_a_touch_with_sixty_triggers() {
    const ROUNDS: u32 = 20_000;
    let engine = sixty();
    for event_type in ["page.left", "page.viewed", "cart.updated", "store.purchased", "email.sent"] {
        let mut history: Vec<JourneyEvent> =
            (0..20).map(|n| touch("page.left", monday() + n * MINUTE_MS).worth(100)).collect();
        let mut newest = touch(event_type, monday() + 30 * MINUTE_MS).worth(100);
        if event_type == "email.sent" {
            newest = newest.outbound("email", "email");
        }
        newest.totals.order_count = 2;
        history.push(newest.clone());
        let history: Vec<Past<'_>> = history.iter().map(Past::of).collect();
        let view = PersonView {
            person_id: person(1),
            experiment_id: person(1),
            history: &history,
            via: None,
            merge_pending: false,
        };
        let mut state = TriggerState::default();
        engine.on_journey(view, std::slice::from_ref(&newest), &mut state, &mut StepEffects::default());
        let started = Instant::now();
        for _ in 0..ROUNDS {
            engine.on_journey(view, std::slice::from_ref(&newest), &mut state, &mut StepEffects::default());
        }
        println!("{event_type:16} {:6.2} us", started.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS));
    }
}
