use super::*;

const LIMIT: u64 = 60;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn input(partition: i32) -> Partition {
    ("tributary.t".to_owned(), partition)
}

fn seen(partition: i32, next: i64, end: i64, reader: Reader) -> Seen {
    Seen { input: input(partition), next, end, reader }
}

/// Looks every 10 s from one time to another, and takes what `sight` says of every suspect.
fn watch(
    standstill: &mut Standstill,
    (from, to): (u64, u64),
    see: impl Fn(u64) -> Vec<Seen>,
    sight: impl Fn(&Suspect) -> Sight,
) -> Vec<StalledInput> {
    for second in (from..=to).step_by(10) {
        let now = at(second);
        standstill.look(now, &see(second));
        for suspect in standstill.suspects(now) {
            let found = sight(&suspect);
            standstill.judge(now, &suspect, found);
        }
    }
    standstill.stalled(at(to), "s", |_| false)
}

fn new() -> Standstill {
    Standstill::new(at(LIMIT), at(30))
}

const HERE: Reader = Reader::Worker(0);

#[test]
fn records_that_nobody_reads_for_the_limit_are_a_stall_until_the_position_moves() {
    let mut standstill = new();
    let still = |_| vec![seen(0, 100, 150, HERE), seen(1, 7, 7, HERE)];
    assert_eq!(watch(&mut standstill, (0, 50), still, |_| Sight::Record), []);
    let stalled = watch(&mut standstill, (60, 60), still, |_| Sight::Record);
    assert_eq!(stalled.len(), 1);
    assert_eq!((&stalled[0].input, stalled[0].cause, stalled[0].standing), (&input(0), Cause::Unread, at(60)));
    let said = stalled[0].to_string();
    assert!(said.contains("tributary.t-0 has stood at 100 of 150 for 60 s") && said.contains("restart this"), "{said}");
    let moved = |_| vec![seen(0, 101, 150, HERE)];
    assert_eq!(watch(&mut standstill, (70, 70), moved, |_| Sight::Record), []);
}

#[test]
fn what_comes_and_is_read_is_no_stall_however_often_a_look_finds_some_of_it_unread() {
    let mut standstill = new();
    let flow = |second: u64| vec![seen(0, second as i64 * 100, second as i64 * 100 + 40, HERE)];
    assert_eq!(watch(&mut standstill, (0, 600), flow, |_| panic!("nothing is suspect")), []);
}

#[test]
fn ends_of_transactions_and_aborted_records_are_looked_at_once_and_are_no_stall() {
    let mut standstill = new();
    let looks = std::cell::Cell::new(0);
    let nothing = |suspect: &Suspect| {
        looks.set(looks.get() + 1);
        assert_eq!((suspect.from, suspect.to), (100, 102));
        Sight::Nothing
    };
    assert_eq!(watch(&mut standstill, (0, 600), |_| vec![seen(0, 100, 102, HERE)], nothing), []);
    assert_eq!(looks.get(), 1);
    // What comes behind them has a limit of its own, and only that is looked at.
    let more = |_| vec![seen(0, 100, 110, HERE)];
    assert_eq!(watch(&mut standstill, (610, 660), more, |_| Sight::Record), []);
    let parts = std::cell::RefCell::new(Vec::new());
    let record = |suspect: &Suspect| {
        parts.borrow_mut().push((suspect.from, suspect.to));
        Sight::Record
    };
    assert_eq!(watch(&mut standstill, (670, 670), more, record).len(), 1);
    assert_eq!(*parts.borrow(), [(102, 110)]);
}

#[test]
fn a_record_that_came_a_moment_ago_behind_the_end_of_a_transaction_is_no_stall() {
    let mut standstill = new();
    let see = |second| vec![seen(0, 100, if second < 60 { 101 } else { 105 }, HERE)];
    let sight = |suspect: &Suspect| if suspect.to > 101 { Sight::Record } else { Sight::Nothing };
    assert_eq!(watch(&mut standstill, (0, 110), see, sight), []);
    assert_eq!(watch(&mut standstill, (120, 120), see, sight).len(), 1);
}

