//! Who the shoppers are, and by which names the silos know them.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Settings;
use super::draft::Name;

/// A shopper.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) index: usize,
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) loyalty: Option<LoyaltyCard>,
    /// Id in the web shop.
    pub(crate) customer_id: Option<String>,
    /// One cookie a device.
    pub(crate) cookies: Vec<String>,
    /// Buys for a company: contact and company.
    pub(crate) contact: Option<(String, u32)>,
    pub(crate) store: String,
    /// Chance of a visit on a day, web or store.
    pub(crate) visit_chance: f64,
    /// Share of the visits that are to the web shop.
    pub(crate) web_share: f64,
    /// Chance that a visit ends in a purchase when nobody has said anything.
    pub(crate) base_chance: f64,
    pub(crate) wants_email: bool,
}

/// A loyalty card and what its owner wrote on the form.
#[derive(Debug, Clone)]
pub(crate) struct LoyaltyCard {
    pub(crate) id: String,
    pub(crate) joined_day: u32,
    pub(crate) gave_email: bool,
    pub(crate) gave_phone: bool,
}

impl Person {
    /// Chance for one purpose: independent of every other person and purpose, so that a change in one place does not
    /// move the rest.
    pub(crate) fn rng(&self, settings: &Settings, purpose: u64) -> ChaCha8Rng {
        stream(settings.seed, self.index as u64, purpose)
    }

    /// The card, once it is theirs.
    pub(crate) fn card_on(&self, day: u32) -> Option<&LoyaltyCard> {
        self.loyalty.as_ref().filter(|card| card.joined_day <= day)
    }

    /// What the card's form says, and so links.
    pub(crate) fn card_names(&self, card: &LoyaltyCard) -> Vec<Name> {
        let mut names = vec![("loyalty_id", card.id.clone())];
        names.extend(self.email.clone().filter(|_| card.gave_email).map(|email| ("email", email)));
        names.extend(self.phone.clone().filter(|_| card.gave_phone).map(|phone| ("phone", phone)));
        names
    }

    /// What the web shop knows after the login on a device.
    pub(crate) fn login_names(&self, cookie: &str) -> Option<Vec<Name>> {
        let customer_id = self.customer_id.clone()?;
        let mut names = vec![("customer_id", customer_id)];
        names.extend(self.email.clone().map(|email| ("email", email)));
        names.push(("anonymous_id", cookie.to_owned()));
        Some(names)
    }
}

pub(crate) fn stream(seed: u64, index: u64, purpose: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(index * 8 + purpose);
    rng
}

/// All shoppers of a simulation, one after the other.
pub(crate) fn population(settings: &Settings) -> impl Iterator<Item = Person> {
    (0..settings.persons as usize).map(|index| person(settings, index))
}

fn person(settings: &Settings, index: usize) -> Person {
    let mut rng = stream(settings.seed, index as u64, 0);
    let company = rng.random_bool(0.06).then(|| rng.random_range(0..(settings.persons / 40).max(1)));
    let email = match company {
        Some(company) => Some(format!("buyer{index}@company{company}.example")),
        None => rng.random_bool(0.85).then(|| format!("shopper{index}@example.org")),
    };
    let phone = rng.random_bool(0.6).then(|| format!("+1212{:07}", 5_550_000 + index));
    let loyalty = rng.random_bool(0.65).then(|| LoyaltyCard {
        id: format!("{}", 7_000_000 + index),
        joined_day: if rng.random_bool(0.6) { 0 } else { rng.random_range(0..settings.days.max(2) / 2) },
        gave_email: rng.random_bool(0.8),
        gave_phone: rng.random_bool(0.7),
    });
    let customer_id = (email.is_some() && rng.random_bool(0.6)).then(|| format!("C{index:06}"));
    let devices = rng.random_range(1..=3);
    Person {
        index,
        phone,
        loyalty,
        customer_id,
        cookies: (0..devices).map(|device| format!("anon-{index}-{device}")).collect(),
        contact: company.map(|company| (format!("003{index:07}"), company)),
        store: format!("store-{}", rng.random_range(1..=12)),
        visit_chance: rng.random_range(0.03..0.30),
        web_share: rng.random_range(0.1..0.9),
        base_chance: rng.random_range(0.10..0.35),
        wants_email: email.is_some() && rng.random_bool(0.8),
        email,
    }
}
