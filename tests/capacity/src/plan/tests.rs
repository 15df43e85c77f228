//! Held against numbers worked out by hand.

use super::*;
use crate::costs::Changelog;
use crate::figure::Figure;
use crate::testing::{costs, stage, write};

#[track_caller]
fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-6 * expected.abs().max(1.0), "{found} is not {expected}");
}

fn state(of: Of, memory_bytes: f64) -> State {
    State {
        of,
        entries: Figure::assumed(1.0),
        memory_bytes: Figure::assumed(memory_bytes),
        changelog_bytes: Figure::assumed(100.0),
        days: None,
        most_per_partition: None,
    }
}

/// A hub of a gateway and one stage of 100 µs a record, which writes `out` once and its changelog twice a record.
fn small() -> Costs {
    let mut only = stage("only", &["raw"], 100.0);
    only.writes = vec![write("out", "record", 1.0)];
    only.changelog = Some(Changelog { records: Figure::assumed(2.0), bytes: Figure::assumed(150.0) });
    only.state = vec![state(Of::Person, 500.0)];
    costs(vec![only])
}

fn scenario() -> Scenario {
    Scenario {
        events_per_s: 27_000.0,
        persons: 8e6,
        links_per_person_day: 0.0,
        utilisation: 0.5,
        restore_s: 1e6,
        least_partitions: 1.0,
        mean_share: 0.5,
        replication: 3.0,
        gbytes_per_process: 2.0,
        workers_per_process: 2.0,
        ..Scenario::default()
    }
}

#[test]
fn workers_cores_and_memory_are_those_worked_out_by_hand() {
    let plan = Plan::new(&small(), &scenario()).unwrap();
    let only = &plan.realm.stages[1];
    // 90 ms of work and 10 ms of commit: 9,000 records a second, 4,500 of them at half load; 27,000 need six.
    near(only.worker_per_s, 9_000.0);
    near(only.workers, 6.0);
    near(plan.realm.partitions, 6.0);
    assert_eq!(plan.realm.partitions_for, "only");
    // 2.7 CPU seconds a second, twice that to be half idle.
    near(only.cores, 5.4);
    // 8 million of 500 bytes are 4 GB: two processes of 2 GB; six workers are three of two.
    near(only.processes, 3.0);
    near(only.memory_bytes, 4e9);
    // 16 million records of a changelog that is as long again, over six workers, at half a million a second.
    near(only.restore.changelog_s, 16e6 / 6.0 / 500_000.0);
    // A checkpoint of 8 million at a million a second, and 60 s of 54,000 a second from the changelog.
    near(only.restore.checkpoint_s, 8.0 / 6.0 + 54_000.0 * 60.0 / 6.0 / 500_000.0);
    near(only.restore.standby_s, 54_000.0 * 10.0 / 6.0 / 500_000.0);
    near(plan.total(|stage| stage.cores), 5.4 + 27_000.0 * 10e-6 / 0.5);
    near(plan.realms.count, 1.0);
}