#[test]
fn a_partition_waits_for_a_backlog_of_the_same_worker_and_for_no_other() {
    let backlog = |reader| {
        move |second: u64| vec![seen(0, 100, 150, HERE), seen(1, second as i64, 10_000 + second as i64, reader)]
    };
    let mut standstill = new();
    assert_eq!(watch(&mut standstill, (0, 600), backlog(HERE), |_| Sight::Record), []);
    // The backlog is done: what comes is read from one look to the next.
    let kept_up = |second: u64| vec![seen(0, 100, 150, HERE), seen(1, second as i64, second as i64 + 5, HERE)];
    assert_eq!(watch(&mut standstill, (610, 670), kept_up, |_| Sight::Record).len(), 1);
    assert_eq!(watch(&mut standstill, (680, 700), backlog(HERE), |_| Sight::Record).len(), 1, "what was said stays");
    let mut standstill = new();
    assert_eq!(watch(&mut standstill, (0, 60), backlog(Reader::Worker(1)), |_| Sight::Record).len(), 1);
}

#[test]
fn who_restores_or_is_elsewhere_has_more_time_and_each_has_its_own() {
    for reader in [Reader::Restoring, Reader::Elsewhere] {
        let mut standstill = new();
        let still = move |_| vec![seen(0, 0, 9, reader)];
        assert_eq!(watch(&mut standstill, (0, 290), still, |_| Sight::Record), []);
        assert_eq!(watch(&mut standstill, (300, 300), still, |_| Sight::Record).len(), 1);
        // Whoever gets it now begins anew.
        assert_eq!(watch(&mut standstill, (310, 360), |_| vec![seen(0, 0, 9, HERE)], |_| Sight::Record), []);
    }
}

#[test]
fn a_worker_that_cannot_commit_has_no_stalled_input() {
    let mut standstill = new();
    assert_eq!(watch(&mut standstill, (0, 600), |_| vec![seen(0, 0, 9, Reader::Stuck)], |_| Sight::Record), []);
    assert_eq!(watch(&mut standstill, (610, 660), |_| vec![seen(0, 0, 9, HERE)], |_| Sight::Record), []);
}

#[test]
fn time_without_a_look_counts_for_nothing() {
    let mut standstill = new();
    let still = |_| vec![seen(0, 0, 9, HERE)];
    assert_eq!(watch(&mut standstill, (0, 50), still, |_| Sight::Record), []);
    assert_eq!(watch(&mut standstill, (500, 550), still, |_| Sight::Record), [], "the process slept");
    standstill.interrupted();
    assert_eq!(watch(&mut standstill, (560, 610), still, |_| Sight::Record), [], "the broker was gone");
    assert_eq!(watch(&mut standstill, (620, 620), still, |_| Sight::Record).len(), 1);
}

#[test]
fn an_open_transaction_is_named_and_what_it_hid_is_given_time() {
    let mut standstill = new();
    let still = |_| vec![seen(0, 0, 9, HERE)];
    let stalled = watch(&mut standstill, (0, 90), still, |_| Sight::OpenTransaction);
    assert_eq!(stalled[0].cause, Cause::OpenTransaction);
    assert!(stalled[0].remedy().contains("find-hanging"));
    assert_eq!(watch(&mut standstill, (100, 150), still, |_| Sight::Record), [], "it has ended");
    assert_eq!(watch(&mut standstill, (160, 160), still, |_| Sight::Record)[0].cause, Cause::Unread);
}

#[test]
fn where_nothing_is_shown_it_is_a_stall_if_records_are_missing() {
    let mut standstill = new();
    let still = |_| vec![seen(0, 0, 9, HERE), seen(1, 9, 9, HERE)];
    assert_eq!(watch(&mut standstill, (0, 60), still, |_| Sight::Nothing), []);
    let stalled = standstill.stalled(at(60), "s", |topic| topic == "tributary.t");
    assert_eq!(stalled.iter().map(|one| (&one.input, one.cause)).collect::<Vec<_>>(), [(&input(0), Cause::Hidden)]);
    let moved = |_| vec![seen(0, 9, 9, HERE), seen(1, 9, 9, HERE)];
    watch(&mut standstill, (70, 70), moved, |_| Sight::Nothing);
    assert_eq!(standstill.stalled(at(70), "s", |_| true), []);
}
