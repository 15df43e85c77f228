use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tributary_model::delivery::DeliveryCommandKind;
use tributary_stream::{OutRecord, Stage};

use super::*;
use crate::outcome::{Answer, SendError};
use crate::recheck::SendWhatIsValid;
use crate::sender::Request;
use crate::stage::{Surroundings, delivery_stage_with};
use crate::tests::rig::Rig;
use crate::tests::{config, intent, noon};

/// Answers as it is told, then 200, and keeps what it was to send.
#[derive(Debug, Default)]
struct Told {
    answers: Mutex<VecDeque<u16>>,
    sent: Mutex<Vec<(String, String)>>,
}

impl Sender for Told {
    async fn send(&self, request: Request) -> Result<Answer, SendError> {
        self.sent.lock().unwrap().push((request.message_id.to_string(), request.body.to_string()));
        let status = self.answers.lock().unwrap().pop_front().unwrap_or(200);
        Ok(Answer { status, ..Answer::default() })
    }
}

#[derive(Debug)]
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now_at(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The stage with the one destination `crm`, and what it needs.
struct Bed {
    rig: Rig,
    sender: Arc<Told>,
    clock: Arc<HandClock>,
    runtime: Runtime,
}

impl Bed {
    fn new(answers: &[u16]) -> Self {
        let runtime = Runtime::new().unwrap();
        let sender = Arc::new(Told { answers: Mutex::new(answers.iter().copied().collect()), ..Told::default() });
        let clock = Arc::new(HandClock(AtomicI64::new(noon())));
        let rig = Rig::new(&stage(&sender, &clock, &runtime));
        Self { rig, sender, clock, runtime }
    }

    fn restart(&mut self) {
        self.rig.restart(&stage(&self.sender, &self.clock, &self.runtime));
    }

    fn command(&self, kind: DeliveryCommandKind, fill: impl FnOnce(&mut DeliveryCommand)) -> Record {
        let mut command = DeliveryCommand::new("crm", kind);
        fill(&mut command);
        self.rig.record(topics::DELIVERIES, command.to_key(), &command)
    }

    fn deliver(&self, decision_id: &str) -> Record {
        let intent = intent(decision_id, "sales");
        self.command(DeliveryCommandKind::Deliver, |command| command.intent = Some(intent))
    }

    /// What the request `id` is answered.
    fn ask(&mut self, kind: DeliveryCommandKind, decision_id: Option<&str>) -> String {
        let input = self.command(kind, |command| {
            command.decision_id = decision_id.map(str::to_owned);
            command.request_id = Some("r-1".to_owned());
        });
        let out = self.rig.transact(&[input], true);
        let entries = self.entries(&out);
        let answer = entries.iter().find(|entry| entry.request_id.as_deref() == Some("r-1")).unwrap();
        format!("{}: {}", answer.step, answer.detail)
    }

    fn entries(&self, out: &[OutRecord]) -> Vec<DeliveryLogEntry> {
        let of_log = out.iter().filter(|record| record.topic == topics::DELIVERY_LOG);
        of_log.map(|record| self.rig.read(record)).collect()
    }

    fn steps(&self, out: &[OutRecord]) -> Vec<String> {
        self.entries(out).into_iter().map(|entry| entry.step).collect()
    }

    /// The steps of the next transaction that the task wants by itself.
    fn next(&mut self, commits: bool) -> Vec<String> {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(out) = self.rig.wake(commits) {
                return self.steps(&out);
            }
            assert!(Instant::now() < until, "nothing comes back");
            std::thread::yield_now();
        }
    }

    /// Waits until so many were sent.
    fn until_sent(&self, count: usize) {
        let until = Instant::now() + Duration::from_secs(60);
        while self.sent().len() < count {
            assert!(Instant::now() < until, "not sent");
            std::thread::yield_now();
        }
    }

    fn sent(&self) -> Vec<(String, String)> {
        self.sender.sent.lock().unwrap().clone()
    }
}

fn stage(sender: &Arc<Told>, clock: &Arc<HandClock>, runtime: &Runtime) -> Stage {
    let around = Surroundings {
        sender: Arc::clone(sender),
        recheck: Arc::new(SendWhatIsValid),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        runtime: runtime.handle().clone(),
    };
    delivery_stage_with(&config(&[("crm", "sales")]), around).unwrap()
}

