//! Records of the identity protocol: claims, merges, aliases, and the public log of changes.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::identifier::Identifier;
use crate::ids::PersonId;
use crate::touchpoint::Touchpoint;

/// A touchpoint with its person; the record of `tributary.resolved`, keyed by person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// The person it belongs to, as far as the identifier's owner knows.
    pub person_id: PersonId,
    /// The identifier by which it was resolved; unmerge goes by it.
    pub via: Identifier,
    /// How often it has been forwarded by a merged person's tombstone.
    pub hops: i32,
    /// The event.
    pub touchpoint: Touchpoint,
}

/// What is said to the owner of an identifier; the record of `tributary.identifiers`, keyed by `identifier`, and of
/// `tributary.identity.requests`, where people ask for links and their undoing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentifierCommand {
    /// Claim, label, move, quarantine, link, unlink, reassign, rekey, rekeyed, erase, forget or unsee.
    pub kind: IdentifierCommandKind,
    /// The identifier that is addressed.
    pub identifier: Identifier,
    /// Claim: the person that the other identifier belongs to. Label and move: the person that this one belongs to now.
    /// Quarantine: the person it stays with. Link and unlink: the person that this one starts as.
    pub person_id: PersonId,
    /// Claim: when the other identifier was first seen, event time.
    pub first_seen_at: i64,
    /// Claim: the identifier that was seen together with this one; `None` when this one leads the event because the
    /// ones before it are quarantined. Link and unlink: the first of the two, once it was found to be known.
    pub with: Option<Identifier>,
    /// Claim: the event's further identifiers, to be claimed one after the other, highest priority first, so that the
    /// sequencer hears of the edges of one event in that order. Link and unlink: the other one. Reassign: whose
    /// it is not, and whose it is. Rekey: its other names.
    pub then: Vec<Identifier>,
    /// Label: the person this identifier was thought to belong to.
    pub previous_person_id: Option<PersonId>,
    /// The touchpoint that is the evidence.
    pub touchpoint_id: String,
    /// When the evidence occurred.
    pub occurred_at: i64,
    /// Why somebody asks for this by hand; `None` for what events tell.
    #[serde(default)]
    pub by_hand: Option<String>,
    /// Reassign: the identifier to whose person the first does not belong, once it was found to be known.
    #[serde(default)]
    pub from: Option<MergeSide>,
    /// When the hub received the evidence. Erase, forget and unsee: what was received up to then is erased.
    #[serde(default)]
    pub received_at: i64,
    /// Forget, unsee, and the label of one who has come back: the erasure's number in the sequencer's order.
    #[serde(default)]
    pub sequence: i64,
}

impl IdentifierCommand {
    /// Tells the owner of an identifier what a touchpoint's value is called under newer keys. This says nothing about
    /// persons: the one that a command has to name is nobody.
    #[must_use]
    pub fn rekey(identifier: Identifier, names: Vec<Identifier>, touchpoint: &Touchpoint) -> Self {
        Self {
            kind: IdentifierCommandKind::Rekey,
            identifier,
            person_id: PersonId(Uuid::nil()),
            first_seen_at: touchpoint.occurred_at,
            with: None,
            then: names,
            previous_person_id: None,
            touchpoint_id: touchpoint.touchpoint_id.clone(),
            occurred_at: touchpoint.occurred_at,
            by_hand: None,
            from: None,
            received_at: touchpoint.received_at,
            sequence: 0,
        }
    }
}

/// The kinds of [`IdentifierCommand`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentifierCommandKind {
    /// "You were seen together with `with`, which belongs to `person_id`."
    Claim,
    /// "Your person has been merged: it is `person_id` now." A hint that shortens paths.
    Label,
    /// "Too many persons share you: stop linking."
    Quarantine,
    /// "You were taken out of your person and belong to this one: whoever you were seen with is to be asked again."
    Move,
    /// "Somebody says that you and the other are one."
    Link,
    /// "Somebody says that you and the other are two."
    Unlink,
    /// "Somebody says that you are not the first other's but the second's."
    Reassign,
    /// "The same value is called `then` under newer keys."
    Rekey,
    /// "You are another name of a value that belongs to `person_id`."
    Rekeyed,
    /// "Your person is to be erased."
    Erase,
    /// "Your person was erased: forget all."
    Forget,
    /// "`with` was erased: you were never seen with it."
    Unsee,
}

/// One side of a merge request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeSide {
    /// The identifier that is the evidence on this side.
    pub identifier: Identifier,
    /// The person it belongs to, as far as its owner knows.
    pub person_id: PersonId,
    /// When the identifier was first seen, event time.
    pub first_seen_at: i64,
}

