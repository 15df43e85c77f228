//! What the person allows: the last word about each channel and purpose.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tributary_model::{ConsentProof, Identifier, Touchpoint};

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
/// withdrawal, and of two of these the one with the greater id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Statement {
    at: i64,
    withdrawn: bool,
    touchpoint_id: String,
    source: String,
    /// The identifier by which it came: should the person be taken apart, it goes with this one.
    via: Option<Identifier>,
    /// When the hub received it: should the person be erased, what was received later is not.
    received_at: i64,
}

/// The statements in force, by channel and purpose: the last that came by each identifier. They outlive the touches that
/// made them, which leave the horizon; the latest statement wins whatever order they arrive in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consents {
    statements: BTreeMap<String, BTreeMap<String, BTreeSet<Statement>>>,
}

/// The answer for one channel and purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Allowed; the statement that says so, if one does.
    Allowed(Option<ConsentProof>),
    /// Withdrawn by this statement.
    Withdrawn(ConsentProof),
    /// Nothing was ever said, and the rule asks for consent.
    NeverGiven,
}

impl Consents {
    /// Whether a touchpoint says anything about consent.
    #[must_use]
    pub fn speaks(touchpoint: &Touchpoint) -> bool {
        !touchpoint.consents.is_empty() || touchpoint.event_type.ends_with(".unsubscribed")
    }

    /// Takes over what a touchpoint says that came by `via`. Unsubscribing withdraws the purposes given on its channel,
    /// unless the touchpoint states its consents itself.
    pub fn note(&mut self, touchpoint: &Touchpoint, via: Option<&Identifier>, unsubscribed_purposes: &[String]) {
        let statement = |withdrawn| Statement {
            at: touchpoint.occurred_at,
            withdrawn,
            touchpoint_id: touchpoint.touchpoint_id.clone(),
            source: touchpoint.source.clone(),
            via: via.cloned(),
            received_at: touchpoint.received_at,
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

    /// The last word by each identifier stays.
    fn merge(&mut self, channel: &str, purpose: &str, statement: Statement) {
        let said = self.statements.entry(channel.to_owned()).or_default().entry(purpose.to_owned()).or_default();
        let earlier = said.iter().find(|known| known.via == statement.via).cloned();
        match earlier {
            Some(known) if known >= statement => {}
            Some(known) => {
                said.remove(&known);
                said.insert(statement);
            }
            None => drop(said.insert(statement)),
        }
    }

    /// The answer for a channel and purpose: the latest of the statements about it and about all.
    #[must_use]
    pub fn answer(&self, channel: &str, purpose: &str, rule: ConsentRule) -> Answer {
        let in_force = [channel, ALL]
            .into_iter()
            .flat_map(|channel| [purpose, ALL].into_iter().filter_map(move |purpose| self.last_word(channel, purpose)))
            .max_by_key(|(statement, _)| *statement);
        match (in_force, rule) {
            (Some((statement, proof)), _) if statement.withdrawn => Answer::Withdrawn(proof),
            (Some((_, proof)), _) => Answer::Allowed(Some(proof)),
            (None, ConsentRule::OptOut) => Answer::Allowed(None),
            (None, ConsentRule::Required) => Answer::NeverGiven,
        }
    }

    /// The last word about each channel and purpose, `*` being all of them.
    pub fn last_words(&self) -> impl Iterator<Item = ConsentProof> {
        let pairs = self
            .statements
            .iter()
            .flat_map(|(channel, purposes)| purposes.keys().map(move |purpose| (channel.as_str(), purpose.as_str())));
        pairs.filter_map(|(channel, purpose)| self.last_word(channel, purpose)).map(|(_, proof)| proof)
    }

    fn last_word(&self, channel: &str, purpose: &str) -> Option<(&Statement, ConsentProof)> {
        let (channel, purposes) = self.statements.get_key_value(channel)?;
        let (purpose, said) = purposes.get_key_value(purpose)?;
        let statement = said.last()?;
        let proof = ConsentProof {
            channel: channel.clone(),
            purpose: purpose.clone(),
            granted: !statement.withdrawn,
            occurred_at: statement.at,
            source: statement.source.clone(),
            touchpoint_id: statement.touchpoint_id.clone(),
        };
        Some((statement, proof))
    }

    /// Takes out what came by the identifiers that `is_taken` picks, by when it was received.
    #[must_use]
    pub fn take(&mut self, is_taken: &dyn Fn(&Identifier, i64) -> bool) -> Self {
        let mut taken = Self::default();
        for (channel, purposes) in std::mem::take(&mut self.statements) {
            for (purpose, said) in purposes {
                for statement in said {
                    let goes = statement.via.as_ref().is_some_and(|via| is_taken(via, statement.received_at));
                    let side = if goes { &mut taken } else { &mut *self };
                    side.merge(&channel, &purpose, statement);
                }
            }
        }
        taken
    }

    /// Adds the statements of a person merged into this one.
    pub fn absorb(&mut self, other: Self) {
        for (channel, purposes) in other.statements {
            for (purpose, said) in purposes {
                for statement in said {
                    self.merge(&channel, &purpose, statement);
                }
            }
        }
    }
}
