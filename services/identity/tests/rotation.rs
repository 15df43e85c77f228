//! Keys of pseudonyms are rotated under way: random evidence before, during and after, random schedules with aborts and
//! repeats. Persons are what they are without a rotation, and no rule sees anything of it.

#![allow(clippy::expect_used)]

mod network;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use network::{ByHand, Mutation, Network, REALM, Schedule, no_limits, schedules, tight_limits, touchpoint};
use proptest::prelude::*;
use tributary_identity::{Output, Rules, Sequencer};
use tributary_model::identity::{
    IdentifierCommandKind, IdentityChange, IdentityChangeKind, MergeRequest, MergeRequestKind, MergeSide,
};
use tributary_model::{Identifier, PersonId, Touchpoint};

const NAMESPACES: [&str; 4] = ["customer_id", "email", "phone", "anonymous_id"];
const HUMANS: usize = 4;
const VALUES: usize = HUMANS * NAMESPACES.len();
const HOUR_MS: i64 = 3_600_000;

/// A value: which human's, of which namespace.
type Value = usize;

/// What the value is called by one of the keys, 0 being the oldest.
fn name(value: Value, key: usize) -> Identifier {
    Identifier::new(NAMESPACES[value / HUMANS], format!("{}.{key}", value % HUMANS))
}

/// The same identifier by the oldest key.
fn first(identifier: &Identifier) -> Identifier {
    let (human, _) = identifier.value.split_once('.').expect("human.key");
    Identifier::new(identifier.namespace.as_str(), format!("{human}.0"))
}

/// What is named together, and when.
type Touch = (BTreeSet<Value>, i64);

/// Touches before, during and after a rotation; after it nothing is named that was seen only before it.
#[derive(Debug, Clone)]
struct Story {
    ages: [Vec<Touch>; 3],
}

impl Story {
    fn named(&self, age: usize) -> BTreeSet<Value> {
        self.ages[age].iter().flat_map(|(values, _)| values.iter().copied()).collect()
    }

    /// The touchpoints of one age, by the key that names in it.
    fn touchpoints(&self, age: usize, key: usize) -> Vec<Touchpoint> {
        let one = |(number, (values, hour)): (usize, &Touch)| {
            // Highest priority first, as the normaliser writes them.
            let identifiers: Vec<Identifier> = values.iter().map(|value| name(*value, key)).collect();
            touchpoint(&format!("t-{age}-{number}"), hour * HOUR_MS, &identifiers)
        };
        self.ages[age].iter().enumerate().map(one).collect()
    }

    /// What the normaliser tells owners while two keys are in force.
    fn rekeys(&self) -> Vec<ByHand> {
        let touchpoints = self.touchpoints(1, 0).into_iter();
        let told = touchpoints.zip(&self.ages[1]).flat_map(|(touchpoint, (values, _))| {
            values
                .iter()
                .map(move |value| ByHand::Rekey(name(*value, 0), name(*value, 1), Box::new(touchpoint.clone())))
        });
        told.collect()
    }
}

fn touches() -> impl Strategy<Value = Vec<Touch>> {
    // Mostly one human's, sometimes with somebody else's.
    let own = (0..HUMANS, 1..16_u8, prop::option::weighted(0.3, 0..VALUES), 0..100_i64);
    prop::collection::vec(own, 1..20).prop_map(|touches| {
        let one = |(human, mask, other, hour): (usize, u8, Option<Value>, i64)| {
            let named = (0..NAMESPACES.len()).filter(|namespace| mask & (1 << namespace) != 0);
            let values = named.map(|namespace| namespace * HUMANS + human).chain(other).collect();
            (values, hour)
        };
        touches.into_iter().map(one).collect()
    })
}

fn story() -> impl Strategy<Value = Story> {
    (touches(), touches(), touches()).prop_map(|(before, during, after)| {
        let mut story = Story { ages: [before, during, after] };
        let lost: BTreeSet<Value> = &story.named(0) - &story.named(1);
        for (values, _) in &mut story.ages[2] {
            values.retain(|value| !lost.contains(value));
        }
        story.ages[2].retain(|(values, _)| !values.is_empty());
        story
    })
}

