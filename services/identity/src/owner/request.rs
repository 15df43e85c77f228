//! What people ask of the owners of identifiers.

use tributary_model::PersonId;
use tributary_model::identity::{IdentifierCommand, IdentityChangeKind, MergeRequest, MergeRequestKind, MergeSide};

use super::{Evidence, Owners};
use crate::output::Output;

impl Owners {
    /// Somebody says that this identifier and another are one, or are not, or that it is not one's but the other's: this goes
    /// by the owners of all of them to the sequencer, whatever they were said to be before. What nobody has seen yet is a
    /// mistake rather than a person.
    pub(super) fn on_request(&self, command: IdentifierCommand, kind: MergeRequestKind, out: &mut Vec<Output>) {
        let evidence = Evidence::of_command(&command);
        let Some(owner) = self.owners.get(&command.identifier) else {
            return out.push(self.unknown(&command, evidence));
        };
        let this = owner.seen().side(&command.identifier);
        let mut others = command.then.iter().cloned();
        match (command.with.clone(), others.next()) {
            (None, Some(next)) => out.push(Output::Identifier(IdentifierCommand {
                identifier: next,
                person_id: this.person_id,
                first_seen_at: this.first_seen_at,
                with: Some(this.identifier),
                then: others.collect(),
                ..command
            })),
            (Some(_), Some(next)) => out.push(Output::Identifier(IdentifierCommand {
                identifier: next,
                then: others.collect(),
                from: Some(this),
                ..command
            })),
            (Some(first), None) => out.push(Output::Merge(MergeRequest {
                kind,
                left: MergeSide {
                    identifier: first,
                    person_id: command.person_id,
                    first_seen_at: command.first_seen_at,
                },
                right: this,
                touchpoint_id: command.touchpoint_id,
                occurred_at: command.occurred_at,
                by_hand: command.by_hand,
                from: command.from,
                received_at: command.received_at,
            })),
            (None, None) => {}
        }
    }

    pub(super) fn unknown(&self, command: &IdentifierCommand, evidence: Evidence<'_>) -> Output {
        let reason = format!("unknown:{}", command.identifier.namespace);
        let person = PersonId::of(&self.realm, &command.identifier);
        self.change(IdentityChangeKind::Refused, person, vec![command.identifier.clone()], Some(reason), evidence)
    }
}
