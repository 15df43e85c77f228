//! Who is asked for: everything that a person was ever known by, as far as `tributary.identity.changes` still tells.

use std::collections::BTreeSet;

use tributary_model::identity::{IdentityChange, IdentityChangeKind};
use tributary_model::ids::realm_uuid;
use tributary_model::{Identifier, PersonId};
use tributary_schema::Contracts;
use tributary_stream::KafkaSettings;

use crate::commands::identity_changes::each_identity_change;
use crate::commands::persons::pseudonym;
use crate::config::HubConfig;
use crate::error::CliError;

/// A person by what it was known by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Subject {
    /// Under their pseudonyms.
    pub(super) identifiers: BTreeSet<Identifier>,
    /// All the ids it ever had.
    pub(super) persons: BTreeSet<PersonId>,
    /// When it was last erased.
    pub(super) erased: Option<IdentityChange>,
}

/// How somebody may be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    Identifier(Identifier),
    Person(PersonId),
}

impl Asked {
    /// Reads an argument.
    ///
    /// # Errors
    /// [`CliError`] when it is neither, or there is no key.
    pub(super) fn parse(text: &str, config: &HubConfig) -> Result<Self, CliError> {
        match text.parse() {
            Ok(person_id) => Ok(Self::Person(person_id)),
            Err(_) => pseudonym(text, config).map(Self::Identifier),
        }
    }
}

/// Everything that was told about persons, in order of what the sequencer decided.
///
/// # Errors
/// [`CliError`] when no broker answers, or a record cannot be read.
pub(super) fn changes(settings: &KafkaSettings, contracts: &Contracts) -> Result<Vec<IdentityChange>, CliError> {
    let mut changes = Vec::new();
    each_identity_change(settings, contracts, |change| changes.push(change))?;
    changes.sort_by_key(|change| change.sequence);
    Ok(changes)
}

/// The person that was last erased of those who were asked for, or, when none was, the person that they are now.
pub(super) fn subject(asked: &Asked, changes: &[IdentityChange], config: &HubConfig) -> Subject {
    let realm = realm_uuid(&config.realm);
    let erasures = changes.iter().filter(|change| change.kind == IdentityChangeKind::Erased).rev();
    for erasure in erasures {
        let subject = gather(asked, changes, &realm, erasure.sequence.unwrap_or_default());
        if subject.persons.contains(&erasure.person_id) {
            return Subject { erased: Some(erasure.clone()), ..subject };
        }
    }
    gather(asked, changes, &realm, i64::MAX)
}

/// What belonged together before the decision of this number. What was undone does not count; what an earlier erasure has
/// ended does, so that who came back is looked for under the old names too.
fn gather(asked: &Asked, changes: &[IdentityChange], realm: &uuid::Uuid, before: i64) -> Subject {
    let earlier = |change: &&IdentityChange| change.sequence.is_none_or(|sequence| sequence < before);
    let undone: BTreeSet<i64> = changes.iter().filter(earlier).filter_map(|change| change.undoes).collect();
    let counts = |change: &&IdentityChange| change.sequence.is_none_or(|sequence| !undone.contains(&sequence));
    let mut subject = Subject::default();
    match asked {
        Asked::Identifier(identifier) => drop(subject.identifiers.insert(identifier.clone())),
        Asked::Person(person_id) => drop(subject.persons.insert(*person_id)),
    }
    loop {
        let size = (subject.identifiers.len(), subject.persons.len());
        subject.persons.extend(subject.identifiers.iter().map(|identifier| PersonId::of(realm, identifier)));
        for change in changes.iter().filter(earlier).filter(counts) {
            let is_own = change.identifiers.iter().any(|identifier| subject.identifiers.contains(identifier));
            match change.kind {
                IdentityChangeKind::Merged | IdentityChangeKind::Rekeyed => {
                    let named = [Some(change.person_id), change.other_person_id];
                    if is_own || named.into_iter().flatten().any(|person| subject.persons.contains(&person)) {
                        subject.identifiers.extend(change.identifiers.iter().cloned());
                        subject.persons.extend(named.into_iter().flatten());
                    }
                }
                IdentityChangeKind::Created if is_own || subject.persons.contains(&change.person_id) => {
                    subject.identifiers.extend(change.identifiers.iter().cloned());
                    subject.persons.insert(change.person_id);
                }
                _ => {}
            }
        }
        if size == (subject.identifiers.len(), subject.persons.len()) {
            subject.persons.extend(taken_out(&subject, changes.iter().filter(earlier)));
            return subject;
        }
    }
}

/// The persons that were called into being when these identifiers were taken out of others.
fn taken_out<'a>(subject: &Subject, changes: impl Iterator<Item = &'a IdentityChange>) -> BTreeSet<PersonId> {
    let mut new = BTreeSet::new();
    for change in changes.filter(|change| change.kind == IdentityChangeKind::Unmerged && change.undoes.is_some()) {
        let is_own = change.identifiers.iter().any(|identifier| subject.identifiers.contains(identifier));
        // The part that keeps the name has the identifier that it is called after.
        if is_own && !subject.persons.contains(&change.person_id) && !new.contains(&change.person_id) {
            new.extend(change.other_person_id);
        }
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(value: &str) -> Identifier {
        Identifier::new("email", value)
    }

    fn person(value: &str) -> PersonId {
        PersonId::of(&realm_uuid("default"), &id(value))
    }

    fn change(kind: IdentityChangeKind, sequence: Option<i64>, of: &str, other: Option<&str>) -> IdentityChange {
        IdentityChange {
            kind,
            person_id: person(of),
            other_person_id: other.map(person),
            identifiers: [Some(of), other].into_iter().flatten().map(id).collect(),
            reason: None,
            touchpoint_id: String::new(),
            occurred_at: 0,
            rule_version: String::new(),
            sequence,
            undoes: None,
        }
    }

    #[test]
    fn a_person_is_everything_it_was_known_by_until_it_was_erased() {
        let merged = |sequence, of, other| change(IdentityChangeKind::Merged, Some(sequence), of, Some(other));
        let erased =
            IdentityChange { identifiers: Vec::new(), ..change(IdentityChangeKind::Erased, Some(3), "ada", None) };
        let changes = [merged(1, "ada", "ada-too"), merged(2, "ada-too", "phone"), erased, merged(4, "ada", "bob")];
        let config = HubConfig::default();
        let all = BTreeSet::from([id("ada"), id("ada-too"), id("phone")]);
        for asked in [Asked::Identifier(id("phone")), Asked::Person(person("ada"))] {
            let subject = subject(&asked, &changes, &config);
            assert_eq!(
                (subject.identifiers, subject.erased.and_then(|change| change.sequence)),
                (all.clone(), Some(3))
            );
        }
        let bob = subject(&Asked::Identifier(id("bob")), &changes[..2], &config);
        assert_eq!((bob.identifiers, bob.erased), (BTreeSet::from([id("bob")]), None));
    }

    #[test]
    fn who_was_taken_apart_is_not_asked_for() {
        let apart =
            IdentityChange { undoes: Some(1), ..change(IdentityChangeKind::Unmerged, Some(2), "ada", Some("bob")) };
        let changes = [change(IdentityChangeKind::Merged, Some(1), "ada", Some("bob")), apart];
        let subject = subject(&Asked::Identifier(id("bob")), &changes, &HubConfig::default());
        assert_eq!(subject.identifiers, BTreeSet::from([id("bob")]));
    }
}
