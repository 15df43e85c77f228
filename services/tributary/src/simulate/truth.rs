//! What is true about a simulation.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tributary_model::{Domain, Identifier};

/// A shopper as they really are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TruePerson {
    /// The names by which the silos know this shopper and nobody else, in the groups that the events connect: whoever
    /// sees all events can find one person per group and no fewer.
    pub groups: Vec<BTreeSet<Identifier>>,
    /// The domains that saw each of the groups.
    pub domains: Vec<BTreeSet<Domain>>,
}

/// Totals of one domain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DomainTotals {
    /// Events.
    pub touches: i64,
    /// Sales.
    pub sales: i64,
    /// Sales taken back, in part or in full.
    pub returns: i64,
    /// Sales less what was taken back, in minor units.
    pub revenue_minor: i64,
    /// What was taken back, in minor units, as a positive number.
    pub returned_minor: i64,
    /// Revenue less the cost of the goods, in minor units.
    pub margin_minor: i64,
    /// What the touches cost, in minor units.
    pub cost_minor: i64,
    /// Lines of sales and returns.
    pub lines: i64,
}

impl DomainTotals {
    /// Adds `other`.
    pub fn add(&mut self, other: &Self) {
        self.touches += other.touches;
        self.sales += other.sales;
        self.returns += other.returns;
        self.revenue_minor += other.revenue_minor;
        self.returned_minor += other.returned_minor;
        self.margin_minor += other.margin_minor;
        self.cost_minor += other.cost_minor;
        self.lines += other.lines;
    }
}

/// Contradictory messages that were planted, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Planted {
    /// Two offers for one sku, the second by SMS.
    pub offer: i64,
    /// A message for people who never bought, sent to a buyer.
    pub stage: i64,
    /// A message that brand has not approved.
    pub unapproved: i64,
}

/// What made the sales happen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Caused {
    /// They would have happened without any message.
    pub anyway: i64,
    /// They needed the brand messages.
    pub by_brand: i64,
    /// They needed the demand messages.
    pub by_demand: i64,
    /// They needed both.
    pub by_both: i64,
}

/// The voucher letter, an experiment whose effect is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// Shoppers who got it.
    pub treated: i64,
    /// Shoppers who were held out.
    pub held_out: i64,
    /// Sales that would not have been made without it.
    pub caused_sales: i64,
    /// Their value in minor units.
    pub caused_minor: i64,
}

/// Events that are not touchpoints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Noise {
    /// The same event once more.
    pub duplicates: i64,
    /// JSON that breaks off.
    pub malformed: i64,
    /// Page views of a search engine's crawler.
    pub bots: i64,
}

/// What is true about a simulation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Truth {
    /// The shoppers, those of the traps included.
    pub persons: Vec<TruePerson>,
    /// Names that many share, and values that are nobody's: they must merge nobody.
    pub shared: BTreeSet<Identifier>,
    /// Totals by domain.
    pub domains: BTreeMap<Domain, DomainTotals>,
    /// Touches by event type.
    pub touches_by_type: BTreeMap<String, i64>,
    /// Planted contradictions.
    pub planted: Planted,
    /// What made the shoppers' own sales happen; sales in traps and to companies aside.
    pub caused: Caused,
    /// The voucher letter.
    pub letter: Letter,
    /// Events that are not touchpoints.
    pub noise: Noise,
}

impl Truth {
    /// How many persons both domains know, of those that the evidence allows to be found; and how many shoppers they both
    /// know in truth, each by names of its own that nothing connects.
    #[must_use]
    pub fn known_to_both(&self, one: Domain, other: Domain) -> (i64, i64) {
        let knows_both = |domains: &BTreeSet<Domain>| domains.contains(&one) && domains.contains(&other);
        let findable = self.persons.iter().flat_map(|person| &person.domains).filter(|domains| knows_both(domains));
        let shoppers = self.persons.iter().filter(|person| {
            let all: BTreeSet<Domain> = person.domains.iter().flatten().copied().collect();
            knows_both(&all)
        });
        (findable.count() as i64, shoppers.count() as i64)
    }

    /// Totals over all domains.
    #[must_use]
    pub fn total(&self) -> DomainTotals {
        let mut total = DomainTotals::default();
        for domain in self.domains.values() {
            total.add(domain);
        }
        total
    }

    /// Shoppers that left at least one name of their own.
    #[must_use]
    pub fn nameable_persons(&self) -> usize {
        self.persons.iter().filter(|person| !person.groups.is_empty()).count()
    }

    /// Persons that the evidence allows to be found: groups of names that the events connect.
    #[must_use]
    pub fn findable_persons(&self) -> usize {
        self.persons.iter().map(|person| person.groups.len()).sum()
    }
}
