//! Records of the open transaction that wait for each other.
//!
//! Nobody reads them before the transaction is committed, so nothing is won by sending each as it comes: the producer would
//! send a request for every few of a partition. Handed over together they make one for each partition.

use crate::client::{Slot, TransactionError};
use crate::record::OutRecord;
use crate::transaction::Transactions;

/// So much is handed over while the transaction goes on, so that a large one does not wait for all of it in the end.
const MOST_BYTES: usize = 1 << 20;

/// Records that the producer does not have yet, in order.
#[derive(Debug, Default)]
pub(crate) struct Held {
    records: Vec<(OutRecord, Option<Slot>)>,
    bytes: usize,
}

impl Held {
    pub(crate) fn add(&mut self, record: OutRecord, slot: Option<Slot>) {
        self.bytes += record.key.len() + record.value.as_ref().map_or(0, Vec::len);
        self.records.push((record, slot));
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= MOST_BYTES
    }

    /// Gives all of them to the producer.
    pub(crate) fn hand_over(&mut self, transactions: &Transactions) -> Result<(), TransactionError> {
        let handed = self.records.iter().try_for_each(|(record, slot)| transactions.send(record, *slot));
        self.clear();
        handed
    }

    /// The transaction is over, or was aborted.
    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.bytes = 0;
    }
}
