use std::time::Duration;

use super::*;

fn log() -> SimLog {
    let log = SimLog::new(LogSettings {
        seed: 1,
        session_timeout: Duration::from_secs(10),
        transaction_timeout: Duration::from_secs(15),
        slow_markers: false,
    });
    log.create("in", 1);
    log.create("out", 1);
    log
}

fn record(topic: &str, key: &str) -> OutRecord {
    OutRecord { topic: topic.to_owned(), key: key.as_bytes().to_vec(), value: Some(vec![1]), headers: Vec::new() }
}

fn keys(log: &SimLog, topic: &str) -> Vec<String> {
    let text = |(_, _, stored): (i32, i64, Stored)| String::from_utf8_lossy(&stored.key).into_owned();
    log.committed(topic).into_iter().map(text).collect()
}

/// A member of the group `g` that may commit.
fn member(log: &SimLog) -> (usize, MemberId) {
    let mut inner = log.inner();
    let group = inner.group("g");
    let topics = [inner.topic("in").unwrap()];
    let member = inner.join(group, &topics, None);
    inner.serve(group, member);
    inner.serve(group, member);
    (group, member)
}

#[test]
fn output_and_offsets_of_a_transaction_come_together_or_not_at_all() {
    let log = log();
    let (group, id) = member(&log);
    let place = (0, 0);
    let epoch = log.inner().init_producer("p");
    log.inner().append("p", epoch, &record("out", "a"), None).unwrap();
    log.inner().add_offsets("p", epoch, group, id, &[(place, 3)]).unwrap();
    assert_eq!(log.inner().offsets(group, &[place]), None, "pending offsets are not told");
    log.inner().end("p", epoch, false).unwrap();
    assert_eq!((keys(&log, "out"), log.inner().offsets(group, &[place])), (Vec::new(), Some(vec![None])));

    log.inner().append("p", epoch, &record("out", "b"), None).unwrap();
    log.inner().add_offsets("p", epoch, group, id, &[(place, 5)]).unwrap();
    log.inner().end("p", epoch, true).unwrap();
    assert_eq!(keys(&log, "out"), ["b"]);
    assert_eq!(log.inner().offsets(group, &[place]), Some(vec![Some(5)]));
    assert_eq!(log.inner().end("p", epoch, true), Err(Refused::NoTransaction));
}

#[test]
fn whoever_starts_under_a_name_fences_the_one_before_and_ends_what_it_left() {
    let log = log();
    let (group, id) = member(&log);
    let old = log.inner().init_producer("p");
    log.inner().append("p", old, &record("out", "a"), None).unwrap();
    let new = log.inner().init_producer("p");
    assert!(log.is_settled());
    assert_eq!(log.inner().append("p", old, &record("out", "b"), None), Err(Refused::Fenced));
    assert_eq!(log.inner().add_offsets("p", old, group, id, &[]), Err(Refused::Fenced));
    assert_eq!(log.inner().end("p", old, true), Err(Refused::Fenced));
    assert!(log.inner().append("p", new, &record("out", "c"), None).is_ok());
    log.inner().end("p", new, true).unwrap();
    assert_eq!(keys(&log, "out"), ["c"]);
    assert_eq!(log.counts().fencings, 1);
}

#[test]
fn a_transaction_that_takes_too_long_is_aborted_and_its_producer_may_go_on() {
    let log = log();
    let epoch = log.inner().init_producer("p");
    log.inner().append("p", epoch, &record("out", "a"), None).unwrap();
    log.publish(&record("out", "b"), None).unwrap();
    assert_eq!(keys(&log, "out"), [""; 0], "behind an open transaction nothing is seen");
    log.advance(Duration::from_secs(16));
    assert_eq!(keys(&log, "out"), ["b"]);
    assert_eq!(log.inner().append("p", epoch, &record("out", "c"), None), Err(Refused::TimedOut));
    let renewed = log.inner().renew_producer("p", epoch).unwrap();
    assert!(log.inner().append("p", renewed, &record("out", "d"), None).is_ok());
    assert_eq!(log.inner().renew_producer("p", epoch), None, "once");
}

#[test]
fn a_member_that_the_group_has_given_up_commits_nothing() {
    let log = log();
    let (group, id) = member(&log);
    let epoch = log.inner().init_producer("p");
    log.inner().set_silent(group, id, true);
    log.advance(Duration::from_secs(11));
    log.inner().append("p", epoch, &record("out", "a"), None).unwrap();
    assert_eq!(log.inner().add_offsets("p", epoch, group, id, &[((0, 0), 1)]), Err(Refused::Generation));
    assert_eq!(log.counts().expulsions, 1);
}

#[test]
fn with_slow_markers_a_commit_is_decided_before_it_is_seen() {
    let log = SimLog::new(LogSettings { slow_markers: true, ..log().inner().settings.clone() });
    log.create("out", 1);
    let epoch = log.inner().init_producer("p");
    log.inner().append("p", epoch, &record("out", "a"), None).unwrap();
    log.inner().end("p", epoch, true).unwrap();
    assert!(!log.is_settled() && keys(&log, "out").is_empty());
    // The next transaction of the same producer waits for them.
    log.inner().append("p", epoch, &record("out", "b"), None).unwrap();
    assert_eq!(keys(&log, "out"), ["a"]);
}
