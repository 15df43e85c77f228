//! Persons converge: random evidence, random schedules with aborts and repeats, against an oracle.

#![allow(clippy::expect_used)]

mod network;

use std::collections::BTreeSet;
use std::sync::Arc;

use network::{Mutation, Network, Schedule, no_limits, rules, schedules, touchpoint};
use proptest::prelude::*;
use tributary_identity::{Output, Rules, Sequencer};
use tributary_model::{Identifier, Touchpoint};

const LIMITS: &str = "
version: tight
default_limit: 0
namespaces:
  - {name: customer_id, priority: 90, unique: true, normalise: trim}
  - {name: loyalty_id, priority: 80, limit: 2, normalise: trim}
  - {name: email, priority: 70, limit: 2, normalise: email}
  - {name: phone, priority: 60, limit: 2, window_days: 3, normalise: phone}
  - {name: anonymous_id, priority: 10, limit: 0, normalise: trim}
quarantine: {max_persons: 3}
";

/// What a person has, highest priority first.
const NAMESPACES: [&str; 6] = ["customer_id", "loyalty_id", "email", "email", "phone", "anonymous_id"];
const HOUR_MS: i64 = 3_600_000;

fn identifier(person: usize, index: usize) -> Identifier {
    Identifier::new(NAMESPACES[index], format!("{person}-{index}"))
}

/// One touchpoint: a human, which of its identifiers are named, perhaps one of somebody else's, and when.
type Touch = (usize, u8, Option<(usize, usize)>, i64);

fn touches(cross: f64) -> impl Strategy<Value = Vec<Touch>> {
    let humans = 0..6_usize;
    let other = prop::option::weighted(cross, (humans.clone(), 0..NAMESPACES.len()));
    prop::collection::vec((humans, 1..64_u8, other, 0..100_i64), 1..60)
}

fn touchpoints(touches: &[Touch]) -> Vec<Touchpoint> {
    let one = |(number, (human, mask, other, hour)): (usize, &Touch)| {
        let own = (0..NAMESPACES.len()).filter(|index| mask & (1 << index) != 0);
        let mut named: BTreeSet<(usize, usize)> = own.map(|index| (index, *human)).take(3).collect();
        named.extend(other.map(|(person, index)| (index, person)));
        let identifiers: Vec<Identifier> = named.into_iter().map(|(index, person)| identifier(person, index)).collect();
        touchpoint(&format!("t-{number}"), hour * HOUR_MS, &identifiers)
    };
    touches.iter().enumerate().map(one).collect()
}

/// Any rules for what a person has: limits with and without windows, unique namespaces, quarantine early or late.
fn any_rules() -> impl Strategy<Value = Arc<Rules>> {
    let limit = (0..4_usize, prop::option::of(1..4_i64), prop::option::of(1..6_usize), prop::bool::weighted(0.2));
    let limits = prop::collection::vec(limit, NAMESPACES.len());
    (limits, 1..6_usize).prop_map(|(limits, max_persons)| {
        let mut text =
            format!("version: any\ndefault_limit: 1\nquarantine: {{max_persons: {max_persons}}}\nnamespaces:\n");
        let named: BTreeSet<&str> = NAMESPACES.into_iter().collect();
        for ((priority, name), (limit, days, max_persons, unique)) in named.into_iter().enumerate().zip(limits) {
            let rule = match (unique, days, max_persons) {
                (true, ..) => "unique: true".to_owned(),
                (false, None, None) => format!("limit: {limit}"),
                (false, Some(days), None) => format!("limit: {limit}, window_days: {days}"),
                (false, None, Some(most)) => format!("limit: {limit}, max_persons: {most}"),
                (false, Some(days), Some(most)) => format!("limit: {limit}, window_days: {days}, max_persons: {most}"),
            };
            text += &format!("  - {{name: {name}, priority: {priority}, normalise: trim, {rule}}}\n");
        }
        rules(&text)
    })
}

fn ran(rules: &Arc<Rules>, schedule: Schedule, mutation: Mutation, input: &[Touchpoint]) -> Network {
    let mut network = Network::new(rules, schedule, mutation);
    network.run(input);
    network
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn without_limits_persons_are_the_connected_components(touches in touches(0.1), schedule in schedules(6, true)) {
        let input = touchpoints(&touches);
        let mut network = ran(&no_limits(), schedule, Mutation::None, &input);
        prop_assert_eq!(network.violations(&input), Vec::<String>::new());
        prop_assert_eq!(network.component_violations(&input), Vec::<String>::new());
    }

    #[test]
    fn with_limits_no_person_ever_exceeds_one_and_the_log_replays(touches in touches(0.5), schedule in schedules(6, true)) {
        let rules = rules(LIMITS);
        let input = touchpoints(&touches);
        // A touchpoint that came twice, once before and once after the quarantine of its identifier, would be at two
        // persons: the normaliser sees to it that none does.
        let schedule = Schedule { repeat_input: 0.0, ..schedule };
        let mut network = ran(&rules, schedule, Mutation::None, &input);
        prop_assert_eq!(network.violations(&input), Vec::<String>::new());
        let mut replay = Sequencer::new(network::REALM, rules);
        let mut outputs: Vec<Output> = Vec::new();
        network.merge_log.iter().for_each(|request| replay.on_request(request, &mut outputs));
        prop_assert_eq!(outputs, network.merge_outputs);
    }

    #[test]
    fn whatever_the_rules_no_sequence_of_events_makes_a_person_exceed_a_limit(
        rules in any_rules(), touches in touches(0.5), schedule in schedules(6, true)
    ) {
        let input = touchpoints(&touches);
        let mut network = ran(&rules, Schedule { repeat_input: 0.0, ..schedule }, Mutation::None, &input);
        prop_assert_eq!(network.violations(&input), Vec::<String>::new());
    }
}

