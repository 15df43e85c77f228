use super::*;

/// A batch of one record at `offset`: data, or the marker that commits (1) or aborts (0) a transaction.
fn batch(producer: i64, offset: i64, marker: Option<i16>) -> Vec<u8> {
    let mut record = vec![0, 0, 0, 0];
    if let Some(kind) = marker {
        record = vec![0x20, 0, 0, 0, 8, 0, 0];
        record.extend_from_slice(&kind.to_be_bytes());
    }
    let mut batch = vec![0; BATCH_HEADER];
    batch.extend_from_slice(&record);
    let length = batch.len() as i32 - 12;
    batch[0..8].copy_from_slice(&offset.to_be_bytes());
    batch[8..12].copy_from_slice(&length.to_be_bytes());
    batch[21..23].copy_from_slice(&(if marker.is_some() { 0x30_i16 } else { 0x10 }).to_be_bytes());
    batch[43..51].copy_from_slice(&producer.to_be_bytes());
    batch
}

/// An answer of version 11 with one topic and one partition.
fn answer(aborted: &[(i64, i64)], records: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; 14];
    frame.extend_from_slice(&1_i32.to_be_bytes());
    frame.extend_from_slice(&[0, 1, b't']);
    frame.extend_from_slice(&1_i32.to_be_bytes());
    frame.extend_from_slice(&[0; 4 + 2 + 8 + 8 + 8]);
    frame.extend_from_slice(&(aborted.len() as i32).to_be_bytes());
    for (producer, first) in aborted {
        frame.extend_from_slice(&producer.to_be_bytes());
        frame.extend_from_slice(&first.to_be_bytes());
    }
    frame.extend_from_slice(&(-1_i32).to_be_bytes());
    frame.extend_from_slice(&(records.len() as i32).to_be_bytes());
    frame.extend_from_slice(records);
    frame
}

#[test]
fn aborted_transactions_that_ended_before_are_taken_out() {
    let records = [batch(7, 200, None), batch(7, 201, Some(1)), batch(7, 500, None), batch(7, 550, Some(0))].concat();
    let mended = without_past_aborts(&answer(&[(7, 100), (7, 500), (8, 90)], &records), 11).unwrap();
    assert_eq!(mended, answer(&[(7, 500)], &records));
}

#[test]
fn one_that_began_before_and_ends_here_stays() {
    let records = [batch(7, 200, None), batch(7, 201, Some(0)), batch(7, 202, None), batch(7, 203, Some(1))].concat();
    let frame = answer(&[(7, 100)], &records);
    assert_eq!(without_past_aborts(&frame, 11).unwrap(), frame);
}

#[test]
fn one_that_begins_here_stays_without_its_marker() {
    let records = [batch(7, 200, None), batch(8, 205, None), batch(8, 206, Some(1))].concat();
    let mended = without_past_aborts(&answer(&[(7, 100), (7, 200), (8, 150)], &records), 11).unwrap();
    assert_eq!(mended, answer(&[(7, 200)], &records));
}

#[test]
fn an_answer_without_records_is_empty() {
    assert!(is_empty(&answer(&[], &[]), 11));
    assert!(!is_empty(&answer(&[], &batch(7, 1, None)), 11));
    assert!(!is_empty(&[], 11) && without_past_aborts(&[], 11).is_none());
}

#[test]
fn no_later_version_is_offered_than_is_understood() {
    for (version, head, tail) in [(2, vec![0, 0, 0, 5], vec![]), (3, vec![6], vec![0])] {
        let entry = |key: u8, latest: u8| [vec![0, key, 0, 0, 0, latest], tail.clone()].concat();
        let list = |latest: [(u8, u8); 5]| {
            let entries = latest.into_iter().flat_map(|(key, latest)| entry(key, latest));
            [vec![0; 6], head.clone(), entries.collect()].concat()
        };
        let mut frame = list([(0, 12), (1, 12), (3, 12), (24, 2), (26, 4)]);
        assert_eq!(cap_version(&mut frame, version), Some(()));
        assert_eq!(frame, list([(0, 8), (1, 11), (3, 12), (24, 2), (26, 2)]), "version {version}");
    }
}

#[test]
fn a_request_says_how_long_it_waits() {
    let mut frame = vec![0, 1, 0, 11, 0, 0, 0, 9, 0, 3];
    frame.extend_from_slice(b"abc");
    frame.extend_from_slice(&(-1_i32).to_be_bytes());
    frame.extend_from_slice(&100_i32.to_be_bytes());
    assert_eq!(longest_wait(&frame), Some(Duration::from_millis(100)));
    assert_eq!(longest_wait(&frame[..17]), None);
}