/// Evidence that two persons are one, or the demand that two identifiers are not; the record of `tributary.merges`, read
/// by the sequencer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeRequest {
    /// Merge, unmerge, reassign, rekey or erase.
    #[serde(default)]
    pub kind: MergeRequestKind,
    /// The identifier of higher priority and its person.
    pub left: MergeSide,
    /// The other.
    pub right: MergeSide,
    /// The touchpoint that carried both.
    pub touchpoint_id: String,
    /// When it occurred.
    pub occurred_at: i64,
    /// Why somebody asks for this by hand; `None` for what events tell.
    #[serde(default)]
    pub by_hand: Option<String>,
    /// Reassign: the identifier to whose person the left one does not belong.
    #[serde(default)]
    pub from: Option<MergeSide>,
    /// When the hub received the evidence. Erase: what was received up to then is erased.
    #[serde(default)]
    pub received_at: i64,
}

/// The kinds of [`MergeRequest`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MergeRequestKind {
    /// "These were seen together", or, by hand, "these are one".
    #[default]
    Merge,
    /// "These are not one, and never will be until somebody says so."
    Unmerge,
    /// "The left is not `from`'s but the right's."
    Reassign,
    /// "These are two names of one value", the right one by a newer key.
    Rekey,
    /// "The person that has these is to be erased."
    Erase,
}

/// What is said to a person; the record of `tributary.persons`, keyed by `person_id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonCommand {
    /// Out, in, part, transfer, split, erase or unsee.
    pub kind: PersonCommandKind,
    /// The person that is addressed.
    pub person_id: PersonId,
    /// The other person: the winner of an `Out`; the loser of an `In`, `Part` or `Transfer`, or the person that its state
    /// was taken out of; the new person of a `Split`.
    pub other_person_id: PersonId,
    /// The merge's or split's number in the sequencer's order.
    pub sequence: i64,
    /// Event time of the evidence. Erase and unsee: what the hub received up to then is erased.
    pub occurred_at: i64,
    /// Part and transfer: the loser's state, in the service's own encoding; empty when it had none.
    #[serde(with = "serde_bytes")]
    pub state: Vec<u8>,
    /// Transfer: merges that were announced to the loser and whose state had not reached it, in ascending order.
    pub pending: Vec<i64>,
    /// Transfer: merges whose state the loser had absorbed, in ascending order.
    pub done: Vec<i64>,
    /// Split: the identifiers that go to the new person. In: those that were taken out of this person and have come back
    /// to it with the other. In order. Unsee: the one by which something came, and the one that was erased.
    #[serde(default)]
    pub identifiers: Vec<Identifier>,
}

/// The kinds of [`PersonCommand`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PersonCommandKind {
    /// "You are merged into the other: send it your state, and forward whatever still comes."
    Out,
    /// "The other is merged into you: its state is on the way."
    In,
    /// "Here is a part of the other's state; more is to come."
    Part,
    /// "Here is the other's state", or the last part of it.
    Transfer,
    /// "These identifiers are not yours: what came by them, and whatever still comes, belongs to the other."
    Split,
    /// "You are erased."
    Erase,
    /// "The second of these was erased: what came by the first never named it."
    Unsee,
}

/// One entry of the alias table; the record of the compacted `tributary.aliases`, keyed by the loser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// The person that was merged away.
    pub loser: PersonId,
    /// The person it is now, at the time of `sequence`; may itself be aliased later.
    pub winner: PersonId,
    /// The merge's number.
    pub sequence: i64,
}

/// What happened to persons; the record of `tributary.identity.changes`, keyed by `person_id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityChange {
    /// The kind of change.
    pub kind: IdentityChangeKind,
    /// The person it is about (the winner of a merge).
    pub person_id: PersonId,
    /// The other person (the loser of a merge, the one not merged with in a refusal).
    pub other_person_id: Option<PersonId>,
    /// The identifiers that are the evidence.
    pub identifiers: Vec<Identifier>,
    /// Why: what somebody said who asked for it by hand; `limit:email`, `blocked_value`, `unique:customer_id`, `shared_device`, …
    pub reason: Option<String>,
    /// The touchpoint that carried the evidence.
    pub touchpoint_id: String,
    /// Event time of the evidence.
    pub occurred_at: i64,
    /// Version of the identity rules in force.
    pub rule_version: String,
    /// The sequencer's number, for changes it ordered.
    pub sequence: Option<i64>,
    /// Unmerged: the number of the merge whose evidence no longer counts.
    #[serde(default)]
    pub undoes: Option<i64>,
}

/// The kinds of [`IdentityChange`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentityChangeKind {
    /// A person was seen for the first time.
    Created,
    /// An identifier was linked to a person.
    Linked,
    /// Two persons became one.
    Merged,
    /// A link was not made.
    Refused,
    /// An identifier stopped linking.
    Quarantined,
    /// Two identifiers were declared to be of two persons; if they were of one, `other_person_id` was taken out of it.
    Unmerged,
    /// An identifier is called by a second name, that of a newer key; `other_person_id` is the person of that name.
    Rekeyed,
    /// A person was erased; no identifier is named.
    Erased,
}