fn run_many(rules: &Arc<Rules>, cross: f64, mutation: Mutation, runs: u64) -> Vec<(Vec<String>, Network)> {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let run = |seed| {
        let touches = touches(cross).new_tree(&mut runner).expect("a workload").current();
        let input = touchpoints(&touches);
        let (identifier_partitions, person_partitions) = (3, 4);
        let (abort, repeat, repeat_input) = (0.1, 0.05, 0.0);
        let schedule = Schedule { seed, identifier_partitions, person_partitions, abort, repeat, repeat_input };
        let mut network = ran(rules, schedule, mutation, &input);
        (network.violations(&input), network)
    };
    (0..runs).map(run).collect()
}

#[test]
fn the_checks_see_an_event_dropped_at_a_tombstone() {
    let runs = run_many(&no_limits(), 0.1, Mutation::DropAtTombstone, 50);
    let lost = runs.iter().filter(|(found, _)| found.iter().any(|violation| violation.ends_with("is lost"))).count();
    assert!(lost > 25, "{lost} of 50 runs lost an event");
}

#[test]
fn the_checks_see_a_transfer_that_is_not_sent_and_one_that_does_not_move_on() {
    let runs = run_many(&no_limits(), 0.1, Mutation::NoEmptyTransfer, 50);
    let waiting = runs.iter().filter(|(found, _)| found.iter().any(|violation| violation.contains("waits"))).count();
    assert!(waiting > 25, "{waiting} of 50 runs had a merge half done");
    let runs = run_many(&no_limits(), 0.1, Mutation::KeepTransferAtTombstone, 50);
    let faulty = runs.iter().filter(|(found, _)| !found.is_empty()).count();
    assert!(faulty > 5, "{faulty} of 50 runs were faulty");
}

#[test]
fn the_workloads_with_limits_reach_every_kind_of_refusal_and_quarantine() {
    let runs = run_many(&rules(LIMITS), 0.5, Mutation::None, 100);
    let count = |prefix: &str| {
        let refusals = runs.iter().flat_map(|(_, network)| &network.watch.refusals);
        refusals.filter(|(reason, _)| reason.starts_with(prefix)).map(|(_, count)| count).sum::<usize>()
    };
    for reason in ["unique:customer_id", "limit:loyalty_id", "limit:email", "limit:phone", "shared:"] {
        assert!(count(reason) > 10, "{reason}: {}", count(reason));
    }
    let quarantined = runs.iter().filter(|(_, network)| !network.watch.quarantined.is_empty()).count();
    assert!(quarantined > 10, "{quarantined} runs");
    assert!(runs.iter().all(|(found, _)| found.is_empty()));
}

#[test]
fn of_one_event_the_lowest_identifier_is_left_out_however_its_claims_travel() {
    let rules = rules(LIMITS);
    let [first, second] = ["1", "2"].map(|value| Identifier::new("customer_id", value));
    let [card, email, phone] =
        [("loyalty_id", "l"), ("email", "e"), ("phone", "p")].map(|(n, v)| Identifier::new(n, v));
    let before =
        [touchpoint("t-1", 0, &[first.clone(), email.clone()]), touchpoint("t-2", 0, &[second.clone(), phone.clone()])];
    let event = [touchpoint("t-3", 1, &[card.clone(), email.clone(), phone.clone()])];
    for seed in 0..100 {
        let (identifier_partitions, person_partitions) = (5, 3);
        let (abort, repeat, repeat_input) = (0.3, 0.1, 0.1);
        let schedule = Schedule { seed, identifier_partitions, person_partitions, abort, repeat, repeat_input };
        let mut network = ran(&rules, schedule, Mutation::None, &before);
        network.run(&event);
        // Either could be linked to the card, but not both: they belong to two customers.
        assert_eq!(network.person_of(&card), network.person_of(&first), "seed {seed}");
        assert_eq!(network.person_of(&phone), network.person_of(&second), "seed {seed}");
        assert_eq!(network.violations(&[before.to_vec(), event.to_vec()].concat()), Vec::<String>::new());
    }
}
