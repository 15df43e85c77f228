//! Persons that are taken apart, and put together again: the journeys end as if it had been known from the beginning who
//! is who.

use super::*;

pub(super) fn identifier(index: usize) -> Identifier {
    Identifier::new("email", format!("pseudonym-{index}"))
}

/// What happens in one random run. Persons are named by their number: those of the identifiers come first, then those that
/// were taken out of others.
#[derive(Debug, Clone)]
enum Input {
    /// A touch by an identifier, sent to the person that its owner thinks it has: any that it ever had.
    Touch(usize, u16, Box<Touchpoint>),
    Merge(u16, u16),
    /// Some identifiers of the person that this one has.
    Split(usize, u8),
}

pub(super) const IDENTIFIERS: usize = 5;

fn inputs() -> impl Strategy<Value = Vec<Input>> {
    let merges = prop::collection::vec((any::<u16>(), any::<u16>()), 2..8);
    let splits = prop::collection::vec((0..IDENTIFIERS, any::<u8>()), 1..4);
    let homes = prop::collection::vec((0..IDENTIFIERS, any::<u16>()), 30);
    (random_touchpoints(30, 40), homes, merges, splits).prop_flat_map(|(made, homes, merges, splits)| {
        let touches = made.into_iter().zip(homes);
        let mut inputs: Vec<Input> =
            touches.map(|(made, (by, at))| Input::Touch(by, at, Box::new(named(made, by)))).collect();
        inputs.extend(merges.into_iter().map(|(loser, winner)| Input::Merge(loser, winner)));
        inputs.extend(splits.into_iter().map(|(of, which)| Input::Split(of, which)));
        Just(inputs).prop_shuffle()
    })
}

pub(super) fn named(made: Touchpoint, by: usize) -> Touchpoint {
    Touchpoint { identifiers: vec![identifier(by)], ..made }
}

/// What the sequencer knows: who is who now, and who was what.
pub(super) struct Persons {
    pub(super) ids: Vec<PersonId>,
    /// The person of each identifier.
    pub(super) of: Vec<usize>,
    /// All persons that each identifier has had.
    pub(super) past: Vec<Vec<usize>>,
    /// The identifier that each person is called after.
    pub(super) first: Vec<usize>,
    /// Identifiers that were taken out of a person and have not come back to it.
    taken_out: BTreeSet<(usize, usize)>,
    /// Erased identifiers, with the number of the erasure and until when.
    pub(super) erased: BTreeMap<usize, (i64, i64)>,
    /// How many persons each of them had had by then.
    pub(super) past_of_erased: BTreeMap<usize, usize>,
    pub(super) sequence: i64,
}

impl Persons {
    pub(super) fn new() -> Self {
        Self {
            ids: (0..IDENTIFIERS).map(|index| person(&format!("p{index}"))).collect(),
            of: (0..IDENTIFIERS).collect(),
            past: (0..IDENTIFIERS).map(|index| vec![index]).collect(),
            first: (0..IDENTIFIERS).collect(),
            taken_out: BTreeSet::new(),
            erased: BTreeMap::new(),
            past_of_erased: BTreeMap::new(),
            sequence: 0,
        }
    }

    fn set(&mut self, index: usize, person: usize) {
        self.of[index] = person;
        self.past[index].push(person);
    }

    /// The persons that are themselves.
    fn roots(&self) -> Vec<usize> {
        self.of.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()
    }

    pub(super) fn merge(&mut self, hub: &mut Hub, loser: u16, winner: u16) {
        let roots = self.roots();
        let (loser, winner) = (roots[usize::from(loser) % roots.len()], roots[usize::from(winner) % roots.len()]);
        if loser == winner {
            return;
        }
        self.sequence += 1;
        for index in 0..IDENTIFIERS {
            if self.of[index] == loser {
                self.set(index, winner);
            }
        }
        let is_back = |(person, index): &(usize, usize)| *person == winner && self.of[*index] == winner;
        let returned: BTreeSet<(usize, usize)> = self.taken_out.iter().copied().filter(is_back).collect();
        self.taken_out.retain(|taken| !returned.contains(taken));
        let erased = returned.iter().filter_map(|(_, index)| Some((*index, *self.erased.get(index)?)));
        let erased: Vec<(usize, (i64, i64))> = erased.collect();
        let identifiers = returned.into_iter().map(|(_, index)| identifier(index)).collect();
        let (loser, winner, sequence) = (self.ids[loser], self.ids[winner], self.sequence);
        hub.send(topics::PERSONS, loser.to_key(), &command(PersonCommandKind::Out, loser, winner, sequence));
        for (index, (number, occurred_at)) in erased {
            let identifiers = vec![identifier(index), identifier(index)];
            let unsee = command(PersonCommandKind::Unsee, winner, winner, number);
            hub.send(topics::PERSONS, winner.to_key(), &PersonCommand { identifiers, occurred_at, ..unsee });
        }
        let arrival = command(PersonCommandKind::In, winner, loser, sequence);
        hub.send(topics::PERSONS, winner.to_key(), &PersonCommand { identifiers, ..arrival });
    }

