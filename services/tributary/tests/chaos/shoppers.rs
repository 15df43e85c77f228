//! Shoppers of a web shop whose events go through the gateway: anonymous on each device at first, later
//! linked by what they log in with. The sender repeats until the gateway says that the broker has it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tributary_testkit::eventually_every;

use crate::bed::WRITE_KEY;

/// The shoppers begin so long before now: the gateway refuses what is very old.
const BEGUN_BEFORE_MS: i64 = 30 * 24 * 60 * MINUTE_MS;
const MINUTE_MS: i64 = 60_000;
/// A sender gives up on one event after so long.
const PATIENCE: Duration = Duration::from_secs(180);

/// What one shopper has done.
#[derive(Debug, Default, Clone)]
pub(crate) struct Shopper {
    /// The events' own ids.
    pub(crate) events: BTreeSet<String>,
    /// Net value in cents.
    pub(crate) cents: i64,
    /// Orders.
    pub(crate) orders: i64,
}

/// Everything that was acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    pub(crate) by_shopper: BTreeMap<usize, Shopper>,
    tries: u64,
}

impl Sent {
    pub(crate) fn events(&self) -> usize {
        self.by_shopper.values().map(|shopper| shopper.events.len()).sum()
    }

    pub(crate) fn shoppers(&self) -> usize {
        self.by_shopper.len()
    }

    pub(crate) fn tries(&self) -> u64 {
        self.tries
    }
}

/// The sender at work.
pub(crate) struct Shoppers {
    thread: JoinHandle<Sent>,
    tries: Arc<AtomicU64>,
    hurry: Arc<AtomicBool>,
}

impl Shoppers {
    /// Sends the events of `count` shoppers, spread over `duration`.
    pub(crate) fn start(port: u16, count: usize, duration: Duration) -> Self {
        let (tries, hurry) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, hurried) = (Arc::clone(&tries), Arc::clone(&hurry));
        let thread = std::thread::spawn(move || {
            let calls = calls(jiff::Timestamp::now().as_millisecond() - BEGUN_BEFORE_MS, count);
            let started = Instant::now();
            let mut sent = Sent::default();
            for (at, call) in calls.iter().enumerate() {
                let due = started + duration.mul_f64(at as f64 / calls.len() as f64);
                let wait = due.saturating_duration_since(Instant::now());
                eventually_every(Duration::from_millis(5), wait, || hurried.load(Ordering::Acquire).then_some(()));
                deliver(port, call, &counted);
                note(&mut sent, call);
            }
            sent
        });
        Self { thread, tries, hurry }
    }

    /// Sends what is left without waiting, and tells what was acknowledged.
    pub(crate) fn finish(self) -> Sent {
        self.hurry.store(true, Ordering::Release);
        let mut sent = self.thread.join().unwrap();
        sent.tries = self.tries.load(Ordering::Acquire);
        sent
    }
}

fn note(sent: &mut Sent, call: &Call) {
    let shopper = sent.by_shopper.entry(call.shopper).or_default();
    shopper.events.insert(call.id.clone());
    shopper.cents += call.cents;
    shopper.orders += i64::from(call.cents > 0);
}

struct Call {
    shopper: usize,
    id: String,
    kind: &'static str,
    cents: i64,
    at: i64,
    body: Value,
}

/// The calls of all shoppers, taken in turn, so that they overlap.
fn calls(begin: i64, count: usize) -> Vec<Call> {
    let mut all: Vec<Call> = (0..count).flat_map(|number| shopper(begin, number)).collect();
    all.sort_by_key(|call| (call.at, call.shopper));
    all
}

/// One shopper: browses on a phone and a laptop, logs in on one, orders, logs in on the other with the
/// e-mail address, and is linked by it; every third has bought on a tablet that a telephone number links.
fn shopper(begin: i64, number: usize) -> Vec<Call> {
    let begin = begin + number as i64 * 7 * MINUTE_MS;
    let mut calls = Vec::new();
    let mut add = |minute: i64, kind: &'static str, cents: i64, mut body: Value| {
        let id = format!("s{number}-{}", calls.len());
        let at = begin + minute * MINUTE_MS;
        body["messageId"] = json!(id);
        body["timestamp"] = json!(jiff::Timestamp::from_millisecond(at).unwrap().to_string());
        calls.push(Call { shopper: number, id, kind, cents, at, body });
    };
    let (phone, laptop) = (format!("phone-{number}"), format!("laptop-{number}"));
    let user = format!("user-{number}");
    let email = format!("shopper{number}@example.com");
    let price = 1_000 + (number as i64 * 37) % 9_000;
    let order = |id: &str, cents: i64| {
        let amount = format!("{}.{:02}", cents / 100, cents % 100);
        json!({ "order_id": format!("{id}-{number}"), "total": amount, "currency": "USD" })
    };
    add(0, "page", 0, json!({ "anonymousId": phone, "name": "Home" }));
    add(
        1,
        "track",
        0,
        json!({ "anonymousId": phone, "event": "Product Viewed", "properties": { "product_id": "p-1" } }),
    );
    add(5, "page", 0, json!({ "anonymousId": laptop, "name": "Home" }));
    add(9, "identify", 0, json!({ "anonymousId": phone, "userId": user, "traits": { "email": email } }));
    add(12, "track", price, json!({ "userId": user, "event": "Order Completed", "properties": order("o1", price) }));
    add(
        40,
        "track",
        0,
        json!({ "anonymousId": laptop, "event": "Product Viewed", "properties": { "product_id": "p-2" } }),
    );
    add(44, "identify", 0, json!({ "anonymousId": laptop, "traits": { "email": email } }));
    if number.is_multiple_of(3) {
        let tablet = format!("tablet-{number}");
        add(
            50,
            "track",
            250,
            json!({ "anonymousId": tablet, "event": "Order Completed", "properties": order("o2", 250) }),
        );
        add(55, "identify", 0, json!({ "anonymousId": tablet, "traits": { "phone": format!("+1415555{number:04}") } }));
        add(60, "identify", 0, json!({ "userId": user, "traits": { "phone": format!("+1415555{number:04}") } }));
    } else {
        add(50, "page", 0, json!({ "anonymousId": laptop, "name": "Help" }));
    }
    add(70, "track", 999, json!({ "userId": user, "event": "Order Completed", "properties": order("o3", 999) }));
    calls
}

/// Sends one call until it is acknowledged.
fn deliver(port: u16, call: &Call, tries: &AtomicU64) {
    let body = call.body.to_string();
    let mut last = String::new();
    let taken = eventually_every(Duration::from_millis(100), PATIENCE, || {
        tries.fetch_add(1, Ordering::AcqRel);
        let answer = post(port, &format!("/v1/{}", call.kind), body.as_bytes())?;
        let status: u16 = answer.split(' ').nth(1)?.parse().ok()?;
        assert!(status == 200 || status >= 500 || status == 429, "{}: {answer}", call.id);
        last = answer;
        (status == 200).then_some(())
    });
    assert!(taken.is_some(), "{} was not taken in {} s: {last}", call.id, PATIENCE.as_secs());
}

fn post(port: u16, path: &str, body: &[u8]) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(45))).ok()?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         authorization: Bearer {WRITE_KEY}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}
