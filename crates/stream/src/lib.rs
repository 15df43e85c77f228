//! The exactly-once runtime on Kafka transactions: worker, task, keyed state with changelog, event-time timers,
//! shared tables, dead letters. The only crate that names rdkafka.
//!
//! A service gives a [`Stage`]: its topics, its stores and a [`Processor`] for each task (partition). The runtime polls,
//! calls the processor, writes its [`Effects`], the changelog and the input offsets in one transaction, and rolls the
//! state back when a transaction is aborted.

mod dead_letter;
mod effects;
mod error;
mod processor;
mod record;
mod store;
mod table;
mod timers;

pub use dead_letter::{
    HEADER_CODE, HEADER_MESSAGE, HEADER_OFFSET, HEADER_PARTITION, HEADER_STAGE, HEADER_TIMESTAMP, HEADER_TOPIC,
    dead_letter,
};
pub use effects::{Drops, Effects, Timer};
pub use error::{Failure, StreamError};
pub use processor::{Processor, ProcessorFactory, Stage, TaskInfo};
pub use record::{OutRecord, Record};
pub use store::{Change, KeyedStore, OrderedStore, RestoreError, StateStore};
pub use table::Table;
pub use timers::Timers;
