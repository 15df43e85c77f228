//! An experiment with a known effect: a voucher by mail, for half of those who have a loyalty card, drawn by lot. Some of
//! those who get it come once more and buy, and would not have come without it.

use rand::Rng;
use tributary_model::Domain;
use tributary_model::time::{HOUR_MS, MINUTE_MS};

use super::Settings;
use super::catalogue::basket;
use super::draft::Draft;
use super::ledger::Ledger;
use super::people::Person;
use super::plan;
use super::truth::{Caused, Letter};

/// The purpose number of its chance.
const PURPOSE: u64 = 5;
/// The day on which it is sent.
const SENT_ON: u32 = 4;
/// Vouchers end with this day.
const VALID_UNTIL: u32 = 10;
/// Chance that a voucher brings somebody to the store who would not have come.
const BRINGS: f64 = 0.35;
/// What a letter costs, in cents.
const COST_MINOR: i64 = 65;

/// Draws a shopper's arm, and does what follows from it.
pub(crate) fn send(settings: &Settings, person: &Person, ledger: &mut Ledger) {
    let Some(card) = person.card_on(SENT_ON).filter(|_| settings.days > VALID_UNTIL) else { return };
    let mut rng = person.rng(settings, PURPOSE);
    let names = || vec![("loyalty_id", card.id.clone())];
    let at = settings.day_at(SENT_ON) + 7 * HOUR_MS + rng.random_range(0..HOUR_MS);
    let event = |number: u32, domain, event_type, at| {
        Draft::new(format!("l{}-{number}", person.index), domain, event_type, at).by(names())
    };
    let is_treated = rng.random_bool(0.5);
    let viewed = event(1, Domain::Channel, "experiment.viewed", at).on("direct_mail");
    let viewed = viewed.about(plan::VOUCHER_LETTER, plan::VOUCHER_MESSAGE).with("experiment_id", plan::VOUCHER_LETTER);
    let viewed = viewed.with("arm", if is_treated { "treated" } else { "held_out" }).with("holdout_percent", "50");
    ledger.record(person.index, viewed);
    if !is_treated {
        return ledger.letter(Letter { held_out: 1, ..Letter::default() });
    }
    let sent = event(2, Domain::Channel, "mail.sent", at + MINUTE_MS).on("direct_mail");
    ledger.record(person.index, sent.said(plan::VOUCHER_LETTER, plan::VOUCHER_MESSAGE, COST_MINOR));
    let mut letter = Letter { treated: 1, ..Letter::default() };
    if rng.random_bool(BRINGS) {
        let day = rng.random_range(SENT_ON + 1..=VALID_UNTIL);
        let at = settings.day_at(day) + rng.random_range(10 * HOUR_MS..20 * HOUR_MS);
        let lines = basket(&mut rng, true);
        letter.caused_sales = 1;
        letter.caused_minor = lines.iter().map(|line| line.line_value_minor).sum();
        let mut sale = event(3, Domain::Store, "store.purchased", at).on("in_store");
        sale.location = Some(person.store.clone());
        ledger.record(person.index, sale.worth(&format!("voucher-{}", person.index), lines));
        ledger.caused(Caused { by_demand: 1, ..Caused::default() });
    }
    ledger.letter(letter);
}
