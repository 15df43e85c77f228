//! Undoing merges: random evidence, random demands by hand in between, random schedules with aborts and repeats. What is
//! left is as if those who were taken apart had never met.

#![allow(clippy::expect_used)]

mod network;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use network::{ByHand, EVERYBODY, Mutation, Network, REALM, Schedule, no_limits, schedules, tight_limits, touchpoint};
use proptest::prelude::*;
use tributary_identity::{Output, Rules, Sequencer};
use tributary_model::identity::{IdentityChangeKind, MergeRequest, MergeRequestKind, MergeSide, PersonCommandKind};
use tributary_model::{Identifier, PersonId, Touchpoint};

const NAMESPACES: [&str; 4] = ["customer_id", "email", "phone", "anonymous_id"];
const HUMANS: usize = 5;
const HOUR_MS: i64 = 3_600_000;

fn identifier(index: usize) -> Identifier {
    let (human, namespace) = (index % HUMANS, index / HUMANS % NAMESPACES.len());
    Identifier::new(NAMESPACES[namespace], format!("{human}"))
}

fn any_identifier() -> impl Strategy<Value = Identifier> {
    (0..HUMANS * NAMESPACES.len()).prop_map(identifier)
}

fn touchpoints() -> impl Strategy<Value = Vec<Touchpoint>> {
    let named = prop::collection::vec(any_identifier(), 1..4);
    prop::collection::vec((named, 0..100_i64), 1..40).prop_map(|touches| {
        let one = |(number, (named, hour)): (usize, (Vec<Identifier>, i64))| {
            let named: Vec<Identifier> = named.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
            touchpoint(&format!("t-{number}"), hour * HOUR_MS, &named)
        };
        touches.into_iter().enumerate().map(one).collect()
    })
}

/// What is asked for, sometimes to be taken back later.
fn by_hand() -> impl Strategy<Value = Vec<ByHand>> {
    let one = (any_identifier(), any_identifier(), any_identifier(), 0..6_u8).prop_map(|(left, right, other, kind)| {
        let apart = ByHand::Unmerge(left.clone(), right.clone());
        match kind {
            4 | 5 => vec![ByHand::Reassign(left, right, other)],
            0 => vec![ByHand::Link(left, right)],
            1 => vec![apart],
            _ => vec![apart, ByHand::Link(left, right)],
        }
    });
    prop::collection::vec(one, 0..8).prop_map(|asked| asked.into_iter().flatten().collect())
}

fn ran(rules: &Arc<Rules>, schedule: Schedule, input: &[Touchpoint], by_hand: Vec<ByHand>) -> Network {
    let mut network = Network::new(rules, schedule, Mutation::None);
    network.run_with(input, by_hand);
    network
}

/// Identifiers by person.
fn persons(network: &Network, input: &[Touchpoint]) -> BTreeSet<BTreeSet<Identifier>> {
    let mut persons: BTreeMap<PersonId, BTreeSet<Identifier>> = BTreeMap::new();
    for named in input.iter().flat_map(|touch| &touch.identifiers) {
        persons.entry(network.person_of(named)).or_default().insert(named.clone());
    }
    persons.into_values().collect()
}

