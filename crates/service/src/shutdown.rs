//! One signal to stop, for threads and tasks alike.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::error::ServiceError;

/// Exit code after a second signal: 128 + SIGINT, as shells have it.
const EXIT_INTERRUPTED: i32 = 130;

/// Says that the process has to stop: clones share one state, and it never goes back.
#[derive(Debug, Clone)]
pub struct Shutdown {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    triggered: Mutex<bool>,
    changed: Condvar,
    tasks: watch::Sender<bool>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Shutdown {
    /// Not triggered yet.
    #[must_use]
    pub fn new() -> Self {
        let (tasks, _) = watch::channel(false);
        Self { shared: Arc::new(Shared { triggered: Mutex::new(false), changed: Condvar::new(), tasks }) }
    }

    /// A shutdown that SIGTERM and SIGINT trigger. A second signal ends the process at once, with code 130.
    ///
    /// # Errors
    /// [`ServiceError::Signals`] when the system refuses the handlers.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn on_signals() -> Result<Self, ServiceError> {
        let mut terminate = signal(SignalKind::terminate()).map_err(ServiceError::Signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(ServiceError::Signals)?;
        let shutdown = Self::new();
        let triggered = shutdown.clone();
        tokio::spawn(async move {
            loop {
                let name = tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                };
                if triggered.is_triggered() {
                    tracing::warn!(signal = name, "second signal: stopping without draining");
                    std::process::exit(EXIT_INTERRUPTED);
                }
                tracing::info!(signal = name, "stopping: draining what was accepted; a second signal stops at once");
                triggered.trigger();
            }
        });
        Ok(shutdown)
    }

    /// Tells all clones to stop; again is no harm.
    pub fn trigger(&self) {
        let mut triggered = self.shared.triggered.lock().unwrap_or_else(PoisonError::into_inner);
        *triggered = true;
        self.shared.changed.notify_all();
        self.shared.tasks.send_replace(true);
    }

    /// Whether it was triggered.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        *self.shared.tasks.borrow()
    }

    /// Returns when it is triggered.
    pub async fn wait(&self) {
        let mut tasks = self.shared.tasks.subscribe();
        // The sender lives in `self`, so waiting cannot fail before the value is true.
        drop(tasks.wait_for(|triggered| *triggered).await);
    }

    /// Blocks the thread until it is triggered or `timeout` has passed; says whether it was triggered.
    #[must_use]
    pub fn wait_blocking(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut triggered = self.shared.triggered.lock().unwrap_or_else(PoisonError::into_inner);
        while !*triggered {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            (triggered, _) = self.shared.changed.wait_timeout(triggered, left).unwrap_or_else(PoisonError::into_inner);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reaches_tasks_and_threads() {
        let shutdown = Shutdown::new();
        assert!(!shutdown.is_triggered());
        assert!(!shutdown.wait_blocking(Duration::from_millis(1)));

        let task = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.wait().await }
        });
        let thread = std::thread::spawn({
            let shutdown = shutdown.clone();
            move || shutdown.wait_blocking(Duration::from_secs(30))
        });
        shutdown.trigger();
        task.await.unwrap();
        assert!(thread.join().unwrap());
        assert!(shutdown.is_triggered());
        shutdown.wait().await;
    }
}
