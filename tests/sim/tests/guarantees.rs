//! G3: the order of arrival does not matter. G4: the same log and the same clock give the same bytes.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tributary_test_oracle::Size;
use tributary_test_sim::check::{Picture, differences};
use tributary_test_sim::faults::Profile;
use tributary_test_sim::judge;
use tributary_test_sim::log::{SimLog, Stored};
use tributary_test_sim::run::{live, live_in_waves};
use tributary_test_sim::workload::{Workload, workload};

const SEEDS: std::ops::Range<u64> = 0..12;

#[test]
fn shuffled_input_gives_the_same_journeys() {
    let mut moved = 0;
    for seed in SEEDS {
        let sorted = workload(seed).unwrap();
        let mut shuffled: Workload = sorted.clone();
        shuffled.arrivals.shuffle(&mut ChaCha8Rng::seed_from_u64(seed ^ 77));
        moved += sorted.arrivals.iter().zip(&shuffled.arrivals).filter(|(one, other)| one != other).count();
        let expected = live_in_waves(&Profile::calm(2, 1), seed, sorted.waves(), false).unwrap();
        let found = live_in_waves(&Profile::calm(3, 2), seed, shuffled.waves(), false).unwrap();
        assert_eq!((expected.broken, found.broken), (Vec::new(), Vec::new()), "seed {seed}");
        let differences = differences(&Picture::new(&expected.outputs), &Picture::new(&found.outputs));
        assert_eq!(differences, Vec::<String>::new(), "seed {seed}");
    }
    assert!(moved > 100, "only {moved} records have moved");
}

#[test]
fn the_oracle_demands_the_same_for_shuffled_input() {
    for seed in SEEDS {
        let sorted = tributary_test_oracle::Workload::generate(seed, Size::SMALL);
        let shuffled = sorted.shuffled(seed);
        assert_ne!(sorted.events, shuffled.events, "seed {seed}");
        let found = live(&Profile::calm(3, 2), seed, judge::arrivals(&shuffled), false).unwrap();
        assert_eq!(found.broken, Vec::<String>::new(), "seed {seed}");
        // By the order in which they were made, so that nothing of the judgement depends on the one they came in.
        assert_eq!(judge::judge(&sorted, &found.world), Vec::<String>::new(), "seed {seed}");
    }
}

/// The committed records of a topic: partition, offset, record.
type Records = Vec<(i32, i64, Stored)>;

/// Every topic with its records, changelogs included.
fn bytes(log: &SimLog) -> Vec<(String, Records)> {
    log.topics().into_iter().map(|topic| (topic.clone(), log.committed(&topic))).collect()
}

#[test]
fn a_replay_is_byte_identical() {
    for seed in SEEDS {
        let arrivals = judge::arrivals(&tributary_test_oracle::Workload::generate(seed, Size::SMALL));
        let recorded = live(&Profile::calm(3, 2), seed, arrivals.clone(), false).unwrap();
        let replayed = live(&Profile::calm(3, 2), seed, arrivals, false).unwrap();
        let (recorded, replayed) = (bytes(recorded.world.log()), bytes(replayed.world.log()));
        assert!(recorded.iter().filter(|(_, records)| !records.is_empty()).count() > 20);
        for (recorded, replayed) in recorded.iter().zip(&replayed) {
            assert!(recorded == replayed, "seed {seed}: {} differs", recorded.0);
        }
    }
}

#[test]
fn a_run_with_faults_is_replayed_by_its_seed() {
    for seed in SEEDS {
        let arrivals = judge::arrivals(&tributary_test_oracle::Workload::generate(seed, Size::SMALL));
        let first = live(&Profile::draw(seed), seed, arrivals.clone(), false).unwrap();
        let again = live(&Profile::draw(seed), seed, arrivals, false).unwrap();
        assert_eq!(first.world.steps(), again.world.steps(), "seed {seed}");
        assert!(bytes(first.world.log()) == bytes(again.world.log()), "seed {seed}");
    }
}