#[test]
fn a_command_becomes_a_webhook_and_its_result_is_recorded_without_any_input() {
    let mut bed = Bed::new(&[500]);
    assert_eq!(bed.rig.wake(true), None, "there is nothing to do");
    let input = bed.deliver("d-1");
    assert_eq!(bed.rig.transact(&[input], true), []);
    assert_eq!(bed.next(true), ["retrying"]);
    assert_eq!(bed.rig.wake(true), None, "it is not due yet");
    bed.clock.0.fetch_add(5_000, Ordering::Relaxed);
    assert_eq!(bed.next(true), [] as [&str; 0], "it goes out");
    assert_eq!(bed.next(true), ["delivered"]);
    assert_eq!(bed.rig.wake(true), None);
    let sent = bed.sent();
    assert_eq!((sent.len(), &sent[0].0), (2, &"d-1".to_owned()));
    assert_eq!(sent[0], sent[1]);
}

#[test]
fn an_aborted_transaction_neither_loses_a_result_nor_sends_again() {
    let mut bed = Bed::new(&[]);
    let input = bed.deliver("d-1");
    bed.rig.transact(&[input], true);
    bed.next(false);
    bed.next(false);
    assert_eq!(bed.next(true), ["delivered"]);
    assert_eq!((bed.sent().len(), bed.rig.wake(true)), (1, None));
}

#[test]
fn what_was_queued_goes_out_again_from_the_changelog_alone() {
    let mut bed = Bed::new(&[]);
    let input = bed.deliver("d-1");
    bed.rig.transact(&[input], true);
    bed.until_sent(1);
    bed.restart();
    assert_eq!(bed.next(true), [] as [&str; 0]);
    assert_eq!(bed.next(true), ["delivered"]);
    let sent = bed.sent();
    assert_eq!((sent.len(), &sent[0]), (2, &sent[1]));
}

#[test]
fn what_people_ask_for_is_done_and_answered() {
    let mut bed = Bed::new(&[410]);
    let disabled = bed.ask(DeliveryCommandKind::Disable, None);
    assert_eq!(disabled, "request_done: nothing is sent to it until it is enabled");
    let input = bed.deliver("d-1");
    bed.rig.transact(&[input], true);
    assert_eq!((bed.rig.wake(true), bed.sent().len()), (None, 0));
    assert_eq!(bed.ask(DeliveryCommandKind::Enable, None), "request_done: what waits is sent to it");
    assert_eq!(bed.next(true), ["disabled", "refused"], "410 disables it");
    assert_eq!(bed.ask(DeliveryCommandKind::Retry, None), "request_done: 0 given up deliveries are due again");
    let unknown = bed.ask(DeliveryCommandKind::Retry, Some("d-9"));
    assert!(unknown.starts_with("request_refused: no delivery of d-9 waits for destination crm"), "{unknown}");
    assert_eq!(bed.rig.dropped("unknown_delivery"), 1);
    bed.ask(DeliveryCommandKind::Enable, None);
    assert_eq!(bed.next(true), ["delivered"]);
}

#[test]
fn the_deliveries_of_an_erased_person_go() {
    let mut bed = Bed::new(&[]);
    bed.ask(DeliveryCommandKind::Disable, None);
    let inputs = [bed.deliver("d-1"), bed.deliver("d-2")];
    bed.rig.transact(&inputs, true);
    let person_id = intent("d-1", "sales").person_id;
    let erase = bed.command(DeliveryCommandKind::Erase, |command| command.person_id = Some(person_id));
    let out = bed.rig.transact(&[erase], true);
    assert_eq!(bed.steps(&out), ["erased", "erased"]);
    bed.ask(DeliveryCommandKind::Enable, None);
    assert_eq!((bed.rig.wake(true), bed.sent().len()), (None, 0));
}

#[test]
fn commands_that_nothing_can_come_of_are_refused_or_dropped() {
    let mut bed = Bed::new(&[]);
    let incomplete = bed.command(DeliveryCommandKind::Deliver, |_| ());
    let refused = bed.rig.handle(&incomplete).unwrap_err();
    assert!(refused.to_string().starts_with("incomplete_command"), "{refused}");
    let broken = bed.command(DeliveryCommandKind::Deliver, |command| {
        command.intent = Some(tributary_model::TriggerIntent { payload: "{".to_owned(), ..intent("d-1", "sales") });
    });
    let refused = bed.rig.handle(&broken).unwrap_err();
    assert!(refused.to_string().starts_with("invalid_payload"), "{refused}");
    let elsewhere = bed.command(DeliveryCommandKind::Enable, |command| "gone".clone_into(&mut command.destination));
    bed.rig.transact(&[elsewhere], true);
    assert_eq!(bed.rig.dropped("unknown_destination"), 1);
}
