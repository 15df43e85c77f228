//! Who goes first when several decisions about one person become eligible at once, and who loses.

use std::cmp::Reverse;

use crate::definition::{Action, Definition};

/// The order in which decisions are made: suppressions before all, as they change what the others may do; then by
/// priority and expected value, highest first; then by name, so that there is always one order.
pub(crate) fn precedence(definition: &Definition) -> impl Ord + use<'_> {
    let after_suppressions = definition.action != Action::Suppress;
    (after_suppressions, Reverse(definition.priority), Reverse(definition.expected_value_minor), &definition.id)
}

/// The channels won so far among the decisions of one input.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    won: Vec<(String, String)>,
}

impl Slots {
    /// Whether a decision competes for its channel at all.
    pub(crate) fn competes(definition: &Definition) -> bool {
        definition.action == Action::Message && !definition.transactional
    }

    /// The trigger that has won the channel.
    pub(crate) fn winner(&self, channel: &str) -> Option<&str> {
        self.won.iter().find(|(taken, _)| taken == channel).map(|(_, trigger_id)| trigger_id.as_str())
    }

    /// Gives the channel to a trigger.
    pub(crate) fn win(&mut self, channel: &str, trigger_id: &str) {
        self.won.push((channel.to_owned(), trigger_id.to_owned()));
    }
}
