use tributary_model::PersonId;
use tributary_model::identity::{Alias, IdentityChange, IdentityChangeKind, PersonCommand, Resolved};
use tributary_schema::{AvroRecord, Contracts};
use tributary_stream::{OutRecord, TaskInfo};

use super::*;
use crate::testing::{id, touchpoint};

fn record(topic: &str, key: Vec<u8>, value: Option<Vec<u8>>) -> Record {
    let (topic, headers) = (topic.to_owned(), Vec::new());
    Record { topic, partition: 0, offset: 0, timestamp_ms: None, key, value, headers }
}

fn made(stage: &Stage) -> Box<dyn Processor> {
    (stage.factory)(TaskInfo { topic_index: 0, partition: 0 })
}

fn decoded<T: AvroRecord>(contracts: &Contracts, records: &[OutRecord], topic: &str) -> Vec<T> {
    let of_topic = records.iter().filter(|record| record.topic == topic);
    of_topic.map(|record| contracts.decode(record.value.as_deref().expect("a value")).expect("by contract")).collect()
}

/// Runs records through both stages until they are quiet, and gives everything that was written.
fn run(contracts: &Arc<Contracts>, input: Vec<Record>) -> Vec<OutRecord> {
    let rules = Arc::new(Rules::built_in().expect("rules"));
    let (owners, sequencer) =
        (owners_stage(&Config::default(), Arc::clone(&rules)), sequencer_stage(&Config::default(), rules));
    let mut stages: Vec<(Vec<String>, Box<dyn Processor>)> = [&owners, &sequencer]
        .map(|stage| ([stage.leader_topics.clone(), stage.sibling_topics.clone()].concat(), made(stage)))
        .into();
    let (mut written, mut queue) = (Vec::new(), std::collections::VecDeque::from(input));
    while let Some(record) = queue.pop_front() {
        let Some((_, processor)) = stages.iter_mut().find(|(topics, _)| topics.contains(&record.topic)) else {
            continue;
        };
        let mut effects = Effects::new(Arc::clone(contracts));
        processor.process(&record, &mut effects).expect("handled");
        for out in effects.records() {
            queue.push_back(self::record(&out.topic, out.key.clone(), out.value.clone()));
            written.push(out.clone());
        }
    }
    written
}

#[test]
fn a_login_makes_one_person_of_browser_and_customer_by_way_of_the_records_alone() {
    let contracts = Contracts::single_object().expect("contracts");
    let touches = [
        touchpoint(1, &["anonymous_id:a"]),
        touchpoint(2, &["customer_id:c", "email:e", "anonymous_id:a"]),
        touchpoint(3, &["email:e"]),
        touchpoint(4, &[]),
    ];
    let input = touches.iter().map(|touch| {
        let key = touch.identifiers.first().map(|first| first.to_key()).unwrap_or_default();
        record(topics::TOUCHPOINTS, key, Some(contracts.encode(topics::TOUCHPOINTS, touch).expect("by contract")))
    });
    let written = run(&contracts, input.collect());
    let resolved: Vec<Resolved> = decoded(&contracts, &written, topics::RESOLVED);
    assert_eq!(
        resolved.iter().map(|record| &record.touchpoint).collect::<Vec<_>>(),
        touches.iter().collect::<Vec<_>>()
    );
    let mut aliases = crate::AliasTable::default();
    for alias in decoded::<Alias>(&contracts, &written, topics::ALIASES) {
        aliases.apply(&alias.loser.to_key(), Some(alias.clone()));
    }
    let realm = realm_uuid("default");
    let one = PersonId::of(&realm, &id("anonymous_id:a"));
    for text in ["anonymous_id:a", "customer_id:c", "email:e"] {
        assert_eq!(aliases.resolve(PersonId::of(&realm, &id(text))), one, "{text}: the oldest wins");
    }
    let commands: Vec<PersonCommand> = decoded(&contracts, &written, topics::PERSONS);
    assert_eq!(commands.len(), 4);
    let changes: Vec<IdentityChange> = decoded(&contracts, &written, topics::IDENTITY_CHANGES);
    let count = |kind| changes.iter().filter(|change| change.kind == kind).count();
    assert_eq!((count(IdentityChangeKind::Created), count(IdentityChangeKind::Merged)), (3, 2));
    assert_eq!((count(IdentityChangeKind::Linked), count(IdentityChangeKind::Refused)), (2, 0));
    for out in written.iter().filter(|out| out.topic == topics::MERGES) {
        assert_eq!(out.key, b"merges", "one key, one partition");
    }
}

#[test]
fn bytes_that_are_no_record_are_poison_and_a_value_that_is_missing_is_a_counted_drop() {
    let contracts = Contracts::single_object().expect("contracts");
    let rules = Arc::new(Rules::built_in().expect("rules"));
    let stages = [
        (owners_stage(&Config::default(), Arc::clone(&rules)), topics::TOUCHPOINTS),
        (owners_stage(&Config::default(), Arc::clone(&rules)), topics::IDENTIFIERS),
        (sequencer_stage(&Config::default(), rules), topics::MERGES),
    ];
    for (stage, topic) in stages {
        let mut processor = made(&stage);
        let mut effects = Effects::new(Arc::clone(&contracts));
        let broken = record(topic, b"k".to_vec(), Some(b"{}".to_vec()));
        let failure = processor.process(&broken, &mut effects).expect_err("no record");
        assert!(matches!(failure, Failure::Poison { code: "undecodable", .. }), "{failure}");
        processor.process(&record(topic, b"k".to_vec(), None), &mut effects).expect("dropped");
        assert_eq!((effects.drops().len(), effects.drops()[0].count), (1, 1));
        let stray = record("tributary.other", b"k".to_vec(), Some(b"x".to_vec()));
        assert!(matches!(processor.process(&stray, &mut effects), Err(Failure::Fatal(_))));
        assert_eq!(processor.stores().iter().map(|store| store.name()).collect::<Vec<_>>(), stage.stores);
    }
}
