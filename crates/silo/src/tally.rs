//! The sums over all persons that the measures of journeys are made of.

use std::collections::{BTreeMap, BTreeSet};

use tributary_model::Domain;

use crate::delays::Delays;
use crate::fact::{ConflictFact, Fact, FactId, TouchFact};
use crate::names::Name;
use crate::persons::{Example, Persons};

/// The most touchpoints that are shown for one kind of conflict.
const MAX_SHOWN: usize = 3;

/// What one source sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct SourceTally {
    pub(crate) touches: u64,
    /// Touches that occurred when the hub was live.
    pub(crate) live: u64,
    pub(crate) named: u64,
    pub(crate) sales: u64,
    pub(crate) named_sales: u64,
    pub(crate) late: u64,
    pub(crate) ahead: u64,
    /// Known persons of whom something came late.
    pub(crate) late_persons: u64,
    pub(crate) delays: Delays,
}

/// How often something was contradicted.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConflictTally {
    pub(crate) touches: u64,
    pub(crate) persons: u64,
    pub(crate) examples: BTreeSet<String>,
}

/// The sums. A *known* person is named by at least one touch; the others stand in for touches that name nobody.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) persons: u64,
    pub(crate) touches: u64,
    /// Known persons seen in both of two domains; on the diagonal, in one.
    pub(crate) seen: [[u64; Domain::ALL.len()]; Domain::ALL.len()],
    pub(crate) sources: BTreeMap<(Name, Domain), SourceTally>,
    /// Known persons by how many kinds of identifiers name them.
    pub(crate) by_kinds: BTreeMap<usize, u64>,
    /// Known persons that one kind alone names.
    pub(crate) by_one_kind: BTreeMap<Name, u64>,
    /// Known persons by the most narratives that they heard within 30 days.
    pub(crate) heard: BTreeMap<u8, u64>,
    /// Those who heard one narrative at a time, and nothing that contradicts it.
    pub(crate) one_story: u64,
    /// Known persons who heard something contradictory.
    pub(crate) conflicted: u64,
    pub(crate) conflicts: BTreeMap<ConflictFact, ConflictTally>,
    /// Known persons whom a team contradicted, by team.
    pub(crate) conflicted_by: BTreeMap<Name, u64>,
    /// Retractions of what was not stated.
    pub(crate) unmatched: u64,
}

impl Tally {
    /// Sums up.
    pub(crate) fn of(persons: &Persons) -> Self {
        let mut tally = Self::default();
        for (counts, examples) in persons.iter() {
            tally.add(persons, counts, examples);
        }
        tally
    }

    fn add(&mut self, persons: &Persons, counts: &[(FactId, i32)], examples: &[Example]) {
        let mut person = Sketch::default();
        for (id, count) in counts {
            let Some(fact) = persons.facts.fact(*id) else { continue };
            let Ok(times) = u64::try_from(*count) else {
                self.unmatched += if matches!(fact, Fact::Touch(_)) { u64::from(count.unsigned_abs()) } else { 0 };
                continue;
            };
            match fact {
                Fact::Touch(touch) => {
                    person.look_at(touch);
                    self.add_touch(touch, times);
                }
                Fact::KnownBy(namespace) => person.kinds.push(*namespace),
                Fact::Heard(narratives) => person.narratives = person.narratives.max(*narratives),
                Fact::Conflict(conflict) => {
                    person.conflicts.push(*conflict);
                    self.conflicts.entry(*conflict).or_default().touches += times;
                }
            }
        }
        for example in examples.iter().filter(|example| example.count > 0) {
            if let Some(Fact::Conflict(conflict)) = persons.facts.fact(example.conflict) {
                let shown = &mut self.conflicts.entry(*conflict).or_default().examples;
                shown.insert(example.touchpoint_id.to_string());
                if shown.len() > MAX_SHOWN {
                    shown.pop_last();
                }
            }
        }
        if person.is_known() {
            self.add_person(&person);
        }
    }

    fn add_touch(&mut self, touch: &TouchFact, times: u64) {
        let when = |is_so: bool| if is_so { times } else { 0 };
        self.touches += times;
        let source = self.sources.entry((touch.source, touch.domain)).or_default();
        source.touches += times;
        source.named += when(touch.is_named);
        source.sales += when(touch.is_sale);
        source.named_sales += when(touch.is_sale && touch.is_named);
        source.live += when(touch.is_live);
        source.late += when(touch.is_late);
        source.ahead += when(touch.is_ahead);
        source.delays.add(touch.delay, when(touch.is_live));
    }

    fn add_person(&mut self, person: &Sketch) {
        self.persons += 1;
        for (row, seen) in self.seen.iter_mut().enumerate() {
            for (column, both) in seen.iter_mut().enumerate() {
                *both += u64::from(person.is_in(row) && person.is_in(column));
            }
        }
        for source in &person.late_by {
            self.sources.entry(*source).or_default().late_persons += 1;
        }
        *self.by_kinds.entry(person.kinds.len()).or_default() += 1;
        if let [only] = person.kinds.as_slice() {
            *self.by_one_kind.entry(*only).or_default() += 1;
        }
        if person.narratives > 0 {
            *self.heard.entry(person.narratives).or_default() += 1;
            self.one_story += u64::from(person.narratives == 1 && person.conflicts.is_empty());
        }
        self.conflicted += u64::from(!person.conflicts.is_empty());
        for conflict in &person.conflicts {
            self.conflicts.entry(*conflict).or_default().persons += 1;
        }
        let teams: BTreeSet<Name> = person.conflicts.iter().map(|conflict| conflict.team).collect();
        for team in teams {
            *self.conflicted_by.entry(team).or_default() += 1;
        }
    }
}

/// One person while its facts are looked at.
#[derive(Debug, Default)]
struct Sketch {
    /// A bit a domain in which it is named.
    domains: u8,
    late_by: BTreeSet<(Name, Domain)>,
    kinds: Vec<Name>,
    narratives: u8,
    conflicts: Vec<ConflictFact>,
}

impl Sketch {
    fn look_at(&mut self, touch: &TouchFact) {
        if touch.is_named {
            self.domains |= 1 << touch.domain as u8;
            if touch.is_late {
                self.late_by.insert((touch.source, touch.domain));
            }
        }
    }

    fn is_known(&self) -> bool {
        self.domains != 0
    }

    fn is_in(&self, domain: usize) -> bool {
        self.domains & (1 << domain) != 0
    }
}
