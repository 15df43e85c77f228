//! What is added to an account, or taken from it. Everything in it is a count or a sum, so additions may come in any order,
//! and taking back is adding the negative.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tributary_model::time::DAY_MS;
use tributary_model::{AccountId, Direction, JourneyEvent, PersonId, Touchpoint};
use tributary_stream::Failure;

use crate::account_rules::AccountRules;
use crate::heard::Passed;
use crate::membership::MemberStatement;
use crate::stage::StageDefinitions;

const VERSION: u8 = 3;
/// The versions before, which did not tell what accounts pass; the first knew of no erasures either.
const VERSIONS_BEFORE: std::ops::RangeInclusive<u8> = 1..=2;

/// Sums of touches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sums {
    pub(crate) touches: i64,
    pub(crate) inbound: i64,
    pub(crate) exposures: i64,
    pub(crate) orders: i64,
    /// Conversions by currency: how many, and their value in minor units.
    pub(crate) values: BTreeMap<String, (i64, i64)>,
    /// How often the types occurred that stages ask for.
    pub(crate) seen: BTreeMap<String, i64>,
    /// The accounts that are merged into this one.
    pub(crate) merged: BTreeMap<AccountId, i64>,
}

/// What one touch says about an opportunity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct OpportunityStatement {
    pub(crate) at: i64,
    pub(crate) touchpoint_id: String,
    /// Whether it closes the opportunity: won or lost.
    pub(crate) closes: bool,
    pub(crate) stage: Option<String>,
    /// Minor units and currency.
    pub(crate) value: Option<(i64, String)>,
}

/// When somebody was touched, and by whose team.
pub(crate) type Time = (i64, String, PersonId);

/// What is added to an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    pub(crate) sums: Sums,
    /// Statements of members, with their count.
    pub(crate) members: Vec<(PersonId, MemberStatement, i64)>,
    /// Statements about opportunities, with their count.
    pub(crate) opportunities: Vec<(String, OpportunityStatement, i64)>,
    /// Touches by time.
    pub(crate) times: Vec<(Time, i64)>,
    /// Points of engagement by day.
    pub(crate) days: Vec<(i64, i64)>,
    /// The state of the chained step of an account that turned out to be this one, in MessagePack; empty when there is none.
    #[serde(with = "serde_bytes")]
    pub(crate) step: Vec<u8>,
    /// Persons that were erased. That is neither a sum nor taken back.
    #[serde(default)]
    pub(crate) erased: Vec<PersonId>,
    /// Exposures and sales, with their count.
    #[serde(default)]
    pub(crate) passed: Vec<(Passed, i64)>,
}

impl Sums {
    pub(crate) fn add(&mut self, other: &Self) {
        self.touches += other.touches;
        self.inbound += other.inbound;
        self.exposures += other.exposures;
        self.orders += other.orders;
        for (currency, (count, value)) in &other.values {
            let sum = self.values.entry(currency.clone()).or_default();
            *sum = (sum.0 + count, sum.1.wrapping_add(*value));
        }
        self.values.retain(|_, sum| *sum != (0, 0));
        add_counts(&mut self.seen, &other.seen);
        add_counts(&mut self.merged, &other.merged);
    }

    fn negate(&mut self) {
        for sum in [&mut self.touches, &mut self.inbound, &mut self.exposures, &mut self.orders] {
            *sum = -*sum;
        }
        self.values.values_mut().for_each(|sum| *sum = (-sum.0, sum.1.wrapping_neg()));
        self.seen.values_mut().chain(self.merged.values_mut()).for_each(|count| *count = -*count);
    }

    fn of_touch(touchpoint: &Touchpoint, stages: &StageDefinitions) -> Self {
        let mut sums = Self {
            touches: 1,
            inbound: i64::from(touchpoint.direction == Direction::Inbound),
            exposures: i64::from(touchpoint.is_exposure()),
            orders: touchpoint.order_delta(),
            ..Self::default()
        };
        if touchpoint.is_conversion()
            && let Some(value) = &touchpoint.value
        {
            sums.values.insert(value.currency.clone(), (1, value.amount_minor));
        }
        if stages.account.watches(&touchpoint.event_type) {
            sums.seen.insert(touchpoint.event_type.clone(), 1);
        }
        sums
    }

    /// The currency of most conversions, the first by name among equals, and the net value in it.
    pub(crate) fn main_value(&self) -> (Option<String>, i64) {
        let mut main: Option<(&String, &(i64, i64))> = None;
        for (currency, sum) in &self.values {
            if main.is_none_or(|(_, most)| sum.0 > most.0) {
                main = Some((currency, sum));
            }
        }
        main.map_or((None, 0), |(currency, sum)| (Some(currency.clone()), sum.1))
    }
}

fn add_counts<K: Ord + Clone>(counts: &mut BTreeMap<K, i64>, others: &BTreeMap<K, i64>) {
    for (name, count) in others {
        *counts.entry(name.clone()).or_default() += count;
    }
    if !others.is_empty() {
        counts.retain(|_, count| *count != 0);
    }
}

