//! Suppressions: channels on which a person is to be left alone for a time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::fields::{Fields, Report};
use crate::filter::TouchFilter;
use crate::pattern::History;
use crate::span::Span;

/// What a `suppress` trigger asks for.
#[derive(Debug, Clone)]
pub struct SuppressOrder {
    /// The channels; `*` for all.
    pub channels: Vec<String>,
    /// Only triggers with one of these purposes; empty for all.
    pub purposes: Vec<String>,
    /// For how long.
    pub span: Span,
    /// Touches that end it early.
    pub until: Option<TouchFilter>,
}

/// A suppression in force.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Suppression {
    /// First suppressed instant.
    pub from_at: i64,
    /// First instant that is not suppressed any more.
    pub until_at: i64,
    /// The trigger that asked for it.
    pub trigger_id: String,
    /// The channels; `*` for all.
    pub channels: Vec<String>,
    /// Only these purposes; empty for all.
    pub purposes: Vec<String>,
}

/// The suppressions of one person, by the decision that opened them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppressions {
    by_decision: BTreeMap<Uuid, Suppression>,
}

impl Suppressions {
    /// Opens a suppression.
    pub fn open(&mut self, decision_id: Uuid, suppression: Suppression) {
        self.by_decision.entry(decision_id).or_insert(suppression);
    }

    /// Forgets those that ended at or before `at`.
    pub fn forget(&mut self, at: i64) {
        self.by_decision.retain(|_, suppression| suppression.until_at > at);
    }

    /// The suppression in force on a channel for a purpose; `order_of` gives the trigger's order, for what ends it
    /// early.
    pub(crate) fn in_force<'a>(
        &'a self,
        channel: &str,
        purpose: &str,
        now_at: i64,
        history: &History<'_>,
        order_of: impl Fn(&str) -> Option<&'a SuppressOrder>,
    ) -> Option<&'a Suppression> {
        self.in_force_with_id(channel, purpose, now_at, history, order_of).map(|(_, suppression)| suppression)
    }

    /// As [`Suppressions::in_force`], with the decision that opened it.
    pub(crate) fn in_force_with_id<'a>(
        &'a self,
        channel: &str,
        purpose: &str,
        now_at: i64,
        history: &History<'_>,
        order_of: impl Fn(&str) -> Option<&'a SuppressOrder>,
    ) -> Option<(Uuid, &'a Suppression)> {
        let found = self.by_decision.iter().find(|(_, suppression)| {
            let is_meant = |names: &[String], name: &str| names.iter().any(|known| known == name || known == "*");
            (suppression.from_at..suppression.until_at).contains(&now_at)
                && is_meant(&suppression.channels, channel)
                && (suppression.purposes.is_empty() || is_meant(&suppression.purposes, purpose))
                && !order_of(&suppression.trigger_id)
                    .and_then(|order| order.until.as_ref())
                    .is_some_and(|ends| ended_early(suppression, ends, history, now_at))
        });
        found.map(|(id, suppression)| (*id, suppression))
    }

    /// Adds the suppressions of a person merged into this one; of two statements the smaller stays.
    pub fn absorb(&mut self, other: Self) {
        for (decision_id, suppression) in other.by_decision {
            let known = self.by_decision.entry(decision_id).or_insert_with(|| suppression.clone());
            if suppression < *known {
                *known = suppression;
            }
        }
    }
}

fn ended_early(suppression: &Suppression, ends: &TouchFilter, history: &History<'_>, now_at: i64) -> bool {
    history
        .iter()
        .rev()
        .take_while(|touch| touch.at() > suppression.from_at)
        .any(|touch| touch.at() <= now_at && ends.matches(touch))
}

impl SuppressOrder {
    pub(crate) fn read(report: &Report, value: Value, name: &str) -> Option<Self> {
        let mut fields = Fields::of(report, "suppress", value);
        let channels = fields.texts("channels");
        if channels.is_empty() {
            fields.problem(
                "channels",
                "names no channel",
                "list the channels to leave alone, or write `channels: '*'`",
            );
        }
        if !fields.has("for") {
            fields.problem("for", "is missing", "say for how long, such as `for: 14d`");
        }
        let purposes = fields.texts("purposes");
        let span = fields.parsed("for", "write a duration such as 14d");
        let until = fields.take("until").map(|value| {
            let mut inner = Fields::of(report, "suppress.until", value);
            let filter = TouchFilter::read(&mut inner, name);
            inner.finish();
            filter
        });
        fields.finish();
        Some(Self { channels, purposes, span: span?, until })
    }
}
