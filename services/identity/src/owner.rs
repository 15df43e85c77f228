//! Owners of identifiers: each knows its identifier's person, as far as it has heard, and whom it was seen with.
//!
//! Every identifier starts as its own person, [`PersonId::of`] it. A touchpoint leaves at once for the person of its
//! first identifier: nobody is asked on the way. What links persons travels beside it: for each partner not seen before
//! the owner sends a claim, and the partner's owner asks the sequencer when the two persons differ. The claims of one
//! event follow each other (the first carries the rest), so that the sequencer hears of its edges in order of priority.
//!
//! An owner whose identifier is quarantined no longer links: it lets the event's next identifier lead.

mod erasure;
mod known;
mod rekey;
mod request;
#[cfg(test)]
mod tests;

use tributary_model::identity::{
    IdentifierCommand, IdentifierCommandKind, IdentityChange, IdentityChangeKind, MergeRequest, MergeRequestKind,
    MergeSide, Resolved,
};
use tributary_model::{Erasure, Fingerprint, Identifier, PersonId, RefusedIdentifier, Touchpoint};
use tributary_stream::{KeyedStore, StateStore};
use uuid::Uuid;

pub use self::known::{Owner, Seldom};
use crate::output::Output;
use crate::rules::TOUCHPOINT_NAMESPACE;

/// Names of the owners' stores, in order.
pub(crate) const OWNERS_STORES: [&str; 2] = ["owners", "erased"];
const OWNERS_VERSION: u8 = 4;
/// So many names of one value are remembered: more keys than this are never rotated at once.
const MAX_NAMES: usize = 8;

/// What is being told and when it happened.
#[derive(Debug, Clone, Copy)]
struct Evidence<'a> {
    touchpoint_id: &'a str,
    occurred_at: i64,
    received_at: i64,
}

impl<'a> Evidence<'a> {
    fn of_touchpoint(touchpoint: &'a Touchpoint) -> Self {
        Self {
            touchpoint_id: &touchpoint.touchpoint_id,
            occurred_at: touchpoint.occurred_at,
            received_at: touchpoint.received_at,
        }
    }

    fn of_command(command: &'a IdentifierCommand) -> Self {
        Self {
            touchpoint_id: &command.touchpoint_id,
            occurred_at: command.occurred_at,
            received_at: command.received_at,
        }
    }
}

/// What an event goes by at an owner.
#[derive(Debug, Clone, Copy)]
struct Seen {
    person_id: PersonId,
    first_seen_at: i64,
    quarantined: bool,
}

impl Seen {
    fn side(self, identifier: &Identifier) -> MergeSide {
        MergeSide { identifier: identifier.clone(), person_id: self.person_id, first_seen_at: self.first_seen_at }
    }
}

/// The identifiers of one partition.
#[derive(Debug)]
pub struct Owners {
    realm: Uuid,
    rule_version: String,
    max_edges: usize,
    owners: KeyedStore<Identifier, Owner>,
    /// Identifiers that were erased: those that are owned here, and others that were seen with them.
    erased: KeyedStore<Fingerprint, Erasure>,
}

impl Owners {
    /// No identifiers yet. Each remembers at most `max_edges` partners.
    #[must_use]
    pub fn new(realm: Uuid, rule_version: &str, max_edges: usize) -> Self {
        let [owners, erased] = OWNERS_STORES;
        Self {
            realm,
            rule_version: rule_version.to_owned(),
            max_edges: max_edges.max(1),
            owners: KeyedStore::new(owners, OWNERS_VERSION),
            erased: KeyedStore::new(erased, OWNERS_VERSION),
        }
    }

    /// What is known of an identifier.
    #[must_use]
    pub fn get(&self, identifier: &Identifier) -> Option<&Owner> {
        self.owners.get(identifier)
    }

