use std::sync::Arc;

use tributary_model::identity::{IdentifierCommand, IdentifierCommandKind};
use tributary_model::{Pseudonymizer, RawEvent, Touchpoint, topics};
use tributary_schema::Contracts;
use tributary_stream::{
    Effects, Failure, HEADER_CODE, HEADER_MESSAGE, HEADER_ORIGINAL_TIMESTAMP, Processor, Record, TaskInfo,
};

use super::stage;
use crate::{Config, HEADER_SOURCE};

const NOW: i64 = 1_772_355_602_000; // 2026-03-01T09:00:02Z

const OLD_KEY: &[u8] = b"0123456789abcdef";
const NEW_KEY: &[u8] = b"fedcba9876543210";

struct Harness {
    contracts: Arc<Contracts>,
    processor: Box<dyn Processor>,
}

impl Harness {
    fn new() -> Self {
        Self::with(Pseudonymizer::new(OLD_KEY).unwrap())
    }

    fn with(pseudonymizer: Pseudonymizer) -> Self {
        let stage = stage(&Config::default(), pseudonymizer).unwrap();
        assert_eq!(stage.leader_topics.len(), 4);
        let processor = (stage.factory)(TaskInfo { topic_index: 0, partition: 0 });
        Self { contracts: Contracts::single_object().unwrap(), processor }
    }

    fn record(&self, value: Option<Vec<u8>>, source: Option<&str>) -> Record {
        let headers = source.map(|source| (HEADER_SOURCE.to_owned(), source.as_bytes().to_vec())).into_iter().collect();
        let topic = "tributary.raw.ecommerce".to_owned();
        Record { topic, partition: 0, offset: 3, timestamp_ms: Some(NOW), key: b"k".to_vec(), value, headers }
    }

    /// A bare JSON event of the source.
    fn bare(&mut self, source: &str, body: &str) -> Effects {
        let record = self.record(Some(body.as_bytes().to_vec()), Some(source));
        self.process(&record)
    }

    fn process(&mut self, record: &Record) -> Effects {
        let mut effects = Effects::new(Arc::clone(&self.contracts));
        self.processor.process(record, &mut effects).unwrap();
        assert_one_outcome(&effects);
        effects
    }
}

/// Each input has exactly one outcome: touchpoints, one dead letter, or one drop.
fn assert_one_outcome(effects: &Effects) {
    let dropped: u64 = effects.drops().iter().map(|drops| drops.count).sum();
    let touchpoints = effects.records().iter().filter(|record| record.topic == topics::TOUCHPOINTS).count();
    assert_eq!(dropped + effects.dead_letter_count() + u64::from(touchpoints > 0), 1);
}

fn touchpoints(effects: &Effects) -> Vec<Touchpoint> {
    let records = effects.records().iter().filter(|record| record.topic == topics::TOUCHPOINTS);
    records.map(|record| effects.contracts().decode(record.value.as_deref().unwrap()).unwrap()).collect()
}

fn dead_letter(effects: &Effects) -> (String, String) {
    let record = effects.records().iter().find(|record| record.topic == topics::DEAD_LETTERS).unwrap();
    let header = |name: &str| {
        let (_, value) = record.headers.iter().find(|(key, _)| key == name).unwrap();
        String::from_utf8(value.clone()).unwrap()
    };
    (header(HEADER_CODE), header(HEADER_MESSAGE))
}

fn page(id: &str, at: &str) -> String {
    format!(
        r#"{{"type": "page", "messageId": "{id}", "userId": "C-1", "timestamp": "{at}",
        "traits": {{"email": "Ada@Engines.Example"}}}}"#
    )
}

const AT: &str = "2026-03-01T09:00:00Z";