/// Values by person, each looked up by the key that is in force at the end, or by the old one where that is all there is.
fn persons(network: &Network, story: &Story, is_rotated: bool) -> BTreeSet<BTreeSet<Value>> {
    let mut persons: BTreeMap<PersonId, BTreeSet<Value>> = BTreeMap::new();
    let lost: BTreeSet<Value> = &story.named(0) - &story.named(1);
    let all = (0..3).flat_map(|age| story.named(age));
    for value in all {
        let key = usize::from(is_rotated && !lost.contains(&value));
        persons.entry(network.person_of(&name(value, key))).or_default().insert(value);
    }
    persons.into_values().collect()
}

/// Through a rotation: what is asked for by hand comes after it.
fn rotated(rules: &Arc<Rules>, schedule: Schedule, story: &Story, asked: Vec<ByHand>) -> Network {
    let mut network = Network::new(rules, schedule, Mutation::None);
    network.run(&story.touchpoints(0, 0));
    network.run_with(&story.touchpoints(1, 0), story.rekeys());
    network.run_with(&story.touchpoints(2, 1), asked);
    network
}

fn all_touchpoints(story: &Story) -> Vec<Touchpoint> {
    [story.touchpoints(0, 0), story.touchpoints(1, 0), story.touchpoints(2, 1)].concat()
}

/// What was decided, by first names.
fn decisions(outputs: &[Output]) -> Vec<(IdentityChangeKind, Vec<Identifier>, Option<String>)> {
    let of = |output: &Output| match output {
        Output::Change(IdentityChange { kind, identifiers, reason, .. }) if *kind != IdentityChangeKind::Rekeyed => {
            Some((*kind, identifiers.iter().map(first).collect(), reason.clone()))
        }
        _ => None,
    };
    outputs.iter().filter_map(of).collect()
}

/// What the sequencer would have decided had nobody ever rotated a key. A value that was seen only under the newer key
/// keeps that name: of persons of one age, it decides which one the other becomes.
fn without_rotation(rules: &Arc<Rules>, log: &[MergeRequest]) -> Vec<Output> {
    let (rekeys, requests): (Vec<_>, Vec<_>) = log.iter().partition(|request| request.kind == MergeRequestKind::Rekey);
    let first_names: BTreeMap<&Identifier, &Identifier> =
        rekeys.iter().map(|request| (&request.right.identifier, &request.left.identifier)).collect();
    let first = |name: &Identifier| (*first_names.get(name).unwrap_or(&name)).clone();
    let mut sequencer = Sequencer::new(REALM, Arc::clone(rules));
    let mut outputs = Vec::new();
    for request in requests {
        let side = |side: &MergeSide| MergeSide { identifier: first(&side.identifier), ..side.clone() };
        let request = MergeRequest { left: side(&request.left), right: side(&request.right), ..request.clone() };
        sequencer.on_request(&request, &mut outputs);
    }
    outputs
}

