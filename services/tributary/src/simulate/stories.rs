//! Planted contradictions: messages that make two stories of one, so that it is known what the hub has to find.

use tributary_model::Domain;
use tributary_model::time::{DAY_MS, HOUR_MS};

use super::Settings;
use super::days::Lived;
use super::draft::{Draft, Name};
use super::ledger::Ledger;
use super::people::Person;
use super::plan;
use super::truth::Planted;

/// Sends the contradictory messages to the shoppers they are planted on.
pub(crate) fn plant(settings: &Settings, person: &Person, lived: &Lived, ledger: &mut Ledger) {
    let end_at = settings.day_at(settings.days);
    let mut count = 0;
    let mut send = |event_type: &'static str, names: Vec<Name>, channel: &'static str, at: i64| -> Draft {
        count += 1;
        Draft::new(format!("m{}-{count}", person.index), Domain::Channel, event_type, at).by(names).on(channel)
    };
    let Some(email) = person.email.clone().filter(|_| person.wants_email) else { return };
    let by_email = || vec![("email", email.clone())];

    let first_at = settings.day_at(settings.days / 2) + 8 * HOUR_MS;
    let linked_phone =
        person.card_on(settings.days / 2).filter(|card| card.gave_email && card.gave_phone).and(person.phone.clone());
    if let Some(phone) = linked_phone.filter(|_| person.index % 8 == 4 && first_at + DAY_MS < end_at) {
        let offer = send("email.sent", by_email(), "email", first_at).said(plan::WEEKLY_EMAIL, plan::OFFER_MESSAGE, 1);
        let other = send("sms.sent", vec![("phone", phone)], "sms", first_at + 7 * HOUR_MS).said(
            plan::PARTNER_SMS,
            plan::CONTRADICTING_OFFER_MESSAGE,
            4,
        );
        ledger.record(person.index, offer);
        ledger.record(person.index, other);
        ledger.planted(Planted { offer: 1, ..Planted::default() });
    }

    let after_order = lived.web_order_at.map(|at| at + 2 * HOUR_MS).filter(|at| *at < end_at);
    if let Some(at) = after_order.filter(|_| person.index % 10 == 7) {
        let welcome = send("email.sent", by_email(), "email", at).said(plan::WIN_NEW, plan::ACQUISITION_MESSAGE, 1);
        ledger.record(person.index, welcome);
        ledger.planted(Planted { stage: 1, ..Planted::default() });
    }

    if person.index % 50 == 9 {
        let at = settings.day_at(settings.days / 3) + 11 * HOUR_MS;
        let shouting =
            send("email.sent", by_email(), "email", at).said(plan::WEEKLY_EMAIL, plan::UNAPPROVED_MESSAGE, 1);
        ledger.record(person.index, shouting);
        ledger.planted(Planted { unapproved: 1, ..Planted::default() });
    }
}
