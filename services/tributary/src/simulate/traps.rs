//! The traps of real data: names that many share and that must merge nobody.

use rand::Rng;
use tributary_model::Domain;
use tributary_model::time::{DAY_MS, HOUR_MS, MINUTE_MS};

use super::Settings;
use super::catalogue::basket;
use super::draft::{Draft, Name};
use super::ledger::Ledger;
use super::people::stream;

const TILL_EMAIL: &str = "no-reply@retailer.example";
const KIOSK: &str = "kiosk-1";

/// Sets all traps; each brings shoppers of its own, numbered after the others.
pub(crate) fn spring(settings: &Settings, ledger: &mut Ledger) {
    let mut next = settings.persons as usize;
    let mut new_person = || {
        next += 1;
        next - 1
    };
    let each = (settings.persons / 40).max(6);
    for index in 0..each {
        shared_till(settings, index, new_person(), ledger);
        nameless_guest(settings, index, new_person(), ledger);
        kiosk(settings, index, new_person(), ledger);
    }
    for index in 0..each / 2 {
        shared_device(settings, index, [new_person(), new_person()], ledger);
    }
}

/// A till that writes its own e-mail address on every receipt, whoever's card it reads.
fn shared_till(settings: &Settings, index: u32, person: usize, ledger: &mut Ledger) {
    let mut rng = stream(settings.seed, person as u64, 4);
    let names: Vec<Name> = vec![("loyalty_id", format!("88{index:05}")), ("email", TILL_EMAIL.to_owned())];
    for visit in 0..2 {
        let at = settings.day_at(0) + rng.random_range(0..i64::from(settings.days) * DAY_MS);
        let event_id = format!("till-{index}-{visit}");
        let sale = Draft::new(event_id.clone(), Domain::Store, "store.purchased", at).by(names.clone()).on("in_store");
        let mut sale = sale.worth(&event_id, basket(&mut rng, false));
        sale.location = Some("store-13".to_owned());
        ledger.record(person, sale);
    }
    ledger.shared("email", TILL_EMAIL);
}

/// A guest whose form was sent with `null` in the fields that were left empty.
fn nameless_guest(settings: &Settings, index: u32, person: usize, ledger: &mut Ledger) {
    let mut rng = stream(settings.seed, person as u64, 4);
    let at = settings.day_at(0) + rng.random_range(0..i64::from(settings.days) * DAY_MS);
    let names: Vec<Name> =
        vec![("customer_id", "0".to_owned()), ("email", "null".to_owned()), ("anonymous_id", format!("guest-{index}"))];
    let event_id = format!("guest-{index}");
    let order = Draft::new(event_id.clone(), Domain::Ecommerce, "order.placed", at).by(names);
    ledger.record(person, order.worth(&event_id, basket(&mut rng, false)));
    ledger.shared("customer_id", "0");
    ledger.shared("email", "null");
}

/// A terminal in the store at which one customer after the other logs in to order.
fn kiosk(settings: &Settings, index: u32, person: usize, ledger: &mut Ledger) {
    let mut rng = stream(settings.seed, person as u64, 4);
    let at = settings.day_at(0) + rng.random_range(0..i64::from(settings.days) * DAY_MS);
    let names: Vec<Name> = vec![
        ("customer_id", format!("K{index:05}")),
        ("email", format!("visitor{index}@example.org")),
        ("anonymous_id", KIOSK.to_owned()),
    ];
    let login = format!("kiosk-{index}-login");
    ledger.record(person, Draft::new(login, Domain::Ecommerce, "person.identified", at).by(names.clone()));
    let event_id = format!("kiosk-{index}-order");
    let order = Draft::new(event_id.clone(), Domain::Ecommerce, "order.placed", at + 2 * MINUTE_MS).by(names);
    ledger.record(person, order.worth(&event_id, basket(&mut rng, false)));
    ledger.shared("anonymous_id", KIOSK);
}

/// Two of one household who log in on the same tablet.
fn shared_device(settings: &Settings, index: u32, pair: [usize; 2], ledger: &mut Ledger) {
    let tablet = format!("tablet-{index}");
    for (turn, person) in pair.into_iter().enumerate() {
        let mut rng = stream(settings.seed, person as u64, 4);
        let turn_at = i64::from(settings.days) * DAY_MS / 2 * turn as i64;
        let at = settings.day_at(0) + turn_at + rng.random_range(0..HOUR_MS) + 19 * HOUR_MS;
        let names: Vec<Name> = vec![
            ("customer_id", format!("H{index:04}-{turn}")),
            ("email", format!("home{index}-{turn}@example.org")),
            ("anonymous_id", tablet.clone()),
        ];
        let login = format!("home-{index}-{turn}-login");
        ledger.record(person, Draft::new(login, Domain::Ecommerce, "person.identified", at).by(names.clone()));
        let event_id = format!("home-{index}-{turn}-order");
        let order = Draft::new(event_id.clone(), Domain::Ecommerce, "order.placed", at + 5 * MINUTE_MS).by(names);
        ledger.record(person, order.worth(&event_id, basket(&mut rng, false)));
    }
    ledger.shared("anonymous_id", &tablet);
}
