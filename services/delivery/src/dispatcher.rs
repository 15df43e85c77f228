//! Between queue and network: what is due goes out in the background, and what became of it is recorded in a later turn.
//!
//! A turn belongs to whoever holds the queue, such as the task of a stage: it is short and waits for nothing. Results
//! that a turn has recorded are kept until its transaction is committed; if it is aborted, the next turn records them
//! again. Results of a process that is killed are lost, and the deliveries are due again: at least once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::clock::Clock;
use crate::delivery::DeliveryKey;
use crate::outcome::{FailureClass, Outcome, SendError};
use crate::queue::{Finished, Lease, Queue};
use crate::recheck::Recheck;
use crate::sender::{Request, Sender};

/// Sends what is due in the background, for one queue.
pub struct Dispatcher<S> {
    sender: Arc<S>,
    clock: Arc<dyn Clock>,
    runtime: Handle,
    // No more can be in it than are on their way, which every destination limits.
    results: (UnboundedSender<Finished>, UnboundedReceiver<Finished>),
    in_flight: usize,
    /// Results to be recorded.
    arrived: VecDeque<Finished>,
    /// Results recorded in the open transaction.
    recorded: Vec<Finished>,
}

impl<S> std::fmt::Debug for Dispatcher<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher").field("in_flight", &self.in_flight).finish_non_exhaustive()
    }
}

impl<S: Sender> Dispatcher<S> {
    /// Sends by `sender`, on the threads of `runtime`.
    #[must_use]
    pub fn new(sender: Arc<S>, clock: Arc<dyn Clock>, runtime: Handle) -> Self {
        Self {
            sender,
            clock,
            runtime,
            results: unbounded_channel(),
            in_flight: 0,
            arrived: VecDeque::new(),
            recorded: Vec::new(),
        }
    }

    /// Records what has come back, and sends what is due.
    pub fn turn(&mut self, queue: &mut Queue, recheck: &dyn Recheck) {
        let now_at = self.clock.now_at();
        self.collect();
        for finished in self.arrived.drain(..) {
            queue.settle(&finished, now_at);
            self.recorded.push(finished);
        }
        for lease in queue.lease(recheck, now_at) {
            self.dispatch(&lease, now_at);
        }
    }

    /// The transaction of the turns since the last commit is committed.
    pub fn committed(&mut self) {
        self.recorded.clear();
    }

    /// The transaction of the turns since the last commit was aborted: what they recorded is recorded again.
    pub fn aborted(&mut self) {
        for finished in self.recorded.drain(..).rev() {
            self.arrived.push_front(finished);
        }
    }

    /// How many are on their way.
    #[must_use]
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether a result can be recorded.
    pub fn has_results(&mut self) -> bool {
        self.collect();
        !self.arrived.is_empty()
    }

    /// Returns when a result can be recorded; at once when nothing is on its way. It may be dropped while it waits.
    pub async fn wait(&mut self) {
        self.collect();
        if self.arrived.is_empty()
            && self.in_flight > 0
            && let Some(finished) = self.results.1.recv().await
        {
            self.arrive(finished);
        }
    }

    fn collect(&mut self) {
        while let Ok(finished) = self.results.1.try_recv() {
            self.arrive(finished);
        }
    }

    fn arrive(&mut self, finished: Finished) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.arrived.push_back(finished);
    }

    fn dispatch(&mut self, lease: &Lease, now_at: i64) {
        self.in_flight += 1;
        let request = Request::of(lease, now_at);
        let report = Report {
            results: self.results.0.clone(),
            key: lease.key.clone(),
            attempt: lease.attempt,
            ticket: lease.ticket,
            started: Instant::now(),
            outcome: None,
        };
        let (sender, clock) = (Arc::clone(&self.sender), Arc::clone(&self.clock));
        self.runtime.spawn(async move {
            let mut report = report;
            let result = Box::pin(sender.send(request)).await;
            report.outcome = Some(Outcome::of(result, clock.now_at()));
        });
    }
}

/// Reports what became of an attempt when it is dropped, so that a task that ends by a defect reports too.
struct Report {
    results: UnboundedSender<Finished>,
    key: DeliveryKey,
    attempt: u32,
    ticket: u64,
    started: Instant,
    outcome: Option<Outcome>,
}

impl Drop for Report {
    fn drop(&mut self) {
        let defect = || Outcome::of(Err(SendError::new(FailureClass::Internal, "its task ended early")), 0);
        let finished = Finished {
            key: self.key.clone(),
            attempt: self.attempt,
            ticket: self.ticket,
            outcome: self.outcome.take().unwrap_or_else(defect),
            duration_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        // Nobody waits for it any more when the dispatcher is gone.
        drop(self.results.send(finished));
    }
}
