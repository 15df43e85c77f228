//! Threads that read the hub's topics into the read model while it runs: the embedded broker keeps only the tail.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tributary_schema::Contracts;
use tributary_stream::{KafkaSettings, Next, StreamError, TopicReader};

use super::read_model::ReadModel;
use crate::error::CliError;

const WAIT: Duration = Duration::from_millis(50);

/// The readers and what they have read.
#[derive(Debug)]
pub(super) struct Readers {
    model: Arc<Mutex<ReadModel>>,
    failure: Arc<Mutex<Option<StreamError>>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Starts one reader a topic.
    pub(super) fn start(
        settings: &KafkaSettings,
        contracts: &Arc<Contracts>,
        topics: Vec<String>,
    ) -> Result<Self, CliError> {
        let mut readers = Self {
            model: Arc::new(Mutex::new(ReadModel::new(Arc::clone(contracts)))),
            failure: Arc::default(),
            stop: Arc::default(),
            threads: Vec::new(),
        };
        for topic in topics {
            let (settings, model) = (settings.clone(), Arc::clone(&readers.model));
            let (failure, stop) = (Arc::clone(&readers.failure), Arc::clone(&readers.stop));
            let thread = std::thread::Builder::new().name(format!("read {topic}")).spawn(move || {
                if let Err(error) = read(&settings, &topic, &model, &stop) {
                    *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                }
            });
            readers.threads.push(thread.map_err(CliError::system("starting a reader"))?);
        }
        Ok(readers)
    }

    /// What has been read so far.
    pub(super) fn model(&self) -> MutexGuard<'_, ReadModel> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many records have been read, by topic.
    pub(super) fn read(&self) -> BTreeMap<String, i64> {
        self.model().read.clone()
    }

    /// What a reader failed with.
    pub(super) fn check(&self) -> Result<(), CliError> {
        match self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

fn read(settings: &KafkaSettings, topic: &str, model: &Mutex<ReadModel>, stop: &AtomicBool) -> Result<(), StreamError> {
    let mut reader = TopicReader::new(settings, topic)?;
    while !stop.load(Ordering::Acquire) {
        if let Next::Record(record) = reader.next(WAIT)? {
            model.lock().unwrap_or_else(PoisonError::into_inner).apply(&record);
        }
    }
    Ok(())
}
