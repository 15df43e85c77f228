//! Both stages through the runtime's own task, with bytes between them: transactions that fail leave nothing behind,
//! what cannot be read is a dead letter, and a task restored from its changelog goes on as if nothing had happened.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
#[path = "common/rig.rs"]
mod rig;

use common::{START_AT, person, touch};
use rig::{Rig, as_inputs, bytes_record, history, read_back, statement};
use tributary_insight::{Config, credit_stage, scorecard_stage};
use tributary_model::{Money, topics};
use tributary_stream::Record;

#[test]
fn failed_transactions_restarts_and_cutting_change_nothing() {
    let inputs: Vec<Record> = history().iter().map(statement).collect();
    let mut calm = (Rig::new(credit_stage(&Config::default())), Rig::new(scorecard_stage(&Config::default())));
    let deltas = calm.0.transact(&inputs, true);
    calm.1.transact(&as_inputs(&deltas), true);

    let mut rough = (Rig::new(credit_stage(&Config::default())), Rig::new(scorecard_stage(&Config::default())));
    for (index, chunk) in inputs.chunks(3).enumerate() {
        if index % 2 == 0 {
            rough.0.transact(&inputs[..5], false);
        }
        let deltas = as_inputs(&rough.0.transact(chunk, true));
        if index % 3 == 0 {
            rough.1.transact(&deltas, false);
        }
        rough.1.transact(&deltas, true);
        if index % 4 == 0 {
            rough.0.restart();
            rough.1.restart();
        }
    }

    let (expected, found) = (read_back(&calm.1.written), read_back(&rough.1.written));
    assert_eq!(found, expected);
    assert_eq!(found.credit_differences(), Vec::new());
    assert_eq!(found.whole().counts.persons, 7);
    let accounts = [rough.0.account(), rough.1.account()];
    for account in &accounts {
        assert_eq!(account.explain(), Vec::new());
    }
    assert_eq!(accounts[0].emitted_to[topics::MEASURES], accounts[1].accepted_from[topics::MEASURES]);
    assert_eq!(accounts[0].processed, inputs.len() as i64);
}

#[test]
fn an_aborted_transaction_leaves_nothing_behind() {
    let mut rig = Rig::new(credit_stage(&Config::default()));
    let inputs: Vec<Record> = history().iter().map(statement).collect();
    rig.transact(&inputs, false);
    assert_eq!(rig.state_len(), 0);
    assert!(rig.transact(&[], true).is_empty());
}

#[test]
fn a_scorecard_is_written_once_a_transaction() {
    let mut credit = Rig::new(credit_stage(&Config::default()));
    let inputs: Vec<Record> = history().iter().map(statement).collect();
    let deltas = credit.transact(&inputs, true);
    let mut keys: Vec<&Vec<u8>> = deltas.iter().map(|out| &out.key).collect();
    keys.dedup();
    assert_eq!(keys.len(), deltas.len());
    let mut scorecards = Rig::new(scorecard_stage(&Config::default()));
    let twice: Vec<Record> = as_inputs(&deltas).into_iter().flat_map(|input| [input.clone(), input]).collect();
    assert_eq!(scorecards.transact(&twice, true).len(), deltas.len());
}

#[test]
fn what_cannot_be_read_or_counted_is_a_dead_letter_and_the_rest_goes_on() {
    let mut credit = Rig::new(credit_stage(&Config::default()));
    let mut huge = touch(1, person(0), START_AT, "store.purchased", 0);
    huge.touchpoint.value = Some(Money::new("USD", i64::MAX));
    let inputs = [
        bytes_record(topics::JOURNEYS, b"k".to_vec(), Some(b"not avro".to_vec())),
        bytes_record(topics::DECISIONS, b"k".to_vec(), Some(b"not avro".to_vec())),
        bytes_record(topics::JOURNEYS, b"k".to_vec(), None),
        statement(&huge),
        statement(&touch(2, person(0), START_AT, "page.viewed", 0)),
    ];
    let out = credit.transact(&inputs, true);
    let codes: Vec<&[u8]> = out
        .iter()
        .filter(|record| record.topic == topics::DEAD_LETTERS)
        .flat_map(|record| &record.headers)
        .filter(|(name, _)| name == tributary_stream::HEADER_CODE)
        .map(|(_, code)| code.as_slice())
        .collect();
    assert_eq!(codes, [b"undecodable".as_slice(), b"undecodable", b"amount_out_of_range"]);
    let account = credit.account();
    assert_eq!((account.accepted, account.processed, account.dead_lettered), (5, 1, 3));
    assert_eq!(account.dropped["tombstone"], 1);
    assert_eq!(account.explain(), Vec::new());
    assert!(out.iter().any(|record| record.topic == topics::MEASURES));

    let mut scorecards = Rig::new(scorecard_stage(&Config::default()));
    scorecards.transact(&[bytes_record(topics::MEASURES, b"k".to_vec(), Some(vec![1]))], true);
    assert_eq!(scorecards.account().dead_lettered, 1);
}
