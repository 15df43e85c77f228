//! Owners of identifiers whose person is erased.
//!
//! An owner forgets everything of its identifier but that it was erased, under a fingerprint, and tells those it was seen
//! with. From then on what was received up to the erasure is passed over here, wherever it has been so far; whatever is
//! received later begins anew, as a person that nobody ever was.

use tributary_model::identity::{
    Alias, IdentifierCommand, IdentifierCommandKind, MergeRequest, MergeRequestKind, MergeSide, PersonCommand,
    PersonCommandKind,
};
use tributary_model::{Erasure, Fingerprint, Identifier, PersonId, Touchpoint};
use tributary_stream::StateStore;

use super::{Evidence, Owners};
use crate::output::Output;

impl Owners {
    /// True when a touchpoint is of somebody who has been erased since the hub received it.
    #[must_use]
    pub fn is_of_erased(&self, touchpoint: &Touchpoint) -> bool {
        let first = touchpoint.identifiers.first();
        first.is_some_and(|first| self.is_erased(first, touchpoint.received_at))
    }

    /// True when what was received then by this identifier is erased.
    pub(super) fn is_erased(&self, identifier: &Identifier, received_at: i64) -> bool {
        self.erasure_of(identifier, received_at).is_some()
    }

    /// The erasure of an identifier that covers what was received then.
    fn erasure_of(&self, identifier: &Identifier, received_at: i64) -> Option<Erasure> {
        if self.erased.is_empty() {
            return None;
        }
        self.erased.get(&Fingerprint::of(identifier)).copied().filter(|erasure| erasure.covers(received_at))
    }

    /// Identifiers that have been erased since are not seen with the first one any more.
    pub(super) fn leave_out_erased(&self, touchpoint: &mut Touchpoint) {
        if self.erased.is_empty() {
            return;
        }
        let received_at = touchpoint.received_at;
        touchpoint.identifiers.retain(|identifier| !self.is_erased(identifier, received_at));
    }

    /// The person as which an identifier starts that nothing is known of.
    pub(super) fn first_person(&self, identifier: &Identifier, out: &mut Vec<Output>) -> PersonId {
        let first = PersonId::of(&self.realm, identifier);
        let erasure = if self.erased.is_empty() { None } else { self.erased.get(&Fingerprint::of(identifier)) };
        let Some(erasure) = erasure else { return first };
        let successor = erasure.successor(identifier);
        // So that everybody still finds it by its identifier.
        out.push(Output::Alias(Alias { loser: first, winner: successor, sequence: erasure.sequence }));
        successor
    }

    /// A claim, unless one of the two has been erased since its touchpoint was received. The event's further identifiers
    /// are still claimed when it is this one, and who was seen with it hears that it never was.
    pub(super) fn unless_erased(&self, command: IdentifierCommand, out: &mut Vec<Output>) -> Option<IdentifierCommand> {
        if command.with.as_ref().is_some_and(|with| self.is_erased(with, command.received_at)) {
            return None;
        }
        let Some(erasure) = self.erasure_of(&command.identifier, command.received_at) else { return Some(command) };
        if let Some(with) = &command.with {
            out.push(unsee(with, &command.identifier, erasure, Evidence::of_command(&command)));
        }
        let evidence = Evidence::of_command(&command);
        let (person_id, first_seen_at) = (command.person_id, command.first_seen_at);
        let anchor = command.with.clone().map(|identifier| MergeSide { identifier, person_id, first_seen_at });
        self.claim_next(anchor.as_ref(), command.then.clone(), evidence, out);
        None
    }

    /// Somebody asks that the person of this identifier be erased. Who it is is the sequencer's to say.
    pub(super) fn on_erase(&self, command: IdentifierCommand, out: &mut Vec<Output>) {
        let Some(owner) = self.owners.get(&command.identifier) else {
            return out.push(self.unknown(&command, Evidence::of_command(&command)));
        };
        let this = owner.seen().side(&command.identifier);
        out.push(Output::Merge(MergeRequest {
            kind: MergeRequestKind::Erase,
            left: this.clone(),
            right: this,
            touchpoint_id: command.touchpoint_id,
            occurred_at: command.occurred_at,
            by_hand: command.by_hand,
            from: None,
            received_at: command.received_at,
        }));
    }