#[test]
fn traffic_and_disk_are_those_worked_out_by_hand() {
    let plan = Plan::new(&small(), &scenario()).unwrap();
    let kafka = &plan.realm.kafka;
    // Each event is once on `raw` and `out` and twice on the changelog.
    near(kafka.records_per_s, 4.0 * 27_000.0);
    near(kafka.changelog_bytes_per_s, 54_000.0 * 250.0);
    // Six workers with 4,500 records a second: 45 % busy, 55 commits of 10 ms in what is left, 4,500 / 55 records in each.
    // Of six partitions nearly all get one; the changelog's own and that of the offsets come to it.
    let touched = 6.0 * (1.0 - (5.0f64 / 6.0).powf(4_500.0 / 55.0)) + 1.0 + 1.0;
    near(plan.realm.stages[1].transactions_per_s, 6.0 * 55.0);
    near(kafka.markers_per_s, 6.0 * 55.0 * touched);
    let records = 2.0 * 27_000.0 * 1_000.0 + 54_000.0 * 250.0;
    near(kafka.written_bytes_per_s, records + kafka.markers_per_s * 80.0);
    near(kafka.copied_bytes_per_s, 2.0 * kafka.written_bytes_per_s);
    near(kafka.read_bytes_per_s, 27_000.0 * 1_000.0);
    // Topics that the hub does not know are kept for a week, at half the rate; three copies. The changelog holds 8 million
    // records of 200 bytes, twice.
    let week = 2.0 * 27_000.0 * 0.5 * 604_800.0 * 1_000.0 * 3.0;
    near(kafka.stored_bytes, week + 8e6 * 200.0 * 2.0 * 3.0);
    near(kafka.stored_week_bytes, kafka.stored_bytes);
    let mut long = small();
    long.stages[1].writes[0].topic = tributary_model::topics::JOURNEYS.to_owned();
    let kafka = Plan::new(&long, &scenario()).unwrap().realm.kafka;
    near(kafka.stored_bytes, week / 2.0 * 57.0 + 8e6 * 200.0 * 2.0 * 3.0);
    near(kafka.stored_week_bytes, week + 8e6 * 200.0 * 2.0 * 3.0);
}

#[test]
fn the_commit_takes_its_part_of_a_partition() {
    let mut dear = small();
    dear.runtime.commit_ms = Figure::assumed(90.0);
    // 90 ms of work and as long a commit: half of 10,000.
    near(Plan::new(&dear, &scenario()).unwrap().realm.stages[1].worker_per_s, 5_000.0);
    let mut many = small();
    many.runtime.commit_records = Figure::assumed(100.0);
    // 100 records in 10 ms, and 10 ms of commit.
    near(Plan::new(&many, &scenario()).unwrap().realm.stages[1].worker_per_s, 5_000.0);
}

#[test]
fn memory_alone_can_ask_for_partitions() {
    let crowd = Scenario { persons: 80e6, events_per_s: 100.0, ..scenario() };
    let plan = Plan::new(&small(), &crowd).unwrap();
    // 40 GB in processes of 2 GB, each of which needs a partition to own.
    near(plan.realm.stages[1].processes, 20.0);
    near(plan.realm.partitions, 20.0);
}

#[test]
fn restoring_in_time_can_ask_for_workers() {
    let plan = Plan::new(&small(), &Scenario { restore_s: 0.5, ..scenario() }).unwrap();
    // 8 million entries, half a million of a worker in half a second: sixteen workers of two a process.
    near(plan.realm.stages[1].workers, 16.0);
    near(plan.realm.stages[1].processes, 8.0);
    near(plan.realm.partitions, 16.0);
}

#[test]
fn a_small_hub_has_room_to_grow() {
    let plan = Plan::new(&small(), &Scenario { events_per_s: 10.0, least_partitions: 4.0, ..scenario() }).unwrap();
    near(plan.realm.partitions, 4.0);
    assert_eq!(plan.realm.partitions_for, "least_partitions");
    // All partitions are left on one worker.
    near(plan.realm.stages[1].workers, 1.0);
}

/// With a sequencer of 50 µs a link and 1,000 bytes an identifier.
fn with_sequencer() -> Costs {
    let mut costs = small();
    let only = &mut costs.stages[1];
    only.writes.push(write("links", "link", 1.0));
    let mut sequencer = stage("sequencer", &["links"], 50.0);
    sequencer.alone = true;
    sequencer.state = vec![state(Of::Identifier, 1_000.0)];
    costs.stages.push(sequencer);
    costs
}

