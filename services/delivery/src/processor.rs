//! The queue as a stage of the runtime: commands come in, the log goes out, and a turn of the dispatcher is part of each
//! transaction.
//!
//! This stage lives by the clock and not by the time of events: what is due is due by the clock of those who wait. So it
//! sets no timers, and tells the runtime whenever a result has come back or something is due.

mod commands;
mod shown;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tributary_model::delivery::{DeliveryCommand, DeliveryLogEntry};
use tributary_model::topics;
use tributary_stream::{Effects, Failure, Processor, Record, StateStore};

use crate::clock::Clock;
use crate::dispatcher::Dispatcher;
use crate::log::LogEntry;
use crate::metrics;
use crate::queue::Queue;
use crate::recheck::Recheck;
use crate::record::answer;
use crate::sender::Sender;
use commands::{Done, obey};
use shown::Shown;

/// Drop reason: a record without a value says nothing.
const TOMBSTONE: &str = "tombstone";

/// The queues of one task, and who sends for them.
pub(crate) struct DeliveryProcessor<S, R> {
    queue: Queue,
    dispatcher: Dispatcher<S>,
    recheck: Arc<R>,
    clock: Arc<dyn Clock>,
    shown: Shown,
    /// What the transaction that was to be committed last has logged; whether it was is known when the next one begins.
    unsettled: Option<Vec<LogEntry>>,
}

impl<S: Sender, R: Recheck> DeliveryProcessor<S, R> {
    /// Works on `queue` by `dispatcher`.
    pub(crate) fn new(queue: Queue, dispatcher: Dispatcher<S>, recheck: Arc<R>, clock: Arc<dyn Clock>) -> Self {
        Self { queue, dispatcher, recheck, clock, shown: Shown::default(), unsettled: None }
    }

    /// What came before is committed when something new begins without an abort in between.
    fn begin(&mut self) {
        if let Some(log) = self.unsettled.take() {
            self.dispatcher.committed();
            metrics::count(&log);
        }
    }
}

impl<S: Sender, R: Recheck + Send + Sync> Processor for DeliveryProcessor<S, R> {
    fn process(&mut self, input: &Record, effects: &mut Effects) -> Result<(), Failure> {
        self.begin();
        let now_at = self.clock.now_at();
        effects.observe_event_time(now_at);
        let Some(bytes) = &input.value else {
            effects.drop_input(TOMBSTONE);
            return Ok(());
        };
        let command: DeliveryCommand = effects.contracts().decode(bytes)?;
        let (destination, request_id) = (command.destination.clone(), command.request_id.clone());
        self.shown.claim(&destination);
        let outcome = match obey(&mut self.queue, command, now_at)? {
            Done::As(detail) => Ok(detail),
            Done::Nothing { reason, why } => {
                effects.drop_input(reason);
                Err(why)
            }
        };
        if let Some(request_id) = request_id {
            let entry = answer(now_at, &destination, request_id, &outcome);
            effects.emit(topics::DELIVERY_LOG, destination.into_bytes(), &entry)?;
        }
        Ok(())
    }

    fn before_commit(&mut self, effects: &mut Effects) -> Result<(), Failure> {
        self.begin();
        self.dispatcher.turn(&mut self.queue, &*self.recheck);
        let log = self.queue.drain_log();
        for entry in &log {
            let record = DeliveryLogEntry::from(entry);
            effects.emit(topics::DELIVERY_LOG, record.destination.clone().into_bytes(), &record)?;
        }
        for question in self.queue.drain_questions() {
            effects.emit(topics::RECHECKS, question.person_id.to_key(), &question)?;
        }
        self.shown.refresh(&mut self.queue, self.clock.now_at());
        self.unsettled = Some(log);
        Ok(())
    }

    fn has_work(&mut self) -> bool {
        self.begin();
        let now_at = self.clock.now_at();
        self.shown.refresh(&mut self.queue, now_at);
        self.dispatcher.has_results() || self.queue.next_wake_at().is_some_and(|at| at <= now_at)
    }

    fn on_abort(&mut self) {
        self.unsettled = None;
        self.queue.aborted();
        self.dispatcher.aborted();
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        self.queue.stores()
    }
}