fn by_hand() -> impl Strategy<Value = Vec<(Value, Value, bool)>> {
    prop::collection::vec((0..VALUES, 0..VALUES, any::<bool>()), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn who_is_seen_during_a_rotation_stays_who_it_is(story in story(), schedule in schedules(4, false)) {
        let rules = no_limits();
        let mut with = rotated(&rules, schedule, &story, Vec::new());
        let mut without = Network::new(&rules, schedule, Mutation::None);
        without.run(&[story.touchpoints(0, 0), story.touchpoints(1, 0), story.touchpoints(2, 0)].concat());
        prop_assert_eq!(with.violations(&all_touchpoints(&story)), Vec::<String>::new());
        prop_assert_eq!(persons(&with, &story, true), persons(&without, &story, false));
        for value in story.named(1) {
            prop_assert_eq!(with.person_of(&name(value, 0)), with.person_of(&name(value, 1)), "one value, one person");
        }
        prop_assert_eq!(
            with.watch.created_count() - with.watch.merge_count,
            persons(&with, &story, true).len(),
            "created less merged and rekeyed is the number of persons"
        );
    }

    #[test]
    fn no_rule_sees_a_rotation(story in story(), schedule in schedules(4, false), asked in by_hand()) {
        let rules = tight_limits(3);
        let known = &story.named(1) | &story.named(2);
        let asked = asked.into_iter().filter(|(left, right, _)| known.contains(left) && known.contains(right));
        let asked = asked.map(|(left, right, is_link)| match is_link {
            true => ByHand::Link(name(left, 1), name(right, 1)),
            false => ByHand::Unmerge(name(left, 1), name(right, 1)),
        });
        let mut network = rotated(&rules, schedule, &story, asked.collect());
        prop_assert_eq!(network.violations(&all_touchpoints(&story)), Vec::<String>::new());
        let expected = without_rotation(&rules, &network.merge_log);
        prop_assert_eq!(decisions(&network.merge_outputs), decisions(&expected));
        for value in story.named(1) {
            prop_assert_eq!(network.person_of(&name(value, 0)), network.person_of(&name(value, 1)));
        }
    }

    #[test]
    fn events_by_the_new_key_that_overtake_the_rotation_end_with_the_same_persons(
        story in story(), schedule in schedules(4, false),
    ) {
        let rules = no_limits();
        let mut with = Network::new(&rules, schedule, Mutation::None);
        with.run_with(&all_touchpoints(&story), story.rekeys());
        let mut without = Network::new(&rules, schedule, Mutation::None);
        without.run(&[story.touchpoints(0, 0), story.touchpoints(1, 0), story.touchpoints(2, 0)].concat());
        prop_assert_eq!(with.violations(&all_touchpoints(&story)), Vec::<String>::new());
        prop_assert_eq!(persons(&with, &story, true), persons(&without, &story, false));
    }
}

#[test]
fn the_workloads_meet_limits_quarantine_and_splits_across_a_rotation() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[5; 32]));
    let rules = tight_limits(3);
    let (mut refused, mut quarantined, mut splits, mut told) = (0, 0, 0, 0);
    for _ in 0..100 {
        let (story, schedule) = (story(), schedules(4, false)).new_tree(&mut runner).expect("a workload").current();
        let known = story.named(1);
        let pairs = known.iter().map(|value| (*value, value + HUMANS)).filter(|(_, other)| known.contains(other));
        let asked = pairs.take(3).map(|(left, right)| ByHand::Unmerge(name(left, 1), name(right, 1))).collect();
        let network = rotated(&rules, schedule, &story, asked);
        refused += network.watch.refusals.keys().filter(|reason| reason.starts_with("limit:")).count();
        quarantined += network.watch.quarantined.len();
        splits += network.watch.split_count;
        let is_of_a_newer_name = |output: &&Output| {
            matches!(output, Output::Identifier(command) if command.kind == IdentifierCommandKind::Quarantine
                && command.identifier.value.ends_with(".1"))
        };
        told += network.merge_outputs.iter().filter(is_of_a_newer_name).count();
    }
    assert!(
        refused > 20 && quarantined > 20 && splits > 20 && told > 20,
        "{refused} refused, {quarantined} quarantined, {splits} splits, {told} newer names"
    );
}

#[test]
fn who_is_not_seen_during_the_rotation_begins_anew() {
    let schedule = Schedule {
        seed: 1,
        identifier_partitions: 2,
        person_partitions: 2,
        abort: 0.0,
        repeat: 0.0,
        repeat_input: 0.0,
    };
    let touch = |values: &[Value], hour| (values.iter().copied().collect::<BTreeSet<Value>>(), hour);
    let story =
        Story { ages: [vec![touch(&[0, 4], 1), touch(&[1], 1)], vec![touch(&[0], 2)], vec![touch(&[1, 4], 3)]] };
    let network = rotated(&tight_limits(3), schedule, &story, Vec::new());
    assert_eq!(network.person_of(&name(0, 0)), network.person_of(&name(0, 1)));
    assert_eq!(network.person_of(&name(0, 0)), network.person_of(&name(4, 0)), "what was linked stays linked");
    assert_ne!(network.person_of(&name(4, 0)), network.person_of(&name(4, 1)));
    assert_ne!(network.person_of(&name(1, 0)), network.person_of(&name(1, 1)));
}
