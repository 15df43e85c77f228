//! The sales team: leads of companies that become opportunities and deals.

use rand::Rng;
use tributary_model::Domain;
use tributary_model::time::{DAY_MS, HOUR_MS};

use super::Settings;
use super::draft::{Draft, Name};
use super::ledger::Ledger;
use super::people::Person;
use super::plan;

/// The sales story of one contact, when the shopper buys for a company.
pub(crate) fn sell(settings: &Settings, person: &Person, ledger: &mut Ledger) {
    let Some((contact, company)) = &person.contact else { return };
    let mut rng = person.rng(settings, 2);
    let end_at = settings.day_at(settings.days);
    let mut at = settings.day_at(0) + rng.random_range(0..3 * DAY_MS) + 9 * HOUR_MS;
    let mut count = 0;
    let mut step = |event_type: &'static str, at: i64| -> Draft {
        count += 1;
        let mut names: Vec<Name> = vec![("crm_contact_id", contact.clone())];
        names.extend(person.email.clone().map(|email| ("email", email)));
        let mut draft =
            Draft::new(format!("s{}-{count}", person.index), Domain::Crm, event_type, at).by(names).on("sales");
        draft.account_identifiers = vec![
            ("crm_account_id", format!("001{company:07}")),
            ("company_domain", format!("company{company}.example")),
        ];
        draft
    };
    let mut story = vec![step("lead.created", at).on("organic_search")];
    at += rng.random_range(HOUR_MS..DAY_MS);
    story.push(step("call.held", at).said(plan::ACCOUNT_PLAN, plan::OUTREACH_MESSAGE, 1_500));
    if rng.random_bool(0.6) {
        at += rng.random_range(DAY_MS..3 * DAY_MS);
        story.push(step("lead.qualified", at));
        let opportunity = format!("006{:07}", person.index);
        at += rng.random_range(HOUR_MS..2 * DAY_MS);
        story.push(step("opportunity.created", at).with("opportunity_id", opportunity.clone()));
        at += rng.random_range(DAY_MS..4 * DAY_MS);
        story.push(step("meeting.held", at).said(plan::ACCOUNT_PLAN, plan::OUTREACH_MESSAGE, 4_000));
        at += rng.random_range(DAY_MS..6 * DAY_MS);
        if rng.random_bool(0.5) {
            let mut won = step("opportunity.won", at).with("opportunity_id", opportunity.clone());
            won.value_minor = Some(rng.random_range(500..5_000) * 100);
            won.order_id = Some(opportunity);
            story.push(won);
        } else {
            story.push(step("opportunity.lost", at).with("opportunity_id", opportunity));
        }
    }
    for draft in story.into_iter().filter(|draft| draft.occurred_at < end_at) {
        ledger.record(person.index, draft);
    }
}