    /// Its person was erased.
    pub(super) fn on_forget(&mut self, command: &IdentifierCommand, out: &mut Vec<Output>) {
        let this = &command.identifier;
        let erasure = Erasure { sequence: command.sequence, at: command.received_at };
        let fingerprint = Fingerprint::of(this);
        match self.erased.get(&fingerprint) {
            Some(known) if known.sequence >= erasure.sequence => return, // A repeat.
            // It had come back since it was last erased, and is gone again.
            Some(_) => out.push(Output::Unalias(PersonId::of(&self.realm, this))),
            None => {}
        }
        self.erased.insert(fingerprint, erasure);
        let evidence = Evidence::of_command(command);
        let Some(owner) = self.owners.remove(this) else { return };
        out.extend(owner.partners().map(|partner| unsee(partner, this, erasure, evidence)));
        let Some((number, occurred_at)) = owner.seldom().back_after.filter(|(number, _)| *number >= erasure.sequence)
        else {
            return;
        };
        self.see(this, Evidence { occurred_at, ..evidence }, out);
        if number > erasure.sequence {
            self.note_return(this, (number, occurred_at));
        }
    }

    /// Heeds a hint that something of an erased identifier was received after the erasure, while its owner took it for the
    /// old person's or claimed it as such: it has come back. A hint that is here before the erasure is has to wait for it,
    /// lest what was received before be taken for the new person's. True when there is nothing else in the hint.
    pub(super) fn heed_return(&mut self, command: &IdentifierCommand, out: &mut Vec<Output>) -> bool {
        let this = &command.identifier;
        if command.sequence == 0 {
            return false;
        }
        let heard_of = self.erased.get(&Fingerprint::of(this)).map_or(0, |erasure| erasure.sequence);
        let is_known = self.owners.get(this).is_some();
        if command.sequence > heard_of || (command.sequence == heard_of && !is_known) {
            self.see(this, Evidence::of_command(command), out);
        }
        if command.sequence > heard_of {
            self.note_return(this, (command.sequence, command.occurred_at));
        }
        command.sequence > heard_of || !is_known
    }

    fn note_return(&mut self, identifier: &Identifier, back: (i64, i64)) {
        if let Some(owner) = self.owners.get_mut(identifier) {
            let known = &mut owner.seldom_mut().back_after;
            *known = (*known).max(Some(back));
        }
    }

    /// Another identifier, which this one was seen with, was erased. What came by this one names it no more.
    pub(super) fn on_unsee(&mut self, command: &IdentifierCommand, out: &mut Vec<Output>) {
        let Some(gone) = &command.with else { return };
        let erasure = Erasure { sequence: command.sequence, at: command.received_at };
        let fingerprint = Fingerprint::of(gone);
        if self.erased.get(&fingerprint).is_none_or(|known| known.sequence < erasure.sequence) {
            self.erased.insert(fingerprint, erasure);
        }
        let Some(owner) = self.owners.get_mut(&command.identifier) else { return };
        owner.edges.retain(|partner| partner != gone);
        if let Some(seldom) = &mut owner.seldom {
            seldom.former.retain(|partner| partner != gone);
        }
        out.push(Output::Person(PersonCommand {
            kind: PersonCommandKind::Unsee,
            person_id: owner.person_id,
            other_person_id: owner.person_id,
            sequence: erasure.sequence,
            occurred_at: erasure.at,
            state: Vec::new(),
            pending: Vec::new(),
            done: Vec::new(),
            identifiers: vec![command.identifier.clone(), gone.clone()],
        }));
    }
}

/// To the owner of `partner`: `gone` was erased.
fn unsee(partner: &Identifier, gone: &Identifier, erasure: Erasure, evidence: Evidence<'_>) -> Output {
    Output::Identifier(IdentifierCommand {
        kind: IdentifierCommandKind::Unsee,
        identifier: partner.clone(),
        person_id: PersonId(uuid::Uuid::nil()),
        first_seen_at: evidence.occurred_at,
        with: Some(gone.clone()),
        then: Vec::new(),
        previous_person_id: None,
        touchpoint_id: evidence.touchpoint_id.to_owned(),
        occurred_at: evidence.occurred_at,
        by_hand: None,
        from: None,
        received_at: erasure.at,
        sequence: erasure.sequence,
    })
}