#[test]
fn an_event_becomes_a_touchpoint_keyed_by_its_first_identifier_and_shows_no_raw_value() {
    let mut harness = Harness::new();
    let effects = harness.bare("segment", &page("m-1", AT));
    let [touchpoint] = touchpoints(&effects).try_into().unwrap();
    assert_eq!(touchpoint.touchpoint_id, "segment:m-1");
    assert_eq!(touchpoint.received_at, NOW);
    assert_eq!(effects.event_time(), Some(touchpoint.occurred_at));
    let namespaces: Vec<&str> = touchpoint.identifiers.iter().map(|found| found.namespace.as_str()).collect();
    assert_eq!(namespaces, ["customer_id", "email"]);
    assert_eq!(touchpoint.account_identifiers[0].namespace, "company_domain");
    let record = &effects.records()[0];
    assert_eq!(record.key, touchpoint.identifiers[0].to_key());
    let bytes = [record.key.clone(), record.value.clone().unwrap()].concat();
    let text = String::from_utf8_lossy(&bytes).to_lowercase();
    assert!(!text.contains("ada@") && !text.contains("engines") && !text.contains("c-1"), "{text}");
}

#[test]
fn while_keys_are_rotated_touchpoints_go_by_the_old_key_and_owners_are_told_the_new_names() {
    let [before, after] = [OLD_KEY, NEW_KEY].map(|key| {
        let [touchpoint] =
            touchpoints(&Harness::with(Pseudonymizer::new(key).unwrap()).bare("segment", &page("m-1", AT)))
                .try_into()
                .unwrap();
        touchpoint
    });
    let rotating = Pseudonymizer::new(OLD_KEY).unwrap().with_newer(NEW_KEY).unwrap();
    let mut harness = Harness::with(rotating);
    let effects = harness.bare("segment", &page("m-1", AT));
    assert_eq!(touchpoints(&effects), std::slice::from_ref(&before));
    let records = effects.records().iter().filter(|record| record.topic == topics::IDENTIFIERS);
    let told: Vec<IdentifierCommand> = records
        .map(|record| {
            let command: IdentifierCommand = effects.contracts().decode(record.value.as_deref().unwrap()).unwrap();
            assert_eq!((command.kind, &record.key), (IdentifierCommandKind::Rekey, &command.identifier.to_key()));
            command
        })
        .collect();
    let names: Vec<_> = told.iter().map(|command| (command.identifier.clone(), command.then.clone())).collect();
    let expected = before.identifiers.iter().cloned().zip(after.identifiers.iter().map(|name| vec![name.clone()]));
    assert_eq!(names, expected.collect::<Vec<_>>());
    let again = harness.bare("segment", &page("m-1", AT));
    assert!(again.records().is_empty(), "a duplicate tells nobody anything");
    let single = Harness::new().bare("segment", &page("m-1", AT));
    assert!(single.records().iter().all(|record| record.topic != topics::IDENTIFIERS));
}

#[test]
fn avro_and_bare_records_give_the_same_touchpoint() {
    let mut harness = Harness::new();
    let body = page("m-1", AT);
    let bare = touchpoints(&harness.bare("segment", &body));
    let event = RawEvent {
        source: "segment".to_owned(),
        event_id: Some("m-1".to_owned()),
        received_at: NOW,
        content_type: "application/json".to_owned(),
        body: body.into_bytes(),
    };
    let mut other = Harness::new();
    let bytes = other.contracts.encode("tributary.raw.ecommerce", &event).unwrap();
    let record = other.record(Some(bytes), None);
    assert_eq!(touchpoints(&other.process(&record)), bare);
}

#[test]
fn a_registry_that_does_not_answer_is_waited_for_and_makes_no_dead_letter() {
    let mut harness = Harness::new();
    harness.contracts = Contracts::with_registry("http://127.0.0.1:1").unwrap();
    let record = harness.record(Some(vec![0, 0, 0, 0, 9, 1]), None);
    let mut effects = Effects::new(Arc::clone(&harness.contracts));
    let failure = harness.processor.process(&record, &mut effects).unwrap_err();
    assert!(matches!(failure, Failure::Retry(_)), "{failure}");
    assert_eq!(effects.dead_letter_count(), 0);
}

#[test]
fn a_replayed_bare_event_was_received_when_it_first_came() {
    let mut harness = Harness::new();
    let mut record = harness.record(Some(page("m-1", AT).into_bytes()), Some("segment"));
    record.timestamp_ms = Some(NOW + 5_000_000);
    record.headers.push((HEADER_ORIGINAL_TIMESTAMP.to_owned(), NOW.to_string().into_bytes()));
    assert_eq!(touchpoints(&harness.process(&record))[0].received_at, NOW);
}

