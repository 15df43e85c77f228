//! The contact ledger: what this person has received from all teams.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tributary_model::{Direction, Glimpse, JourneyEvent};
use uuid::Uuid;

use crate::pattern::History;

/// A decision that was sent, or would have been had the person not been held out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Send {
    /// Event time of the sending.
    pub at: i64,
    /// The trigger.
    pub trigger_id: String,
    /// Its team.
    pub team_id: String,
    /// The channel chosen.
    pub channel: String,
    /// A message reaches the person; a notice to a team or a suppression does not.
    pub reaches_person: bool,
    /// Held out: counts for its own trigger only, so that both arms meet the same cap.
    pub is_ghost: bool,
    /// Exempt from caps.
    pub is_transactional: bool,
    /// It has been told that this is over a cap of the person that a merge made.
    pub is_told_over_cap: bool,
}

impl Send {
    /// This send as caps look at it.
    pub(crate) fn as_contact(&self) -> Contact<'_> {
        Contact {
            at: self.at,
            trigger_id: Some(&self.trigger_id),
            team_id: &self.team_id,
            channel: &self.channel,
            reaches_person: self.reaches_person && !self.is_ghost,
        }
    }
}

/// Sends by decision id: a set, so that a replay or a merge counts none twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactLedger {
    sends: BTreeMap<Uuid, Send>,
}

/// One contact as caps look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact<'a> {
    /// When.
    pub at: i64,
    /// The trigger, for contacts that one of ours asked for.
    pub trigger_id: Option<&'a str>,
    /// Whose.
    pub team_id: &'a str,
    /// Where.
    pub channel: &'a str,
    /// Whether the person noticed.
    pub reaches_person: bool,
}

impl ContactLedger {
    /// Adds a send; the first statement of a decision stays.
    pub fn record(&mut self, decision_id: Uuid, send: Send) {
        self.sends.entry(decision_id).or_insert(send);
    }

    /// Leaves a send out.
    pub fn take_back(&mut self, decision_id: &Uuid) {
        self.sends.remove(decision_id);
    }

    /// Forgets sends at or before `at`.
    pub fn forget(&mut self, at: i64) {
        self.sends.retain(|_, send| send.at > at);
    }

    /// Notes that these sends have been told to be over a cap.
    pub(crate) fn tell_over_cap(&mut self, decision_ids: &[Uuid]) {
        for id in decision_ids {
            if let Some(send) = self.sends.get_mut(id) {
                send.is_told_over_cap = true;
            }
        }
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sends.is_empty()
    }

    /// The send of a decision.
    #[must_use]
    pub fn send(&self, decision_id: Uuid) -> Option<&Send> {
        self.sends.get(&decision_id)
    }

    /// The sends, by decision id.
    pub fn sends(&self) -> impl Iterator<Item = (&Uuid, &Send)> {
        self.sends.iter()
    }

    /// Adds the sends of a person merged into this one. Of two statements of one decision the smaller stays, so
    /// that the order of merges does not matter.
    pub fn absorb(&mut self, other: Self) {
        for (decision_id, mut send) in other.sends {
            match self.sends.entry(decision_id) {
                std::collections::btree_map::Entry::Vacant(vacant) => drop(vacant.insert(send)),
                std::collections::btree_map::Entry::Occupied(mut known) => {
                    send.is_told_over_cap |= known.get().is_told_over_cap;
                    known.get_mut().is_told_over_cap = send.is_told_over_cap;
                    if send < *known.get() {
                        known.insert(send);
                    }
                }
            }
        }
    }

    /// All contacts in `(after, until]`: own sends, and what other systems sent as the journey shows it. A touch
    /// that is the outcome of one of our sends is that send and not another contact.
    pub fn contacts<'a>(
        &'a self,
        history: &'a History<'a>,
        after: i64,
        until: i64,
    ) -> impl Iterator<Item = Contact<'a>> + 'a {
        let own = self.sends.values().filter(move |send| send.at > after && send.at <= until).map(Send::as_contact);
        let others = history
            .iter()
            .rev()
            .skip_while(move |touch| touch.at() > until)
            .take_while(move |touch| touch.at() > after)
            .filter(|touch| is_contact(&touch.glimpse) && !self.is_outcome(touch))
            .map(|touch| Contact {
                at: touch.at(),
                trigger_id: None,
                team_id: &touch.team_id,
                channel: touch.glimpse.channel,
                reaches_person: true,
            });
        own.chain(others)
    }

    fn is_outcome(&self, event: &JourneyEvent) -> bool {
        let decision_id = event.touchpoint.decision_id.as_deref().and_then(|id| Uuid::parse_str(id).ok());
        decision_id.is_some_and(|id| self.sends.contains_key(&id))
    }
}

/// We spoke and the person could notice. A delivery report repeats its sending and a bounce reached nobody.
pub(crate) fn is_contact(touch: &Glimpse<'_>) -> bool {
    touch.direction == Direction::Outbound
        && !touch.event_type.ends_with(".delivered")
        && !touch.event_type.ends_with(".bounced")
}