    /// The state, for the runtime.
    pub fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.owners, &mut self.erased]
    }

    /// Resolves a touchpoint that is keyed by its first identifier, or names nobody. One that
    /// [`Owners::is_of_erased`] is not for here.
    pub fn on_touchpoint(&mut self, mut touchpoint: Touchpoint, out: &mut Vec<Output>) {
        self.leave_out_erased(&mut touchpoint);
        let Some((first, others)) = touchpoint.identifiers.split_first() else {
            return self.resolve_nobody(touchpoint, out);
        };
        if let Some(person_id) = self.person_if_all_is_known(first, others, &touchpoint) {
            let via = first.clone();
            return out.push(Output::Resolved(Box::new(Resolved { person_id, via, hops: 0, touchpoint })));
        }
        let evidence = Evidence::of_touchpoint(&touchpoint);
        let seen = self.see(first, evidence, out);
        self.report_refusals(first, seen.person_id, &touchpoint.refused_identifiers, evidence, out);
        let fresh = self.open_edges(first, others);
        let lead = others.first().filter(|_| seen.quarantined);
        match lead {
            Some(lead) if !fresh.is_empty() => {
                out.push(self.claim(lead.clone(), None, others[1..].to_vec(), evidence));
            }
            None if !fresh.is_empty() => self.claim_next(Some(&seen.side(first)), fresh, evidence, out),
            _ => {}
        }
        let via = lead.unwrap_or(first).clone();
        let person_id = lead.map_or(seen.person_id, |lead| PersonId::of(&self.realm, lead));
        out.push(Output::Resolved(Box::new(Resolved { person_id, via, hops: 0, touchpoint })));
    }

    /// Whose the first identifier is, when the touchpoint tells nothing that its owner does not know: most do not.
    fn person_if_all_is_known(
        &self,
        first: &Identifier,
        others: &[Identifier],
        touchpoint: &Touchpoint,
    ) -> Option<PersonId> {
        let owner = self.owners.get(first)?;
        let is_all_known = !owner.quarantined
            && owner.first_seen_at <= touchpoint.occurred_at
            && others.iter().all(|partner| owner.edges.contains(partner))
            && touchpoint.refused_identifiers.iter().all(|refusal| owner.seldom().refusals.contains(refusal));
        is_all_known.then_some(owner.person_id)
    }

    /// Handles what another owner, a person or the sequencer says to one of the identifiers.
    pub fn on_command(&mut self, command: IdentifierCommand, out: &mut Vec<Output>) {
        match command.kind {
            IdentifierCommandKind::Claim => self.on_claim(command, out),
            IdentifierCommandKind::Label => self.on_label(&command, out),
            IdentifierCommandKind::Move => self.on_move(&command),
            IdentifierCommandKind::Link => self.on_request(command, MergeRequestKind::Merge, out),
            IdentifierCommandKind::Unlink => self.on_request(command, MergeRequestKind::Unmerge, out),
            IdentifierCommandKind::Reassign => self.on_request(command, MergeRequestKind::Reassign, out),
            IdentifierCommandKind::Rekey => self.on_rekey(&command, out),
            IdentifierCommandKind::Rekeyed => self.on_rekeyed(&command, out),
            IdentifierCommandKind::Erase => self.on_erase(command, out),
            IdentifierCommandKind::Forget => self.on_forget(&command, out),
            IdentifierCommandKind::Unsee => self.on_unsee(&command, out),
            IdentifierCommandKind::Quarantine => {
                if let Some(owner) = self.owners.get_mut(&command.identifier) {
                    owner.quarantined = true;
                }
            }
        }
    }

    fn on_claim(&mut self, command: IdentifierCommand, out: &mut Vec<Output>) {
        let Some(command) = self.unless_erased(command, out) else { return };
        let evidence = Evidence {
            touchpoint_id: &command.touchpoint_id,
            occurred_at: command.occurred_at,
            received_at: command.received_at,
        };
        let this = &command.identifier;
        let seen = self.see(this, evidence, out);
        let Some(with) = command.with else {
            let fresh = if seen.quarantined { command.then } else { self.open_edges(this, &command.then) };
            let anchor = (!seen.quarantined).then(|| seen.side(this));
            return self.claim_next(anchor.as_ref(), fresh, evidence, out);
        };
        let anchor = MergeSide { identifier: with, person_id: command.person_id, first_seen_at: command.first_seen_at };
        if !seen.quarantined {
            self.open_edges(this, std::slice::from_ref(&anchor.identifier));
            if seen.person_id != anchor.person_id {
                out.push(Output::Merge(MergeRequest {
                    kind: MergeRequestKind::Merge,
                    left: anchor.clone(),
                    right: seen.side(this),
                    touchpoint_id: command.touchpoint_id.clone(),
                    occurred_at: command.occurred_at,
                    by_hand: None,
                    from: None,
                    received_at: command.received_at,
                }));
            }
        }
        self.claim_next(Some(&anchor), command.then, evidence, out);
    }

    /// A hint counts only while it says more than is known: hints of one chain of merges may overtake each other. One of the
    /// sequencer's that names no person before always does.
    fn on_label(&mut self, command: &IdentifierCommand, out: &mut Vec<Output>) {
        if self.heed_return(command, out) {
            return;
        }
        let known = self.owners.get(&command.identifier).map(|owner| owner.person_id);
        if known.is_some()
            && (known == command.previous_person_id || command.previous_person_id.is_none())
            && let Some(owner) = self.owners.get_mut(&command.identifier)
        {
            owner.person_id = command.person_id;
        }
    }

    /// It was taken out of its person. Whom it was seen with has to be asked again: what was refused to the old person may
    /// be right for the new one.
    fn on_move(&mut self, command: &IdentifierCommand) {
        if let Some(owner) = self.owners.get_mut(&command.identifier) {
            owner.person_id = command.person_id;
            std::mem::take(&mut owner.edges).into_iter().for_each(|partner| owner.retire(partner, self.max_edges));
        }
    }

    /// What is known of an identifier now that it was seen; one that is new to its owner is new to the hub.
    fn see(&mut self, identifier: &Identifier, evidence: Evidence<'_>, out: &mut Vec<Output>) -> Seen {
        let Some(owner) = self.owners.get(identifier) else {
            let owner = Owner::new(self.first_person(identifier, out), evidence.occurred_at);
            let seen = owner.seen();
            self.owners.insert(identifier.clone(), owner);
            let created = IdentityChangeKind::Created;
            out.push(self.change(created, seen.person_id, vec![identifier.clone()], None, evidence));
            return seen;
        };
        let seen = owner.seen();
        if seen.first_seen_at <= evidence.occurred_at {
            return seen;
        }
        if let Some(owner) = self.owners.get_mut(identifier) {
            owner.first_seen_at = evidence.occurred_at;
        }
        Seen { first_seen_at: evidence.occurred_at, ..seen }
    }

    /// Notes edges and gives the partners not seen before, in their order.
    fn open_edges(&mut self, anchor: &Identifier, partners: &[Identifier]) -> Vec<Identifier> {
        let Some(owner) = self.owners.get(anchor) else { return Vec::new() };
        let is_fresh = |partner: &&Identifier| *partner != anchor && !owner.edges.contains(partner);
        let fresh: Vec<Identifier> = partners.iter().filter(is_fresh).cloned().collect();
        if !fresh.is_empty()
            && let Some(owner) = self.owners.get_mut(anchor)
        {
            fresh.iter().for_each(|partner| owner.add_edge(partner, self.max_edges));
        }
        fresh
    }

    /// Claims the first of `identifiers` for `anchor`; the others go with it.
    fn claim_next(
        &self,
        anchor: Option<&MergeSide>,
        identifiers: Vec<Identifier>,
        evidence: Evidence<'_>,
        out: &mut Vec<Output>,
    ) {
        let mut rest = identifiers.into_iter();
        if let Some(next) = rest.next() {
            out.push(self.claim(next, anchor, rest.collect(), evidence));
        }
    }

    /// A claim; without an anchor the identifier itself is to lead.
    fn claim(
        &self,
        identifier: Identifier,
        anchor: Option<&MergeSide>,
        then: Vec<Identifier>,
        evidence: Evidence<'_>,
    ) -> Output {
        let person_id = anchor.map_or_else(|| PersonId::of(&self.realm, &identifier), |anchor| anchor.person_id);
        Output::Identifier(IdentifierCommand {
            kind: IdentifierCommandKind::Claim,
            identifier,
            person_id,
            first_seen_at: anchor.map_or(evidence.occurred_at, |anchor| anchor.first_seen_at),
            with: anchor.map(|anchor| anchor.identifier.clone()),
            then,
            previous_person_id: None,
            touchpoint_id: evidence.touchpoint_id.to_owned(),
            occurred_at: evidence.occurred_at,
            by_hand: None,
            from: None,
            received_at: evidence.received_at,
            sequence: 0,
        })
    }

    /// Reports what was left out of the identifier's touchpoints, each namespace and reason once.
    fn report_refusals(
        &mut self,
        identifier: &Identifier,
        person_id: PersonId,
        refused: &[RefusedIdentifier],
        evidence: Evidence<'_>,
        out: &mut Vec<Output>,
    ) {
        for refusal in refused {
            if self.owners.get(identifier).is_none_or(|owner| owner.seldom().refusals.contains(refusal)) {
                continue;
            }
            if let Some(owner) = self.owners.get_mut(identifier) {
                owner.seldom_mut().refusals.push(refusal.clone());
            }
            out.push(self.refusal(identifier.clone(), person_id, refusal, evidence));
        }
    }

    /// A touchpoint that names nobody: a stand-in for its person keeps what it is worth in the totals.
    fn resolve_nobody(&self, touchpoint: Touchpoint, out: &mut Vec<Output>) {
        let via = Identifier::new(TOUCHPOINT_NAMESPACE, touchpoint.touchpoint_id.as_str());
        let person_id = PersonId::of(&self.realm, &via);
        let evidence = Evidence::of_touchpoint(&touchpoint);
        for refusal in &touchpoint.refused_identifiers {
            out.push(self.refusal(via.clone(), person_id, refusal, evidence));
        }
        out.push(Output::Resolved(Box::new(Resolved { person_id, via, hops: 0, touchpoint })));
    }

    fn refusal(
        &self,
        identifier: Identifier,
        person_id: PersonId,
        refusal: &RefusedIdentifier,
        evidence: Evidence<'_>,
    ) -> Output {
        let reason = format!("{}:{}", refusal.reason, refusal.namespace);
        self.change(IdentityChangeKind::Refused, person_id, vec![identifier], Some(reason), evidence)
    }

    fn change(
        &self,
        kind: IdentityChangeKind,
        person_id: PersonId,
        identifiers: Vec<Identifier>,
        reason: Option<String>,
        evidence: Evidence<'_>,
    ) -> Output {
        Output::Change(IdentityChange {
            kind,
            person_id,
            other_person_id: None,
            identifiers,
            reason,
            touchpoint_id: evidence.touchpoint_id.to_owned(),
            occurred_at: evidence.occurred_at,
            rule_version: self.rule_version.clone(),
            sequence: None,
            undoes: None,
        })
    }
}
