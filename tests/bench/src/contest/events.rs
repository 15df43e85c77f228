//! The events of the contest, and what has to become of each.
//!
//! JSON of about 415 bytes; four of five events are those of a fifth of the persons. Event number `n` is always the same, so
//! that nobody has to keep them all.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustc_hash::{FxHashMap, FxHasher};

/// Touches that are kept of a person.
pub(crate) const KEPT: usize = 20;
/// A session ends when nothing came for so long.
pub(crate) const SESSION_GAP_MS: i64 = 30 * 60_000;
/// Stages, the lowest first.
pub(crate) const STAGES: [&str; 4] = ["visitor", "engaged", "considering", "customer"];
/// 2026-03-01T00:00:00Z.
const BEGINNING_MS: i64 = 1_772_323_200_000;
const STEP_MS: i64 = 100;
const CHANNELS: [&str; 6] = ["email", "paid_search", "organic_search", "direct", "paid_social", "affiliate"];
const ITEMS: [&str; 5] = ["kitchen/mugs", "garden/chairs", "office/lamps", "kids/puzzles", "sports/balls"];
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36";

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// Whose it is: the record's key.
    pub person: String,
    /// When it happened, in milliseconds.
    pub at: i64,
    /// What happened.
    pub kind: &'static str,
    /// Where.
    pub channel: &'static str,
    rest: [String; 3],
}

impl Event {
    /// As it stands on the topic.
    #[must_use]
    pub fn json(&self) -> String {
        let Self { id, person, at, kind, channel, rest: [campaign, url, referrer] } = self;
        format!(
            "{{\"id\":\"{id}\",\"person\":\"{person}\",\"at\":{at},\"type\":\"{kind}\",\"channel\":\"{channel}\",\
             \"campaign\":\"{campaign}\",\"url\":\"{url}\",\"referrer\":\"{referrer}\",\"agent\":\"{AGENT}\"}}"
        )
    }

    /// All that the input says, by the names of its fields, as a number.
    #[must_use]
    pub fn said(&self) -> u64 {
        let [campaign, url, referrer] = &self.rest;
        said(&self.id, &self.person, self.at, [self.kind, self.channel, campaign, url, referrer, AGENT])
    }
}

/// What the nine fields of an input say, as a number.
#[must_use]
pub(crate) fn said(id: &str, person: &str, at: i64, texts: [&str; 6]) -> u64 {
    let mut hasher = FxHasher::default();
    (id, person, at, texts).hash(&mut hasher);
    hasher.finish()
}

/// The last touches, oldest first, as a number.
#[must_use]
pub(crate) fn touched<'a>(touches: impl Iterator<Item = (i64, &'a str, &'a str)>) -> u64 {
    let mut hasher = FxHasher::default();
    touches.for_each(|touch| touch.hash(&mut hasher));
    hasher.finish()
}

/// The stage, counted from 0, that an event of this type gives.
#[must_use]
pub(crate) fn rank(kind: &str) -> u8 {
    match kind {
        "product.viewed" | "email.clicked" => 1,
        "cart.added" => 2,
        "order.placed" => 3,
        _ => 0,
    }
}

/// What has to stand beside an event on the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// What the input said: [`said`].
    pub said: u64,
    /// The person's running count.
    pub count: u32,
    /// The person's running session.
    pub session: u32,
    /// The highest stage so far, an index of [`STAGES`].
    pub stage: u8,
    /// The last touches: [`touched`].
    pub touches: u64,
}

#[derive(Debug, Default)]
struct Person {
    count: u32,
    session: u32,
    stage: u8,
    last_at: i64,
    touches: VecDeque<(i64, &'static str, &'static str)>,
}

/// So many events of so many persons.
#[derive(Debug, Clone, Copy)]
pub struct Events {
    /// Events.
    pub count: u32,
    /// Persons they are shared out among.
    pub persons: u32,
}

