//! `identity.changes`: each identifier created and linked once, each merge told once, and evidence for all of it.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::identity::{Alias, IdentityChange, IdentityChangeKind};
use tributary_model::{Identifier, PersonId};

use crate::check::read::{Read, Reader};
use crate::check::report::Report;
use crate::check::touchpoints::may_belong;
use crate::names::{person_of, written};
use crate::truth::World;

const TOPIC: &str = "tributary.identity.changes";
/// The version in `schemas/identity.yaml`.
const RULE_VERSION: &str = "2";

/// How often something was told of each name.
type Counts = BTreeMap<(&'static str, String), i64>;

/// `linked` are the shared identifiers that went to one of their sharers.
pub(super) fn check(
    world: &World,
    aliases: &[Alias],
    linked: &BTreeMap<&Identifier, usize>,
    reader: &Reader<'_>,
    report: &mut Report,
) {
    let winners: BTreeMap<i64, &Alias> = aliases.iter().map(|alias| (alias.sequence, alias)).collect();
    let mut found = Counts::new();
    let records = reader.all::<IdentityChange>(TOPIC, report);
    check_links(&records, report);
    for record in records {
        let change = record.value;
        let name = name(&change);
        if record.key != change.person_id.to_string() {
            report.add(TOPIC, &name, "the person as key", record.key);
        }
        check_evidence(world, &name, &change, report);
        check_persons(world, &name, &change, &winners, report);
        count(&change, &mut found);
    }
    let expected = expected(world, aliases, linked);
    // The rest depends on the order of arrival.
    found.retain(|(kind, _), count| *kind != "quarantined" || *count > 1);
    let names: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    for name in names {
        let of = |map: &Counts| map.get(name).copied().unwrap_or(0);
        report.count(TOPIC, &name.1, &format!("changes `{}`", name.0), of(&expected), of(&found));
    }
}

/// What was linked is what the merge of the same sequence joined, by the same evidence.
fn check_links(records: &[Read<IdentityChange>], report: &mut Report) {
    let of_kind = |kind| records.iter().map(|record| &record.value).filter(move |change| change.kind == kind);
    let merges: BTreeMap<Option<i64>, &IdentityChange> =
        of_kind(IdentityChangeKind::Merged).map(|change| (change.sequence, change)).collect();
    for link in of_kind(IdentityChangeKind::Linked) {
        let merge = merges.get(&link.sequence);
        let belongs = merge.is_some_and(|merge| {
            let is_joined = |identifier| merge.identifiers.contains(identifier);
            link.touchpoint_id == merge.touchpoint_id && link.identifiers.iter().all(is_joined)
        });
        if !belongs {
            let expected = format!("part of merge {:?}", link.sequence);
            report.add(TOPIC, name(link), expected, merge.map_or("no merge".to_owned(), |merge| name(merge)));
        }
    }
}

fn name(change: &IdentityChange) -> String {
    let identifiers: Vec<String> = change.identifiers.iter().map(written).collect();
    format!("{:?} {}", change.kind, identifiers.join(" and "))
}

fn count(change: &IdentityChange, found: &mut Counts) {
    let reason = change.reason.as_deref().unwrap_or_default();
    let kind = match change.kind {
        IdentityChangeKind::Created => "created",
        IdentityChangeKind::Linked => "linked",
        IdentityChangeKind::Quarantined => "quarantined",
        IdentityChangeKind::Merged => {
            let sequence = change.sequence.unwrap_or_default();
            *found.entry(("merged", sequence.to_string())).or_default() += 1;
            return;
        }
        IdentityChangeKind::Refused if reason.starts_with("blocked_value:") => {
            for identifier in &change.identifiers {
                *found.entry(("refused", format!("{} {reason}", written(identifier)))).or_default() += 1;
            }
            return;
        }
        IdentityChangeKind::Refused => return,
        IdentityChangeKind::Unmerged => "unmerged",
        IdentityChangeKind::Rekeyed => "rekeyed",
        IdentityChangeKind::Erased => "erased",
    };
    for identifier in &change.identifiers {
        *found.entry((kind, written(identifier))).or_default() += 1;
    }
}

/// What has to be told, each once.
fn expected(world: &World, aliases: &[Alias], shared: &BTreeMap<&Identifier, usize>) -> Counts {
    let own = || world.people.all.iter().flat_map(|person| &person.identifiers);
    let created = own().chain(world.people.sharers.keys()).map(|identifier| ("created", written(identifier)));
    let mut all: Counts = created.map(|name| (name, 1)).collect();
    for (index, person) in world.people.all.iter().enumerate() {
        let more: Vec<&Identifier> =
            shared.iter().filter(|(_, owner)| **owner == index).map(|(name, _)| *name).collect();
        if person.identifiers.len() + more.len() > 1 {
            let linked = person.identifiers.iter().chain(more).map(|identifier| ("linked", written(identifier)));
            all.extend(linked.map(|name| (name, 1)));
        }
    }
    all.extend(aliases.iter().map(|alias| (("merged", alias.sequence.to_string()), 1)));
    // Blocked values are told once for the leading identifier and the namespace.
    for kept in world.ledger.touches.values() {
        let touchpoint = &kept.touchpoint;
        let leader = touchpoint.identifiers.first().map(written);
        let leader = leader.unwrap_or_else(|| format!("touchpoint:{}", touchpoint.touchpoint_id));
        for refused in &touchpoint.refused_identifiers {
            all.insert(("refused", format!("{leader} {}:{}", refused.reason, refused.namespace)), 1);
        }
    }
    all
}

/// The touchpoint that is named carried the identifiers.
fn check_evidence(world: &World, name: &str, change: &IdentityChange, report: &mut Report) {
    if change.rule_version != RULE_VERSION {
        report.add(TOPIC, name, format!("rule version {RULE_VERSION}"), &change.rule_version);
    }
    let Some(kept) = world.ledger.touches.get(&change.touchpoint_id) else {
        return report.add(TOPIC, name, "a touchpoint as evidence", &change.touchpoint_id);
    };
    let touchpoint = &kept.touchpoint;
    report.count(TOPIC, name, "as time of the evidence", touchpoint.occurred_at, change.occurred_at);
    let stand_in = format!("touchpoint:{}", touchpoint.touchpoint_id);
    let carried = |identifier: &Identifier| {
        touchpoint.identifiers.contains(identifier)
            || (touchpoint.identifiers.is_empty() && written(identifier) == stand_in)
    };
    for identifier in change.identifiers.iter().filter(|identifier| !carried(identifier)) {
        report.add(TOPIC, name, format!("identifiers of {}", touchpoint.touchpoint_id), written(identifier));
    }
}

/// The persons and the sequence are those of the alias, or of the identifier.
fn check_persons(
    world: &World,
    name: &str,
    change: &IdentityChange,
    aliases: &BTreeMap<i64, &Alias>,
    report: &mut Report,
) {
    let alias = change.sequence.and_then(|sequence| aliases.get(&sequence)).copied();
    let told = (change.person_id, change.other_person_id, change.sequence.is_some());
    let expected: Option<(PersonId, Option<PersonId>, bool)> = match change.kind {
        IdentityChangeKind::Created => change.identifiers.first().map(|own| (person_of(own), None, false)),
        IdentityChangeKind::Merged => alias.map(|alias| (alias.winner, Some(alias.loser), true)),
        IdentityChangeKind::Linked => alias.map(|alias| (alias.winner, None, true)),
        IdentityChangeKind::Refused => {
            let is_own = may_belong(world, &change.touchpoint_id, change.person_id);
            is_own.then_some((change.person_id, change.other_person_id, false))
        }
        // Nobody asks for one, or rotates keys, in what the oracle tells.
        IdentityChangeKind::Unmerged | IdentityChangeKind::Rekeyed | IdentityChangeKind::Erased => None,
        IdentityChangeKind::Quarantined => {
            let shared = change.identifiers.first();
            let sharers = shared.and_then(|shared| world.people.sharers.get(shared));
            let owner = world.people.of_id.get(&change.person_id);
            let is_sharer = sharers.zip(owner).is_some_and(|(sharers, owner)| sharers.contains(owner));
            let is_own = is_sharer || shared.map(person_of) == Some(change.person_id);
            is_own.then_some((change.person_id, None, false))
        }
    };
    if expected != Some(told) {
        report.add(TOPIC, name, format!("{expected:?}"), format!("{told:?}"));
    }
    let is_refusal = change.kind == IdentityChangeKind::Refused;
    let reason = change.reason.as_deref().unwrap_or_default();
    let shares = change.identifiers.iter().any(|identifier| world.people.sharers.contains_key(identifier));
    if is_refusal && !reason.starts_with("blocked_value:") && !shares {
        report.add(TOPIC, name, "to be linked", format!("refused for {reason}"));
    }
    if change.kind == IdentityChangeKind::Quarantined && !shares {
        report.add(TOPIC, name, "to link as before", reason);
    }
}
