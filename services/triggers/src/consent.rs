//! What the person allows: the latest statement per channel and purpose.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tributary_model::Touchpoint;

/// The channel or purpose that stands for all.
const ALL: &str = "*";

/// How much consent a trigger needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentRule {
    /// The person must have given it.
    Required,
    /// The person must not have withdrawn it.
    OptOut,
}

/// One statement. Ordered so that the one in force is the greatest: the latest, and of two at one instant the
/// withdrawal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Statement {
    at: i64,
    withdrawn: bool,
    touchpoint_id: String,
}

/// The statements in force, by channel and purpose. They outlive the touches that made them, which leave the
/// horizon; the latest statement wins whatever order they arrive in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consents {
    statements: BTreeMap<String, BTreeMap<String, Statement>>,
}

/// The answer for one channel and purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Allowed; the touchpoint that says so, if one does.
    Allowed(Option<String>),
    /// Withdrawn by this touchpoint.
    Withdrawn(String),
    /// Nothing was ever said, and the rule asks for consent.
    NeverGiven,
}

impl Consents {
    /// Whether a touchpoint says anything about consent.
    #[must_use]
    pub fn speaks(touchpoint: &Touchpoint) -> bool {
        !touchpoint.consents.is_empty() || touchpoint.event_type.ends_with(".unsubscribed")
    }

    /// Takes over what a touchpoint says. Unsubscribing withdraws the purposes given on its channel, unless the
    /// touchpoint states its consents itself.
    pub fn note(&mut self, touchpoint: &Touchpoint, unsubscribed_purposes: &[String]) {
        let statement = |withdrawn| Statement {
            at: touchpoint.occurred_at,
            withdrawn,
            touchpoint_id: touchpoint.touchpoint_id.clone(),
        };
        for consent in &touchpoint.consents {
            self.merge(&consent.channel, &consent.purpose, statement(!consent.granted));
        }
        if touchpoint.consents.is_empty() && touchpoint.event_type.ends_with(".unsubscribed") {
            for purpose in unsubscribed_purposes {
                self.merge(&touchpoint.channel, purpose, statement(true));
            }
        }
    }

    fn merge(&mut self, channel: &str, purpose: &str, statement: Statement) {
        let known = self.statements.entry(channel.to_owned()).or_default().entry(purpose.to_owned());
        let known = known.or_insert_with(|| statement.clone());
        if *known < statement {
            *known = statement;
        }
    }

    /// The answer for a channel and purpose: the latest of the statements about it and about all.
    #[must_use]
    pub fn answer(&self, channel: &str, purpose: &str, rule: ConsentRule) -> Answer {
        let about = |channel| self.statements.get(channel);
        let latest = [channel, ALL]
            .into_iter()
            .filter_map(about)
            .flat_map(|purposes| [purpose, ALL].into_iter().filter_map(|purpose| purposes.get(purpose)))
            .max();
        match (latest, rule) {
            (Some(statement), _) if statement.withdrawn => Answer::Withdrawn(statement.touchpoint_id.clone()),
            (Some(statement), _) => Answer::Allowed(Some(statement.touchpoint_id.clone())),
            (None, ConsentRule::OptOut) => Answer::Allowed(None),
            (None, ConsentRule::Required) => Answer::NeverGiven,
        }
    }

    /// Adds the statements of a person merged into this one.
    pub fn absorb(&mut self, other: Self) {
        for (channel, purposes) in other.statements {
            for (purpose, statement) in purposes {
                self.merge(&channel, &purpose, statement);
            }
        }
    }
}
