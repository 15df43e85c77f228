//! The stage that keeps the queues, with what it needs of the world: a sender, a clock, threads.

use std::sync::Arc;

use tokio::runtime::{Builder, Handle, Runtime};
use tributary_model::topics;
use tributary_stream::Stage;

use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::dispatcher::Dispatcher;
use crate::error::DeliveryError;
use crate::metrics;
use crate::processor::DeliveryProcessor;
use crate::queue::{DELIVERIES_STORE, DESTINATIONS_STORE, Queue};
use crate::recheck::{AskTheJourney, Recheck};
use crate::sender::{HttpSender, Sender, SystemResolver};

/// The stage that keeps the queues.
pub const DELIVERY_STAGE: &str = "delivery";

/// Threads that send. They wait for the network nearly all the time.
const THREADS: usize = 2;

/// What the stage needs beside its configuration.
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

impl<S, R> std::fmt::Debug for Surroundings<S, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings").finish_non_exhaustive()
    }
}

/// The threads that send; they end with the stage, in the middle of what they do.
struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Commands on [`topics::DELIVERIES`] become webhooks, and what became of them entries of [`topics::DELIVERY_LOG`].
///
/// # Errors
/// [`DeliveryError`] when the configuration is wrong or there are no threads.
pub fn delivery_stage(config: &Config) -> Result<Stage, DeliveryError> {
    let runtime = Builder::new_multi_thread().worker_threads(THREADS).thread_name("webhooks").enable_all().build();
    let runtime = runtime.map_err(|error| DeliveryError::Threads(error.to_string()))?;
    let around = Surroundings {
        sender: Arc::new(HttpSender::new(config, Arc::new(SystemResolver))?),
        recheck: Arc::new(AskTheJourney),
        clock: Arc::new(SystemClock),
        runtime: runtime.handle().clone(),
    };
    let threads = Threads(Some(runtime));
    let stage = delivery_stage_with(config, around)?;
    let make = stage.factory;
    let factory = Arc::new(move |info| {
        // The threads live as long as somebody can make tasks.
        let _alive = &threads;
        make(info)
    });
    Ok(Stage { factory, ..stage })
}

/// As [`delivery_stage`], in surroundings of one's own.
///
/// # Errors
/// [`DeliveryError::Invalid`] when the configuration is wrong.
pub fn delivery_stage_with<S, R>(config: &Config, around: Surroundings<S, R>) -> Result<Stage, DeliveryError>
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
        sibling_topics: vec![topics::DELIVERY_REQUESTS.to_owned()],
        stores: vec![DELIVERIES_STORE, DESTINATIONS_STORE],
        allowed_lateness_ms: 0,
        factory: Arc::new(move |_| {
            let Surroundings { sender, recheck, clock, runtime } = &around;
            let queue = Queue::of(&config, destinations.clone());
            let dispatcher = Dispatcher::new(Arc::clone(sender), Arc::clone(clock), runtime.clone());
            Box::new(DeliveryProcessor::new(queue, dispatcher, Arc::clone(recheck), Arc::clone(clock)))
        }),
    })
}
