//! Questions about sent decisions find the person wherever it has gone.

use tributary_model::Recheck;
use tributary_model::delivery::{DeliveryCommand, DeliveryCommandKind};

use super::*;

fn ask(hub: &mut Hub, person_id: PersonId) {
    let asked = Recheck {
        person_id,
        destination: "crm".to_owned(),
        decision_id: "d-1".to_owned(),
        trigger_id: "call-back".to_owned(),
        channel: "call".to_owned(),
        decided_at: START,
        valid_until_at: START + 1_000,
        asked_at: START + 500,
    };
    hub.send(topics::RECHECKS, person_id.to_key(), &asked);
    hub.run();
}

fn answers(hub: &Hub) -> Vec<DeliveryCommandKind> {
    let told: Vec<DeliveryCommand> = hub.output(topics::DELIVERIES);
    for command in &told {
        assert_eq!((command.destination.as_str(), command.decision_id.as_deref()), ("crm", Some("d-1")));
        assert_eq!(command.asked_at, Some(START + 500));
    }
    told.iter().map(|command| command.kind).collect()
}

#[test]
fn they_are_answered_where_the_person_is_and_nobody_who_was_erased_is_sent_anything() {
    let mut hub = Hub::new(3, &Config::default());
    let (ada, bob) = (person("ada"), person("bob"));
    hub.touch(ada, touchpoint("a", "page.viewed", START));
    hub.touch(bob, touchpoint("b", "page.viewed", START));
    hub.merge(bob, ada, 1);
    hub.run();
    ask(&mut hub, bob);
    assert_eq!(answers(&hub), [DeliveryCommandKind::Permit]);
    for gone in [bob, ada] {
        hub.send(topics::PERSONS, gone.to_key(), &command(PersonCommandKind::Erase, gone, gone, 2));
    }
    hub.run();
    ask(&mut hub, ada);
    ask(&mut hub, bob);
    assert_eq!(answers(&hub)[1..], [DeliveryCommandKind::Withhold; 2]);
}
