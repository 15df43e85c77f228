//! Truth held against result, one line a fact.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use serde::Serialize;
use tributary_insight::read::Row;
use tributary_model::scorecard::{ALL_TEAMS, DIMENSION_TEAM};
use tributary_model::{Domain, Identifier, JourneyEvent, PersonId};
use tributary_silo::SiloFold;

use super::read_model::ReadModel;
use crate::accounting::Accounting;
use crate::simulate::{
    ACQUISITION_MESSAGE, CONTRADICTING_OFFER_MESSAGE, DomainTotals, Planted, Truth, UNAPPROVED_MESSAGE,
};

/// One fact, as it is and as the hub says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What it is about.
    pub name: String,
    /// What is true.
    pub truth: i64,
    /// What the hub says.
    pub result: i64,
    /// Whether it is money, in minor units.
    pub money: bool,
}

impl Fact {
    fn count(name: impl Into<String>, truth: i64, result: i64) -> Self {
        Self { name: name.into(), truth, result, money: false }
    }

    fn money(name: impl Into<String>, truth: i64, result: i64) -> Self {
        Self { name: name.into(), truth, result, money: true }
    }

    /// Whether both agree.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.truth == self.result
    }
}

/// How well the shoppers were told apart and put together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Identities {
    /// Shoppers that left a name.
    pub true_persons: i64,
    /// Persons that the evidence allows to be found.
    pub findable_persons: i64,
    /// Persons that the hub found for those names.
    pub found_persons: i64,
    /// Merges that the sequencer made.
    pub merges: i64,
    /// Different shoppers that were taken for one.
    pub wrong_merges: i64,
    /// Evidence that should have made one person of two and did not.
    pub missed_merges: i64,
}

/// Everything compared.
#[must_use]
pub fn facts(truth: &Truth, model: &ReadModel, identities: &Identities, accounting: &Accounting) -> Vec<Fact> {
    let mut facts = Vec::new();
    let found = totals_by_domain(model.journeys.events());
    for (domain, is) in &truth.domains {
        let said = found.get(domain).copied().unwrap_or_default();
        let name = domain.name();
        facts.push(Fact::count(format!("touches, {name}"), is.touches, said.touches));
        if is.sales + is.returns > 0 {
            facts.push(Fact::count(format!("sales, {name}"), is.sales, said.sales));
            facts.push(Fact::count(format!("returns, {name}"), is.returns, said.returns));
            facts.push(Fact::money(format!("revenue, {name}"), is.revenue_minor, said.revenue_minor));
        }
    }
    let is = truth.total();
    let cards = scorecard_totals(&model.scorecards.whole());
    facts.push(Fact::count("touches, all scorecards", is.touches, cards.touches));
    facts.push(Fact::count("sales, all scorecards", is.sales, cards.sales));
    facts.push(Fact::count("returns, all scorecards", is.returns, cards.returns));
    facts.push(Fact::money("revenue, all scorecards", is.revenue_minor, cards.revenue_minor));
    facts.push(Fact::money("margin, all scorecards", is.margin_minor, cards.margin_minor));
    facts.push(Fact::money("cost of media, all scorecards", is.cost_minor, cards.cost_minor));
    for (credit_model, credit_minor) in credits(model) {
        facts.push(Fact::money(format!("credit, {credit_model}, all teams"), is.revenue_minor, credit_minor));
    }
    facts.push(Fact::count("persons (what evidence allows)", identities.findable_persons, identities.found_persons));
    facts.push(Fact::count("different shoppers taken for one", 0, identities.wrong_merges));
    facts.extend(known_to_both(truth, model));
    let planted = found_contradictions(model);
    facts.push(Fact::count("contradictory offers", truth.planted.offer, planted.offer));
    facts.push(Fact::count("acquisition messages to buyers", truth.planted.stage, planted.stage));
    facts.push(Fact::count("messages nobody approved", truth.planted.unapproved, planted.unapproved));
    let letters: i64 = model.dead_letters.values().map(|group| group.count).sum();
    facts.push(Fact::count("events that broke off (dead letters)", truth.noise.malformed, letters));
    let dropped = |reason: &str| accounting.dropped_by_reason.get(reason).copied().unwrap_or(0);
    facts.push(Fact::count("events that came twice (dropped)", truth.noise.duplicates, dropped("duplicate")));
    facts.push(Fact::count("visits of a crawler (dropped)", truth.noise.bots, dropped("bot")));
    facts
}

/// The silos' own fault: of the shoppers whom two domains both know, those whom events connect are found, and no more.
fn known_to_both(truth: &Truth, model: &ReadModel) -> Vec<Fact> {
    let mut fold = SiloFold::new(None);
    model.journeys.events().for_each(|event| fold.journey(event));
    let pairs = fold.report().match_rates.pairs;
    let mut facts = Vec::new();
    // Each pair comes in both orders.
    for pair in pairs.iter().filter(|pair| pair.from < pair.to) {
        let (findable, in_truth) = truth.known_to_both(pair.from, pair.to);
        let name = format!("known in {} and {} ({in_truth} are)", pair.from.name(), pair.to.name());
        facts.push(Fact::count(name, findable, pair.rate.count as i64));
    }
    facts
}

