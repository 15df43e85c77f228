//! Writing a few records as one: all of them are there, or none, under a name of which only one holder can write.

use crate::client::{Slot, TransactionError};
use crate::error::StreamError;
use crate::record::OutRecord;
use crate::settings::KafkaSettings;
use crate::transaction::Transactions;

/// Why a batch was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// Nothing of the batch was written; the same writer may try again.
    #[error("nothing of the batch was written: {0}")]
    Aborted(String),
    /// Nothing of the batch was written and this writer is of no use any more.
    #[error("nothing of the batch was written: another process has begun the same work ({0})")]
    Fenced(String),
}

/// A transactional producer outside of stages. Whoever opens one under a name ends the open transaction of the holder
/// before and fences it: what the new holder then reads, committed records only, is all that will ever come of the other.
pub struct TransactionalWriter {
    transactions: Transactions,
}

impl std::fmt::Debug for TransactionalWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TransactionalWriter")
    }
}

impl TransactionalWriter {
    /// Takes the name `transactional_id` over.
    ///
    /// # Errors
    /// [`StreamError`] when the broker does not answer or refuses.
    pub fn new(settings: &KafkaSettings, transactional_id: &str) -> Result<Self, StreamError> {
        Ok(Self { transactions: Transactions::new(settings, transactional_id)? })
    }

    /// Writes all `records`, each to the partition given with it or else to that of its key, or none of them.
    ///
    /// # Errors
    /// [`WriteError`]: then nothing was written, as far as readers of committed records see.
    pub fn write(&mut self, records: &[(OutRecord, Option<i32>)]) -> Result<(), WriteError> {
        let written = self.attempt(records);
        let Err(error) = written else { return Ok(()) };
        match (error, self.transactions.abort()) {
            (TransactionError::Abort(detail), Ok(())) => Err(WriteError::Aborted(detail)),
            (TransactionError::Fatal(detail), _) | (_, Err(TransactionError::Fatal(detail))) => {
                Err(WriteError::Fenced(detail))
            }
            (TransactionError::Abort(detail), Err(TransactionError::Abort(abort))) => {
                Err(WriteError::Fenced(format!("{detail}; and the broker does not end the transaction: {abort}")))
            }
        }
    }

    fn attempt(&mut self, records: &[(OutRecord, Option<i32>)]) -> Result<(), TransactionError> {
        self.transactions.begin()?;
        for (record, partition) in records {
            let slot = partition.map(|partition| Slot { store: 0, partition });
            self.transactions.send(record, slot)?;
        }
        self.transactions.commit_alone().map(drop)
    }
}
