//! The exactly-once runtime on Kafka transactions: worker, task, keyed state with changelog, event-time timers,
//! shared tables, dead letters. The only crate that names rdkafka.
//!
//! A service gives a [`Stage`]: its topics, its stores and a [`Processor`] for each task (partition). The runtime polls,
//! calls the processor, writes its [`Effects`], the changelog and the input offsets in one transaction, and rolls the
//! state back when a transaction is aborted.

mod admin;
mod assignment;
mod changelog;
mod checkpoint;
mod client;
mod dead_letter;
mod disk;
mod effects;
mod embedded;
mod error;
mod follow;
mod held;
mod input;
mod input_watch;
mod kafka_client;
mod membership;
mod metrics;
mod open_counts;
mod pace;
mod peek;
mod positions;
mod processor;
mod publisher;
mod pulse;
mod quiet;
mod reader;
mod record;
mod runtime_state;
mod setback;
mod settings;
mod stall;
mod standby;
mod stats;
mod store;
mod table;
mod takeover;
mod task;
mod transaction;
mod transactional_writer;
mod watch;
mod worker;

pub use admin::{TopicReport, TopicState, apply_topics, changelog_definitions, list_topics};
pub use checkpoint::{CheckpointFile, CheckpointFiles, Checkpoints, StateSettings, StoreKind};
pub use client::{ChangelogReader, ChangelogRecord, Client, GroupChange, Partition, Slot, Span, TransactionError};
pub use dead_letter::{
    DeadLetter, HEADER_CODE, HEADER_MESSAGE, HEADER_OFFSET, HEADER_ORIGINAL_TIMESTAMP, HEADER_PARTITION,
    HEADER_REPLAYED_FROM, HEADER_STAGE, HEADER_TIMESTAMP, HEADER_TOPIC, dead_letter,
};
pub use disk::{LoneDisk, Shelf};
pub use effects::{Drops, Effects, Timer};
pub use embedded::EmbeddedBroker;
pub use error::{Failure, StreamError};
pub use follow::follow;
pub use input_watch::InputWatch;
pub use kafka_client::KafkaClient;
pub use metrics::{METRICS, MetricDescription};
pub use positions::{InputPosition, Positions, Range, end_of, read_ranges};
pub use processor::{Processor, ProcessorFactory, Stage, TaskInfo};
pub use publisher::{BulkPublisher, PublishError, Publisher};
pub use pulse::{Pulse, PulseState};
pub use reader::{Next, TopicReader, read_to_end, run_table};
pub use record::{OutRecord, Record};
pub use runtime_state::{Count, RuntimeState};
pub use settings::{KafkaSettings, PropertiesFileError};
pub use stall::{Cause, Reader, StalledInput};
pub use standby::StandbySettings;
pub use stats::{Recovery, StageCounts, StageStats};
pub use store::{Change, EachEntry, KeyedStore, OrderedStore, RestoreError, StateStore};
pub use table::Table;
pub use task::Task;
pub use transactional_writer::{TransactionalWriter, WriteError};
pub use watch::{BrokerProbe, LagWatch, Pulses, TopicLag};
pub use worker::Worker;