#[test]
fn a_sequencer_that_is_too_slow_or_too_small_asks_for_realms() {
    // 18,000 links a second at most, 9,000 at half load. 8 million persons with 243 links a day are 22,500 a second, and
    // twice as many at the peak: five sequencers.
    let busy = Scenario { links_per_person_day: 243.0, gbytes_per_process: 64.0, ..scenario() };
    let plan = Plan::new(&with_sequencer(), &busy).unwrap();
    near(plan.realm.sequencer.most_per_s, 18_000.0);
    near(busy.links_per_s(), 45_000.0);
    near(plan.realms.by_rate, 5.0);
    near(plan.realms.by_memory, 1.0);
    near(plan.realms.count, 5.0);
    near(plan.realm.scenario.events_per_s, 27_000.0 / 5.0);
    // 24 million identifiers of 1,000 bytes in processes of 2 GB: twelve.
    let many = Scenario { links_per_person_day: 0.01, ..scenario() };
    let plan = Plan::new(&with_sequencer(), &many).unwrap();
    near(plan.realms.by_memory, 12.0);
    near(plan.realm.sequencer.load_hours, 8e6 * 2.0 / 12.0 / 18_000.0 / 3_600.0);
    near(plan.realm.stages[2].memory_bytes, 2e9);
}

#[test]
fn changes_of_one_key_are_one_record_a_transaction() {
    let mut costs = small();
    let only = &mut costs.stages[1];
    only.writes[0].records = Figure::assumed(10.0);
    only.writes[0].most_per_transaction = Some(Figure::assumed(3.0));
    let plan = Plan::new(&costs, &scenario()).unwrap();
    // Six tasks, each of which commits 55 times a second and writes three records then, instead of 270,000.
    let written = plan.realm.kafka.records_per_s - 27_000.0 - 54_000.0;
    near(written, 6.0 * 55.0 * 3.0);
}

#[test]
fn a_bound_on_what_is_remembered_is_said() {
    let mut costs = small();
    costs.stages[1].state = vec![State {
        days: Some(Figure::assumed(2.0)),
        most_per_partition: Some(Figure::assumed(1e6)),
        ..state(Of::Event, 100.0)
    }];
    let plan = Plan::new(&costs, &scenario()).unwrap();
    // 13,500 a second in the mean fill six million places in 444 s.
    near(plan.realm.stages[1].entries, 6e6);
    assert_eq!(
        plan.realm.notes,
        ["`only` remembers events for 0.1 hours instead of 48: its bound for a partition is reached."]
    );
}

#[test]
fn markers_ask_for_brokers_and_persons_can_be_kept_apart() {
    let plan = Plan::new(&small(), &Scenario { broker_markers_per_s: 10.0, ..scenario() }).unwrap();
    let kafka = &plan.realm.kafka;
    near(kafka.brokers, (kafka.markers_per_s * 3.0 / 10.0).ceil());
    assert_eq!(kafka.brokers_for, "markers");
    let apart = Plan::new(&small(), &Scenario { least_realms: 3.0, ..scenario() }).unwrap();
    near(apart.realms.count, 3.0);
    near(apart.realm.scenario.persons, 8e6 / 3.0);
    near(apart.total(|stage| stage.cores), plan.total(|stage| stage.cores));
}

#[test]
fn a_realm_with_too_many_partitions_is_refused_with_the_remedy() {
    let mut costs = small();
    costs.runtime.commit_ms_per_partition = Figure::assumed(1.0);
    let told = Plan::new(&costs, &Scenario { events_per_s: 1e8, ..scenario() }).unwrap_err().to_string();
    assert!(told.starts_with("events_per_s = 100000000: ") && told.contains("least_realms"), "{told}");
}

#[test]
fn twice_the_rate_is_twice_the_hub_and_no_room_is_an_error() {
    let plan = |events_per_s: f64| Plan::new(&small(), &Scenario { events_per_s, ..scenario() }).unwrap();
    let (one, two) = (plan(45_000.0), plan(90_000.0));
    near(two.realm.stages[1].workers, 2.0 * one.realm.stages[1].workers);
    near(two.total(|stage| stage.cores), 2.0 * one.total(|stage| stage.cores));
    let mut costs = small();
    costs.runtime.process_mbytes = Figure::assumed(2_500.0);
    let told = Plan::new(&costs, &scenario()).unwrap_err().to_string();
    assert!(told.starts_with("gbytes_per_process = 2: ") && told.ends_with("give more memory"), "{told}");
}
