//! What remains of the touches that fell off the horizon.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tributary_model::AccountId;
use tributary_model::journey::{PathStep, Totals};

use crate::context::{Rules, path_step};
use crate::membership::Memberships;
use crate::touch::{Counts, Told, Touch, TouchKey};

/// The sum of the touches that are no longer kept one by one.
///
/// Sums, extremes and the newest exposures do not depend on the order in which touches were folded in, or on how often
/// bases were joined on the way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Touches of any kind.
    pub touch_count: i64,
    /// Counts that stages go by.
    pub counts: Counts,
    /// Sales less cancelled ones.
    pub order_count: i64,
    /// Conversions by currency.
    pub values: BTreeMap<String, CurrencySum>,
    /// The first conversion and its currency, which is that of the totals.
    pub first_value: Option<(TouchKey, String)>,
    /// The first touch.
    pub first_at: Option<i64>,
    /// The last sale.
    pub last_order_at: Option<i64>,
    /// The newest touch that was folded in.
    pub tail: Option<Tail>,
    /// The newest exposures that were folded in, oldest first; paths of conversions still reach them.
    pub exposures: Vec<FoldedExposure>,
    /// The memberships of accounts that the touches told of.
    pub memberships: Memberships,
    /// Accounts that were told of touches that were folded in. They know them as this person's for ever, so this does not
    /// go with the rest when the person is merged into another.
    pub accounts: BTreeSet<AccountId>,
}

/// Conversions in one currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrencySum {
    /// How many.
    pub count: i64,
    /// Their value in minor units.
    pub value_minor: i64,
    /// Their margin in minor units.
    pub margin_minor: i64,
}

/// The newest touch beyond the horizon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tail {
    /// Its place.
    pub key: TouchKey,
    /// When its session started.
    pub started_at: i64,
    /// Its place in the session.
    pub position: i32,
    /// The stage from it on.
    pub stage: String,
}

/// An exposure beyond the horizon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoldedExposure {
    /// As it stands on a path.
    pub step: PathStep,
    /// What it told.
    pub told: Option<Box<Told>>,
}

impl FoldedExposure {
    fn place(&self) -> (i64, &str) {
        (self.step.occurred_at, &self.step.touchpoint_id)
    }
}

impl Base {
    /// True when nothing was folded in yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.touch_count == 0
    }

    /// Takes in a touch that falls off the horizon; of exposures as many are kept as a path may have.
    pub fn fold(&mut self, touch: &Touch, rules: &Rules) {
        let touchpoint = &touch.event.touchpoint;
        let key = touch.key();
        self.touch_count += 1;
        self.counts = self.counts.after(touchpoint);
        self.order_count += touchpoint.order_delta();
        self.first_at = least(self.first_at, Some(key.0));
        self.accounts.extend(&touch.event.account_ids);
        if touchpoint.is_sale() {
            self.last_order_at = self.last_order_at.max(Some(key.0));
        }
        if touchpoint.is_conversion()
            && let Some(value) = &touchpoint.value
        {
            let sum = self.values.entry(value.currency.clone()).or_default();
            sum.count += 1;
            sum.value_minor = sum.value_minor.saturating_add(value.amount_minor);
            sum.margin_minor = sum.margin_minor.saturating_add(touchpoint.margin_minor());
            self.first_value = least(self.first_value.take(), Some((key.clone(), value.currency.clone())));
        }
        if touchpoint.is_exposure() {
            let exposure = FoldedExposure { step: path_step(&touch.event), told: touch.told.clone() };
            self.keep_exposures([exposure], rules.path.max_steps);
        }
        self.memberships.add(&rules.accounts, &rules.realm, &touch.event);
        let tail = Tail {
            key,
            started_at: touch.event.session.started_at,
            position: touch.event.session.position,
            stage: touch.event.stage.clone(),
        };
        self.keep_tail(Some(tail));
    }

    /// Takes in the base of a person who was merged into this one.
    pub fn absorb(&mut self, other: Self, max_exposures: usize) {
        self.touch_count += other.touch_count;
        self.counts.inbound += other.counts.inbound;
        self.counts.exposures += other.counts.exposures;
        self.order_count += other.order_count;
        for (currency, from) in other.values {
            let sum = self.values.entry(currency).or_default();
            sum.count += from.count;
            sum.value_minor = sum.value_minor.saturating_add(from.value_minor);
            sum.margin_minor = sum.margin_minor.saturating_add(from.margin_minor);
        }
        self.first_value = least(self.first_value.take(), other.first_value);
        self.first_at = least(self.first_at, other.first_at);
        self.last_order_at = self.last_order_at.max(other.last_order_at);
        self.keep_exposures(other.exposures, max_exposures);
        self.memberships.join(other.memberships);
        self.keep_tail(other.tail);
    }

    /// The totals after everything that was folded in.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let currency = self.first_value.as_ref().map(|(_, currency)| currency.clone());
        let sum = currency.as_ref().and_then(|currency| self.values.get(currency)).copied().unwrap_or_default();
        let conversions: i64 = self.values.values().map(|sum| sum.count).sum();
        Totals {
            touch_count: self.touch_count,
            order_count: self.order_count,
            value_minor: sum.value_minor,
            margin_minor: sum.margin_minor,
            currency,
            other_currency_count: conversions - sum.count,
            first_at: self.first_at.unwrap_or_default(),
            last_order_at: self.last_order_at,
        }
    }

    fn keep_exposures(&mut self, more: impl IntoIterator<Item = FoldedExposure>, max_exposures: usize) {
        self.exposures.extend(more);
        self.exposures.sort_by(|a, b| a.place().cmp(&b.place()));
        let surplus = self.exposures.len().saturating_sub(max_exposures);
        self.exposures.drain(..surplus);
    }

    fn keep_tail(&mut self, other: Option<Tail>) {
        let newer = |tail: &Tail| self.tail.as_ref().is_none_or(|kept| tail.key > kept.key);
        if other.as_ref().is_some_and(newer) {
            self.tail = other;
        }
    }
}

/// The lesser of two, where absence is no candidate.
fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
