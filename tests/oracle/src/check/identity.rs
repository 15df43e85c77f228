//! Aliases and `identity.changes`: every id ever issued resolves to the one person it stands for.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::PersonId;
use tributary_model::identity::{Alias, IdentityChange, IdentityChangeKind};

use crate::check::read::Reader;
use crate::check::report::Report;
use crate::names::{person_of, written};
use crate::truth::World;

const ALIASES: &str = "tributary.aliases";
const CHANGES: &str = "tributary.identity.changes";

/// The alias table.
#[derive(Debug, Default)]
struct Table(BTreeMap<PersonId, PersonId>);

impl Table {
    fn read(reader: &Reader<'_>, report: &mut Report) -> (Self, Vec<Alias>) {
        let mut table = Self::default();
        let mut aliases = Vec::new();
        let mut sequence = 0;
        for record in reader.all::<Alias>(ALIASES, report) {
            let alias = record.value;
            if alias.sequence <= sequence {
                report.add(ALIASES, alias.loser, format!("a sequence above {sequence}"), alias.sequence);
            }
            sequence = alias.sequence;
            if record.key != alias.loser.to_string() {
                report.add(ALIASES, alias.loser, "the loser as key", record.key);
            }
            if table.0.insert(alias.loser, alias.winner).is_some() {
                report.add(ALIASES, alias.loser, "one alias", "several");
            }
            aliases.push(alias);
        }
        report.count(ALIASES, "all", "merges by their sequence", sequence, aliases.len() as i64);
        (table, aliases)
    }

    /// The end of the chain; `None` when it is a circle.
    fn resolve(&self, person: PersonId) -> Option<PersonId> {
        let mut now = person;
        for _ in 0..=self.0.len() {
            match self.0.get(&now) {
                Some(next) => now = *next,
                None => return Some(now),
            }
        }
        None
    }
}

/// What each person is called in the end, in the order of the world's people.
pub(super) fn check(world: &World, reader: &Reader<'_>, report: &mut Report) -> Vec<PersonId> {
    let (table, aliases) = Table::read(reader, report);
    let ids = survivors(world, &table, report);
    let linked = check_shared(world, &table, &ids, report);
    let mut issued: BTreeSet<PersonId> = world.people.of_id.keys().copied().collect();
    issued.extend(world.people.sharers.keys().map(person_of));
    for alias in &aliases {
        for person in [alias.loser, alias.winner] {
            if !issued.contains(&person) {
                report.add(ALIASES, alias.loser, "persons that were issued", person);
            }
        }
    }
    let merges: usize = world.people.all.iter().map(|person| person.ids().len().saturating_sub(1)).sum();
    report.count(ALIASES, "all", "merges", (merges + linked) as i64, aliases.len() as i64);
    check_changes(world, &aliases, reader, report);
    ids
}

/// Where all ids of each person lead.
fn survivors(world: &World, table: &Table, report: &mut Report) -> Vec<PersonId> {
    let mut ids = Vec::new();
    let mut owners: BTreeMap<PersonId, usize> = BTreeMap::new();
    for (index, person) in world.people.all.iter().enumerate() {
        let ends: Vec<Option<PersonId>> = person.ids().into_iter().map(|id| table.resolve(id)).collect();
        let survivor = ends.first().copied().flatten();
        for (id, end) in person.ids().iter().zip(&ends).filter(|(_, end)| **end != survivor) {
            let found = end.map_or("a circle".to_owned(), |end| end.to_string());
            report.add(ALIASES, id, format!("the same person as for {}: {survivor:?}", person.name()), found);
        }
        let survivor = survivor.unwrap_or(PersonId(uuid::Uuid::nil()));
        let is_own = world.people.of_id.get(&survivor) == Some(&index)
            || person.shared.iter().any(|shared| person_of(shared) == survivor);
        if !is_own {
            report.add(ALIASES, person.name(), "to be called by one of its own ids", survivor);
        }
        if let Some(other) = owners.insert(survivor, index) {
            let other = world.people.all[other].name();
            report.add(ALIASES, survivor, format!("{} apart from {other}", person.name()), "one person");
        }
        ids.push(survivor);
    }
    ids
}