/// What a batch makes of the sequencer's whole log when it knows from the beginning who is held apart at its end.
fn from_the_beginning(log: &[MergeRequest], input: &[Touchpoint]) -> BTreeSet<BTreeSet<Identifier>> {
    let pair = |request: &MergeRequest| {
        let (left, right) = (request.left.identifier.clone(), request.right.identifier.clone());
        if left < right { (left, right) } else { (right, left) }
    };
    let mut apart = BTreeSet::new();
    for request in log {
        match request.kind {
            MergeRequestKind::Unmerge => {
                let (left, right) = pair(request);
                if left != right {
                    apart.insert((left, right));
                }
            }
            MergeRequestKind::Merge => {
                if request.by_hand.is_some() {
                    apart.remove(&pair(request));
                }
            }
            MergeRequestKind::Reassign => {
                let right = request.from.clone().expect("whose it is not");
                apart.insert(pair(&MergeRequest { right, ..request.clone() }));
                apart.remove(&pair(request));
            }
            // Nobody is erased here.
            MergeRequestKind::Rekey | MergeRequestKind::Erase => {}
        }
    }
    let all: BTreeSet<Identifier> = input.iter().flat_map(|touch| touch.identifiers.iter().cloned()).collect();
    let mut groups: Vec<BTreeSet<Identifier>> = all.into_iter().map(|one| BTreeSet::from([one])).collect();
    let joins = [MergeRequestKind::Merge, MergeRequestKind::Reassign];
    for request in log.iter().filter(|request| joins.contains(&request.kind)) {
        let place = |identifier: &Identifier| groups.iter().position(|group| group.contains(identifier));
        let (Some(left), Some(right)) = (place(&request.left.identifier), place(&request.right.identifier)) else {
            continue;
        };
        let union: BTreeSet<Identifier> = groups[left].union(&groups[right]).cloned().collect();
        if left != right && !apart.iter().any(|(one, other)| union.contains(one) && union.contains(other)) {
            groups[left] = union;
            groups.swap_remove(right);
        }
    }
    groups.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn those_who_are_taken_apart_are_as_if_they_had_never_met(
        input in touchpoints(),
        links in prop::collection::vec((any_identifier(), any_identifier()), 0..3),
        apart in (any_identifier(), any_identifier()),
        schedule in schedules(4, false),
    ) {
        let mut asked: Vec<ByHand> = links.into_iter().map(|(left, right)| ByHand::Link(left, right)).collect();
        asked.push(ByHand::Unmerge(apart.0, apart.1));
        let mut network = ran(&no_limits(), schedule, &input, asked);
        prop_assert_eq!(network.violations(&input), Vec::<String>::new());
        prop_assert_eq!(persons(&network, &input), from_the_beginning(&network.merge_log, &input));
    }

    #[test]
    fn what_is_reassigned_ends_as_if_it_had_never_been_the_ones_and_always_the_others(
        input in touchpoints(),
        links in prop::collection::vec((any_identifier(), any_identifier()), 0..3),
        (this, from, to) in (any_identifier(), any_identifier(), any_identifier()),
        schedule in schedules(4, false),
    ) {
        let mut asked: Vec<ByHand> = links.into_iter().map(|(left, right)| ByHand::Link(left, right)).collect();
        asked.push(ByHand::Reassign(this.clone(), from.clone(), to.clone()));
        let mut network = ran(&no_limits(), schedule, &input, asked);
        prop_assert_eq!(network.violations(&input), Vec::<String>::new());
        let mut log = network.merge_log.clone();
        let is_done = is_done(&network.merge_outputs);
        if !is_done {
            log.retain(|request| request.kind != MergeRequestKind::Reassign);
        }
        prop_assert_eq!(persons(&network, &input), from_the_beginning(&log, &input));
        if is_done {
            prop_assert_ne!(network.person_of(&this), network.person_of(&from));
            prop_assert_eq!(network.person_of(&this), network.person_of(&to));
        }
    }

    #[test]
    fn whatever_is_asked_for_by_hand_everything_stays_in_its_place(
        input in touchpoints(),
        asked in by_hand(),
        schedule in schedules(4, false),
        is_limited in any::<bool>(),
    ) {
        let rules = if is_limited { tight_limits(EVERYBODY) } else { no_limits() };
        let mut network = ran(&rules, schedule, &input, asked);
        prop_assert_eq!(network.violations(&input), Vec::<String>::new());
        let mut replay = Sequencer::new(REALM, Arc::clone(&rules));
        let mut outputs: Vec<Output> = Vec::new();
        let mut held = BTreeSet::new();
        for request in &network.merge_log {
            let told = outputs.len();
            replay.on_request(request, &mut outputs);
            let both_ways = |left: &MergeSide, right: &MergeSide| {
                [(left.identifier.clone(), right.identifier.clone()), (right.identifier.clone(), left.identifier.clone())]
            };
            match request.kind {
                MergeRequestKind::Unmerge => held.extend(both_ways(&request.left, &request.right)),
                MergeRequestKind::Reassign if !is_done(&outputs[told..]) => {}
                MergeRequestKind::Reassign => {
                    held.extend(both_ways(&request.left, request.from.as_ref().expect("whose it is not")));
                    let lifted = both_ways(&request.left, &request.right);
                    held.retain(|pair| !lifted.contains(pair));
                }
                _ if request.by_hand.is_some() => {
                    let lifted = both_ways(&request.left, &request.right);
                    held.retain(|pair| !lifted.contains(pair));
                }
                _ => {}
            }
        }
        prop_assert_eq!(&outputs, &network.merge_outputs);
        for person in persons(&network, &input) {
            let both = held.iter().find(|(left, right)| left != right && person.contains(left) && person.contains(right));
            let is_known = |pair: &(Identifier, Identifier)| network.watch.held.contains(pair)
                || network.watch.held.contains(&(pair.1.clone(), pair.0.clone()));
            prop_assert!(!both.is_some_and(is_known), "{both:?} are one");
        }
    }
}