#[test]
fn touchpoints_without_identifiers_are_keyed_by_their_id() {
    let effects =
        Harness::new().bare("segment", &format!(r#"{{"type": "page", "messageId": "m", "timestamp": "{AT}"}}"#));
    assert_eq!(effects.records()[0].key, b"segment:m");
}

#[test]
fn each_kind_of_bad_input_has_its_code_and_a_message_without_personal_data() {
    let mut harness = Harness::new();
    let cases = [
        ("nothing-like-it", page("m", AT), "unknown_source"),
        ("segment", "{\"email\": ada@engines.example}".to_owned(), "malformed_json"),
        ("segment", "{\"type\": \"page\"}".to_owned(), "mapping_failed"),
        ("segment", page("m", "2027-03-01T09:00:00Z"), "too_far_ahead"),
        ("segment", page("m", "2020-03-01T09:00:00Z"), "too_old"),
        ("segment", page("m", "ada@engines.example"), "invalid_field"),
    ];
    for (source, body, code) in cases {
        let (found, message) = dead_letter(&harness.bare(source, &body));
        assert_eq!(found, code, "{message}");
        assert!(!message.to_lowercase().contains("ada@"), "{message}");
    }
    for value in [None, Some(b"neither Avro nor announced".to_vec())] {
        let record = harness.record(value.clone(), None);
        let effects = harness.process(&record);
        assert_eq!(dead_letter(&effects).0, "undecodable");
        assert_eq!(effects.records()[0].value, value, "byte for byte");
    }
    let of_a_registry = harness.record(Some(vec![0, 0, 0, 0, 9, 1]), None);
    assert_eq!(dead_letter(&harness.process(&of_a_registry)).0, "no_registry");
}

#[test]
fn natural_duplicates_are_dropped_and_others_kept_under_an_id_of_their_own() {
    let mut harness = Harness::new();
    let first = page("m-1", AT);
    let other = page("m-1", "2026-03-01T08:59:00Z");
    assert_eq!(touchpoints(&harness.bare("segment", &first)).len(), 1);
    assert_eq!(harness.bare("segment", &first).drops()[0].reason, "duplicate");
    let [kept] = touchpoints(&harness.bare("segment", &other)).try_into().unwrap();
    assert_eq!(kept.duplicate_of.as_deref(), Some("segment:m-1"));
    assert!(kept.touchpoint_id.starts_with("segment:m-1~") && kept.touchpoint_id.len() == 20, "{}", kept.touchpoint_id);
    assert_eq!(harness.bare("segment", &other).drops()[0].reason, "duplicate");
    assert_eq!(harness.bare("segment", &first).drops()[0].reason, "duplicate");
}

#[test]
fn an_aborted_batch_is_seen_again_as_new() {
    let mut harness = Harness::new();
    let body = page("m-1", AT);
    harness.bare("segment", &body);
    for store in harness.processor.stores() {
        store.abort();
    }
    assert_eq!(touchpoints(&harness.bare("segment", &body)).len(), 1);
}

#[test]
fn states_of_one_shop_order_are_one_touchpoint() {
    let order = |status: &str, updated: &str| {
        format!(
            r#"{{"id": 1, "order_number": 1, "created_at": "{AT}", "processed_at": "{AT}", "updated_at": "{updated}",
                "financial_status": "{status}", "currency": "EUR", "total_price": "10.00", "line_items": []}}"#
        )
    };
    let mut harness = Harness::new();
    assert_eq!(touchpoints(&harness.bare("shopify", &order("pending", AT))).len(), 1);
    let paid = harness.bare("shopify", &order("paid", "2026-03-01T09:00:01Z"));
    assert_eq!(paid.drops()[0].reason, "duplicate");
}

#[test]
fn machines_are_counted_and_not_kept() {
    let body = format!(
        r#"{{"type": "page", "messageId": "m", "timestamp": "{AT}", "context": {{"userAgent": "Examplebot/1.0"}}}}"#
    );
    assert_eq!(Harness::new().bare("segment", &body).drops()[0].reason, "bot");
}