    pub(super) fn split(&mut self, hub: &mut Hub, of: usize, which: u8) {
        let root = self.of[of];
        let is_taken =
            |index: &usize| self.of[*index] == root && *index != self.first[root] && which & (1 << index) != 0;
        let taken: Vec<usize> = (0..IDENTIFIERS).filter(is_taken).collect();
        let Some(first) = taken.first().copied() else { return };
        self.sequence += 1;
        let new = self.ids.len();
        self.ids.push(person(&format!("new-{new}")));
        self.first.push(first);
        taken.iter().for_each(|index| self.set(*index, new));
        self.taken_out.extend(taken.iter().map(|index| (root, *index)));
        let (root, new, sequence) = (self.ids[root], self.ids[new], self.sequence);
        let identifiers = taken.into_iter().map(identifier).collect();
        let split = command(PersonCommandKind::Split, root, new, sequence);
        hub.send(topics::PERSONS, root.to_key(), &PersonCommand { identifiers, ..split });
        hub.send(topics::PERSONS, new.to_key(), &command(PersonCommandKind::In, new, root, sequence));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn splits_and_merges_end_in_the_journeys_of_those_who_are_who(
        inputs in inputs(),
        schedule in prop::collection::vec(any::<u16>(), 64),
    ) {
        let mut persons = Persons::new();
        let mut hub = Hub::new(3, &small_transfers());
        let mut choices = schedule.iter().cycle().copied();
        for input in &inputs {
            match input {
                Input::Touch(by, at, made) => {
                    let past = &persons.past[*by];
                    let to = persons.ids[past[usize::from(*at) % past.len()]];
                    let via = identifier(*by);
                    let resolved = Resolved { person_id: to, via, hops: 0, touchpoint: Touchpoint::clone(made) };
                    hub.send(topics::RESOLVED, to.to_key(), &resolved);
                }
                Input::Merge(loser, winner) => persons.merge(&mut hub, *loser, *winner),
                Input::Split(of, which) => persons.split(&mut hub, *of, *which),
            }
            for _ in 0..choices.next().unwrap() % 3 {
                let choice = choices.next().unwrap();
                hub.step(choice, choice % 7 == 0);
            }
        }
        while hub.step(choices.next().unwrap(), choices.next().unwrap() % 7 == 0) {}

        let mut all_told: Vec<JourneyEvent> = Vec::new();
        for (index, person_id) in persons.ids.iter().enumerate() {
            let union: Vec<Touchpoint> = inputs.iter().filter_map(|input| match input {
                Input::Touch(by, _, made) if persons.of[*by] == index => Some(Touchpoint::clone(made)),
                _ => None,
            }).collect();
            let told = hub.told(*person_id);
            prop_assert_eq!(&told, &journey_of_union(*person_id, &union));
            let known = hub.seen(*person_id).map(|seen| seen.by.keys().cloned().collect::<BTreeSet<_>>());
            let own = union.iter().map(|made| made.touchpoint_id.clone()).collect::<BTreeSet<_>>();
            prop_assert_eq!(known.unwrap_or_default(), own, "what the step knows by identifier");
            all_told.extend(told);
        }
        prop_assert_eq!(hub.duplicate_count, 0);
        let stored: usize = hub.partitions.iter().map(|processor| processor.touches.len()).sum();
        prop_assert_eq!(stored, all_told.len());
        for processor in &hub.partitions {
            let mut waiting = 0;
            processor.persons.for_each(|_, header| waiting += usize::from(header.merge.is_pending()));
            prop_assert_eq!(waiting, 0);
        }
        check_accounts(&hub, &all_told, choices)?;
        check_restore(&mut hub, persons.ids[persons.of[0]])?;
    }
}

#[test]
fn both_know_what_was_sent_to_them_as_one_and_the_sum_beyond_the_horizon_stays() {
    let config = Config { horizon_touches: 3, ..Config::default() };
    let (ada, new) = (person("ada"), person("new"));
    let mut hub = Hub::new(2, &config);
    for index in 0..6 {
        let made = named(sale(&format!("s{index}"), START + index as i64, 10), index % 2);
        let via = identifier(index % 2);
        hub.send(topics::RESOLVED, ada.to_key(), &Resolved { person_id: ada, via, hops: 0, touchpoint: made });
    }
    hub.run();
    let before = hub.seen(ada).unwrap().clone();
    let split = command(PersonCommandKind::Split, ada, new, 1);
    hub.send(topics::PERSONS, ada.to_key(), &PersonCommand { identifiers: vec![identifier(1)], ..split });
    hub.send(topics::PERSONS, new.to_key(), &command(PersonCommandKind::In, new, ada, 1));
    hub.run();
    let ids = |person_id| -> Vec<String> {
        hub.told(person_id).into_iter().map(|event| event.touchpoint.touchpoint_id).collect()
    };
    assert_eq!(
        (ids(ada), ids(new)),
        (vec!["s0", "s1", "s2", "s4"].into_iter().map(str::to_owned).collect(), vec!["s3".to_owned(), "s5".to_owned()])
    );
    assert_eq!(hub.told(ada).last().unwrap().totals.value_minor, 40, "three beyond the horizon, and one");
    assert_eq!(hub.told(new).last().unwrap().totals.value_minor, 20);
    assert!(hub.seen(new).unwrap().touches.is_superset(&before.touches));
    hub.send(
        topics::RESOLVED,
        new.to_key(),
        &Resolved { person_id: new, via: identifier(1), hops: 0, touchpoint: named(sale("s1", START + 1, 10), 1) },
    );
    hub.run();
    assert_eq!(hub.duplicate_count, 1, "what lay beyond the horizon is known to both");
}
