//! Against what is known of queues, and against what must hold whatever happens.

use super::*;
use crate::worker::Pace;

/// One stage whose steps take `step`, which commits as told.
fn stage(step: Time, commit_us: f64, interval_us: f64, partitions: usize, workers: usize) -> StageModel {
    StageModel {
        name: "stage".to_owned(),
        weights: vec![1.0; partitions],
        workers,
        step,
        commit: Commit {
            interval_us,
            most_records: u64::MAX,
            takes: Time::Fixed(commit_us),
            per_partition_us: 0.0,
            outputs: vec![1.0],
            partitions: 1.0,
        },
        hop_us: 0.0,
    }
}

fn model(stages: Vec<StageModel>, per_s: f64, seconds: f64) -> Model {
    Model { stages, arrivals: Arrivals::steady(per_s), seconds, grain: 1, faults: Vec::new(), seed: 7 }
}

#[track_caller]
fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found / expected - 1.0).abs() < tolerance, "{found} is not {expected}");
}

#[test]
fn with_commits_at_once_the_mean_is_that_of_pollaczek_and_khinchine() {
    for (step, square) in
        [(Time::Fixed(100.0), 0.0), (Time::Exponential(100.0), 1.0), (Time::Lognormal(100.0, 0.5), 0.25)]
    {
        for load in [0.3, 0.6, 0.8] {
            let outcome = run(&model(vec![stage(step, 0.0, 0.0, 1, 1)], load / 100e-6, 40.0));
            // Time in the system: a step, and the wait ρ/(1−ρ) · (1+c²)/2 of its mean.
            let expected_us = 100.0 * (1.0 + load / (1.0 - load) * (1.0 + square) / 2.0);
            near(outcome.mean_ms(0.0) * 1e3, expected_us, 0.05);
            near(outcome.busy_s[0] / 40.0, load, 0.02);
        }
    }
}

#[test]
fn two_stages_of_exponential_steps_add_up() {
    // Burke: what leaves M/M/1 is Poisson again.
    let steps = [100.0, 50.0].map(|us| stage(Time::Exponential(us), 0.0, 0.0, 1, 1));
    let outcome = run(&model(steps.to_vec(), 6_000.0, 60.0));
    near(outcome.mean_ms(0.0) * 1e3, 100.0 / 0.4 + 50.0 / 0.7, 0.04);
}

#[test]
fn commits_are_as_many_as_the_arithmetic_says() {
    let pace = Pace { thread_us: 100.0, interval_us: 90_000.0, most_records: 1e9 };
    for per_s in [4_000.0, 6_000.0, 8_000.0] {
        let outcome = run(&model(vec![stage(Time::Fixed(100.0), 10_000.0, 90_000.0, 1, 1)], per_s, 20.0));
        near(outcome.commits[0] as f64 / 20.0, pace.cycle(per_s, &|_| 10_000.0).commits_per_s, 0.05);
    }
}

#[test]
fn a_flood_is_handled_as_fast_as_the_arithmetic_says() {
    for most_records in [300, u64::MAX] {
        let mut only = stage(Time::Fixed(100.0), 10_000.0, 90_000.0, 1, 1);
        only.commit.most_records = most_records;
        let seconds = 20.0;
        let outcome = run(&model(vec![only], 15_000.0, seconds));
        let pace = Pace { thread_us: 100.0, interval_us: 90_000.0, most_records: most_records as f64 };
        let waiting = outcome.lag.last().unwrap();
        let done = (15_000.0 * waiting.at_s - waiting.records[0]) / waiting.at_s;
        near(done, pace.most_per_s(&|_| 10_000.0), 0.02);
    }
}

/// Three stages with commits, several workers each.
fn hub(per_s: f64, seconds: f64) -> Model {
    let stages = [20.0, 30.0, 50.0].map(|us| {
        let mut stage = stage(Time::Lognormal(us, 1.0), 3_000.0, 100_000.0, 6, 3);
        stage.hop_us = 1_000.0;
        stage.weights[0] = 1.5;
        stage
    });
    model(stages.to_vec(), per_s, seconds)
}

fn fault(kind: FaultKind) -> Fault {
    Fault { at_s: 2.0, stage: 1, kind, restore_s: 0.5, rebalance_s: 0.2 }
}

fn all_faults() -> [Fault; 5] {
    [
        fault(FaultKind::KillForGood { session_s: 1.0, transaction_s: 3.0, in_commit: true }),
        fault(FaultKind::KillAndBack(1.0)),
        fault(FaultKind::KillForGood { session_s: 1.0, transaction_s: 3.0, in_commit: false }),
        fault(FaultKind::Leave { session_s: 1.0 }),
        fault(FaultKind::Join),
    ]
}

