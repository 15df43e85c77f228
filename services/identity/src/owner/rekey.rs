//! Identifiers whose pseudonym has another key.

use tributary_model::PersonId;
use tributary_model::identity::{IdentifierCommand, IdentityChangeKind, MergeRequest, MergeRequestKind, MergeSide};

use super::{Evidence, MAX_NAMES, Owner, Owners};
use crate::output::Output;

impl Owners {
    /// This identifier's value is called by other names under newer keys: the sequencer is told of each once.
    pub(super) fn on_rekey(&mut self, command: &IdentifierCommand, out: &mut Vec<Output>) {
        let this = &command.identifier;
        if self.is_erased(this, command.received_at) {
            return; // Its touchpoint was received before.
        }
        let seen = self.see(this, Evidence::of_command(command), out);
        for name in &command.then {
            let is_news = |owner: &&Owner| name != this && !owner.seldom().names.contains(name);
            if self.owners.get(this).filter(is_news).is_none() {
                continue;
            }
            if let Some(owner) = self.owners.get_mut(this) {
                let names = &mut owner.seldom_mut().names;
                if names.len() >= MAX_NAMES {
                    names.remove(0);
                }
                names.push(name.clone());
            }
            let person_id = PersonId::of(&self.realm, name);
            out.push(Output::Merge(MergeRequest {
                kind: MergeRequestKind::Rekey,
                left: seen.side(this),
                right: MergeSide { identifier: name.clone(), person_id, first_seen_at: seen.first_seen_at },
                touchpoint_id: command.touchpoint_id.clone(),
                occurred_at: command.occurred_at,
                by_hand: None,
                from: None,
                received_at: command.received_at,
            }));
        }
    }

    /// This identifier is the newer name of one that has a person: it starts with that person.
    pub(super) fn on_rekeyed(&mut self, command: &IdentifierCommand, out: &mut Vec<Output>) {
        let this = &command.identifier;
        if self.owners.get(this).is_some() {
            return self.on_label(command, out);
        }
        self.owners.insert(this.clone(), Owner::new(command.person_id, command.first_seen_at));
        let evidence = Evidence::of_command(command);
        let own = self.first_person(this, out);
        out.push(self.change(IdentityChangeKind::Created, own, vec![this.clone()], None, evidence));
    }
}
