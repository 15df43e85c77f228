//! An identifier that is not one person's but another's: taken out of the one and given to the other, or neither.

use tributary_model::identity::{MergeRequest, MergeRequestKind, MergeSide};
use tributary_model::{Identifier, PersonId};

use super::Sequencer;
use super::limits::broken_limit;
use super::node::Root;
use super::unmerge::Cut;
use crate::output::Output;

impl Sequencer {
    /// The left identifier is not `from`'s but the right's. It is held apart from `from`, which takes it out of a person that
    /// has both, and then it is merged with the right one. If a rule forbids the merge, nothing is done at all.
    pub(super) fn on_reassign(&mut self, request: &MergeRequest, out: &mut Vec<Output>) {
        let Some(from) = &request.from else { return };
        let (this, to) = (&request.left, &request.right);
        let (person, target) = (self.root_of(this), self.root_of(to));
        let is_same = [(this, from), (this, to), (from, to)].iter().any(|(one, two)| one.identifier == two.identifier);
        let refusal = if is_same {
            Some(format!("same:{}", this.identifier.namespace))
        } else {
            self.against_reassigning(request, from, (person, target))
        };
        if let Some(reason) = refusal {
            out.push(self.refusal(request, person, target, reason));
            return;
        }
        let apart =
            MergeRequest { kind: MergeRequestKind::Unmerge, right: from.clone(), from: None, ..request.clone() };
        self.on_unmerge(&apart, out);
        self.on_merge(&MergeRequest { kind: MergeRequestKind::Merge, from: None, ..request.clone() }, out);
    }

    /// Why it cannot be done. What goes with the identifier is judged as it will be without `from`.
    fn against_reassigning(
        &mut self,
        request: &MergeRequest,
        from: &MergeSide,
        (person, target): (PersonId, PersonId),
    ) -> Option<String> {
        let (this, to) = (&request.left.identifier, &request.right.identifier);
        let old = self.root_of(from);
        let cut = if person == old { self.cut(person, this, &from.identifier) } else { None };
        if let Some(reason) = cut.as_ref().and_then(Cut::refusal) {
            return Some(reason);
        }
        let stays = cut.as_ref().map(|cut| cut.part_of(this));
        let goes_along = |identifier: &Identifier| stays.is_none_or(|part| part.identifiers.contains_key(identifier));
        if target == person && goes_along(to) {
            return None; // It is the right one's already, or will be once it is cut.
        }
        if target == old {
            return Some(format!("one_person:{}", to.namespace));
        }
        if let Some(identifier) = self.quarantined_side(request) {
            return Some(super::shared_reason(identifier));
        }
        let whole = self.root(person)?.clone();
        let part: Root = match stays {
            Some(part) => whole.reduced_to(&part.identifiers, self.value_count(part.identifiers.keys())),
            None => whole,
        };
        let held = part.held().cloned().collect();
        if let Some(held) = self.held_from(held, target, Some((this, to))) {
            return Some(format!("hold:{}", held.namespace));
        }
        broken_limit(&self.rules, &part, self.root(target)?)
    }
}