impl Events {
    /// The events in order.
    pub fn iter(self) -> impl Iterator<Item = Event> {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        (0..self.count).map(move |number| self.event(number, &mut rng))
    }

    fn event(self, number: u32, rng: &mut ChaCha8Rng) -> Event {
        let few = (self.persons / 5).max(1);
        let person =
            if rng.random_range(0..5) < 4 { rng.random_range(0..few) } else { rng.random_range(few..self.persons) };
        let kind = match rng.random_range(0..100) {
            0..60 => "page.viewed",
            60..85 => "product.viewed",
            85..92 => "email.clicked",
            92..98 => "cart.added",
            _ => "order.placed",
        };
        let item = ITEMS[rng.random_range(0..ITEMS.len())];
        let campaign = format!("spring-{}", rng.random_range(0..40));
        let sku = rng.random_range(1_000..10_000);
        Event {
            id: format!("e{number:08}"),
            person: format!("p{person:06}"),
            at: BEGINNING_MS + i64::from(number) * STEP_MS,
            kind,
            channel: CHANNELS[rng.random_range(0..CHANNELS.len())],
            rest: [
                campaign.clone(),
                format!("https://shop.example/{item}/{sku}?utm_campaign={campaign}&variant=blue"),
                format!("https://www.search.example/results?q={item}&hl=en&source=newsletter&page=1"),
            ],
        }
    }

    /// What has to become of each event, in order.
    #[must_use]
    pub fn expected(self) -> Vec<Expected> {
        let mut persons: FxHashMap<String, Person> = FxHashMap::default();
        self.iter().map(|event| persons.entry(event.person.clone()).or_default().take(&event)).collect()
    }
}

impl Person {
    fn take(&mut self, event: &Event) -> Expected {
        if self.count == 0 || event.at - self.last_at > SESSION_GAP_MS {
            self.session += 1;
        }
        self.count += 1;
        self.stage = self.stage.max(rank(event.kind));
        self.last_at = event.at;
        if self.touches.len() == KEPT {
            self.touches.pop_front();
        }
        self.touches.push_back((event.at, event.kind, event.channel));
        Expected {
            said: event.said(),
            count: self.count,
            session: self.session,
            stage: self.stage,
            touches: touched(self.touches.iter().copied()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_events_are_of_the_size_and_skew_that_is_promised() {
        let events = Events { count: 20_000, persons: 1_000 };
        let all: Vec<Event> = events.iter().collect();
        let bytes: usize = all.iter().map(|event| event.json().len()).sum();
        assert!((380..=450).contains(&(bytes / all.len())), "{} bytes each", bytes / all.len());
        let of_few = all.iter().filter(|event| event.person.as_str() < "p000200").count();
        assert!((15_500..=16_500).contains(&of_few), "{of_few} of 20000 are those of a fifth of the persons");
        assert_eq!(all, events.iter().collect::<Vec<_>>(), "always the same");
    }

    #[test]
    fn sessions_touches_and_stages_are_those_of_the_rules() {
        let event = |minute: i64, kind| Event {
            id: String::new(),
            person: "p".to_owned(),
            at: minute * 60_000,
            kind,
            channel: "direct",
            rest: Default::default(),
        };
        let mut person = Person::default();
        let minutes = [(0, "page.viewed"), (30, "order.placed"), (61, "cart.added")];
        let all: Vec<_> = minutes.into_iter().map(|(minute, kind)| person.take(&event(minute, kind))).collect();
        assert_eq!(
            all.iter().map(|e| (e.count, e.session, e.stage)).collect::<Vec<_>>(),
            [(1, 1, 0), (2, 1, 3), (3, 2, 3)]
        );
        let counts: Vec<u32> = (0..40).map(|minute| person.take(&event(100 + minute, "page.viewed")).count).collect();
        assert_eq!(counts.last(), Some(&43));
        assert_eq!(person.touches.len(), KEPT);
        assert_eq!(person.touches.back(), Some(&(139 * 60_000, "page.viewed", "direct")));
    }
}
