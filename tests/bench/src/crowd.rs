//! A generated population, and what becomes of it.
//!
//! A human has an e-mail address, a browser and a customer number. One in twenty is known first as two persons, who meet
//! late: a card with a telephone number at the till, then the address with the browser in the shop. One in twenty never
//! says a customer number. One in a hundred also uses a kiosk that they share with others, and of ten events one carries
//! the word `null` for an e-mail address.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use rustc_hash::FxHashMap;
use tributary_identity::Rules;
use tributary_model::{Direction, Domain, Identifier, PersonId, Pseudonymizer, RefusedIdentifier, Touchpoint};
use tributary_normalizer::Rulebook;

use crate::identity::Identity;

/// Humans that use one kiosk.
const HUMANS_A_KIOSK: u64 = 60;
/// 2026-03-01T00:00:00Z.
const BEGINNING_MS: i64 = 1_772_323_200_000;
/// What humans do, in this order, each at another time for each.
const ACTS: [Act; 6] = [Act::Card, Act::Visit, Act::SignIn, Act::Kiosk, Act::Meet, Act::Return];

#[derive(Debug, Clone, Copy)]
enum Act {
    /// Joins at the till: a card and a telephone number.
    Card,
    /// Leaves an address in the shop.
    Visit,
    /// Signs in with a customer number.
    SignIn,
    /// Uses the kiosk.
    Kiosk,
    /// Gives the card's number in the shop.
    Meet,
    /// Comes again with the browser, and says nothing of itself.
    Return,
}

/// So many humans, and what they do.
#[derive(Debug)]
pub struct Crowd<'a> {
    humans: u64,
    rulebook: &'a Rulebook,
    pseudonymizer: Pseudonymizer,
    /// Touchpoints made so far.
    made: u64,
    nulls: u64,
}

impl<'a> Crowd<'a> {
    /// A population under the normaliser's rules.
    ///
    /// # Errors
    /// When there are too few humans to share a kiosk, or more than there are telephone numbers.
    pub fn new(humans: u64, rulebook: &'a Rulebook) -> Result<Self> {
        ensure!((200..=100_000_000).contains(&humans), "{humans} humans: give between 200 and 100000000");
        let pseudonymizer = Pseudonymizer::new(b"a key for a bench that is nobody's")?;
        Ok(Self { humans, rulebook, pseudonymizer, made: 0, nulls: 0 })
    }

    /// Everything they do, in pieces of at most `piece` touchpoints.
    pub fn live(&mut self, piece: usize, mut take: impl FnMut(Vec<Touchpoint>)) {
        let mut waiting = Vec::with_capacity(piece);
        // A walk through all humans in an order that looks like none.
        let step = coprime(self.humans);
        for (round, act) in ACTS.into_iter().enumerate() {
            for place in 0..self.humans {
                let human = (place * step + round as u64 * 7_919) % self.humans;
                let Some(named) = names(act, human) else { continue };
                waiting.push(self.touchpoint(named));
                if waiting.len() == piece {
                    take(std::mem::replace(&mut waiting, Vec::with_capacity(piece)));
                }
            }
        }
        take(waiting);
    }