/// The totals that the Complete Journey's own `facts.json` states, held against the scorecard over all teams.
#[must_use]
pub fn published_facts(stated: &serde_json::Value, model: &ReadModel) -> Vec<Fact> {
    let whole = model.scorecards.whole();
    let dollars = whole.money.get("USD").cloned().unwrap_or_default();
    let discount = |kind: &str| dollars.discounts_minor.get(kind).copied().unwrap_or(0);
    let said = [
        (Fact::count("lines of baskets", 0, dollars.lines), "transaction_lines"),
        (Fact::count("baskets", 0, dollars.conversions), "baskets"),
        (Fact::count("households", 0, dollars.buyers), "households"),
        (Fact::count("stores", 0, dollars.locations.len() as i64), "stores"),
        (Fact::money("sales", 0, dollars.revenue_minor), "sales_value_cents"),
        (Fact::money("discounts of the retailer", 0, discount("retail")), "retail_disc_cents"),
        (Fact::money("discounts by coupon", 0, discount("coupon")), "coupon_disc_cents"),
        (Fact::money("coupons matched", 0, discount("coupon_match")), "coupon_match_disc_cents"),
    ];
    said.into_iter().filter_map(|(fact, name)| Some(Fact { truth: stated.get(name)?.as_i64()?, ..fact })).collect()
}

/// Totals of the touches that stand, by domain.
fn totals_by_domain<'a>(events: impl Iterator<Item = &'a JourneyEvent>) -> BTreeMap<Domain, DomainTotals> {
    let mut totals: BTreeMap<Domain, DomainTotals> = BTreeMap::new();
    for event in events {
        let touchpoint = &event.touchpoint;
        let total = totals.entry(touchpoint.domain).or_default();
        total.touches += 1;
        total.cost_minor += touchpoint.cost.as_ref().map_or(0, |cost| cost.amount_minor);
        if touchpoint.is_conversion() {
            let value_minor = touchpoint.value.as_ref().map_or(0, |value| value.amount_minor);
            total.sales += i64::from(touchpoint.is_sale());
            total.returns += i64::from(!touchpoint.is_sale());
            total.revenue_minor += value_minor;
            total.returned_minor += if touchpoint.is_sale() { 0 } else { -value_minor };
            total.margin_minor += touchpoint.margin_minor();
            total.lines += touchpoint.items.len() as i64;
        }
    }
    totals
}

/// What the scorecard over all teams says.
fn scorecard_totals(whole: &Row) -> DomainTotals {
    let mut sum = DomainTotals {
        touches: whole.counts.touches,
        sales: whole.counts.conversions,
        returns: whole.counts.returns,
        ..DomainTotals::default()
    };
    for money in whole.money.values() {
        sum.revenue_minor += money.revenue_minor;
        sum.margin_minor += money.margin_minor;
        sum.cost_minor += money.cost_minor;
    }
    sum
}

/// The credit of all teams, by attribution model.
fn credits(model: &ReadModel) -> BTreeMap<String, i64> {
    let mut credits = BTreeMap::new();
    for (key, row) in model.scorecards.totals() {
        if key.dimension == DIMENSION_TEAM && key.team_id != ALL_TEAMS {
            for (name, credit_minor) in row.money.values().flat_map(|money| &money.credit_minor) {
                *credits.entry(name.clone()).or_default() += credit_minor;
            }
        }
    }
    credits
}

fn found_contradictions(model: &ReadModel) -> Planted {
    let mut found = Planted::default();
    for event in model.journeys.events() {
        let completes = |conflict: &str| i64::from(event.story.conflicts.iter().any(|kind| kind == conflict));
        match event.touchpoint.message_id.as_deref() {
            Some(CONTRADICTING_OFFER_MESSAGE) => found.offer += completes("offer"),
            Some(ACQUISITION_MESSAGE) => found.stage += completes("stage"),
            Some(UNAPPROVED_MESSAGE) => {
                found.unapproved += i64::from(event.story.approved_count < event.story.exposure_count);
            }
            _ => {}
        }
    }
    found
}

/// Holds the persons found against the shoppers; `person_of` is the person that an identifier starts as.
#[must_use]
pub fn identities(truth: &Truth, model: &ReadModel, person_of: impl Fn(&Identifier) -> PersonId) -> Identities {
    let mut shoppers_of: FxHashMap<PersonId, BTreeSet<usize>> = FxHashMap::default();
    let mut missed_merges = 0;
    for (shopper, person) in truth.persons.iter().enumerate() {
        for group in &person.groups {
            let found: BTreeSet<PersonId> =
                group.iter().map(|identifier| model.aliases.resolve(person_of(identifier))).collect();
            missed_merges += found.len() as i64 - 1;
            for person in found {
                shoppers_of.entry(person).or_default().insert(shopper);
            }
        }
    }
    Identities {
        true_persons: truth.nameable_persons() as i64,
        findable_persons: truth.findable_persons() as i64,
        found_persons: shoppers_of.len() as i64,
        merges: model.aliases.len() as i64,
        wrong_merges: shoppers_of.values().map(|shoppers| shoppers.len() as i64 - 1).sum(),
        missed_merges,
    }
}
