//! Who goes first when several decisions about one person become eligible at once, and who loses.

use std::cmp::Reverse;

use serde_json::Value;

use crate::definition::{Action, Definition};
use crate::fields::{Fields, Report};
use crate::span::Span;

/// Which messages of one person compete with each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Arbitration {
    /// How long the first waits for others; `None` when only those of one moment compete.
    pub(crate) window: Option<Span>,
    /// Whether one wins over all channels, or one on each.
    over_all_channels: bool,
}

impl Arbitration {
    pub(crate) fn read(report: &Report, path: &str, value: Value) -> Self {
        let mut fields = Fields::of(report, path, value);
        let window = fields.parsed("window", "write a duration such as 30s");
        let over_all_channels = fields.one_of("scope", &[("channel", false), ("person", true)]).unwrap_or(false);
        fields.finish();
        Self { window, over_all_channels }
    }
}

/// The order in which decisions are made: suppressions before all, as they change what the others may do; then by
/// priority and expected value, highest first; then by name, so that there is always one order.
pub(crate) fn precedence(definition: &Definition) -> impl Ord + use<'_> {
    let after_suppressions = definition.action != Action::Suppress;
    (after_suppressions, Reverse(definition.priority), Reverse(definition.expected_value_minor), &definition.id)
}

/// The channels won so far among the decisions of one input.
#[derive(Debug)]
pub(crate) struct Slots {
    rules: Arbitration,
    won: Vec<(String, String)>,
}

impl Slots {
    pub(crate) fn new(rules: Arbitration) -> Self {
        Self { rules, won: Vec::new() }
    }

    /// Whether a decision competes for its channel at all.
    pub(crate) fn competes(definition: &Definition) -> bool {
        definition.action == Action::Message && !definition.transactional
    }

    /// The channel that is taken, and the trigger that has won it.
    pub(crate) fn winner(&self, channel: &str) -> Option<(&str, &str)> {
        let bars = |(taken, _): &&(String, String)| self.rules.over_all_channels || taken == channel;
        self.won.iter().find(bars).map(|(taken, trigger_id)| (taken.as_str(), trigger_id.as_str()))
    }

    /// Gives the channel to a trigger.
    pub(crate) fn win(&mut self, channel: &str, trigger_id: &str) {
        self.won.push((channel.to_owned(), trigger_id.to_owned()));
    }
}
