//! Erasing persons: at any moment of any schedule, with aborts and repeats, in the middle of merges and of their undoing.
//! Nothing of them is left, the others are as if they had never been, and who comes back is somebody new.

#![allow(clippy::expect_used)]

mod network;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use network::{
    ByHand, EVERYBODY, Mutation, Network, Schedule, no_limits, schedules, tight_limits, touchpoint, without_erased,
};
use proptest::prelude::*;
use tributary_identity::Rules;
use tributary_model::{Identifier, PersonId, Touchpoint};

const NAMESPACES: [&str; 4] = ["customer_id", "email", "phone", "anonymous_id"];
const HUMANS: usize = 5;
/// More than there are.
const PARTNERS: usize = 64;
/// What is erased was received up to here.
const CUT: i64 = 1_000;

fn any_identifier() -> impl Strategy<Value = Identifier> {
    (0..HUMANS * NAMESPACES.len()).prop_map(|index| {
        let (human, namespace) = (index % HUMANS, NAMESPACES[index / HUMANS]);
        Identifier::new(namespace, format!("pseudonym-of-{namespace}-{human}"))
    })
}

/// Touchpoints received at the same time, which stands behind their ids.
fn touchpoints(name: &'static str, received_at: i64, most: usize) -> impl Strategy<Value = Vec<Touchpoint>> {
    let named = prop::collection::vec(any_identifier(), 1..4);
    prop::collection::vec((named, 0..100_i64), 1..most).prop_map(move |touches| {
        let one = |(number, (named, at)): (usize, (Vec<Identifier>, i64))| {
            let named: Vec<Identifier> = named.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
            Touchpoint { received_at, ..touchpoint(&format!("{name}-{number}@{received_at}"), at, &named) }
        };
        touches.into_iter().enumerate().map(one).collect()
    })
}

/// The name of the same value under a newer key.
fn newer(identifier: &Identifier) -> Identifier {
    Identifier::new(identifier.namespace.as_str(), format!("newer-{}", identifier.value))
}

fn by_hand() -> impl Strategy<Value = Vec<ByHand>> {
    let one = (any_identifier(), any_identifier(), 0..8_u8).prop_map(|(left, right, kind)| match kind {
        0 => ByHand::Link(left, right),
        1..=3 => ByHand::Unmerge(left, right),
        4 => {
            let named = [left.clone()];
            let seen = Touchpoint { received_at: CUT, ..touchpoint("rekeyed", 0, &named) };
            let name = newer(&left);
            ByHand::Rekey(left, name, Box::new(seen))
        }
        _ => ByHand::Erase(left, CUT),
    });
    prop::collection::vec(one, 1..8)
}

fn network(rules: &Arc<Rules>, schedule: Schedule) -> Network {
    Network::with_partners(rules, schedule, Mutation::None, PARTNERS)
}

/// Identifiers by person, of those that touchpoints still tell of.
fn persons(network: &Network, told: &BTreeSet<BTreeSet<Identifier>>) -> BTreeSet<BTreeSet<Identifier>> {
    let mut persons: BTreeMap<PersonId, BTreeSet<Identifier>> = BTreeMap::new();
    for identifier in told.iter().flatten() {
        persons.entry(network.person_of(identifier)).or_default().insert(identifier.clone());
    }
    persons.into_values().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn who_is_erased_is_gone_and_the_others_are_as_without_them(
        input in touchpoints("before", CUT, 40),
        gone in prop::collection::vec(any_identifier(), 1..4),
        later in touchpoints("after", CUT + 1, 20),
        schedule in schedules(4, false),
    ) {
        let mut network = network(&no_limits(), schedule);
        network.run_with(&input, gone.into_iter().map(|one| ByHand::Erase(one, CUT)).collect());
        prop_assert_eq!(network.erasure_violations(&input), Vec::<String>::new());
        let erased = network.erased();
        let told = without_erased(&input, &[], &erased);
        prop_assert_eq!(persons(&network, &told), told);

        // Who comes back is somebody new, and one person by what is seen now.
        network.run(&later);
        let all: Vec<Touchpoint> = input.into_iter().chain(later).collect();
        prop_assert_eq!(network.erasure_violations(&all), Vec::<String>::new());
        let told = without_erased(&all, &[], &erased);
        prop_assert_eq!(persons(&network, &told), told);
    }

    #[test]
    fn whatever_is_asked_for_by_hand_who_is_erased_is_gone_and_everything_else_in_its_place(
        before in touchpoints("before", CUT, 30),
        after in touchpoints("after", CUT + 1, 15),
        asked in by_hand(),
        schedule in schedules(4, false),
        is_limited in any::<bool>(),
    ) {
        let mut network = network(&if is_limited { tight_limits(EVERYBODY) } else { no_limits() }, schedule);
        let all: Vec<Touchpoint> = before.into_iter().chain(after).collect();
        network.run_with(&all, asked);
        prop_assert_eq!(network.erasure_violations(&all), Vec::<String>::new());
    }

    #[test]
    fn who_comes_back_can_be_erased_again(
        before in touchpoints("before", CUT, 20),
        after in touchpoints("after", CUT + 1, 20),
        asked in by_hand(),
        schedule in schedules(4, false),
    ) {
        let mut network = network(&no_limits(), schedule);
        network.run_with(&before, asked);
        let all: Vec<Touchpoint> = before.into_iter().chain(after.clone()).collect();
        let again = after.iter().map(|touch| ByHand::Erase(touch.identifiers[0].clone(), CUT + 1)).collect();
        network.run_with(&after, again);
        prop_assert_eq!(network.erasure_violations(&all), Vec::<String>::new());
    }
}

#[test]
fn the_workloads_erase_persons_of_several_identifiers_in_the_middle_of_it_all() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[9; 32]));
    let (mut erasures, mut identifiers, mut splits) = (0, 0, 0);
    for _ in 0..100 {
        let strategy = (touchpoints("before", CUT, 30), by_hand(), schedules(4, false));
        let (input, asked, schedule) = strategy.new_tree(&mut runner).expect("a workload").current();
        let mut network = network(&no_limits(), schedule);
        network.run_with(&input, asked);
        erasures += network.watch.erasure_count;
        identifiers += network.erased().len();
        splits += network.watch.split_count;
    }
    assert!(erasures > 50 && identifiers > 2 * erasures && splits > 20, "{erasures}, {identifiers}, {splits}");
}
