//! The read API in this process: a thread that follows the topics of insight, and the routes that answer from them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use tributary_insight::read_api::{Keys, ReadApi, ReadModel};
use tributary_schema::Contracts;
use tributary_service::Health;
use tributary_stream::{KafkaSettings, follow, list_topics};

use crate::config::HubConfig;
use crate::error::CliError;

/// How long is waited after an outage before everything is read again.
const AGAIN: Duration = Duration::from_secs(1);

/// The read API at work.
#[derive(Debug)]
pub struct Reads {
    /// Where it is to listen.
    pub listen: SocketAddr,
    /// What it answers from.
    pub api: ReadApi,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Reads {
    /// Begins to read, when the configuration asks for the API. The process is not ready before everything was read that was
    /// there.
    ///
    /// # Errors
    /// [`CliError::System`] when the thread cannot be started. While the broker refuses later on, the process is not ready and
    /// says why.
    pub fn start(
        config: &HubConfig,
        settings: &KafkaSettings,
        contracts: &Arc<Contracts>,
        health: &Health,
    ) -> Result<Option<Self>, CliError> {
        let wanted = &config.insight.read_api;
        let Some(listen) = wanted.listen else { return Ok(None) };
        let model = Arc::new(RwLock::new(ReadModel::new(Arc::clone(contracts))));
        let stop = Arc::new(AtomicBool::new(false));
        let component = health.component("read-api");
        component.not_ready("reading the topics of insight");
        let (settings, read, stopped) = (settings.clone(), Arc::clone(&model), Arc::clone(&stop));
        let thread = std::thread::Builder::new().name("read-api".to_owned()).spawn(move || {
            let names = || Ok(ReadModel::topics(list_topics(&settings)?.into_iter().map(|(name, _)| name)));
            // What is read again after an outage says what is known, or something newer.
            while !stopped.load(Ordering::Acquire) {
                let each = |record| read.write().unwrap_or_else(PoisonError::into_inner).apply(record);
                if let Err(error) = follow(&settings, names, &stopped, each, || component.ready()) {
                    tracing::error!(%error, "the read API reads from the beginning again");
                    component.not_ready(error.to_string());
                    std::thread::park_timeout(AGAIN);
                }
            }
        });
        let thread = thread.map_err(CliError::system("starting the read API"))?;
        let keys = Arc::new(Keys::new(&wanted.keys));
        let api = ReadApi { model, keys, plan: config.insight.lift.plan() };
        Ok(Some(Self { listen, api, stop, thread: Some(thread) }))
    }
}

impl Drop for Reads {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
