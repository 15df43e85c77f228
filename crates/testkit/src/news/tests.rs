use std::thread;
use std::time::Duration;

use super::*;

/// A request: key, version, and what comes behind the client's name.
fn request(key: i16, version: i16, body: &[u8]) -> Vec<u8> {
    let mut frame = [key.to_be_bytes(), version.to_be_bytes()].concat();
    frame.extend_from_slice(&[0, 0, 0, 9, 0, 1, b'c']);
    frame.extend_from_slice(body);
    frame
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as i16).to_be_bytes(), text.as_bytes()].concat()
}

/// Topics of two partitions each, of which each says this behind its number.
fn list(topics: &[&str], partition: &[u8]) -> Vec<u8> {
    let mut list = (topics.len() as i32).to_be_bytes().to_vec();
    for topic in topics {
        list.extend(text(topic));
        list.extend(2_i32.to_be_bytes());
        for number in 0..2_i32 {
            list.extend(number.to_be_bytes());
            list.extend(partition);
        }
    }
    list
}

/// A record batch of three bytes with its length.
const RECORDS: [u8; 7] = [0, 0, 0, 3, 7, 7, 7];

fn produce(transaction: Option<&str>, topics: &[&str]) -> Vec<u8> {
    let transaction = transaction.map_or_else(|| vec![255, 255], text);
    request(PRODUCE, 8, &[transaction, vec![0; 6], list(topics, &RECORDS)].concat())
}

fn add(transaction: &str, topics: &[&str]) -> Vec<u8> {
    request(ADD_PARTITIONS_TO_TXN, 1, &[text(transaction), vec![0; 10], list(topics, &[])].concat())
}

fn end(transaction: &str) -> Vec<u8> {
    request(END_TXN, 1, &[text(transaction), vec![0; 11]].concat())
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn records_are_news_when_the_broker_has_them_and_those_of_a_transaction_when_it_ends() {
    let news = News::default();
    assert_eq!(news.heard(&produce(None, &["a", "b"])), names(&["a", "b"]));
    assert_eq!(news.heard(&produce(Some("one"), &["a"])), names(&[]));
    assert_eq!(news.heard(&add("one", &["a"])), names(&[]));
    assert_eq!(news.heard(&add("other", &["c"])), names(&[]));
    assert_eq!(news.heard(&add("one", &["b"])), names(&[]));
    assert_eq!(news.heard(&end("one")), names(&["a", "b"]));
    assert_eq!(news.heard(&end("one")), names(&[]), "once");
    assert_eq!(news.heard(&end("other")), names(&["c"]));
}

#[test]
fn requests_that_are_cut_off_or_of_another_kind_are_no_news() {
    let news = News::default();
    let whole = produce(None, &["a", "b"]);
    for length in 0..whole.len() - RECORDS.len() {
        assert_eq!(news.heard(&whole[..length]), names(&[]), "{length} bytes");
    }
    assert_eq!(news.heard(&request(18, 3, &[0; 40])), names(&[]));
}

#[test]
fn the_topics_of_a_fetch_are_read_in_every_version() {
    for version in 4..=11_i16 {
        let session = if version >= 7 { vec![0; 8] } else { Vec::new() };
        let partition = vec![0; 12 + if version >= 9 { 4 } else { 0 } + if version >= 5 { 8 } else { 0 }];
        let frame = request(FETCH, version, &[vec![0; 17], session, list(&["a", "b"], &partition)].concat());
        assert_eq!(fetched(&frame), names(&["a", "b"]), "version {version}");
    }
    let goes_on = request(FETCH, 11, &[vec![0; 21], vec![0, 0, 0, 5], list(&["a"], &[0; 28])].concat());
    assert_eq!(fetched(&goes_on), names(&[]));
}

/// Whether a wait ended long before its time.
fn is_woken(news: &News, topics: &BTreeSet<String>, since: u64, bell: &Arc<Bell>, limit: Duration) -> bool {
    let until = Instant::now() + limit;
    news.wait(topics, since, bell, until);
    Instant::now() < until
}

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(5);

#[test]
fn news_that_came_before_the_wait_count_from_where_the_waiter_looked() {
    let (news, bell) = (News::default(), Arc::default());
    news.tell(&names(&["a"]));
    assert!(is_woken(&news, &names(&["a", "b"]), 0, &bell, LONG));
    assert!(is_woken(&news, &names(&[]), 0, &bell, LONG), "whoever does not know what it waits for wants all");
    assert!(!is_woken(&news, &names(&["b"]), 0, &bell, SHORT));
    assert!(!is_woken(&news, &names(&["a"]), news.count(), &bell, SHORT));
}

#[test]
fn who_waits_is_woken_by_its_topics_and_by_its_bell() {
    let (news, bell) = (News::default(), Arc::new(Bell::default()));
    let waits = |ring: &dyn Fn()| {
        bell.silence();
        thread::scope(|scope| {
            let waiter = scope.spawn(|| is_woken(&news, &names(&["a"]), news.count(), &bell, LONG));
            while news.state().waiting.is_empty() {
                thread::yield_now();
            }
            ring();
            waiter.join().unwrap()
        })
    };
    assert!(waits(&|| news.tell(&names(&["b", "a"]))));
    assert!(waits(&|| bell.ring()));
    assert!(news.state().waiting.is_empty());
}
