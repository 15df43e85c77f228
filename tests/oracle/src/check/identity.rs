//! The alias table: every id ever issued resolves to the one person it stands for.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::identity::Alias;
use tributary_model::{Identifier, PersonId};

use crate::check::changes;
use crate::check::read::Reader;
use crate::check::report::Report;
use crate::names::{person_of, written};
use crate::truth::World;

const ALIASES: &str = "tributary.aliases";

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
    report.count(ALIASES, "all", "merges", (merges + linked.len()) as i64, aliases.len() as i64);
    changes::check(world, &aliases, &linked, reader, report);
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

/// A shared identifier stays alone or goes to one of those who were seen with it. Those that went, and to whom.
fn check_shared<'a>(
    world: &'a World,
    table: &Table,
    ids: &[PersonId],
    report: &mut Report,
) -> BTreeMap<&'a Identifier, usize> {
    let mut linked = BTreeMap::new();
    for (shared, sharers) in &world.people.sharers {
        let end = table.resolve(person_of(shared));
        match sharers.iter().find(|index| Some(ids[**index]) == end) {
            Some(index) => drop(linked.insert(shared, *index)),
            None if end == Some(person_of(shared)) => {}
            None => report.add(ALIASES, written(shared), "one of its sharers, or itself", format!("{end:?}")),
        }
    }
    linked
}