/// A shared identifier stays alone or goes to one of those who were seen with it. How many went.
fn check_shared(world: &World, table: &Table, ids: &[PersonId], report: &mut Report) -> usize {
    let mut linked = 0;
    for (shared, sharers) in &world.people.sharers {
        let end = table.resolve(person_of(shared));
        let is_with_sharer = sharers.iter().any(|index| Some(ids[*index]) == end);
        linked += usize::from(is_with_sharer);
        if !is_with_sharer && end != Some(person_of(shared)) {
            report.add(ALIASES, written(shared), "one of its sharers, or itself", format!("{end:?}"));
        }
    }
    linked
}

/// Each identifier was created once, each merge told once, each link told at most once; refusals are only those that
/// had to be.
fn check_changes(world: &World, aliases: &[Alias], reader: &Reader<'_>, report: &mut Report) {
    let mut created: BTreeMap<String, i64> = BTreeMap::new();
    let mut linked: BTreeMap<String, i64> = BTreeMap::new();
    let mut quarantined: BTreeMap<String, i64> = BTreeMap::new();
    let mut merged: BTreeMap<(PersonId, Option<PersonId>, Option<i64>), i64> = BTreeMap::new();
    let mut blocked: BTreeMap<(String, String), i64> = BTreeMap::new();
    for record in reader.all::<IdentityChange>(CHANGES, report) {
        let change = record.value;
        if record.key != change.person_id.to_string() {
            report.add(CHANGES, change.person_id, "the person as key", record.key);
        }
        let names = change.identifiers.iter().map(written);
        let reason = change.reason.clone().unwrap_or_default();
        match change.kind {
            IdentityChangeKind::Created => names.for_each(|name| *created.entry(name).or_default() += 1),
            IdentityChangeKind::Linked => names.for_each(|name| *linked.entry(name).or_default() += 1),
            IdentityChangeKind::Quarantined => names.for_each(|name| *quarantined.entry(name).or_default() += 1),
            IdentityChangeKind::Merged => {
                *merged.entry((change.person_id, change.other_person_id, change.sequence)).or_default() += 1;
            }
            IdentityChangeKind::Refused if reason.starts_with("blocked_value:") => {
                names.for_each(|name| *blocked.entry((name, reason.clone())).or_default() += 1);
            }
            IdentityChangeKind::Refused => {
                if !change.identifiers.iter().any(|identifier| world.people.sharers.contains_key(identifier)) {
                    let names: Vec<String> = names.collect();
                    report.add(CHANGES, names.join(" and "), "to be linked", format!("refused for {reason}"));
                }
            }
        }
    }
    let own = world.people.all.iter().flat_map(|person| &person.identifiers);
    let expected = own.chain(world.people.sharers.keys()).map(|identifier| (written(identifier), 1)).collect();
    compare("created", &expected, &created, report);
    let told = |alias: &Alias| ((alias.winner, Some(alias.loser), Some(alias.sequence)), 1);
    let expected: BTreeMap<_, i64> = aliases.iter().map(told).collect();
    if expected != merged {
        report.add(CHANGES, "merged", format!("each of {} aliases once", expected.len()), merged.len());
    }
    compare("refused", &refusals(world), &blocked, report);
    for (name, count) in linked.iter().chain(&quarantined).filter(|(_, count)| **count > 1) {
        report.add(CHANGES, name, "linked or quarantined at most once", count);
    }
}

/// Blocked values are told once for the leading identifier and the namespace.
fn refusals(world: &World) -> BTreeMap<(String, String), i64> {
    let mut expected = BTreeMap::new();
    for kept in world.ledger.touches.values() {
        let touchpoint = &kept.touchpoint;
        let leader = touchpoint.identifiers.first().map(written);
        let leader = leader.unwrap_or_else(|| format!("touchpoint:{}", touchpoint.touchpoint_id));
        for refused in &touchpoint.refused_identifiers {
            expected.insert((leader.clone(), format!("{}:{}", refused.reason, refused.namespace)), 1);
        }
    }
    expected
}

fn compare<K: Ord + std::fmt::Debug>(
    what: &str,
    expected: &BTreeMap<K, i64>,
    found: &BTreeMap<K, i64>,
    report: &mut Report,
) {
    let names: BTreeSet<&K> = expected.keys().chain(found.keys()).collect();
    for name in names {
        let of = |map: &BTreeMap<K, i64>| map.get(name).copied().unwrap_or(0);
        report.count(CHANGES, format!("{name:?}"), &format!("changes `{what}`"), of(expected), of(found));
    }
}
