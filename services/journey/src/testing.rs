//! Touchpoints, a canvas and rules for the tests of this crate.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use proptest::prelude::*;
use tributary_model::canvas::{Campaign, Message, Team};
use tributary_model::path::{PathCounts, PathDelta, PathKey};
use tributary_model::time::{DAY_MS, MINUTE_MS};
use tributary_model::{
    AccountEvent, AccountId, Canvas, CanvasEntry, Direction, Domain, Identifier, Item, JourneyEvent, Money, PersonId,
    Touchpoint,
};

use crate::account::AccountRollups;
use crate::account::delta::Delta;
use crate::account_rules::AccountRules;
use crate::config::Config;
use crate::context::Rules;
use crate::heard::Passed;
use crate::membership::Memberships;
use crate::stage::StageDefinitions;
use crate::touch::Touch;

pub(crate) mod naive;

/// Where test journeys begin.
pub(crate) const START: i64 = 1_700_000_000_000;

pub(crate) fn stages() -> Arc<StageDefinitions> {
    Arc::new(StageDefinitions::built_in().unwrap())
}

pub(crate) fn account_rules() -> Arc<AccountRules> {
    Arc::new(AccountRules::built_in().unwrap())
}

pub(crate) fn rollups(max_touch_times: usize) -> AccountRollups {
    let config = Config { account_touch_times: max_touch_times, ..Config::default() };
    AccountRollups::new(&config, account_rules(), stages())
}

pub(crate) fn rules(config: &Config) -> Rules {
    Rules::new(config, stages(), account_rules())
}

pub(crate) fn person(name: &str) -> PersonId {
    PersonId::of(&Config::default().realm_uuid(), &Identifier::new("email", name))
}

