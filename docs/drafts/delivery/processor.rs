//! The queue as a stage of the runtime: commands come in, the log goes out, and a turn of the dispatcher is part of each
//! transaction.
//!
//! This stage lives by the clock and not by the time of events: what is due is due by the clock of those who wait. So the
//! event time that it shows the runtime is the clock's, and it sets a timer for its next turn.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::runtime::Handle;
use tributary_model::delivery::{DeliveryCommand, DeliveryCommandKind, DeliveryLogEntry};
use tributary_model::topics;
use tributary_stream::{Effects, Failure, Processor, Record, Stage, StateStore, Timer};

use crate::clock::Clock;
use crate::config::Config;
use crate::delivery::DeliveryKey;
use crate::dispatcher::Dispatcher;
use crate::error::DeliveryError;
use crate::log::LogEntry;
use crate::metrics;
use crate::queue::{DELIVERIES_STORE, DESTINATIONS_STORE, Queue};
use crate::recheck::Recheck;
use crate::sender::Sender;

/// The stage that keeps the queues.
pub const DELIVERY_STAGE: &str = "delivery";

/// Drop reason: a record without a value says nothing.
const TOMBSTONE: &str = "tombstone";
/// Drop reason: the destination is not configured here any more.
const UNKNOWN_DESTINATION: &str = "unknown_destination";
/// Drop reason: what was asked for by hand is not in the queue any more.
const UNKNOWN_DELIVERY: &str = "unknown_delivery";
/// How long results may wait to be recorded.
const RESULTS_WAIT_MS: i64 = 100;
/// A turn comes at least this often while something waits, so that a process that was down for hours soon sees by the
/// clock what has become due.
const LONGEST_SLEEP_MS: i64 = 30_000;
/// The key of the one timer.
const TURN: &[u8] = b"turn";

/// What the stage needs beside its configuration.
#[derive(Debug, Clone)]
pub struct Surroundings<S, R> {
    /// Who sends; one for the process, so that connections are shared between tasks.
    pub sender: Arc<S>,
    /// Who is asked before a delayed send.
    pub recheck: Arc<R>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where sending happens.
    pub runtime: Handle,
}

/// Commands on [`topics::DELIVERIES`] become webhooks, and what became of them entries of [`topics::DELIVERY_LOG`].
///
/// # Errors
/// [`DeliveryError::Invalid`] when the configuration is wrong.
pub fn delivery_stage<S, R>(config: &Config, around: Surroundings<S, R>) -> Result<Stage, DeliveryError>
where
    S: Sender,
    R: Recheck + Send + Sync + 'static,
{
    let destinations = config.destinations()?;
    let config = config.clone();
    tributary_service::metrics::describe(metrics::CATALOGUE);
    Ok(Stage {
        name: DELIVERY_STAGE,
        leader_topics: vec![topics::DELIVERIES.to_owned()],
        sibling_topics: Vec::new(),
        stores: vec![DELIVERIES_STORE, DESTINATIONS_STORE],
        allowed_lateness_ms: 0,
        factory: Arc::new(move |_| {
            let Surroundings { sender, recheck, clock, runtime } = &around;
            Box::new(DeliveryProcessor {
                queue: Queue::of(&config, destinations.clone()),
                dispatcher: Dispatcher::new(Arc::clone(sender), Arc::clone(clock), runtime.clone()),
                recheck: Arc::clone(recheck),
                clock: Arc::clone(clock),
                own: BTreeSet::new(),
                unsettled: None,
            })
        }),
    })
}

struct DeliveryProcessor<S, R> {
    queue: Queue,
    dispatcher: Dispatcher<S>,
    recheck: Arc<R>,
    clock: Arc<dyn Clock>,
    /// The destinations whose queues are here and not at another partition: only they are shown.
    own: BTreeSet<Arc<str>>,
    /// What the transaction that was to be committed last has logged; whether it was is known when the next one begins.
    unsettled: Option<Vec<LogEntry>>,
}

impl<S: Sender, R: Recheck> DeliveryProcessor<S, R> {
    /// What came before is committed when something new begins without an abort in between.
    fn begin(&mut self) {
        if let Some(log) = self.unsettled.take() {
            self.dispatcher.committed();
            metrics::count(&log);
        }
    }

    fn show(&mut self, now_at: i64) {
        let mut overview = self.queue.overview(now_at);
        for one in &overview {
            if one.waiting + one.in_flight + one.given_up > 0 {
                self.own.insert(Arc::clone(&one.name));
            }
        }
        overview.retain(|one| self.own.contains(&one.name));
        metrics::show(&overview, now_at);
    }

    fn obey(&mut self, command: DeliveryCommand, now_at: i64, effects: &mut Effects) -> Result<(), Failure> {
        let name = command.destination.as_str();
        let outcome = match (command.kind, command.intent, command.person_id, command.decision_id) {
            (DeliveryCommandKind::Deliver, Some(intent), ..) => self.queue.enqueue_to(name, &intent, now_at),
            (DeliveryCommandKind::Erase, _, Some(person_id), _) => {
                self.queue.erase(person_id, now_at);
                Ok(())
            }
            (DeliveryCommandKind::Retry, _, _, Some(id)) => self.queue.retry(&DeliveryKey::new(name, id), now_at),
            (DeliveryCommandKind::Retry, ..) => self.queue.retry_given_up(name, now_at).map(drop),
            (DeliveryCommandKind::Disable, ..) => {
                self.queue.disable(name, &command.reason.unwrap_or_default(), now_at)
            }
            (DeliveryCommandKind::Enable, ..) => self.queue.enable(name, now_at),
            (DeliveryCommandKind::Deliver | DeliveryCommandKind::Erase, ..) => {
                return Err(Failure::Poison { code: "incomplete_command", message: "it names no intent or person".to_owned() });
            }
        };
        match outcome {
            Ok(()) => Ok(()),
            Err(DeliveryError::UnknownDestination { .. }) => {
                effects.drop_input(UNKNOWN_DESTINATION);
                Ok(())
            }
            Err(DeliveryError::UnknownDelivery { .. }) => {
                effects.drop_input(UNKNOWN_DELIVERY);
                Ok(())
            }
            Err(error) => Err(Failure::Poison { code: error.code(), message: error.to_string() }),
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
        let command = effects.contracts().decode(bytes)?;
        self.obey(command, now_at, effects)
    }

    fn on_timer(&mut self, _timer: &Timer, effects: &mut Effects) -> Result<(), Failure> {
        self.begin();
        // The turn itself is part of the commit that follows.
        effects.observe_event_time(self.clock.now_at());
        Ok(())
    }

    fn before_commit(&mut self, effects: &mut Effects) -> Result<(), Failure> {
        self.begin();
        self.dispatcher.turn(&mut self.queue, &*self.recheck);
        let now_at = self.clock.now_at();
        let log = self.queue.drain_log();
        for entry in &log {
            let record = DeliveryLogEntry::from(entry);
            effects.emit(topics::DELIVERY_LOG, record.destination.clone().into_bytes(), &record)?;
        }
        self.show(now_at);
        let results_at = (self.dispatcher.in_flight() > 0).then(|| now_at + RESULTS_WAIT_MS);
        let wakes_at = self.queue.next_wake_at().map(|at| at.clamp(now_at, now_at + LONGEST_SLEEP_MS));
        effects.cancel_timers(TURN.to_vec());
        if let Some(at) = results_at.into_iter().chain(wakes_at).min() {
            effects.set_timer(at, TURN.to_vec());
        }
        self.unsettled = Some(log);
        Ok(())
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
