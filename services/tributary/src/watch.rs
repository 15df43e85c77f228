//! What a process watches about itself while it works: that the broker answers, that no output is stuck, how far its inputs
//! lag behind and that none stands still, and that the accounts of the whole hub add up. It tells `/readyz` and the metrics;
//! it never acts.

mod inputs;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tributary_schema::Contracts;
use tributary_service::{Component, Health};
use tributary_stream::{BrokerProbe, KafkaSettings, Pulses, Stage};

use self::inputs::{Inputs, Missing};
use crate::error::CliError;
use crate::metrics;
use crate::reconcile::{Depth, gather, judge};

/// How often it is looked for stuck outputs.
const LOOK: Duration = Duration::from_secs(1);
/// How often the broker is asked whether it is there.
const PROBE: Duration = Duration::from_secs(3);

/// What is watched.
#[derive(Debug)]
pub struct Watched {
    /// How to reach the broker, and when an output counts as stuck and an input as stalled.
    pub settings: KafkaSettings,
    /// By which the topics are read.
    pub contracts: Arc<Contracts>,
    /// The stages of this process.
    pub stages: Vec<Stage>,
    /// Their workers.
    pub pulses: Pulses,
    /// The stages of the whole hub.
    pub all_stages: Vec<Stage>,
    /// How often the accounts are held against each other; zero is never.
    pub audit_interval: Duration,
}

/// The watch; it ends when the value goes.
#[derive(Debug)]
pub struct Watch {
    stop: Arc<AtomicBool>,
    looking: Option<JoinHandle<()>>,
}

impl Watch {
    /// Starts to watch.
    ///
    /// # Errors
    /// [`CliError`] when a client or a thread cannot be made.
    pub fn start(watched: Watched, health: &Health) -> Result<Self, CliError> {
        metrics::describe();
        let stop = Arc::new(AtomicBool::new(false));
        let looking = Looking {
            limit: Duration::from_millis(watched.settings.stuck_after_ms),
            pulses: watched.pulses.clone(),
            broker: BrokerProbe::new(&watched.settings)?,
            kafka: health.component("kafka"),
            outputs: watched
                .stages
                .iter()
                .map(|stage| (stage.name, health.component(format!("{} output", stage.name))))
                .collect(),
        };
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let stopped = Arc::clone(&stop);
        let looking =
            thread("watch").spawn(move || looking.run(&stopped)).map_err(CliError::system("starting a thread"))?;
        // These may wait for a broker that is gone, so nobody waits for them.
        let missing = Missing::default();
        let inputs = Inputs::new(&watched, missing.clone(), health)?;
        let stopped = Arc::clone(&stop);
        thread("inputs").spawn(move || inputs.run(&stopped)).map_err(CliError::system("starting a thread"))?;
        if !watched.audit_interval.is_zero() {
            let stopped = Arc::clone(&stop);
            thread("audit")
                .spawn(move || audit_until(&stopped, &watched, &missing))
                .map_err(CliError::system("starting a thread"))?;
        }
        Ok(Self { stop, looking: Some(looking) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.looking.take() {
            thread.thread().unpark();
            drop(thread.join());
        }
    }
}

/// Waits until `deadline`, or for the word to stop.
fn wait_until(deadline: Instant, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::park_timeout(left.min(LOOK));
    }
}

struct Looking {
    limit: Duration,
    pulses: Pulses,
    broker: BrokerProbe,
    kafka: Component,
    outputs: BTreeMap<&'static str, Component>,
}

impl Looking {
    fn run(mut self, stop: &AtomicBool) {
        let mut probe_at = Instant::now();
        while !stop.load(Ordering::Acquire) {
            if Instant::now() >= probe_at {
                probe_at = Instant::now() + PROBE;
                tell(&self.kafka, self.broker.ask());
            }
            let stuck = self.pulses.look(self.limit);
            for (stage, output) in &self.outputs {
                tell(output, stuck.get(stage).cloned().flatten());
            }
            wait_until(Instant::now() + LOOK, stop);
        }
    }
}

/// Tells health what is wrong, and the log when that changes the answer.
fn tell(component: &Component, wrong: Option<String>) {
    match wrong {
        None => {
            if !component.is_ready() {
                tracing::info!(component = component.name(), "in order");
            }
            component.ready();
        }
        Some(why) => {
            if component.is_ready() {
                tracing::warn!(component = component.name(), why, "not ready");
            }
            component.not_ready(why);
        }
    }
}

/// Audits until told to stop. While the broker is gone that fails; the watch says so already.
fn audit_until(stop: &AtomicBool, watched: &Watched, missing: &Missing) {
    loop {
        wait_until(Instant::now() + watched.audit_interval, stop);
        if stop.load(Ordering::Acquire) {
            return;
        }
        audit(watched, missing);
    }
}

fn audit(watched: &Watched, missing: &Missing) {
    match gather(&watched.settings, &watched.contracts, &watched.all_stages, Depth::default()) {
        Ok(facts) => {
            let audit = judge(&facts);
            for finding in &audit.findings {
                tracing::warn!(%finding, "records are not explained");
            }
            missing.note(&audit.findings);
            metrics::audited(&audit);
        }
        Err(error) => {
            tracing::warn!(%error, "the accounts could not be held against each other");
            metrics::audit_failed();
        }
    }
}