pub(crate) fn touchpoint(id: &str, event_type: &str, occurred_at: i64) -> Touchpoint {
    let outbound = ["email.sent", "ad.shown", "coupon.offered", "call.held"];
    let (direction, channel) = match event_type {
        kind if outbound.contains(&kind) => (Direction::Outbound, "email"),
        _ => (Direction::Inbound, "direct"),
    };
    Touchpoint {
        touchpoint_id: id.to_owned(),
        source: "test".to_owned(),
        domain: Domain::Channel,
        event_type: event_type.to_owned(),
        occurred_at,
        received_at: occurred_at,
        identifiers: Vec::new(),
        refused_identifiers: Vec::new(),
        account_identifiers: Vec::new(),
        channel: channel.to_owned(),
        direction,
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

pub(crate) fn item(sku: &str, quantity: i64) -> Item {
    Item {
        sku: sku.to_owned(),
        quantity,
        unit_price_minor: None,
        unit_cost_minor: Some(100),
        line_value_minor: None,
        discounts: Vec::new(),
        category: Some(format!("category of {sku}")),
        brand: None,
    }
}

pub(crate) fn sale(id: &str, occurred_at: i64, amount_minor: i64) -> Touchpoint {
    let value = Some(Money::new("USD", amount_minor));
    Touchpoint { value, items: vec![item("mug", 1)], ..touchpoint(id, "order.placed", occurred_at) }
}

pub(crate) fn message(id: &str, occurred_at: i64, campaign_id: &str, message_id: &str) -> Touchpoint {
    Touchpoint {
        campaign_id: Some(campaign_id.to_owned()),
        message_id: Some(message_id.to_owned()),
        ..touchpoint(id, "email.sent", occurred_at)
    }
}

/// Campaigns `brand` and `demand`; messages `ten` and `twenty` (two offers on the mug) and `welcome` (acquisition).
pub(crate) fn canvas() -> Canvas {
    let mut canvas = Canvas::default();
    let team = |team_id: &str, channel: &str| Team { team_id: team_id.to_owned(), channels: vec![channel.to_owned()] };
    for team in [team("crm", "email"), team("web", "direct")] {
        canvas.apply(CanvasEntry { team: Some(team), ..CanvasEntry::default() });
    }
    for (id, demand_percent, role) in [("brand", 10, "awareness"), ("demand", 90, "conversion")] {
        let campaign = Campaign {
            campaign_id: id.to_owned(),
            name: id.to_owned(),
            team_id: format!("{id}-team"),
            demand_percent,
            funnel_role: role.to_owned(),
            narrative_id: Some(format!("{id} story")),
            ..Campaign::default()
        };
        canvas.apply(CanvasEntry { campaign: Some(campaign), ..CanvasEntry::default() });
    }
    for (id, claim, stage) in
        [("ten", Some("10% off"), None), ("twenty", Some("20% off"), None), ("welcome", None, Some("acquisition"))]
    {
        let message = Message {
            message_id: id.to_owned(),
            narrative_id: format!("{id} story"),
            approved: id != "twenty",
            offer_subject: claim.map(|_| "mug".to_owned()),
            offer_claim: claim.map(str::to_owned),
            stage: stage.map(str::to_owned),
            ..Message::default()
        };
        canvas.apply(CanvasEntry { message: Some(message), ..CanvasEntry::default() });
    }
    canvas
}

pub(crate) fn touch(person_id: PersonId, touchpoint: Touchpoint) -> Touch {
    Touch::new(&rules(&Config::default()), person_id, &canvas(), touchpoint)
}

/// One event of a random journey: its kind, minutes after the start, and a variant of the kind.
fn random_touchpoint(index: usize, kind: u8, minutes: i64, variant: u8) -> Touchpoint {
    let id = format!("t{index:02}");
    let at = START + minutes * MINUTE_MS;
    let currency = if variant == 0 { "EUR" } else { "USD" };
    let value = |amount_minor| Some(Money::new(currency, amount_minor));
    let order_id = Some(format!("o{}", variant % 3));
    let mut made = match kind {
        0 | 1 => message(&id, at, "brand", ["ten", "twenty", "welcome", "ten"][usize::from(variant % 4)]),
        2 => message(&id, at, "demand", ["ten", "twenty", "welcome", "unknown"][usize::from(variant % 4)]),
        3 => touchpoint(&id, "ad.shown", at),
        4 => touchpoint(&id, "page.viewed", at),
        5 => touchpoint(&id, "cart.updated", at),
        6 => Touchpoint { value: value(1_000 + i64::from(variant)), order_id, ..sale(&id, at, 0) },
        7 => Touchpoint { value: value(-300), order_id, ..touchpoint(&id, "order.refunded", at) },
        8 => Touchpoint { value: value(-1_000), order_id, ..touchpoint(&id, "order.cancelled", at) },
        9 => Touchpoint { order_id, ..touchpoint(&id, "case.opened", at) },
        10 => Touchpoint { order_id, ..touchpoint(&id, "case.closed", at) },
        _ => {
            touchpoint(&id, ["opportunity.created", "opportunity.lost", "lead.qualified"][usize::from(variant % 3)], at)
        }
    };
    if kind > 10 {
        made.properties.insert("opportunity_id".to_owned(), format!("opp{}", variant % 2));
    }
    if kind == 4 || kind > 9 {
        made.properties
            .insert("role".to_owned(), ["cto", "champion", "janitor", "owner"][usize::from(variant)].to_owned());
    }
    let accounts: &[(&str, &str)] = match (variant, kind) {
        (0, 0..=3) => &[("company_domain", "d1")],
        (0, 4..=6) => &[("company_domain", "d2")],
        (1, _) => &[("household_id", "h1"), ("crm_account_id", "a1")],
        (2, _) => &[("household_id", "h1")],
        (3, 0..=3) => &[("crm_account_id", "a1"), ("company_domain", "d1")],
        (3, 4..=5) => &[("account_id", "g1"), ("company_domain", "d2")],
        (3, 6..=7) => &[("account_id", "g1"), ("crm_account_id", "a2")],
        (3, 8) => &[("crm_account_id", "a2"), ("company_domain", "d1"), ("household_id", "h2")],
        _ => &[],
    };
    made.account_identifiers = accounts.iter().map(|(space, value)| Identifier::new(*space, *value)).collect();
    made
}

/// Something that is told to an account.
#[derive(Debug, Clone)]
pub(crate) enum AccountInput {
    Touch(Box<JourneyEvent>),
    Delta(Box<Delta>),
}

/// What statements and retractions of touches tell the accounts that they name, and what the persons tell them of
/// their memberships and of what they hear, when `told` stands in the end.
pub(crate) fn account_inputs(told: &[JourneyEvent]) -> Vec<(AccountId, AccountInput)> {
    let rules = rules(&Config::default());
    let mut inputs = Vec::new();
    let mut persons: BTreeMap<PersonId, Memberships> = BTreeMap::new();
    for event in told {
        persons.entry(event.person_id).or_default().add(&rules.accounts, &rules.realm, event);
        inputs.extend(event.account_ids.iter().map(|id| (*id, AccountInput::Touch(Box::new(event.clone())))));
    }
    for (person_id, memberships) in persons {
        let own = told.iter().filter(|event| event.person_id == person_id);
        let heard = own.filter_map(|event| Passed::heard(&touch(person_id, event.touchpoint.clone())));
        let passed: Vec<(Passed, i64)> = heard.map(|passed| (passed, 1)).collect();
        for (account_id, statement) in memberships.statements(&rules.accounts) {
            let delta = Delta { passed: passed.clone(), ..Delta::of_member(person_id, vec![(statement, 1)]) };
            inputs.push((account_id, AccountInput::Delta(Box::new(delta))));
        }
    }
    inputs
}

/// The accounts after all of `inputs` and of what they tell one another; `choices` say which account is told next, each
/// in its order. Revisions are left out.
pub(crate) fn accounts_after(
    rollups: &mut AccountRollups,
    inputs: Vec<(AccountId, AccountInput)>,
    choices: impl Iterator<Item = u16>,
) -> BTreeMap<AccountId, AccountEvent> {
    accounts_and_paths_after(rollups, inputs, choices).0
}

/// The same with the paths that they went; `choices` say, too, where a transaction ends.
pub(crate) fn accounts_and_paths_after(
    rollups: &mut AccountRollups,
    inputs: Vec<(AccountId, AccountInput)>,
    mut choices: impl Iterator<Item = u16>,
) -> (BTreeMap<AccountId, AccountEvent>, BTreeMap<PathKey, PathCounts>) {
    let mut paths: BTreeMap<PathKey, PathCounts> = BTreeMap::new();
    let mut logs: BTreeMap<AccountId, VecDeque<AccountInput>> = BTreeMap::new();
    for (account_id, input) in inputs {
        logs.entry(account_id).or_default().push_back(input);
    }
    let mut latest = BTreeMap::new();
    loop {
        let waiting: Vec<AccountId> = logs.iter().filter(|(_, log)| !log.is_empty()).map(|(id, _)| *id).collect();
        let choice = choices.next().unwrap_or(0);
        if waiting.is_empty() || choice.is_multiple_of(5) {
            for PathDelta { key, delta } in rollups.drain_paths() {
                paths.entry(key).or_default().add(&delta);
            }
        }
        if waiting.is_empty() {
            paths.retain(|_, counts| !counts.is_zero());
            return (latest, paths);
        }
        let account_id = waiting[usize::from(choice) % waiting.len()];
        let told = match logs.get_mut(&account_id).and_then(VecDeque::pop_front) {
            Some(AccountInput::Touch(event)) => rollups.on_touch(account_id, &event),
            Some(AccountInput::Delta(delta)) => rollups.enter(account_id, *delta),
            None => continue,
        };
        latest.insert(account_id, AccountEvent { revision: 0, ..told.event });
        for (other, delta) in told.others {
            logs.entry(other).or_default().push_back(AccountInput::Delta(Box::new(delta)));
        }
    }
}

/// Up to `most` events over about `days` days, some of them at the same instant or within one session.
pub(crate) fn random_touchpoints(most: usize, days: i64) -> impl Strategy<Value = Vec<Touchpoint>> {
    let minutes = prop_oneof![0..days * 24 * 60, (0..days).prop_map(|day| day * 24 * 60), 0..90_i64];
    prop::collection::vec((0_u8..12, minutes, 0_u8..4), 1..most).prop_map(|specs| {
        let numbered = specs.into_iter().enumerate();
        numbered.map(|(index, (kind, minutes, variant))| random_touchpoint(index, kind, minutes, variant)).collect()
    })
}

pub(crate) const fn days(count: i64) -> i64 {
    count * DAY_MS
}