impl Delta {
    /// What a statement of a touch adds, or what its retraction takes; `is_first` of the accounts that it names.
    pub(crate) fn of_touch(
        rules: &AccountRules,
        stages: &StageDefinitions,
        event: &JourneyEvent,
        is_first: bool,
    ) -> Self {
        let touchpoint = &event.touchpoint;
        let at = touchpoint.occurred_at;
        let weight = rules.weight(touchpoint);
        let mut delta = Self {
            sums: Sums::of_touch(touchpoint, stages),
            opportunities: opportunity(rules, touchpoint).into_iter().collect(),
            times: vec![((at, event.team_id.clone(), event.person_id), 1)],
            days: if weight == 0 { Vec::new() } else { vec![(at.div_euclid(DAY_MS), weight)] },
            passed: Passed::sold(event, is_first).map(|sold| (sold, 1)).into_iter().collect(),
            ..Self::default()
        };
        if event.retracted {
            delta.negate();
        }
        delta
    }

    /// What a person tells of its membership.
    pub(crate) fn of_member(person_id: PersonId, statements: Vec<(MemberStatement, i64)>) -> Self {
        let members = statements.into_iter().map(|(statement, count)| (person_id, statement, count)).collect();
        Self { members, ..Self::default() }
    }

    /// Tells that a person was erased.
    pub(crate) fn of_erased(person_id: PersonId) -> Self {
        Self { erased: vec![person_id], ..Self::default() }
    }

    /// Turns it into what takes it back.
    pub(crate) fn negate(&mut self) {
        self.sums.negate();
        let members = self.members.iter_mut().map(|(_, _, count)| count);
        let opportunities = self.opportunities.iter_mut().map(|(_, _, count)| count);
        let times = self.times.iter_mut().map(|(_, count)| count);
        let days = self.days.iter_mut().map(|(_, weight)| weight);
        let passed = self.passed.iter_mut().map(|(_, count)| count);
        members.chain(opportunities).chain(times).chain(days).chain(passed).for_each(|count| *count = -*count);
    }

    /// The same in parts of at most `max_entries` entries each; at least one.
    pub(crate) fn parts(mut self, max_entries: usize) -> Vec<Self> {
        let mut parts = vec![Self { sums: std::mem::take(&mut self.sums), ..Self::default() }];
        share(self.members, max_entries, &mut parts, |part, entries| part.members = entries);
        share(self.opportunities, max_entries, &mut parts, |part, entries| part.opportunities = entries);
        share(self.times, max_entries, &mut parts, |part, entries| part.times = entries);
        share(self.days, max_entries, &mut parts, |part, entries| part.days = entries);
        share(self.passed, max_entries, &mut parts, |part, entries| part.passed = entries);
        parts
    }

    /// As it travels: `version 0x03 · MessagePack`.
    ///
    /// # Errors
    /// [`Failure::Fatal`] when it cannot be written, which no input can cause.
    pub fn encode(&self) -> Result<Vec<u8>, Failure> {
        let mut bytes = vec![VERSION];
        rmp_serde::encode::write(&mut bytes, self)
            .map_err(|error| Failure::Fatal(format!("what is told to an account cannot be written: {error}")))?;
        Ok(bytes)
    }

    /// The delta in `bytes`.
    ///
    /// # Errors
    /// [`Failure::Fatal`] when another version wrote it: going on would lose a part of the account. [`Failure::Poison`]
    /// when it is corrupt.
    pub fn decode(bytes: &[u8]) -> Result<Self, Failure> {
        match bytes {
            [version, part @ ..] if *version == VERSION || VERSIONS_BEFORE.contains(version) => {
                rmp_serde::from_slice(part)
                    .map_err(|error| Failure::Poison { code: "corrupt_delta", message: error.to_string() })
            }
            [version, ..] => Err(Failure::Fatal(format!(
                "an account was told something by version {version} of the journey and this build reads {VERSION}: run \
                 the build that wrote it, or a newer one"
            ))),
            [] => Err(Failure::Poison { code: "corrupt_delta", message: "the delta is empty".to_owned() }),
        }
    }
}

/// Puts entries into parts of their own.
fn share<T>(entries: Vec<T>, max: usize, parts: &mut Vec<Delta>, put: impl Fn(&mut Delta, Vec<T>)) {
    let mut entries = entries.into_iter().peekable();
    while entries.peek().is_some() {
        let mut part = Delta::default();
        put(&mut part, entries.by_ref().take(max).collect());
        parts.push(part);
    }
}

fn opportunity(rules: &AccountRules, touchpoint: &Touchpoint) -> Option<(String, OpportunityStatement, i64)> {
    let closes = match touchpoint.event_type.as_str() {
        "opportunity.created" | "opportunity.stage_changed" => false,
        "opportunity.won" | "opportunity.lost" => true,
        _ => return None,
    };
    let statement = OpportunityStatement {
        at: touchpoint.occurred_at,
        touchpoint_id: touchpoint.touchpoint_id.clone(),
        closes,
        stage: rules.opportunity_stage(touchpoint).cloned(),
        value: touchpoint.value.as_ref().map(|value| (value.amount_minor, value.currency.clone())),
    };
    Some((rules.opportunity_id(touchpoint).to_owned(), statement, 1))
}