#[test]
fn each_event_leaves_once_and_in_order_whatever_happens() {
    for seed in 0..3 {
        for fault in all_faults() {
            for stage in 0..3 {
                let faults = vec![Fault { stage, ..fault }];
                let outcome = run(&Model { faults, seed, ..hub(6_000.0, 6.0) });
                assert!(outcome.arrived > 30_000, "{outcome:?}");
                assert_eq!((outcome.left, outcome.repeated), (outcome.arrived, 0), "seed {seed}, {fault:?} in {stage}");
                assert_eq!(outcome.out_of_order, 0, "seed {seed}, {fault:?} in {stage}");
            }
        }
    }
}

#[test]
fn a_seed_says_everything() {
    let with = |seed: u64| run(&Model { faults: vec![all_faults()[0]], seed, ..hub(9_000.0, 5.0) });
    assert_eq!(with(3), with(3));
    assert_ne!(with(3).samples, with(4).samples);
}

#[test]
fn latency_grows_with_load() {
    // The last stage does 3 × 20,000 a second, less what commits take.
    let p99: Vec<f64> =
        [5_000.0, 25_000.0, 45_000.0, 52_000.0].map(|per_s| run(&hub(per_s, 6.0)).percentile(99.0, 1.0, 6.0)).to_vec();
    assert!(p99.windows(2).all(|pair| pair[0] < pair[1]), "{p99:?}");
}

#[test]
fn nothing_is_faster_than_its_commits() {
    let outcome = run(&hub(2_000.0, 5.0));
    // Three commits of 3 ms, and four times 1 ms on the way: to each stage and to the reader at the end.
    let least = outcome.samples.iter().map(|sample| sample.ms).fold(f64::INFINITY, f64::min);
    assert!((13.0..13.5).contains(&least), "{least}");
    // In a flood a transaction is as long as the interval, and a record waits for half of it in the mean.
    let step = Time::Fixed(100.0);
    let flood = |interval_us| run(&model(vec![stage(step, 1_000.0, interval_us, 1, 1)], 9_900.0, 10.0)).mean_ms(5.0);
    assert!(flood(100_000.0) > 50.0, "{}", flood(100_000.0));
}

#[test]
fn who_comes_back_at_once_is_missed_for_less_than_who_stays_away() {
    let last = |fault: Fault| {
        let outcome = run(&Model { faults: vec![Fault { stage: 2, ..fault }], ..hub(20_000.0, 20.0) });
        outcome.samples.iter().map(|sample| sample.ms).fold(0.0, f64::max)
    };
    // One second away, and two partitions to restore.
    let back = last(fault(FaultKind::KillAndBack(1.0)));
    assert!((2_000.0..2_400.0).contains(&back), "{back}");
    // Five seconds of session, the assignment, and a partition to restore beside the others: 5 + 0.2 + 2 × 0.5.
    let away = last(fault(FaultKind::KillForGood { session_s: 5.0, transaction_s: 5.0, in_commit: false }));
    assert!((6_100.0..7_500.0).contains(&away), "{away}");
}

#[test]
fn an_open_transaction_of_the_dead_holds_up_all_who_read_behind_it() {
    let away = fault(FaultKind::KillForGood { session_s: 0.1, transaction_s: 8.0, in_commit: true });
    let outcome = run(&Model { faults: vec![away], ..hub(20_000.0, 30.0) });
    // Whatever passes the partitions that it wrote to waits for the broker's timeout, also what others wrote.
    let waiting = outcome.percentile(10.0, 2.5, 3.5);
    assert!(waiting > 5_000.0, "{waiting}");
    let before = outcome.percentile(99.0, 0.5, 1.5);
    assert!(before < 100.0, "{before}");
    // Ten seconds after the start it all comes at once: 8 s of 7,700 a second before the busiest worker of the last stage,
    // which does 17,000: gone 6.6 s later.
    let again = outcome.below_again(2.0, 30.0, 2.0 * before).unwrap();
    assert!((15.0..19.0).contains(&again), "{again}");
}

#[test]
fn a_grain_of_many_records_tells_the_same_of_slow_things() {
    let p50 = |grain: u32| {
        let faults = vec![Fault {
            stage: 2,
            ..fault(FaultKind::KillForGood { session_s: 5.0, transaction_s: 5.0, in_commit: false })
        }];
        run(&Model { grain, faults, ..hub(20_000.0, 12.0) }).percentile(75.0, 2.0, 8.0)
    };
    near(p50(20), p50(1), 0.1);
}