    fn touchpoint(&mut self, mut named: Vec<(&'static str, String)>) -> Touchpoint {
        let number = self.made;
        self.made += 1;
        if number.is_multiple_of(10) {
            self.nulls += 1;
            named.push(("email", "null".to_owned()));
        }
        let mut refused = Vec::new();
        let mut identifiers = Vec::with_capacity(named.len());
        for (namespace, raw) in named {
            match self.rulebook.normalise(namespace, &raw) {
                Ok(value) => {
                    identifiers.push(Identifier::new(namespace, self.pseudonymizer.pseudonym(namespace, &value)));
                }
                Err(reason) => {
                    refused.push(RefusedIdentifier { namespace: namespace.to_owned(), reason: reason.to_owned() })
                }
            }
        }
        let occurred_at = BEGINNING_MS + number as i64;
        touchpoint(format!("crowd:{number}"), occurred_at, identifiers, refused)
    }

    /// The pseudonym of a value as it would be if it were not blocked.
    fn pseudonym(&self, namespace: &str, value: &str) -> Identifier {
        Identifier::new(namespace, self.pseudonymizer.pseudonym(namespace, value))
    }

    /// A human's identifier as it comes into touchpoints.
    fn known_as(&self, namespace: &str, raw: &str) -> Option<Identifier> {
        self.rulebook.normalise(namespace, raw).ok().map(|value| self.pseudonym(namespace, &value))
    }
}

/// What a human says of itself, highest priority first; `None` when it does not do this.
fn names(act: Act, human: u64) -> Option<Vec<(&'static str, String)>> {
    let (meets_late, is_guest, uses_kiosk) = (human.is_multiple_of(20), human % 20 == 1, human % 100 == 2);
    let email = || ("email", format!("p{human}@mail.example"));
    let browser = || ("anonymous_id", format!("browser-{human}"));
    let card = || ("loyalty_id", format!("C{human}"));
    let named = match act {
        Act::Visit => vec![email(), browser()],
        Act::Return => vec![browser()],
        Act::Card if meets_late => {
            let (area, line) = (212 + human / 20 / 8_000_000, 2_000_000 + human / 20 % 8_000_000);
            vec![card(), ("phone", format!("+1{area}{line}"))]
        }
        Act::SignIn if !meets_late && !is_guest => vec![("customer_id", human.to_string()), email()],
        Act::Kiosk if uses_kiosk => vec![email(), ("device_id", format!("kiosk-{}", human / 100 / HUMANS_A_KIOSK))],
        Act::Meet if meets_late => vec![card(), email()],
        _ => return None,
    };
    Some(named)
}

/// A visit in the shop that names these identifiers.
#[must_use]
pub fn touchpoint(
    touchpoint_id: String,
    occurred_at: i64,
    identifiers: Vec<Identifier>,
    refused_identifiers: Vec<RefusedIdentifier>,
) -> Touchpoint {
    Touchpoint {
        touchpoint_id,
        source: "crowd".to_owned(),
        domain: Domain::Ecommerce,
        event_type: "page.viewed".to_owned(),
        occurred_at,
        received_at: occurred_at,
        identifiers,
        refused_identifiers,
        account_identifiers: Vec::new(),
        channel: "direct".to_owned(),
        direction: Direction::Inbound,
        campaign_id: None,
        message_id: None,
        decision_id: None,
        agency: None,
        partner: None,
        cost: None,
        value: None,
        items: Vec::new(),
        order_id: None,
        location: None,
        consents: Vec::new(),
        duplicate_of: None,
        properties: BTreeMap::new(),
    }
}

fn coprime(humans: u64) -> u64 {
    let gcd = |mut a: u64, mut b: u64| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    (humans * 6 / 10 + 1..).find(|step| gcd(*step, humans) == 1).unwrap_or(1)
}

/// What is to be said of the persons that were made of a crowd.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Persons above a limit, and blocked values that link, each as a sentence. None may be there.
    pub violations: Vec<String>,
    /// Humans whose two halves did not become one person.
    pub apart: u64,
    /// Humans that share their person with another one.
    pub together: u64,
    /// Touchpoints that carried the word `null`.
    pub nulls: u64,
    /// Kiosks.
    pub kiosks: u64,
}

/// Lets everything a crowd does come in, and looks at all persons afterwards.
///
/// `piece` touchpoints are under way at a time before what follows from them is heard.
#[must_use]
pub fn resolve(crowd: &mut Crowd<'_>, identity: &mut Identity, rules: &Rules, piece: usize) -> Findings {
    crowd.live(piece, |touchpoints| identity.take(touchpoints));
    let mut findings = Findings { nulls: crowd.nulls, ..Findings::default() };
    for (person, namespace, count) in identity.over_limit(rules) {
        findings.violations.push(format!("{person} has {count} values of {namespace}"));
    }
    if identity.knows(&crowd.pseudonym("email", "null")) {
        findings.violations.push("the blocked value null is an identifier".to_owned());
    }
    let mut inhabitants: FxHashMap<PersonId, u32> = FxHashMap::default();
    for human in 0..crowd.humans {
        let of = |(namespace, raw): &(&'static str, String)| crowd.known_as(namespace, raw);
        let own: Vec<Identifier> = [Act::Visit, Act::Card, Act::SignIn]
            .into_iter()
            .filter_map(|act| names(act, human))
            .flat_map(|named| named.iter().filter_map(of).collect::<Vec<_>>())
            .collect();
        let mut persons: Vec<PersonId> = own.iter().map(|identifier| identity.person_of(identifier)).collect();
        persons.sort_unstable();
        persons.dedup();
        findings.apart += u64::from(persons.len() > 1);
        persons.into_iter().for_each(|person| *inhabitants.entry(person).or_default() += 1);
    }
    findings.together = inhabitants.values().filter(|count| **count > 1).map(|count| u64::from(*count)).sum();
    findings.kiosks = (crowd.humans - 1) / (100 * HUMANS_A_KIOSK) + 1;
    findings
}