#[test]
fn the_workloads_take_persons_apart_and_put_them_together_again() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[9; 32]));
    let rules = no_limits();
    let (mut splits, mut returns, mut reassigned, mut refused) = (0, 0, 0, 0);
    for _ in 0..100 {
        let strategy = (touchpoints(), by_hand(), schedules(4, false));
        let (input, asked, schedule) = strategy.new_tree(&mut runner).expect("a workload").current();
        let network = ran(&rules, schedule, &input, asked);
        splits += network.watch.split_count;
        returns += network.merge_outputs.iter().filter(|output| is_return(output)).count();
        reassigned += network.merge_log.iter().filter(|request| request.kind == MergeRequestKind::Reassign).count();
        let of_one_person = network.watch.refusals.iter().filter(|(reason, _)| reason.starts_with("one_person:"));
        refused += of_one_person.map(|(_, count)| count).sum::<usize>();
    }
    assert!(splits > 50 && returns > 20, "{splits} splits, {returns} returns");
    assert!(reassigned > 50 && refused > 5, "{reassigned} reassigned, {refused} refused");
}

/// Whether somebody was declared to be apart.
fn is_done(outputs: &[Output]) -> bool {
    outputs.iter().any(|output| matches!(output, Output::Change(change) if change.kind == IdentityChangeKind::Unmerged))
}

fn is_return(output: &Output) -> bool {
    matches!(output, Output::Person(command) if command.kind == PersonCommandKind::In && !command.identifiers.is_empty())
}

#[test]
fn what_nobody_has_seen_is_named_and_changes_nothing() {
    let rules = no_limits();
    let schedule = Schedule {
        seed: 1,
        identifier_partitions: 2,
        person_partitions: 2,
        abort: 0.0,
        repeat: 0.0,
        repeat_input: 0.0,
    };
    let known = identifier(0);
    let unknown = Identifier::new("email", "nobody");
    let input = [touchpoint("t-1", 0, std::slice::from_ref(&known))];
    let asked = vec![
        ByHand::Link(known.clone(), unknown.clone()),
        ByHand::Link(unknown.clone(), known.clone()),
        ByHand::Unmerge(known.clone(), unknown.clone()),
        ByHand::Reassign(known.clone(), known.clone(), unknown.clone()),
    ];
    let mut network = ran(&rules, schedule, &input, asked);
    assert_eq!(network.violations(&input), Vec::<String>::new());
    assert_eq!(network.watch.merge_count, 0);
    assert_eq!(network.watch.refusals.values().sum::<usize>(), 4, "{:?}", network.watch.refusals);
}
